//! Scaled dot-product attention by its definition: each row of scores, its softmax, and the mean of the values by it.

use ndarray::{ArrayD, Dimension, indices};

use super::answer::Answer;
use super::matmul::in_order;
use super::number::{Number, SMALLEST, SUM_FACTOR, Sum, ULP, UNIT_ROUNDOFF};
use super::softmax::exp_error;
use crate::error::{Error, Result};
use crate::ops::ScaledDotProductAttention;

/// Implementations have at least so many keys at a time, before they weight what they have summed by a new maximum.
const FEWEST_KEYS: usize = 4;
/// The exponential of anything below is sure to be 0.
const VANISHING: f64 = -104.0;

pub(super) fn attention(op: ScaledDotProductAttention, inputs: &[&Answer]) -> Result<Answer> {
    let [query, key, value] = [inputs[0], inputs[1], inputs[2]].map(Answer::numbers);
    let mask = inputs.get(3).map(|mask| mask.numbers());
    let rank = query.ndim();
    let (queries, size) = (query.shape()[rank - 2], query.shape()[rank - 1]);
    let (keys, value_size) = (key.shape()[rank - 2], value.shape()[rank - 1]);
    let scale = f64::from(op.factor(size));
    // Row by row; each batch has the matrices in the same place of all three.
    let [query_rows, key_rows, value_rows] = [&query, &key, &value].map(in_order);
    let mut output = Vec::new();
    for (own, place) in indices(&query.shape()[..rank - 1]).into_iter().enumerate() {
        let first_key = own / queries * keys;
        let scores = (0..keys).map(|other| {
            let (query, key) = (
                &query_rows[own * size..][..size],
                &key_rows[(first_key + other) * size..][..size],
            );
            let score = product(query.iter().copied().zip(key.iter().copied()), scale);
            match &mask {
                Some(mask) => sum(score, broadcast(mask, &[place.slice(), &[other][..]].concat())),
                None => score,
            }
        });
        let row = Row::new(&scores.collect::<Vec<_>>());
        output.extend((0..value_size).map(|element| {
            let values: Vec<Number> = (first_key..first_key + keys)
                .map(|other| value_rows[other * value_size + element])
                .collect();
            match &row {
                _ if keys == 0 => Number::ZERO,
                Some(row) => row.mean(&values),
                None => Number::exact(f64::NAN),
            }
        }));
    }
    let shape = [&query.shape()[..rank - 1], &[value_size]].concat();
    let output = ArrayD::from_shape_vec(shape, output);
    Ok(output
        .map_err(|error| Error::Internal(format!("scaled_dot_product_attention: {error}")))?
        .into())
}

/// The element for this place where extents of 1 and missing ones broadcast.
fn broadcast(array: &ArrayD<Number>, place: &[usize]) -> Number {
    let places = &place[place.len() - array.ndim()..];
    let places: Vec<usize> = (places.iter().zip(array.shape()))
        .map(|(&place, &extent)| if extent == 1 { 0 } else { place })
        .collect();
    array[places.as_slice()]
}

/// A score. The scale may be multiplied with one side or the product, which rounds once more.
fn product(pairs: impl Iterator<Item = (Number, Number)>, scale: f64) -> Number {
    let mut sum = Sum::default();
    for (query, key) in pairs {
        let value = query.value * scale;
        let bound = query.bound * scale.abs() + ULP * query.largest() * scale.abs() + SMALLEST;
        sum.add_product(Number::new(value, bound), key);
    }
    let total = sum.total();
    Number::overflowing(total.value, total.bound)
}

fn sum(left: Number, right: Number) -> Number {
    let value = left.value + right.value;
    let bound = left.bound + right.bound;
    Number::overflowing(value, bound + ULP * (value.abs() + bound) + SMALLEST)
}

/// The softmax of a row of scores.
struct Row {
    shares: Vec<f64>,
    /// The relative error of each exponential, rounding alone.
    terms: Vec<f64>,
    /// What the errors of the scores may make of each share.
    growth: f64,
}

impl Row {
    /// None where it is NaN.
    fn new(scores: &[Number]) -> Option<Self> {
        let largest = scores.iter().map(|score| score.value).fold(f64::NEG_INFINITY, f64::max);
        if !largest.is_finite() || scores.iter().any(|score| score.value.is_nan()) {
            return None;
        }
        let distances: Vec<f64> = scores.iter().map(|score| score.value - largest).collect();
        let exponentials: Vec<f64> = distances.iter().map(|distance| distance.exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        // The error of a score that is sure to have no share, such as that of a key under a large finite mask, changes nothing.
        let sure = scores.iter().map(|score| score.value - score.bound);
        let sure = sure.fold(f64::NEG_INFINITY, f64::max);
        let counts = scores.iter().filter(|score| score.largest_above(sure) >= VANISHING);
        let error = counts.map(|score| score.bound).fold(0.0, f64::max);
        let error_of = |&distance: &f64| exp_error(distance.max(VANISHING));
        Some(Self {
            shares: exponentials.iter().map(|exponential| exponential / sum).collect(),
            terms: distances.iter().map(error_of).collect(),
            growth: (2.0 * error).exp(),
        })
    }

    /// The mean of values by it.
    fn mean(&self, values: &[Number]) -> Number {
        let mean: f64 = self.shares.iter().zip(values).map(|(share, value)| share * value.value).sum();
        if !mean.is_finite() {
            return Number::exact(mean);
        }
        // Each addition rounds, and so does each weighting by a new maximum; the exponentials of the steps to the last maximum err
        // together as that of the whole way.
        let depth =
            SUM_FACTOR * UNIT_ROUNDOFF * (values.len() as f64 + 2.0) + 4.0 * ULP * values.len().div_ceil(FEWEST_KEYS) as f64;
        let of_sum: f64 = self.shares.iter().zip(&self.terms).map(|(share, term)| share * term).sum();
        let division = 5.0 * ULP;
        let (mut rounding, mut moved, mut flushed) = (0.0, 0.0, 4.0 * SMALLEST);
        for ((share, term), value) in self.shares.iter().zip(&self.terms).zip(values) {
            rounding += share * value.largest() * (term + of_sum + 2.0 * depth + division);
            moved += share * (value.largest() * (self.growth - 1.0) + value.bound * self.growth);
            flushed += 2.0 * SMALLEST * (value.largest() + 1.0);
        }
        // Whatever the shares, a mean is between the smallest and the largest value.
        let largest = values.iter().map(|value| value.largest()).fold(0.0, f64::max);
        let most = mean.abs() + largest * (1.0 + 2.0 * depth + division);
        Number::new(mean, (rounding * self.growth + moved).min(most) + flushed)
    }
}

impl Number {
    /// How far above another value it may be.
    fn largest_above(self, other: f64) -> f64 {
        self.value + self.bound - other
    }
}
