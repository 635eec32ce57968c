//! Functions of one element over slices, compiled for the vectors that the machine has.

use pulp::{Simd, WithSimd};

use super::broadcast::flag;
use super::math::{decay_minus_one, erf, exp, gelu, gelu_tanh, log, mish, sigmoid, softplus, tanh};
use super::parallel;
use super::vectors::dispatch;
use crate::ops::Unary;

/// A function that is inlined whatever its length: only so does a loop over it become one of vectors.
macro_rules! inlined {
    ($function:expr) => {
        #[inline(always)]
        |x| $function(x)
    };
}

/// Applies a function of floats to every element, on this thread.
pub(super) fn apply(function: Unary, data: &mut [f32]) {
    dispatch(Applied { function, data });
}

struct Applied<'a> {
    function: Unary,
    data: &'a mut [f32],
}

impl WithSimd for Applied<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { function, data } = self;
        match function {
            Unary::Relu => each(data, |x| if x < 0.0 { 0.0 } else { x }),
            Unary::Relu6 => each(data, |x| clamp(x, 0.0, 6.0)),
            Unary::Clamp { min, max } => each(data, |x| clamp(x, min, max)),
            Unary::LeakyRelu { negative_slope } => each(data, |x| if x < 0.0 { negative_slope * x } else { x }),
            Unary::Elu { alpha } => each(
                data,
                inlined!(|x: f32| if x < 0.0 { alpha * decay_minus_one::<S>(x) } else { x }),
            ),
            Unary::Silu => each(data, inlined!(|x: f32| x * sigmoid::<S>(x))),
            Unary::Gelu => each(data, inlined!(gelu::<S>)),
            Unary::Mish => each(data, inlined!(mish::<S>)),
            Unary::Softplus => each(data, inlined!(softplus::<S>)),
            Unary::Sigmoid => each(data, inlined!(sigmoid::<S>)),
            Unary::Tanh => each(data, inlined!(tanh::<S>)),
            Unary::HardSigmoid => each(data, |x| clamp(x + 3.0, 0.0, 6.0) / 6.0),
            // The product before the division, as in PyTorch.
            Unary::HardSwish => each(data, |x| x * clamp(x + 3.0, 0.0, 6.0) / 6.0),
            Unary::Abs => each(data, f32::abs),
            Unary::Neg => each(data, |x| -x),
            Unary::Exp => each(data, inlined!(exp::<S>)),
            Unary::Log => each(data, inlined!(log::<S>)),
            Unary::Sqrt => each(data, f32::sqrt),
            Unary::Erf => each(data, inlined!(erf::<S>)),
            Unary::Softsign => each(data, |x| x / (1.0 + x.abs())),
            Unary::Selu { alpha, gamma } => each(
                data,
                inlined!(|x: f32| gamma * if x < 0.0 { alpha * decay_minus_one::<S>(x) } else { x }),
            ),
            Unary::Celu { alpha } => each(
                data,
                inlined!(|x: f32| if x < 0.0 { alpha * decay_minus_one::<S>(x / alpha) } else { x }),
            ),
            Unary::HardSigmoidWith { alpha, beta } => each(data, |x| clamp(alpha * x + beta, 0.0, 1.0)),
            Unary::GeluTanh => each(data, inlined!(gelu_tanh::<S>)),
            Unary::Floor => each(data, f32::floor),
            Unary::Ceil => each(data, f32::ceil),
            Unary::Sign => each(data, |x| if x == 0.0 || x.is_nan() { x } else { 1.0_f32.copysign(x) }),
            Unary::Reciprocal => each(data, |x| 1.0 / x),
            Unary::Tan => each(data, f32::tan),
            Unary::Sin => each(data, f32::sin),
            Unary::Cos => each(data, f32::cos),
            Unary::Round => each(data, f32::round_ties_even),
            Unary::Asin => each(data, f32::asin),
            Unary::Acos => each(data, f32::acos),
            Unary::Atan => each(data, f32::atan),
            Unary::Sinh => each(data, f32::sinh),
            Unary::Cosh => each(data, f32::cosh),
            Unary::Asinh => each(data, |x| f64::from(x).asinh() as f32),
            Unary::Acosh => each(data, |x| f64::from(x).acosh() as f32),
            Unary::Atanh => each(data, |x| f64::from(x).atanh() as f32),
            Unary::ThresholdedRelu { alpha } => each(data, |x| if x > alpha || x.is_nan() { x } else { 0.0 }),
            Unary::Shrink { lambd, bias } => each(data, |x| {
                let moved = if x < -lambd { x + bias } else { x - bias };
                if x < -lambd || x > lambd || x.is_nan() { moved } else { 0.0 }
            }),
            // Of whole numbers and bools only.
            Unary::BitwiseNot | Unary::Not => {}
            Unary::IsNan => each(data, |x| flag(x.is_nan())),
            Unary::RoundSignificand {
                fraction_bits,
                least_exponent,
            } => {
                let (fraction_bits, least_exponent) = (fraction_bits as u32, least_exponent as i32);
                each(data, |x| round_significand(x, fraction_bits, least_exponent));
            }
        }
    }
}

/// Of a whole number, or of a bool as 0 or 1.
pub(super) fn of_whole(function: Unary, x: i64) -> Option<i64> {
    Some(match function {
        Unary::Relu => x.max(0),
        Unary::Abs => x.wrapping_abs(),
        Unary::Neg => x.wrapping_neg(),
        Unary::Sign => x.signum(),
        Unary::Not => 1 - x,
        Unary::BitwiseNot => !x,
        _ => return None,
    })
}

/// `min(max(x, low), high)` that keeps NaN, and in which `high` wins.
#[inline(always)]
pub(super) fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let raised = if x < low { low } else { x };
    if raised > high { high } else { raised }
}

/// To so many bits after the point of the significand, by the float's own bits: what is dropped is carried into what stays.
#[inline(always)]
fn round_significand(x: f32, fraction_bits: u32, least_exponent: i32) -> f32 {
    let magnitude = x.abs();
    let dropped = 23 - fraction_bits;
    let bits = magnitude.to_bits();
    let last = if fraction_bits == 0 { 1 } else { (bits >> dropped) & 1 };
    let near = (bits + (1 << (dropped - 1)) - 1 + last) >> dropped << dropped;
    // Sums with this power of two are multiples of the least step.
    let power = f32::from_bits(((least_exponent + 127) as u32 + dropped) << 23);
    let small = magnitude + power - power;
    let is_small = magnitude < f32::from_bits(((least_exponent + 127) as u32) << 23);
    let rounded = if is_small && least_exponent > -126 {
        small
    } else {
        f32::from_bits(near)
    };
    if x.is_nan() { x } else { rounded.copysign(x) }
}

#[inline(always)]
fn each(data: &mut [f32], function: impl Fn(f32) -> f32) {
    for x in data {
        *x = function(*x);
    }
}

/// A function of floats from one tensor to another, over all threads.
pub(super) fn unary(op: Unary, input: &[f32], output: &mut [f32]) {
    parallel::pairs(output, input, |output, input| {
        output.copy_from_slice(input);
        apply(op, output);
    });
}
