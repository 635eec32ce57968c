//! Arithmetic of two tensors, broadcast.

use ndarray::{ArrayD, IxDyn};

use super::activation::{EXP_UNDERFLOWS, SQRT};
use super::answer::Answer;
use super::number::{Number, SMALLEST, ULP};
use crate::error::{Error, Result};
use crate::ops::Binary;

pub(super) fn binary(op: Binary, left: &Answer, right: &Answer) -> Result<Answer> {
    let (mut left_shape, mut right_shape) = (left.shape().to_vec(), right.shape().to_vec());
    while left_shape.len() < right_shape.len() {
        left_shape.insert(0, 1);
    }
    while right_shape.len() < left_shape.len() {
        right_shape.insert(0, 1);
    }
    // An extent of 1 gives way to the other, even to 0.
    let shape: Vec<usize> = left_shape
        .iter()
        .zip(&right_shape)
        .map(|(&a, &b)| if a == 1 { b } else { a })
        .collect();
    let (left, right) = (left.numbers(), right.numbers());
    let disagree = || {
        Error::invalid(
            op.name(),
            format!("shapes {left_shape:?} and {right_shape:?} do not broadcast"),
        )
    };
    let left = left.broadcast(IxDyn(&shape)).ok_or_else(disagree)?;
    let right = right.broadcast(IxDyn(&shape)).ok_or_else(disagree)?;
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| combine(op, left[&place], right[&place]));
    Ok(output.into())
}

/// One operation: at most one ULP, whatever the rounding mode, of a result that inherits its inputs' errors. A product
/// may be flushed to zero, a factor as well.
fn combine(op: Binary, a: Number, b: Number) -> Number {
    match op {
        Binary::Sub => combine(Binary::Add, a, Number { value: -b.value, ..b }),
        Binary::Add => {
            let inherited = a.bound + b.bound;
            let value = a.value + b.value;
            Number::new(value, inherited + ULP * (value.abs() + inherited) + 2.0 * SMALLEST)
        }
        Binary::Mul => {
            let (a_size, b_size) = (a.value.abs(), b.value.abs());
            let inherited = a.bound * b_size + a_size * b.bound + a.bound * b.bound;
            let value = a.value * b.value;
            Number::new(
                value,
                inherited + ULP * (value.abs() + inherited) + SMALLEST * (1.0 + a_size + b_size),
            )
        }
        Binary::Div => divide(a, b),
        Binary::Pow => power(a, b),
        // One of the two, whichever: neither moves by more than the larger error.
        Binary::Min | Binary::Max => {
            let left_wins = a.value.is_nan() || ((a.value < b.value) == (op == Binary::Min) && !b.value.is_nan());
            Number::new(if left_wins { a.value } else { b.value }, a.bound.max(b.bound))
        }
    }
}

/// 2.5 ULP in WGSL, as those of [`Number::divided_by`].
fn divide(a: Number, b: Number) -> Number {
    let value = a.value / b.value;
    let smallest_divisor = b.value.abs() - b.bound;
    let inherited = if a.bound == 0.0 && b.bound == 0.0 {
        0.0
    } else if smallest_divisor > 0.0 {
        (a.bound + value.abs() * b.bound) / smallest_divisor
    } else {
        // The divisor may be 0: nothing is sure.
        f64::INFINITY
    };
    Number::overflowing(value, inherited + 3.5 * ULP * (value.abs() + inherited) + SMALLEST)
}

/// Largest whole exponent that is computed by products.
const PRODUCTS: f64 = 16.0;
/// ULP for each factor of such a power, where the exponent is negative: a reciprocal's 2.5 and a product.
const FACTOR: f64 = 3.5;
/// What `exp(t)` costs besides its argument's error, and what `t = y * log(|x|)` costs, relative to `t`: 14 for a logarithm,
/// 2 for roundings, 2 for `exp` itself.
const POWER: f64 = 4.0;
const POWER_ARGUMENT: f64 = 18.0;

/// `a` to the power of `b`; its special values are C's, which Rust's `powf` has.
fn power(a: Number, b: Number) -> Number {
    let value = a.value.powf(b.value);
    let is_whole = b.bound == 0.0 && b.value.fract() == 0.0;
    let size = a.value.abs();
    let inherited = if a.bound == 0.0 && b.bound == 0.0 {
        0.0
    } else if size > a.bound && (a.value > 0.0 || is_whole) {
        // Monotone in either argument: the corners are the extremes.
        let corner = |x: f64, y: f64| ((size + x * a.bound).powf(b.value + y * b.bound) - value.abs()).abs();
        let corners = [corner(-1.0, -1.0), corner(-1.0, 1.0), corner(1.0, -1.0), corner(1.0, 1.0)];
        corners.into_iter().fold(0.0, f64::max)
    } else if is_whole && b.value >= 0.0 {
        // The base may be 0 or of the other sign.
        (size + a.bound).powf(b.value) + value.abs()
    } else {
        f64::INFINITY
    };
    let steepest = (size + a.bound).ln().abs().max((size - a.bound).abs().ln().abs());
    let argument = ((b.value.abs() + b.bound) * steepest).min(EXP_UNDERFLOWS);
    // No product overflows on the way, nor is it subnormal.
    let moderate = b.bound == 0.0 && argument < 85.0;
    let relative = if moderate && is_whole && b.value.abs() <= PRODUCTS {
        FACTOR * b.value.abs() + 1.0
    } else if moderate && b.value == 0.5 {
        SQRT
    } else {
        POWER + POWER_ARGUMENT * argument
    };
    let magnitude = value.abs() + inherited;
    Number::overflowing(value, inherited + relative * ULP * magnitude + SMALLEST)
}
