//! Sums and products of each element with all before it.

use super::operator::{Operator, of_one_type};
use crate::dtype::DType;
use crate::error::Result;
use crate::shape;

/// The sum or the product of each element along an axis and of all before it. Equals `torch.cumsum` and `torch.cumprod`, of whole
/// numbers in their own type, and ONNX's `CumSum` and `CumProd`. Whole numbers wrap around: those of `i64` on a GPU, where they have
/// 32 bits, at 2^31.
///
/// ```
/// use convoke::ops::Cumulative;
/// assert_eq!(Cumulative::sum(-1).output_shape(&[4, 7])?, [4, 7]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range; bools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Cumulative {
    /// The axis, from the end where it is negative.
    pub axis: isize,
    /// Whether it is the product, not the sum.
    pub product: bool,
    /// Whether an element itself does not count: the first sum is 0, the first product is 1.
    pub exclusive: bool,
    /// Whether it goes from the last element to the first.
    pub reverse: bool,
}

impl Cumulative {
    /// The sum along this axis.
    pub const fn sum(axis: isize) -> Self {
        Self {
            axis,
            product: false,
            exclusive: false,
            reverse: false,
        }
    }

    /// The product along this axis.
    pub const fn product(axis: isize) -> Self {
        Self {
            product: true,
            ..Self::sum(axis)
        }
    }

    /// Sets whether an element itself does not count.
    pub const fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Sets whether it goes from the last element to the first.
    pub const fn reverse(mut self, reverse: bool) -> Self {
        self.reverse = reverse;
        self
    }

    const fn of(self) -> &'static str {
        if self.product { "cumprod" } else { "cumsum" }
    }

    /// Checks the axis and gives the output's shape.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        shape::axis(self.of(), self.axis, input.len())?;
        shape::element_count(self.of(), input)?;
        Ok(input.to_vec())
    }

    /// The input as rows along the axis: the extents before it, its own, and those after it.
    pub(crate) fn extents(self, input: &[usize]) -> Result<[usize; 3]> {
        shape::around(self.of(), self.axis, input)
    }
}

impl Operator for Cumulative {
    fn name(&self) -> &'static str {
        self.of()
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let dtype = of_one_type(self.of(), inputs, "f32 or whole numbers", |dtype| {
            dtype == DType::F32 || dtype.is_integer()
        })?;
        Ok(vec![dtype])
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        let message = Cumulative::product(2).output_shape(&[2, 3]).unwrap_err().to_string();
        assert!(message.contains("cumprod: axis 2 is out of range"), "{message}");
        let bools = Cumulative::sum(0).output_types(&[DType::Bool]).unwrap_err().to_string();
        assert!(
            bools.contains("cumsum: expected f32 or whole numbers, but got bool"),
            "{bools}"
        );
    }
}
