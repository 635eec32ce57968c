//! What an operator should give, and how far a correct implementation may be from it.

use ndarray::{Array, ArrayD, ArrayView, Dimension, NdIndex, Zip};

use super::chance::Chance;
use super::number::Number;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::{Tensor, TensorView};

/// The largest number up to which `f64` has every whole number.
const LARGEST_WHOLE: u64 = 1 << f64::MANTISSA_DIGITS;

/// What an operator's output should be, and how far a correct `f32` implementation may be from it.
///
/// The bound is derived, never tuned: for a sum of `K` products it is `c * (K + 2) * eps * sum|x * w|`, which covers any
/// order of summation, with and without fused multiply-add. From 8,193 products on, and for sums of more than 192 elements, `K` is
/// what is added in a row at most: implementations are to add up long sums in parts. It also carries the bounds of the inputs forward, so that
/// chained calls bound a whole network. NaN and infinities are to be matched exactly; their bound is 0.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The type of the elements. Whole numbers and bools (0 and 1) are exact, and have a bound of 0; one that `f64` does not hold
    /// has a bound that is infinite and matches nothing.
    pub dtype: DType,
    /// The values, computed in `f64`. Indices are whole numbers.
    pub values: ArrayD<f64>,
    /// The largest `|got - want|` a correct implementation may show, element by element; 0 means the same bits.
    pub bound: ArrayD<f64>,
    /// What part of each bound is random rounding; nothing where no sum's is known.
    pub chance: Option<ArrayD<Chance>>,
}

impl Answer {
    /// Values that every implementation has exactly: the inputs of the first operator.
    pub fn exact<'a>(values: impl Into<TensorView<'a>>) -> Self {
        let values = values.into();
        Self {
            dtype: values.dtype(),
            bound: match &values {
                TensorView::I64(array) => array.mapv(|value| Self::bound_of_whole(value.unsigned_abs())),
                _ => ArrayD::zeros(values.shape()),
            },
            chance: None,
            values: values.to_f64(),
        }
    }

    pub(super) fn bound_of_whole(magnitude: u64) -> f64 {
        if magnitude > LARGEST_WHOLE { f64::INFINITY } else { 0.0 }
    }

    /// As numbers of this type, as an operator gives them: whole numbers wrap around.
    pub(super) fn typed(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        if !dtype.is_float() {
            for (value, bound) in self.values.iter_mut().zip(&mut self.bound) {
                let number = Number::whole(dtype, *value as i128);
                *bound = bound.max(number.bound).max(Self::bound_of_whole(value.abs() as u64));
                *value = number.value;
            }
        }
        self
    }

    /// The values rounded to `f32`.
    pub fn to_f32(&self) -> ArrayD<f32> {
        self.values.mapv(|value| value as f32)
    }

    /// The values as a tensor of their type.
    ///
    /// Errors: `Unsupported` for whole numbers beyond 2^53, which `f64` does not hold.
    pub fn to_tensor(&self) -> Result<Tensor> {
        let is_held = |&value: &f64| Self::bound_of_whole(value.abs() as u64) == 0.0;
        if !self.dtype.is_float() && !self.values.iter().all(is_held) {
            return Err(Error::unsupported("reference", "whole numbers beyond 2^53"));
        }
        Ok(Tensor::of_f64(&self.values, self.dtype))
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
        let numbers = Zip::from(&self.values).and(&self.bound).map_collect(|&value, &bound| Number {
            value,
            bound,
            chance: Chance::NONE,
        });
        match &self.chance {
            None => numbers,
            Some(chances) => {
                let with_chance = |&number: &Number, &chance: &Chance| number.with_chance(chance);
                Zip::from(&numbers).and(chances).map_collect(with_chance)
            }
        }
    }
}

impl Number {
    /// A whole number as a type has it, which wraps around; a float as it is.
    pub(super) fn whole(dtype: DType, value: i128) -> Self {
        let wrapped = dtype.range().map_or(value, |(least, largest)| {
            let (least, largest) = (i128::from(least), i128::from(largest));
            (value - least).rem_euclid(largest - least + 1) + least
        });
        Self {
            value: wrapped as f64,
            bound: Answer::bound_of_whole(wrapped.unsigned_abs() as u64),
            chance: Chance::NONE,
        }
    }
}

impl<D: Dimension> From<Array<Number, D>> for Answer {
    fn from(numbers: Array<Number, D>) -> Self {
        let has_chance = numbers.iter().any(|number| number.chance != Chance::NONE);
        Self {
            dtype: DType::F32,
            chance: has_chance.then(|| numbers.map(|number| number.chance).into_dyn()),
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
            chance: Chance::NONE,
        }
    }

    /// All of them, row by row.
    pub(super) fn numbers(&self) -> Vec<Number> {
        let number = |(&value, &bound)| Number {
            value,
            bound,
            chance: Chance::NONE,
        };
        self.values.iter().zip(&self.bound).map(number).collect()
    }

    pub(super) fn dim(&self) -> D::Pattern {
        self.values.raw_dim().into_pattern()
    }
}
