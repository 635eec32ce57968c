//! Elements along an axis, each chosen by an index of its own.

use super::gather::check_index_type;
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

/// For each index of `i64` or `i32` an element of a tensor of any type: the one at the index's own place, but along an axis where the
/// index says. Equals `torch.gather` and ONNX's `GatherElements`. A negative index counts from the end.
///
/// An index that is out of range is an error on the reference and the CPU when the operator runs. A GPU does not stop at one: it takes
/// the first element or the last, whichever is nearer.
///
/// ```
/// use convoke::{DType, TensorType, ops::{GatherElements, Op}};
/// let scores = TensorType::new(DType::F32, [4, 1000]);
/// let classes = TensorType::new(DType::I64, [4, 1]);
/// assert_eq!(Op::from(GatherElements::new(1)).infer(&[&scores, &classes])?[0].to_string(), "f32[4, 1]");
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range; indices of another rank, or of a larger extent than the data's along another axis; indices into an
/// axis without elements; indices of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GatherElements {
    /// The axis, from the end where it is negative.
    pub axis: isize,
}

impl GatherElements {
    const NAME: &'static str = "gather";

    /// Along this axis.
    pub const fn new(axis: isize) -> Self {
        Self { axis }
    }

    /// Checks the shapes of the data and the indices and gives the output's.
    pub fn output_shape(&self, data: &[usize], indices: &[usize]) -> Result<Vec<usize>> {
        check_indices(Self::NAME, self.axis, data, indices)?;
        shape::element_count(Self::NAME, indices)?;
        Ok(indices.to_vec())
    }
}

/// Whether indices lie beside data, whatever their extent along the axis.
pub(super) fn check_indices(operator: &'static str, axis: isize, data: &[usize], indices: &[usize]) -> Result<()> {
    let axis = shape::axis(operator, axis, data.len())?;
    let fits = |at: usize| at == axis || indices[at] <= data[at];
    ensure!(
        indices.len() == data.len() && (0..data.len()).all(fits),
        operator,
        "expected indices of no larger extents than the data's but along axis {axis}, but got data {data:?} and indices {indices:?}"
    );
    ensure!(
        data[axis] > 0 || indices.contains(&0),
        operator,
        "expected elements along axis {axis}, but got data {data:?} for indices {indices:?}"
    );
    Ok(())
}

impl Operator for GatherElements {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        check_index_type(Self::NAME, inputs[1])?;
        Ok(vec![inputs[0]])
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        let shape = |axis, data: &[usize], indices: &[usize]| GatherElements::new(axis).output_shape(data, indices);
        assert_eq!(shape(1, &[4, 5, 6], &[3, 9, 6]).unwrap(), [3, 9, 6]);
        assert_eq!(shape(-1, &[4, 5], &[4, 0]).unwrap(), [4, 0]);
        assert_eq!(shape(0, &[0, 5], &[2, 0]).unwrap(), [2, 0]);
        let message = |axis, data: &[usize], indices: &[usize]| shape(axis, data, indices).unwrap_err().to_string();
        assert!(message(2, &[4, 5], &[4, 5]).contains("axis 2 is out of range"));
        assert!(message(0, &[], &[]).contains("out of range"));
        assert!(message(0, &[4, 5], &[4]).contains("data [4, 5] and indices [4]"));
        assert!(message(0, &[4, 5], &[4, 6]).contains("but along axis 0"));
        assert!(message(0, &[0, 5], &[1, 5]).contains("expected elements along axis 0"));
        let reals = GatherElements::new(0).output_types(&[DType::U8, DType::F32]).unwrap_err();
        assert!(reals.to_string().contains("i64 or i32, but got f32"), "{reals}");
    }
}
