//! What an operator should give, and how far a correct implementation may be from it.

use ndarray::{Array, ArrayD, ArrayView, ArrayViewD, Dimension, NdIndex, Zip};

use super::number::Number;
use crate::error::{Error, Result};

/// What an operator's output should be, and how far a correct `f32` implementation may be from it.
///
/// The bound is derived, never tuned: for a sum of `K` products it is `c * (K + 2) * eps * sum|x * w|`, which covers any
/// order of summation, with and without fused multiply-add. From 8,193 products on, and for sums of more than 192 elements, `K` is
/// what is added in a row at most: implementations are to add up long sums in parts. It also carries the bounds of the inputs forward, so that
/// chained calls bound a whole network. NaN and infinities are to be matched exactly; their bound is 0.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The values, computed in `f64`. Indices are whole numbers.
    pub values: ArrayD<f64>,
    /// The largest `|got - want|` a correct implementation may show, element by element; 0 means the same bits.
    pub bound: ArrayD<f64>,
}

impl Answer {
    /// Values that every implementation has exactly: the inputs of the first operator.
    #[expect(clippy::needless_pass_by_value, reason = "a view is a reference already")]
    pub fn exact(values: ArrayViewD<'_, f32>) -> Self {
        Self {
            values: values.mapv(f64::from),
            bound: ArrayD::zeros(values.shape()),
        }
    }

    /// The values rounded to `f32`.
    pub fn to_f32(&self) -> ArrayD<f32> {
        self.values.mapv(|value| value as f32)
    }

    /// The shape of the values.
    pub fn shape(&self) -> &[usize] {
        self.values.shape()
    }

    /// The numbers at a rank known to the operator.
    pub(super) fn view<D: Dimension>(&self) -> Result<View<'_, D>> {
        let wrong_rank = |error: ndarray::ShapeError| Error::invalid("reference", format!("shape {:?}: {error}", self.shape()));
        Ok(View {
            values: self.values.view().into_dimensionality().map_err(wrong_rank)?,
            bound: self.bound.view().into_dimensionality().map_err(wrong_rank)?,
        })
    }

    /// The number at every place, in an array of any rank.
    pub(super) fn numbers(&self) -> ArrayD<Number> {
        Zip::from(&self.values)
            .and(&self.bound)
            .map_collect(|&value, &bound| Number { value, bound })
    }
}

impl<D: Dimension> From<Array<Number, D>> for Answer {
    fn from(numbers: Array<Number, D>) -> Self {
        Self {
            values: numbers.map(|number| number.value).into_dyn(),
            bound: numbers.map(|number| number.bound).into_dyn(),
        }
    }
}

/// A borrowed [`Answer`] whose rank is known.
pub(super) struct View<'a, D: Dimension> {
    pub(super) values: ArrayView<'a, f64, D>,
    pub(super) bound: ArrayView<'a, f64, D>,
}

impl<D: Dimension> View<'_, D> {
    pub(super) fn at(&self, index: impl NdIndex<D> + Copy) -> Number {
        Number {
            value: self.values[index],
            bound: self.bound[index],
        }
    }

    pub(super) fn dim(&self) -> D::Pattern {
        self.values.raw_dim().into_pattern()
    }
}
