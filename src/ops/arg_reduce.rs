//! The place of the largest or the smallest element along an axis.

use super::operator::{Operator, of_one_type};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

/// The place of the largest or the smallest element along an axis, as `i64`. Equals `torch.argmax` and `torch.argmin`, and ONNX's
/// `ArgMax` and `ArgMin`.
///
/// Of equal elements, as both zeros are, the first is taken, or the last. NaN comes before everything, in a minimum as well.
///
/// ```
/// use convoke::ops::ArgReduce;
/// assert_eq!(ArgReduce::max(1).output_shape(&[1, 19, 64, 48])?, [1, 64, 48]);
/// assert_eq!(ArgReduce::min(-1).keep_dims(true).output_shape(&[4, 7])?, [4, 1]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range or without elements; bools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ArgReduce {
    /// The axis, from the end where it is negative.
    pub axis: isize,
    /// Whether the largest element is sought, not the smallest.
    pub largest: bool,
    /// Whether the last of equal elements is taken, not the first.
    pub last: bool,
    /// Whether the axis stays, with an extent of 1.
    pub keep_dims: bool,
}

impl ArgReduce {
    /// The place of the first of the largest elements along this axis, which does not stay.
    pub const fn max(axis: isize) -> Self {
        Self {
            axis,
            largest: true,
            last: false,
            keep_dims: false,
        }
    }

    /// The place of the first of the smallest elements along this axis, which does not stay.
    pub const fn min(axis: isize) -> Self {
        Self {
            largest: false,
            ..Self::max(axis)
        }
    }

    /// Sets whether the last of equal elements is taken, not the first.
    pub const fn last(mut self, last: bool) -> Self {
        self.last = last;
        self
    }

    /// Sets whether the axis stays, with an extent of 1.
    pub const fn keep_dims(mut self, keep_dims: bool) -> Self {
        self.keep_dims = keep_dims;
        self
    }

    const fn of(self) -> &'static str {
        if self.largest { "argmax" } else { "argmin" }
    }

    /// Checks the axis and gives the output's shape.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let name = self.of();
        let axis = shape::axis(name, self.axis, input.len())?;
        ensure!(
            input[axis] > 0,
            name,
            "axis {axis} of input {input:?} has an extent of 0, and none of no elements is chosen"
        );
        shape::element_count(name, input)?;
        let mut output = input.to_vec();
        if self.keep_dims {
            output[axis] = 1;
        } else {
            output.remove(axis);
        }
        Ok(output)
    }

    /// The input as rows along the axis: the extents before it, its own, and those after it.
    pub(crate) fn extents(self, input: &[usize]) -> Result<[usize; 3]> {
        shape::around(self.of(), self.axis, input)
    }
}

impl Operator for ArgReduce {
    fn name(&self) -> &'static str {
        self.of()
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        of_one_type(self.of(), inputs, "f32 or whole numbers", |dtype| {
            dtype == DType::F32 || dtype.is_integer()
        })?;
        Ok(vec![DType::I64])
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
        assert_eq!(ArgReduce::max(-2).output_shape(&[2, 3, 4]).unwrap(), [2, 4]);
        assert_eq!(ArgReduce::max(1).output_shape(&[0, 3]).unwrap(), [0]);
        let message = |op: ArgReduce, input: &[usize]| op.output_shape(input).unwrap_err().to_string();
        assert!(message(ArgReduce::min(2), &[2, 3]).contains("argmin: axis 2 is out of range"));
        assert!(message(ArgReduce::max(1), &[2, 0]).contains("axis 1 of input [2, 0]"));
        let bools = ArgReduce::max(0).output_types(&[DType::Bool]).unwrap_err().to_string();
        assert!(bools.contains("f32 or whole numbers, but got bool"), "{bools}");
    }
}
