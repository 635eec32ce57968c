//! Batch normalisation with given statistics (inference).

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

const NAME: &str = "batch_norm";

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, per channel (dimension 1). Equals `F.batch_norm(..., training=False)`
/// and ONNX `BatchNormalization`.
///
/// ```
/// use convoke::ops::BatchNorm;
/// let c = &[3][..];
/// assert_eq!(BatchNorm::new().output_shape(&[&[2, 3, 4, 5], c, c, c, c])?, [2, 3, 4, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: fewer than 2 dimensions; a parameter that is not `[channels]`; a negative or NaN `eps`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BatchNorm {
    /// Added to the variance; PyTorch's default is 1e-5.
    pub eps: f32,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { eps: 1e-5 }
    }
}

impl BatchNorm {
    /// With PyTorch's default `eps`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number added to the variance.
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }

    /// Checks the shapes of input, mean, variance, weight and bias, and gives the output's, which is the input's.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let &[input, mean, variance, weight, bias] = inputs else {
            return Err(crate::Error::invalid(
                NAME,
                format!(
                    "expected 5 inputs (input, mean, variance, weight, bias), but got {}",
                    inputs.len()
                ),
            ));
        };
        ensure!(
            input.len() >= 2,
            NAME,
            "input must have at least 2 dimensions [N, C, ..], but got shape {input:?}"
        );
        for (name, parameter) in [("mean", mean), ("variance", variance), ("weight", weight), ("bias", bias)] {
            ensure!(
                parameter == [input[1]],
                NAME,
                "{name} must have shape [{}] (the channels of input {input:?}), but got {parameter:?}",
                input[1]
            );
        }
        ensure!(
            self.eps >= 0.0 && self.eps.is_finite(),
            NAME,
            "eps must be finite and not negative, but got {}",
            self.eps
        );
        shape::element_count(NAME, input)?;
        Ok(input.to_vec())
    }
}

impl Operator for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn arity(&self) -> (usize, usize) {
        (5, 5)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs)?])
    }
}
