//! The largest or the smallest elements along an axis, in their order.

use super::operator::{Operator, of_one_type};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

const NAME: &str = "topk";

/// The `k` largest or smallest elements along an axis, the best first, and their places as `i64`. Equals `torch.topk`, sorted, and
/// ONNX's `TopK`.
///
/// Of equal elements, as both zeros are, the one with the lower place comes first. NaN is larger than all.
///
/// ```
/// use convoke::{DType, TensorType, ops::{Op, TopK}};
/// let scores = TensorType::new(DType::F32, [1, 8400]);
/// let outputs = Op::from(TopK::largest(300)).infer(&[&scores])?;
/// assert_eq!(outputs[0].to_string(), "f32[1, 300]");
/// assert_eq!(outputs[1].to_string(), "i64[1, 300]");
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range; a `k` larger than its extent; bools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TopK {
    /// How many.
    pub k: usize,
    /// The axis, from the end where it is negative; the default is the last.
    pub axis: isize,
    /// Whether the largest elements are sought, not the smallest.
    pub largest: bool,
}

impl TopK {
    /// So many of the largest elements along the last axis.
    pub const fn largest(k: usize) -> Self {
        Self {
            k,
            axis: -1,
            largest: true,
        }
    }

    /// So many of the smallest elements along the last axis.
    pub const fn smallest(k: usize) -> Self {
        Self {
            largest: false,
            ..Self::largest(k)
        }
    }

    /// Sets the axis.
    pub const fn axis(mut self, axis: isize) -> Self {
        self.axis = axis;
        self
    }

    /// Checks the axis and gives the shape of both outputs.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let axis = shape::axis(NAME, self.axis, input.len())?;
        ensure!(
            self.k <= input[axis],
            NAME,
            "expected a k of at most {}, the extent of axis {axis} of input {input:?}, but got {}",
            input[axis],
            self.k
        );
        shape::element_count(NAME, input)?;
        let mut output = input.to_vec();
        output[axis] = self.k;
        Ok(output)
    }

    /// The input as rows along the axis: the extents before it, its own, and those after it.
    pub(crate) fn extents(self, input: &[usize]) -> Result<[usize; 3]> {
        shape::around(NAME, self.axis, input)
    }
}

impl Operator for TopK {
    fn name(&self) -> &'static str {
        NAME
    }

    fn output_count(&self) -> usize {
        2
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let dtype = of_one_type(NAME, inputs, "f32 or whole numbers", |dtype| {
            dtype == DType::F32 || dtype.is_integer()
        })?;
        Ok(vec![dtype, DType::I64])
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?; 2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        assert_eq!(TopK::largest(2).axis(1).output_shape(&[2, 3, 4]).unwrap(), [2, 2, 4]);
        assert_eq!(TopK::smallest(0).output_shape(&[2, 3]).unwrap(), [2, 0]);
        let message = |op: TopK, input: &[usize]| op.output_shape(input).unwrap_err().to_string();
        assert!(message(TopK::largest(4), &[2, 3]).contains("at most 3, the extent of axis 1 of input [2, 3], but got 4"));
        assert!(message(TopK::largest(1).axis(2), &[2, 3]).contains("axis 2 is out of range"));
    }
}
