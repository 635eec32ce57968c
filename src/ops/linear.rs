//! The fully connected layer.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

const NAME: &str = "linear";

/// `y = x * weight^T + bias` over the last dimension: `[.., I]` with a weight `[O, I]` and an optional bias `[O]` gives
/// `[.., O]`. Equals `F.linear`; ONNX `Gemm` with `transB = 1`.
///
/// ```
/// use convoke::ops::Linear;
/// assert_eq!(Linear.output_shape(&[5, 120], &[84, 120], Some(&[84]))?, [5, 84]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a weight that is not 2-D or does not take the input's features; a bias of the wrong length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Linear;

impl Linear {
    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<Vec<usize>> {
        let &[out_features, in_features] = weight else {
            return Err(crate::Error::invalid(
                NAME,
                format!("weight must have 2 dimensions [O, I], but got shape {weight:?}"),
            ));
        };
        ensure!(
            out_features > 0 && in_features > 0,
            NAME,
            "weight must have no zero extent, but got shape {weight:?}"
        );
        let Some((&features, leading)) = input.split_last() else {
            return Err(crate::Error::invalid(
                NAME,
                "input must have at least 1 dimension, but got a scalar",
            ));
        };
        ensure!(
            features == in_features,
            NAME,
            "a weight of shape {weight:?} expects {in_features} input features, but got {features} (input {input:?})"
        );
        if let Some(bias) = bias {
            ensure!(
                bias == [out_features],
                NAME,
                "a weight of shape {weight:?} expects a bias of shape [{out_features}], but got {bias:?}"
            );
        }
        shape::element_count(NAME, input)?;
        let output = [leading, &[out_features]].concat();
        shape::element_count(NAME, &output)?;
        Ok(output)
    }
}

impl Operator for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 3)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1], inputs.get(2).copied())?])
    }
}
