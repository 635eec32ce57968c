//! Joining tensors along an axis.

use super::operator::{Operator, moved};
use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::shape;

/// Joins any number of tensors along one axis; all other extents agree. Equals `torch.cat` and ONNX's `Concat`.
///
/// ```
/// use convoke::ops::Concat;
/// assert_eq!(Concat::new(1).output_shape(&[&[2, 3, 5], &[2, 4, 5]])?, [2, 7, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: no inputs; an axis out of range; inputs of different ranks, or whose other extents differ (PyTorch passes over
/// inputs of shape `[0]` whatever the rank; convoke does not).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Concat {
    /// The axis; negative counts from the end.
    pub axis: isize,
}

impl Concat {
    const NAME: &'static str = "concat";

    /// Joins along this axis.
    pub fn new(axis: isize) -> Self {
        Self { axis }
    }

    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let Some((&first, rest)) = inputs.split_first() else {
            return Err(Error::invalid(Self::NAME, "expected at least 1 input, but got none"));
        };
        let axis = self.resolved_axis(first)?;
        let mut output = first.to_vec();
        for (index, &input) in (1..).zip(rest) {
            let others_agree = input.len() == first.len() && (0..first.len()).all(|i| i == axis || input[i] == first[i]);
            ensure!(
                others_agree,
                Self::NAME,
                "inputs must agree in every extent but that of axis {axis}: input 0 is {first:?}, input {index} is {input:?}"
            );
            output[axis] = output[axis].checked_add(input[axis]).ok_or_else(|| {
                Error::invalid(
                    Self::NAME,
                    format!("the extents along axis {axis} have a sum that cannot be counted"),
                )
            })?;
        }
        shape::element_count(Self::NAME, &output)?;
        Ok(output)
    }

    pub(crate) fn resolved_axis(self, input: &[usize]) -> Result<usize> {
        shape::axis(Self::NAME, self.axis, input.len())
    }
}

impl Operator for Concat {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn arity(&self) -> (usize, usize) {
        (1, usize::MAX)
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        moved(self.name(), inputs)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(Concat::new(-1).output_shape(&[&[2, 0], &[2, 3], &[2, 1]]).unwrap(), [2, 4]);
        assert_eq!(Concat::new(0).output_shape(&[&[5]]).unwrap(), [5]);
        let message = |axis, inputs: &[&[usize]]| Concat::new(axis).output_shape(inputs).unwrap_err().to_string();
        assert!(message(0, &[]).contains("none"));
        assert!(message(0, &[&[]]).contains("0 dimensions"));
        assert!(message(2, &[&[2, 3]]).contains("axis 2"));
        assert!(message(1, &[&[2, 3], &[2, 3], &[4, 3]]).contains("input 2 is [4, 3]"));
        assert!(message(0, &[&[2, 3], &[2, 3, 1]]).contains("input 1 is [2, 3, 1]"));
        assert!(message(0, &[&[usize::MAX], &[1]]).contains("counted"));
        assert!(message(0, &[&[usize::MAX, 1], &[0, 1], &[3, 1]]).contains("counted"));
    }
}
