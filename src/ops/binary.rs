//! Elementwise arithmetic of two tensors, with broadcasting.

use crate::error::Result;
use crate::shape;

/// An operation on the elements of two tensors. Shapes broadcast as in PyTorch and ONNX: aligned at the last
/// dimension, extents equal or 1.
///
/// ```
/// use convoke::ops::Binary;
/// assert_eq!(Binary::Add.output_shape(&[2, 3, 4], &[3, 1])?, [2, 3, 4]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: shapes that do not broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binary {
    /// `left + right`. `torch.add`.
    Add,
    /// `left * right`. `torch.mul`.
    Mul,
}

impl Binary {
    /// PyTorch's name of the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Mul => "mul",
        }
    }

    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
        let output = shape::broadcast(self.name(), left, right)?;
        shape::element_count(self.name(), &output)?;
        Ok(output)
    }
}
