//! Broadcasting a tensor to a shape.

use super::operator::{Operator, moved};
use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::shape;

/// Repeats a tensor along extents of 1 until it has a shape. Equals ONNX's `Expand`: the two shapes broadcast, so that an
/// extent of 1 in `shape` keeps the input's; and `torch.expand`: so does -1.
///
/// ```
/// use convoke::ops::Expand;
/// assert_eq!(Expand::new([2, 3, 1]).output_shape(&[3, 4])?, [2, 3, 4]);
/// assert_eq!(Expand::new([5, -1]).output_shape(&[1, 4])?, [5, 4]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: shapes that do not broadcast; -1 for an axis that the input has not; other negative extents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Expand {
    /// The shape, aligned with the input's at the last axis.
    pub shape: Vec<isize>,
}

impl Expand {
    const NAME: &'static str = "expand";

    /// Broadcasts to this shape.
    pub fn new(shape: impl Into<Vec<isize>>) -> Self {
        Self { shape: shape.into() }
    }

    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let target = &self.shape;
        ensure!(
            target.iter().all(|&extent| extent >= -1),
            Self::NAME,
            "extents must be -1 or more, but got {target:?}"
        );
        // An extent of 1 keeps the input's where there is one.
        let added = target.len().saturating_sub(input.len());
        if let Some(axis) = target[..added].iter().position(|&extent| extent == -1) {
            return Err(Error::invalid(
                Self::NAME,
                format!("extent -1 at axis {axis} of {target:?} keeps nothing: input {input:?} has no such axis"),
            ));
        }
        let target: Vec<usize> = target.iter().map(|&extent| extent.unsigned_abs()).collect();
        let output = shape::broadcast(Self::NAME, input, &target)?;
        shape::element_count(Self::NAME, &output)?;
        Ok(output)
    }
}

impl Operator for Expand {
    fn name(&self) -> &'static str {
        "expand"
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        moved(self.name(), inputs)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        let shape = |target: &[isize], input: &[usize]| Expand::new(target).output_shape(input);
        assert_eq!(shape(&[], &[3, 1]).unwrap(), [3, 1]);
        assert_eq!(shape(&[4], &[3, 1]).unwrap(), [3, 4]);
        assert_eq!(shape(&[0], &[3, 1]).unwrap(), [3, 0]);
        assert_eq!(shape(&[2, -1, -1], &[3, 0]).unwrap(), [2, 3, 0]);
        let message = |target: &[isize], input: &[usize]| shape(target, input).unwrap_err().to_string();
        assert!(message(&[4], &[3]).contains("3 against 4"));
        assert!(message(&[-1, 3], &[3]).contains("axis 0"));
        assert!(message(&[-2], &[3]).contains("[-2]"));
        assert!(message(&[isize::MAX, isize::MAX], &[1]).contains("counted"));
    }
}
