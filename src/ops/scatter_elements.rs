//! A tensor with some elements updated, each at a place that an index names.

use super::elementwise::Elementwise;
use super::gather::check_index_type;
use super::gather_elements::check_indices;
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::ops::Binary;
use crate::shape;

/// What becomes of an element that updates name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScatterReduction {
    /// The update takes its place; of several, the last one.
    Replace,
    /// The updates are added to it.
    Add,
    /// It is multiplied by the updates.
    Mul,
    /// The largest of it and the updates, NaN where there is one.
    Max,
    /// The smallest of it and the updates, NaN where there is one.
    Min,
}

impl ScatterReduction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Replace, Self::Add, Self::Mul, Self::Max, Self::Min];

    /// What an element and an update become one by, where the update does not replace it.
    pub(crate) const fn function(self) -> Option<Binary> {
        match self {
            Self::Replace => None,
            Self::Add => Some(Binary::Add),
            Self::Mul => Some(Binary::Mul),
            Self::Max => Some(Binary::Max),
            Self::Min => Some(Binary::Min),
        }
    }
}

/// A tensor with updates: each stands beside an index of `i64` or `i32` and goes to the index's own place, but along an axis where the
/// index says. Equals ONNX's `ScatterElements`, and `torch.scatter` and `torch.scatter_reduce` (which includes the tensor itself). A
/// negative index counts from the end. Several updates of one element come in the order in which they stand along the axis, on every
/// backend.
///
/// An index that is out of range is an error on the reference and the CPU when the operator runs. A GPU does not stop at one: its
/// update goes nowhere.
///
/// ```
/// use convoke::{DType, TensorType, ops::{Op, ScatterElements, ScatterReduction}};
/// let cache = TensorType::new(DType::F32, [8, 64]);
/// let places = TensorType::new(DType::I64, [2, 64]);
/// let rows = TensorType::new(DType::F32, [2, 64]);
/// let scatter = Op::from(ScatterElements::new(0).reduction(ScatterReduction::Add));
/// assert_eq!(scatter.infer(&[&cache, &places, &rows])?[0].to_string(), "f32[8, 64]");
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range; indices of another rank, or of a larger extent than the data's along another axis; updates of another
/// shape than the indices; updates of another type than the data; indices of another type. All types can be replaced; the other
/// reductions are of `f32` and whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ScatterElements {
    /// The axis, from the end where it is negative.
    pub axis: isize,
    /// What becomes of an element that updates name.
    pub reduction: ScatterReduction,
}

impl ScatterElements {
    const NAME: &'static str = "scatter";

    /// Replaces elements, along this axis.
    pub const fn new(axis: isize) -> Self {
        Self {
            axis,
            reduction: ScatterReduction::Replace,
        }
    }

    /// Sets what becomes of an element that updates name.
    pub const fn reduction(mut self, reduction: ScatterReduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Checks the shapes of the data, the indices and the updates and gives the output's.
    pub fn output_shape(&self, data: &[usize], indices: &[usize], updates: &[usize]) -> Result<Vec<usize>> {
        check_indices(Self::NAME, self.axis, data, indices)?;
        ensure!(
            updates == indices,
            Self::NAME,
            "expected an update for each index, but got indices {indices:?} and updates {updates:?}"
        );
        shape::element_count(Self::NAME, data)?;
        Ok(data.to_vec())
    }
}

impl Operator for ScatterElements {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn arity(&self) -> (usize, usize) {
        (3, 3)
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let [data, indices, updates] = [inputs[0], inputs[1], inputs[2]];
        check_index_type(Self::NAME, indices)?;
        ensure!(
            updates == data,
            Self::NAME,
            "expected updates of the data's type {data}, but got {updates}"
        );
        if let Some(function) = self.reduction.function() {
            ensure!(
                function.signature().accepts(data),
                Self::NAME,
                "expected f32 or whole numbers to {}, but got {data}",
                function.name()
            );
        }
        Ok(vec![data])
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1], inputs[2])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_refusals() {
        let shape =
            |data: &[usize], indices: &[usize], updates: &[usize]| ScatterElements::new(1).output_shape(data, indices, updates);
        assert_eq!(shape(&[4, 5, 6], &[3, 9, 6], &[3, 9, 6]).unwrap(), [4, 5, 6]);
        assert_eq!(shape(&[4, 0], &[4, 0], &[4, 0]).unwrap(), [4, 0]);
        let message = |data: &[usize], indices: &[usize], updates: &[usize]| shape(data, indices, updates).unwrap_err().to_string();
        assert!(message(&[4, 5], &[4, 2], &[4, 3]).contains("indices [4, 2] and updates [4, 3]"));
        assert!(message(&[4, 5], &[5, 2], &[5, 2]).contains("but along axis 1"));
        assert!(message(&[4, 0], &[4, 2], &[4, 2]).contains("expected elements along axis 1"));
    }

    #[test]
    fn types_and_refusals() {
        let types = |reduction, types: [DType; 3]| ScatterElements::new(0).reduction(reduction).output_types(&types);
        let bools = [DType::Bool, DType::I32, DType::Bool];
        assert_eq!(types(ScatterReduction::Replace, bools).unwrap(), [DType::Bool]);
        let message = |reduction, inputs| types(reduction, inputs).unwrap_err().to_string();
        assert!(message(ScatterReduction::Add, bools).contains("f32 or whole numbers to add, but got bool"));
        assert!(message(ScatterReduction::Add, [DType::F32, DType::I64, DType::U8]).contains("type f32, but got u8"));
        assert!(message(ScatterReduction::Max, [DType::F32, DType::U8, DType::F32]).contains("i64 or i32, but got u8"));
    }
}
