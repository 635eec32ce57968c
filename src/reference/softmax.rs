//! Softmax and log-softmax by their definitions, with the maximum subtracted.

use ndarray::{ArrayD, Axis};

use super::answer::Answer;
use super::number::{Number, SMALLEST, ULP, depth_of_elements};
use crate::ops::Softmax;

/// WGSL's absolute error of `log` for arguments from 0.5 to 2; outside, 3 ULP.
const LOG_NEAR_ONE: f64 = 4.0 * ULP;

pub(super) fn softmax(op: Softmax, input: &Answer) -> Answer {
    let rank = input.shape().len() as isize;
    let axis = Axis(if op.axis < 0 { op.axis + rank } else { op.axis } as usize);
    let mut output: ArrayD<Number> = input.numbers();
    for mut lane in output.lanes_mut(axis) {
        let numbers: Vec<Number> = lane.to_vec();
        let row = Row::new(&numbers);
        for (x, y) in numbers.iter().zip(&mut lane) {
            *y = if op.log { row.log_softmax(*x) } else { row.softmax(*x) };
        }
    }
    output.into()
}

/// What the elements along the axis have in common.
struct Row {
    largest: f64,
    sum: f64,
    /// The relative error of the sum, rounding alone.
    sum_error: f64,
    /// The largest error among the inputs.
    input_error: f64,
}

impl Row {
    fn new(row: &[Number]) -> Self {
        let largest = row.iter().map(|x| x.value).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x.value - largest).exp()).sum();
        // Each term's error counts by its share; adding them up costs a ULP for each addition in a row at most.
        let shares: f64 = row
            .iter()
            .map(|x| x.value - largest)
            .filter(|t| t.exp() > 0.0)
            .map(|t| t.exp() / sum * exp_error(t))
            .sum();
        Self {
            largest,
            sum,
            sum_error: shares + ULP * depth_of_elements(row.len()),
            input_error: row.iter().map(|x| x.bound).fold(0.0, f64::max),
        }
    }

    /// `exp(t) / sum`. When no input moves by more than `e`, the quotient grows by `exp(2 e)` at most.
    fn softmax(&self, x: Number) -> Number {
        let t = x.value - self.largest;
        let value = t.exp() / self.sum;
        let growth = (2.0 * self.input_error).exp();
        let division = 5.0 * ULP;
        let rounding = if value > 0.0 {
            value * growth * (exp_error(t) + self.sum_error + division)
        } else {
            0.0
        };
        Number::new(value, value * (growth - 1.0) + rounding + 4.0 * SMALLEST)
    }

    /// `t - log(sum)`. When no input moves by more than `e`, it moves by `2 e` at most.
    fn log_softmax(&self, x: Number) -> Number {
        let t = x.value - self.largest;
        let log = self.sum.ln();
        let value = t - log;
        let rounding = 2.0 * ULP * (t.abs() + value.abs()) + 3.0 * ULP * log.abs() + LOG_NEAR_ONE;
        Number::new(value, 2.0 * self.input_error + rounding + self.sum_error + 4.0 * SMALLEST)
    }
}

/// The relative error of `exp(x - largest)`: WGSL's `3 + 2 |t|` ULP, and one rounding of `t` itself.
pub(super) fn exp_error(t: f64) -> f64 {
    ULP * (3.0 + 3.0 * t.abs())
}
