//! Axes in another order.

use super::operator::{Operator, moved};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

/// The axes in another order: axis `i` of the output is axis `permutation[i]` of the input. Equals `torch.permute` and
/// ONNX's `Transpose`.
///
/// ```
/// use convoke::ops::Transpose;
/// assert_eq!(Transpose::new([0, 2, 3, 1]).output_shape(&[1, 3, 8, 9])?, [1, 8, 9, 3]);
/// assert_eq!(Transpose::reversed().output_shape(&[2, 3, 4])?, [4, 3, 2]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: not each axis once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Transpose {
    /// The input's axis for each of the output's; negative counts from the end. Empty: all axes in reverse order.
    pub permutation: Vec<isize>,
}

impl Transpose {
    const NAME: &'static str = "permute";

    /// Puts the axes in this order.
    pub fn new(permutation: impl Into<Vec<isize>>) -> Self {
        Self {
            permutation: permutation.into(),
        }
    }

    /// Puts the axes in reverse order, however many there are.
    pub fn reversed() -> Self {
        Self::default()
    }

    /// Checks the permutation and gives the output's shape.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        shape::element_count(Self::NAME, input)?;
        Ok(self.resolved(input.len())?.into_iter().map(|axis| input[axis]).collect())
    }

    /// The input's axis for each of the output's.
    pub(crate) fn resolved(&self, rank: usize) -> Result<Vec<usize>> {
        let permutation = &self.permutation;
        if permutation.is_empty() {
            return Ok((0..rank).rev().collect());
        }
        ensure!(
            permutation.len() == rank,
            Self::NAME,
            "permutation {permutation:?} must name each of the {rank} axes once"
        );
        let mut seen = vec![false; rank];
        permutation
            .iter()
            .map(|&axis| {
                let axis = shape::axis(Self::NAME, axis, rank)?;
                ensure!(!seen[axis], Self::NAME, "permutation {permutation:?} names axis {axis} twice");
                seen[axis] = true;
                Ok(axis)
            })
            .collect()
    }
}

impl Operator for Transpose {
    fn name(&self) -> &'static str {
        "permute"
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
        assert_eq!(Transpose::new([-1, 0, 1]).output_shape(&[2, 3, 0]).unwrap(), [0, 2, 3]);
        assert_eq!(Transpose::reversed().output_shape(&[]).unwrap(), [0; 0]);
        let message = |permutation: &[isize]| Transpose::new(permutation).output_shape(&[2, 3, 4]).unwrap_err().to_string();
        assert!(message(&[0, 1]).contains("each of the 3 axes"));
        assert!(message(&[0, 1, 3]).contains("axis 3"));
        assert!(message(&[0, 1, -2]).contains("axis 1 twice"));
        assert!(Transpose::reversed().output_shape(&[usize::MAX, 2]).is_err());
    }
}
