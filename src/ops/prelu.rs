//! A slope for negative elements that is an input.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

/// `x` where positive, else `slope * x`, with one slope for all or one per channel (dimension 1). Equals `F.prelu`.
///
/// ```
/// use convoke::ops::PRelu;
/// assert_eq!(PRelu.output_shape(&[2, 3, 4, 5], &[3])?, [2, 3, 4, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a slope that is neither `[1]` nor `[channels]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PRelu;

impl PRelu {
    /// Checks the shapes and gives the output's, which is the input's.
    pub fn output_shape(&self, input: &[usize], slope: &[usize]) -> Result<Vec<usize>> {
        shape::element_count("prelu", input)?;
        let channels = input.get(1).copied().unwrap_or(1);
        ensure!(
            slope == [1] || slope == [channels],
            "prelu",
            "slope must have shape [1] or [{channels}] (the channels of input {input:?}), but got {slope:?}"
        );
        Ok(input.to_vec())
    }
}

impl Operator for PRelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }
}
