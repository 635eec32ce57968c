//! Sum, product, mean or maximum along axes.

use super::operator::{Operator, of_one_type};
use crate::dtype::DType;
use crate::error::{Result, ensure};
use crate::shape;

/// What many elements become one by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReduceKind {
    /// Their sum; 0 of none. `torch.sum`, ONNX's `ReduceSum`.
    Sum,
    /// Their product, in any order; 1 of none. `torch.prod`, ONNX's `ReduceProd`.
    Product,
    /// Their sum over their number; NaN of none. `torch.mean`, ONNX's `ReduceMean`.
    Mean,
    /// The largest of them, NaN where there is one, true where one bool is; an error of none. `torch.amax`, ONNX's `ReduceMax`.
    Max,
}

impl ReduceKind {
    /// PyTorch's name of the operation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Product => "prod",
            Self::Mean => "mean",
            Self::Max => "amax",
        }
    }
}

/// Reduces some axes, or all, to one element each, which stays as an extent of 1 or goes. Takes floats; but for the mean whole
/// numbers, too, which wrap around: those of `i64` on a GPU, where they have 32 bits, at 2^31; for the maximum bools as well.
///
/// ```
/// use convoke::ops::Reduce;
/// assert_eq!(Reduce::mean([2, 3]).output_shape(&[1, 8, 5, 6])?, [1, 8]);
/// assert_eq!(Reduce::max([-1]).keep_dims(true).output_shape(&[4, 7])?, [4, 1]);
/// assert!(Reduce::sum([]).output_shape(&[4, 7])?.is_empty());
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range or named twice; the maximum along an extent of 0; another type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reduce {
    /// What the elements become one by.
    pub kind: ReduceKind,
    /// The axes; negative counts from the end. Empty: all.
    pub axes: Vec<isize>,
    /// Whether the axes stay, with an extent of 1.
    pub keep_dims: bool,
}

impl Reduce {
    /// Reduces these axes, which do not stay.
    pub fn new(kind: ReduceKind, axes: impl Into<Vec<isize>>) -> Self {
        Self {
            kind,
            axes: axes.into(),
            keep_dims: false,
        }
    }

    /// The sum along these axes.
    pub fn sum(axes: impl Into<Vec<isize>>) -> Self {
        Self::new(ReduceKind::Sum, axes)
    }

    /// The product along these axes.
    pub fn product(axes: impl Into<Vec<isize>>) -> Self {
        Self::new(ReduceKind::Product, axes)
    }

    /// The mean along these axes.
    pub fn mean(axes: impl Into<Vec<isize>>) -> Self {
        Self::new(ReduceKind::Mean, axes)
    }

    /// The maximum along these axes.
    pub fn max(axes: impl Into<Vec<isize>>) -> Self {
        Self::new(ReduceKind::Max, axes)
    }

    /// Sets whether the axes stay, with an extent of 1.
    pub fn keep_dims(mut self, keep_dims: bool) -> Self {
        self.keep_dims = keep_dims;
        self
    }

    /// Checks the axes and gives the output's shape.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        shape::element_count(self.kind.name(), input)?;
        let reduced = self.reduced(input.len())?;
        let output: Vec<usize> = (input.iter().zip(&reduced))
            .filter(|&(_, &reduced)| self.keep_dims || !reduced)
            .map(|(&extent, &reduced)| if reduced { 1 } else { extent })
            .collect();
        if self.kind == ReduceKind::Max {
            let empty = (0..input.len()).find(|&axis| reduced[axis] && input[axis] == 0);
            ensure!(
                empty.is_none(),
                self.kind.name(),
                "axis {} of input {input:?} has an extent of 0, and nothing is the largest of none",
                empty.unwrap_or_default()
            );
        }
        // Where a zero extent is reduced there may be more outputs than inputs.
        shape::element_count(self.kind.name(), &output)?;
        Ok(output)
    }

    /// Whether each of the input's axes is reduced.
    pub(crate) fn reduced(&self, rank: usize) -> Result<Vec<bool>> {
        let mut reduced = vec![self.axes.is_empty(); rank];
        for &axis in &self.axes {
            let axis = shape::axis(self.kind.name(), axis, rank)?;
            ensure!(
                !reduced[axis],
                self.kind.name(),
                "axes {:?} name axis {axis} twice",
                self.axes
            );
            reduced[axis] = true;
        }
        Ok(reduced)
    }
}

impl Operator for Reduce {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        let kind = self.kind;
        let what = match kind {
            ReduceKind::Mean => "f32",
            ReduceKind::Sum | ReduceKind::Product => "f32 or whole numbers",
            ReduceKind::Max => "f32, whole numbers or bool",
        };
        let dtype = of_one_type(kind.name(), inputs, what, |dtype| match dtype {
            DType::F32 => true,
            DType::Bool => kind == ReduceKind::Max,
            other => kind != ReduceKind::Mean && other.is_integer(),
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
    fn shapes_and_refusals() {
        assert_eq!(Reduce::sum([]).keep_dims(true).output_shape(&[2, 3]).unwrap(), [1, 1]);
        assert_eq!(Reduce::sum([]).output_shape(&[]).unwrap(), [0; 0]);
        assert_eq!(Reduce::mean([1]).output_shape(&[2, 0, 3]).unwrap(), [2, 3]);
        assert_eq!(Reduce::max([1]).output_shape(&[0, 2]).unwrap(), [0]);
        let message = |reduce: Reduce, input: &[usize]| reduce.output_shape(input).unwrap_err().to_string();
        assert!(message(Reduce::sum([2]), &[2, 3]).contains("axis 2"));
        assert!(message(Reduce::sum([1, -1]), &[2, 3]).contains("axis 1 twice"));
        assert!(message(Reduce::max([-1]), &[2, 0]).contains("amax: axis 1 of input [2, 0]"));
        assert!(message(Reduce::max([]), &[0, 2]).contains("axis 0"));
        assert!(message(Reduce::sum([0]), &[0, usize::MAX, 2]).contains("counted"));
        let types = |reduce: Reduce, dtype| reduce.output_types(&[dtype]).map_err(|error| error.to_string());
        assert_eq!(types(Reduce::max([]), DType::Bool), Ok(vec![DType::Bool]));
        let refusal = types(Reduce::product([]), DType::Bool).unwrap_err();
        assert!(
            refusal.contains("prod: expected f32 or whole numbers, but got bool"),
            "{refusal}"
        );
        assert!(types(Reduce::mean([]), DType::I64).is_err());
    }
}
