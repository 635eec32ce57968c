//! Parts of a tensor along an axis, chosen by indices that are a tensor themselves.

use super::operator::Operator;
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

/// The parts of a tensor of any type along an axis that indices of `i64` or `i32` name; their shape stands in the axis's place.
/// Equals ONNX's `Gather`; with indices in one dimension `torch.index_select`, and along the first axis `F.embedding`. A negative
/// index counts from the end.
///
/// An index that is out of range is an error on the reference and the CPU when the operator runs. A GPU does not stop at one: it takes
/// the first part or the last, whichever is nearer.
///
/// ```
/// use convoke::{DType, TensorType, ops::{Gather, Op}};
/// let table = TensorType::new(DType::F32, [1000, 64]);
/// let words = TensorType::new(DType::I64, [2, 7]);
/// assert_eq!(Op::from(Gather::new(0)).infer(&[&table, &words])?[0].to_string(), "f32[2, 7, 64]");
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range; indices into an axis without elements; indices of another type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Gather {
    /// The axis, from the end where it is negative.
    pub axis: isize,
}

impl Gather {
    const NAME: &'static str = "index_select";

    /// Along this axis.
    pub const fn new(axis: isize) -> Self {
        Self { axis }
    }

    /// Checks the shapes of the data and the indices and gives the output's.
    pub fn output_shape(&self, data: &[usize], indices: &[usize]) -> Result<Vec<usize>> {
        let axis = shape::axis(Self::NAME, self.axis, data.len())?;
        ensure!(
            data[axis] > 0 || indices.contains(&0),
            Self::NAME,
            "expected elements to choose from along axis {axis}, but got data {data:?} for indices {indices:?}"
        );
        let output = [&data[..axis], indices, &data[axis + 1..]].concat();
        shape::element_count(Self::NAME, &output)?;
        Ok(output)
    }

    /// The data as parts: how many times, of how many parts, of how many elements each.
    pub(crate) fn extents(self, data: &[usize]) -> Result<[usize; 3]> {
        let axis = shape::axis(Self::NAME, self.axis, data.len())?;
        Ok([data[..axis].iter().product(), data[axis], data[axis + 1..].iter().product()])
    }
}

/// Whether this is the type of indices.
pub(super) fn check_index_type(operator: &'static str, dtype: DType) -> Result<()> {
    ensure!(
        matches!(dtype, DType::I64 | DType::I32),
        operator,
        "expected indices of i64 or i32, but got {dtype}"
    );
    Ok(())
}

impl Operator for Gather {
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
        let shape = |axis, data: &[usize], indices: &[usize]| Gather::new(axis).output_shape(data, indices);
        assert_eq!(shape(1, &[4, 5, 6], &[2, 3]).unwrap(), [4, 2, 3, 6]);
        assert_eq!(shape(-1, &[4, 5], &[]).unwrap(), [4]);
        assert_eq!(shape(0, &[0, 5], &[2, 0]).unwrap(), [2, 0, 5]);
        let message = |axis, data: &[usize], indices: &[usize]| shape(axis, data, indices).unwrap_err().to_string();
        assert!(message(2, &[4, 5], &[1]).contains("axis 2 is out of range"));
        assert!(message(0, &[], &[1]).contains("out of range"));
        assert!(message(0, &[0, 5], &[1]).contains("data [0, 5]"));
        assert!(message(0, &[2, 5], &[usize::MAX]).contains("counted"));
        let reals = Gather::new(0).output_types(&[DType::U8, DType::F32]).unwrap_err().to_string();
        assert!(reals.contains("i64 or i32, but got f32"), "{reals}");
    }
}
