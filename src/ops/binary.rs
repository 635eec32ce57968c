//! Elementwise arithmetic of two tensors, with broadcasting.

use super::operator::Operator;
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
    /// `left - right`. `torch.sub`.
    Sub,
    /// `left / right`; infinite or NaN where `right` is 0. `torch.div`.
    Div,
    /// `left` to the power of `right`. `torch.pow`: 1 where `right` is 0 or `left` is 1, even beside a NaN; NaN where a
    /// negative number has an exponent that is not whole. Whole exponents from -16 to 16 and the exponent 1/2 are computed
    /// without a logarithm; with others the error in ULP grows with the magnitude of the result's logarithm.
    Pow,
    /// The smaller one; NaN where one is NaN. `torch.minimum`.
    Min,
    /// The larger one; NaN where one is NaN. `torch.maximum`.
    Max,
}

impl Binary {
    /// PyTorch's name of the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Mul => "mul",
            Self::Sub => "sub",
            Self::Div => "div",
            Self::Pow => "pow",
            Self::Min => "minimum",
            Self::Max => "maximum",
        }
    }

    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
        let output = shape::broadcast(self.name(), left, right)?;
        shape::element_count(self.name(), &output)?;
        Ok(output)
    }
}

impl Operator for Binary {
    fn name(&self) -> &'static str {
        Self::name(*self)
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }
}
