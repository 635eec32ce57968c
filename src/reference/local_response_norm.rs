//! Normalisation by the squares of neighbouring channels, by its definition.

use ndarray::ArrayD;

use super::answer::Answer;
use super::number::{Number, SMALLEST, Sum, ULP};
use crate::ops::LocalResponseNorm;

/// The errors of `k + alpha / size * sum`, whose terms are not negative: quotient, product and sum.
const BASE: f64 = 4.5 * ULP;
/// WGSL's absolute error of `log2` for arguments from 0.5 to 2; outside, 3 ULP.
const LOG_NEAR_ONE: f64 = 4.0 * ULP;
/// The quotient of the element and the power, or the product with its reciprocal.
const QUOTIENT: f64 = 3.5 * ULP;

pub(super) fn local_response_norm(op: &LocalResponseNorm, input: &Answer) -> Answer {
    let numbers = input.numbers();
    let size = op.size as isize;
    let output = ArrayD::from_shape_fn(numbers.raw_dim(), |place| {
        let c = place[1] as isize;
        // floor((size - 1) / 2) channels before, ceil((size - 1) / 2) after.
        let (first, last) = (c - (size - 1) / 2, c + size / 2);
        let mut sum = Sum::default();
        for channel in 0..numbers.shape()[1] {
            if (first..=last).contains(&(channel as isize)) {
                let mut neighbour = place.clone();
                neighbour[1] = channel;
                sum.add_product(numbers[&neighbour], numbers[&neighbour]);
            }
        }
        normalise(op, numbers[&place], sum.total_in_a_row())
    });
    output.into()
}

fn normalise(op: &LocalResponseNorm, x: Number, sum: Number) -> Number {
    let (factor, beta, k) = (f64::from(op.alpha) / op.size as f64, f64::from(op.beta), f64::from(op.k));
    let base = |sum: f64| k + factor * sum;
    let value = x.value / base(sum.value).powf(beta);

    if sum.value.is_infinite() {
        return Number::exact(value);
    }
    // The power falls as the sum grows, and the sum is never negative.
    let power = |sum: f64| base(sum).powf(-beta);
    let (most, least) = (power((sum.value - sum.bound).max(0.0)), power(sum.value + sum.bound));
    let moved = (most - power(sum.value)).max(power(sum.value) - least);
    let inherited = x.bound * most + x.value.abs() * moved;

    // exp2(beta * log2(base)): the exponent's error comes from the base, the logarithm, and one product; exp2 has 3 + 2 |t|
    // ULP of its own.
    let log = base(sum.value + sum.bound).log2().abs().max(base(0.0).log2().abs());
    let exponent = beta * log;
    let exponent_error = beta * (BASE / std::f64::consts::LN_2 + LOG_NEAR_ONE + 3.0 * ULP * log) + ULP * exponent;
    let relative = (std::f64::consts::LN_2 * exponent_error).exp_m1() + (3.0 + 2.0 * exponent) * ULP + QUOTIENT;
    Number::new(value, inherited + relative * x.largest() * most + SMALLEST * (2.0 + most))
}
