//! Functions of one element by their definitions, each with the bound for an implementation that avoids cancellation.

use std::f64::consts::PI;

use super::answer::Answer;
use super::binary::divide;
use super::chance::Chance;
use super::elementwise::{of_elements, truth};
use super::erf::{erf, erfc};
use super::number::{Number, SMALLEST, ULP};
use crate::error::Result;
use crate::ops::Unary;

/// What an implementation may cost in ULP, besides its `2 |t|` for `exp(t)`: 3 for `exp`, 2.5 for a division, 12 for other
/// operations (a polynomial for small arguments, products, sums of numbers of one sign).
const OPERATIONS: f64 = 18.0;
/// The same for GELU: an approximation of `erfc` has a relative error of its own, 4e-7.
const OPERATIONS_ERFC: f64 = 22.0;
/// WGSL's `exp`, besides `2 |t|`, and a rounding more for what is of second order.
const EXP: f64 = 4.0;
/// WGSL's `sqrt` is 1 / inverseSqrt(x): 2 and 2.5, and a rounding more for what is of second order.
pub(super) const SQRT: f64 = 5.5;
/// Beyond this argument `exp(-t)` is less than any `f32`, and its relative error is nobody's concern.
pub(super) const EXP_UNDERFLOWS: f64 = 128.0;

pub(super) fn unary(op: Unary, input: &Answer) -> Result<Answer> {
    of_elements(op.name(), [input], |[x]| of_float(op, x), |[x]| of_whole(op, x))
}

/// Of a whole number, or of a bool as 0 or 1; none where the function is none of those.
fn of_whole(op: Unary, x: i128) -> Option<i128> {
    Some(match op {
        Unary::Relu => x.max(0),
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Sign => x.signum(),
        Unary::Not => 1 - x,
        Unary::BitwiseNot => !x,
        _ => return None,
    })
}

/// Of a float; none where the function is not of floats. The functions with an exponential have the relative error `OPERATIONS + 2 |t|` ULP, where `t` is the
/// argument of `exp` as far as it decides the result: for positive arguments (and in `elu` and `tanh`, which saturate)
/// `exp(t)` stands beside a 1, its share of the result is at most `exp(t)`, and `|t| exp(t)` is less than 1.
#[expect(clippy::too_many_lines, reason = "a few for each function")]
pub(super) fn of_float(op: Unary, x: Number) -> Option<Number> {
    let v = x.value;
    let t = (x.bound - v).max(0.0);
    Some(match op {
        Unary::Relu => exact(clamp(v, 0.0, f64::INFINITY), x),
        Unary::Relu6 => exact(clamp(v, 0.0, 6.0), x),
        Unary::Clamp { min, max } => exact(clamp(v, f64::from(min), f64::from(max)), x),
        Unary::LeakyRelu { negative_slope } => leaky(x, Number::exact(f64::from(negative_slope))),
        Unary::Elu { .. } | Unary::Celu { .. } if v > 0.0 && v > x.bound => x,
        Unary::Elu { alpha } => {
            let alpha = f64::from(alpha);
            let value = if v > 0.0 { v } else { alpha * v.exp_m1() };
            smooth(value, x, alpha.abs().max(1.0), OPERATIONS)
        }
        Unary::Sigmoid => smooth(sigmoid(v), x, 0.25, exponential(t)),
        Unary::Silu => smooth(v * sigmoid(v), x, 1.1, exponential(t)),
        Unary::Tanh => smooth(v.tanh(), x, 1.0, OPERATIONS),
        Unary::Softplus => smooth(v.max(0.0) + (-v.abs()).exp().ln_1p() + nan_of(v), x, 1.0, exponential(t)),
        Unary::Mish => {
            let softplus = v.max(0.0) + (-v.abs()).exp().ln_1p();
            smooth(v * softplus.tanh(), x, 1.09, exponential(t))
        }
        Unary::Gelu => {
            // The tail is exp(-x^2 / 2): 2 |t| for exp, and |t| for the rounding of its argument.
            let argument = (0.5 * t * t).min(EXP_UNDERFLOWS);
            // PyTorch computes inf * erf with an erf that is NaN at infinity; on both sides the result is NaN.
            let value = if v.is_infinite() {
                f64::NAN
            } else {
                0.5 * v * erfc(-v / 2.0_f64.sqrt())
            };
            smooth(value, x, 1.13, OPERATIONS_ERFC + 3.0 * argument)
        }
        Unary::HardSigmoid => {
            let value = clamp(v + 3.0, 0.0, 6.0) / 6.0;
            Number::new(value, x.bound / 6.0 + hard_sigmoid_rounding(value, x)).with_chance(x.chance.times(1.0 / 6.0))
        }
        Unary::HardSwish => {
            // The product comes before the division, as in PyTorch, and overflows first.
            let product = v * clamp(v + 3.0, 0.0, 6.0);
            let value = if product > f64::from(f32::MAX) {
                f64::INFINITY
            } else {
                product / 6.0
            };
            let factor = hard_sigmoid_rounding(clamp(v + 3.0, 0.0, 6.0) / 6.0, x);
            // Below -3 the factor is exactly 0.
            let size = if v + x.bound <= -3.0 { 0.0 } else { x.largest() };
            let bound = 1.5 * x.bound + size * factor + ULP * value.abs() + SMALLEST;
            Number::new(value, bound).with_chance(x.chance.times(1.5))
        }
        Unary::Abs => exact(v.abs(), x),
        Unary::Neg => exact(-v, x),
        Unary::Exp => {
            let value = v.exp();
            let inherited = value * x.bound.exp_m1();
            let relative = EXP + 2.0 * x.largest().min(EXP_UNDERFLOWS);
            Number::overflowing(value, inherited + relative * ULP * (value + inherited) + SMALLEST)
        }
        Unary::Log => {
            // It is steepest at the lower end, and nothing is sure of a number that may be 0.
            let inherited = if v > x.bound {
                -(-x.bound / v).ln_1p()
            } else if x.bound > 0.0 {
                f64::INFINITY
            } else {
                0.0
            };
            let value = v.ln();
            Number::new(value, inherited + OPERATIONS * ULP * (value.abs() + inherited))
        }
        Unary::Sqrt => {
            let value = v.sqrt();
            let lower = (v - x.bound).max(0.0).sqrt();
            let inherited = (value - lower).max((v + x.bound).sqrt() - value);
            // A subnormal input may be flushed to zero.
            let flushed = if v - x.bound < SMALLEST { SMALLEST.sqrt() } else { 0.0 };
            Number::new(value, inherited + SQRT * ULP * (value + inherited) + flushed)
        }
        Unary::Erf => smooth(erf(v), x, 1.13, OPERATIONS),
        Unary::Softsign => smooth(v / (1.0 + v.abs()), x, 1.0, OPERATIONS),
        Unary::Selu { alpha, gamma } => {
            let (alpha, gamma) = (f64::from(alpha), f64::from(gamma));
            let value = gamma * if v > 0.0 { v } else { alpha * v.exp_m1() };
            let steepest = gamma.abs() * alpha.abs().max(1.0);
            // What is flushed is multiplied by both.
            let Number { value, bound, .. } = smooth(value, x, steepest, OPERATIONS);
            Number::overflowing(value, bound + 4.0 * SMALLEST * (steepest + gamma.abs()))
        }
        Unary::Celu { alpha } => {
            let alpha = f64::from(alpha);
            let value = if v > 0.0 { v } else { alpha * (v / alpha).exp_m1() };
            let Number { value, bound, .. } = smooth(value, x, 1.0, OPERATIONS);
            Number::new(value, bound + 4.0 * SMALLEST * alpha)
        }
        Unary::HardSigmoidWith { alpha, beta } => {
            let (alpha, beta) = (f64::from(alpha), f64::from(beta));
            let value = clamp(alpha * v + beta, 0.0, 1.0);
            // A product and a sum, as far as the line is not cut off: there the product is at most 1 + |beta|.
            let product = (alpha.abs() * x.largest()).min(2.0 + beta.abs());
            let rounding = ULP * (2.0 * product + beta.abs()) + SMALLEST * (2.0 + alpha.abs());
            Number::new(value, alpha.abs() * x.bound + rounding)
        }
        Unary::Sign => {
            let value = if v == 0.0 { 0.0 } else { v.signum() };
            Number::new(value, if v.abs() > x.bound || x.bound == 0.0 { 0.0 } else { 2.0 })
        }
        Unary::Reciprocal => divide(Number::exact(1.0), x),
        Unary::Tan => {
            // It is steep near its poles, and nothing is sure of an angle that may be beyond one.
            let to_pole = (v / PI + 0.5).rem_euclid(1.0).min(1.0 - (v / PI + 0.5).rem_euclid(1.0)) * PI;
            let steepest = ((v - x.bound).tan() - v.tan())
                .abs()
                .max(((v + x.bound).tan() - v.tan()).abs());
            let inherited = if x.bound < to_pole { steepest } else { f64::INFINITY };
            let inherited = if x.bound == 0.0 { 0.0 } else { inherited };
            smooth(v.tan(), Number::new(v, inherited), 1.0, 2.0 * OPERATIONS)
        }
        Unary::Sin => smooth(v.sin(), x, 1.0, OPERATIONS),
        Unary::Cos => smooth(v.cos(), x, 1.0, OPERATIONS),
        Unary::Asin => monotone(f64::asin, x, OPERATIONS),
        Unary::Acos => monotone(f64::acos, x, OPERATIONS),
        Unary::Atan => monotone(f64::atan, x, OPERATIONS),
        Unary::Sinh => monotone(f64::sinh, x, OPERATIONS + 2.0 * x.largest().min(EXP_UNDERFLOWS)),
        Unary::Cosh => monotone(f64::cosh, x, OPERATIONS + 2.0 * x.largest().min(EXP_UNDERFLOWS)),
        Unary::Asinh => monotone(f64::asinh, x, OPERATIONS),
        Unary::Acosh => monotone(f64::acosh, x, OPERATIONS),
        Unary::Atanh => monotone(f64::atanh, x, OPERATIONS),
        Unary::ThresholdedRelu { alpha } => jump(v > f64::from(alpha), f64::from(alpha), x, v, 0.0),
        Unary::Shrink { lambd, bias } => {
            let (lambd, bias) = (f64::from(lambd), f64::from(bias));
            let moved = if v < -lambd { v + bias } else { v - bias };
            let rounded = Number::new(v, x.bound + ULP * (moved.abs() + x.bound) + 2.0 * SMALLEST);
            let limit = if v < 0.0 { -lambd } else { lambd };
            jump(
                v < -lambd || v > lambd,
                limit,
                Number {
                    bound: x.bound,
                    ..rounded
                },
                moved,
                rounded.bound - x.bound,
            )
        }
        Unary::BitwiseNot | Unary::Not => return None,
        Unary::RoundSignificand {
            fraction_bits,
            least_exponent,
        } => {
            let value = round_significand(v, fraction_bits, least_exponent);
            // An error of the input may take it over the middle between two steps.
            let moved = if x.bound > 0.0 {
                x.bound + spacing(x.largest(), fraction_bits, least_exponent)
            } else {
                0.0
            };
            Number::overflowing(value, moved).handed_on()
        }
        Unary::IsNan => truth(v.is_nan(), x.bound, f64::INFINITY),
        Unary::Floor | Unary::Ceil | Unary::Round => step(op, x),
        Unary::GeluTanh => {
            let argument = |v: f64| (8.0 / PI).sqrt() * (v + 0.044_715 * v * v * v);
            // 2 |t| for exp, and 6 |t| for the roundings of its argument.
            let relative = OPERATIONS + 8.0 * argument(t).min(EXP_UNDERFLOWS);
            smooth(v * sigmoid(argument(v)), x, 1.14, relative)
        }
    })
}

/// Comparisons and changes of the sign: no error but the input's.
fn exact(value: f64, x: Number) -> Number {
    // What is cut off has no error to speak of.
    let is_moved_only = value.abs() == x.value.abs();
    let chance = if is_moved_only { x.chance } else { Chance::NONE };
    Number::new(value, x.bound).with_chance(chance).handed_on()
}

/// A function of steps, which an input's error may reach; a subnormal input may be flushed to zero.
fn step(op: Unary, x: Number) -> Number {
    let function = match op {
        Unary::Floor => f64::floor,
        Unary::Ceil => f64::ceil,
        _ => f64::round_ties_even,
    };
    let v = x.value;
    let value = function(v);
    let reach = if v.abs() < SMALLEST { x.bound.max(SMALLEST) } else { x.bound };
    let moved = if reach > 0.0 && v.is_finite() {
        (function(v + reach) - value).max(value - function(v - reach))
    } else {
        0.0
    };
    // Zero is exact however small the input was.
    let moved = if v == 0.0 && x.bound == 0.0 { 0.0 } else { moved };
    Number::new(value, moved)
}

/// The step between floats with so many bits of the significand after the point, at this one.
fn spacing(v: f64, fraction_bits: f32, least_exponent: f32) -> f64 {
    // Exact, unlike a logarithm.
    let exponent = ((v.abs().to_bits() >> 52) as i32 - 1023).max(least_exponent as i32);
    2.0_f64.powi(exponent - fraction_bits as i32)
}

/// To the nearest multiple of the step; where a power of two is all that there is, to the larger one of two.
fn round_significand(v: f64, fraction_bits: f32, least_exponent: f32) -> f64 {
    let steps = v / spacing(v, fraction_bits, least_exponent);
    let whole = if fraction_bits == 0.0 {
        steps.round()
    } else {
        steps.round_ties_even()
    };
    // Infinity has no step.
    if v.is_finite() {
        whole * spacing(v, fraction_bits, least_exponent)
    } else {
        v
    }
}

/// `min(max(v, low), high)` that keeps NaN, and in which `high` wins.
fn clamp(v: f64, low: f64, high: f64) -> f64 {
    let raised = if v < low { low } else { v };
    if raised > high { high } else { raised }
}

pub(super) fn leaky(x: Number, slope: Number) -> Number {
    // No element within the input's error of 0 is sure of its side.
    if x.value > 0.0 && x.value > x.bound {
        return x;
    }
    let value = if x.value > 0.0 { x.value } else { slope.value * x.value };
    let steepest = slope.largest().max(1.0);
    let inherited = x.bound * steepest + x.value.abs() * slope.bound;
    Number::new(
        value,
        inherited + ULP * (value.abs() + inherited) + SMALLEST * (2.0 + steepest),
    )
    .with_chance(x.chance.times(steepest))
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

/// `f64::max` drops NaN; adding this brings it back.
fn nan_of(v: f64) -> f64 {
    if v.is_nan() { v } else { 0.0 }
}

fn exponential(t: f64) -> f64 {
    OPERATIONS + 2.0 * t.min(EXP_UNDERFLOWS)
}

/// A smooth function's result: it moves by at most its Lipschitz constant times the input's error, and is then computed
/// with a relative error of so many ULP. A factor that is flushed to zero is at most multiplied by `x`.
fn smooth(value: f64, x: Number, lipschitz: f64, relative: f64) -> Number {
    let inherited = lipschitz * x.bound;
    let flushed = 4.0 * SMALLEST * (1.0 + x.value.abs().min(EXP_UNDERFLOWS));
    let bound = inherited + relative * ULP * (value.abs() + inherited) + flushed;
    Number::new(value, bound).with_chance(x.chance.times(lipschitz))
}

/// Something or 0, by the side of a limit on which an input is; not sure where its error may take it to the other.
fn jump(is_beyond: bool, limit: f64, x: Number, moved: f64, rounding: f64) -> Number {
    let value = if is_beyond || x.value.is_nan() { moved } else { 0.0 };
    let is_sure = x.bound == 0.0 || (x.value - limit).abs() > x.bound;
    let own = if is_beyond { x.bound + rounding } else { 0.0 };
    let flushed = Number::new(value, own).handed_on();
    Number::new(value, flushed.bound + if is_sure { 0.0 } else { moved.abs() + x.bound })
}

/// A function that has its extremes over any interval at the ends, which is where an input's error takes it furthest.
fn monotone(function: impl Fn(f64) -> f64, x: Number, relative: f64) -> Number {
    let value = function(x.value);
    let moved = |to: f64| if x.bound == 0.0 { 0.0 } else { (function(to) - value).abs() };
    let inherited = moved(x.value - x.bound).max(moved(x.value + x.bound));
    // Nothing is sure of an argument that may be beyond the function's own.
    let is_sure = x.bound == 0.0 || !(function(x.value - x.bound) + function(x.value + x.bound)).is_nan();
    let inherited = if is_sure { inherited } else { f64::INFINITY };
    let Number { value, bound, .. } = smooth(value, Number::new(x.value, inherited), 1.0, relative);
    Number::overflowing(value, bound)
}

/// One rounding of `x + 3`, where it is not cut off, and a division by 6.
fn hard_sigmoid_rounding(value: f64, x: Number) -> f64 {
    ULP * (x.largest().min(3.0) + 3.0) / 6.0 + 3.5 * ULP * value + SMALLEST
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn functions_of_bools_by_hand() {
        let answer = unary(Unary::Not, &Answer::exact(array![false, true].view())).unwrap();
        assert_eq!(answer.values.as_slice(), Some(&[1.0, 0.0][..]));
    }

    #[test]
    fn functions_by_hand() {
        for (op, cases) in [
            (Unary::Ceil, &[(-1.5, -1.0), (0.2, 1.0), (3.0, 3.0)][..]),
            (Unary::Sign, &[(-2.5, -1.0), (0.0, 0.0), (1e-40, 1.0)]),
            (
                Unary::Reciprocal,
                &[(f32::INFINITY, 0.0), (0.0, f32::INFINITY), (f32::NEG_INFINITY, 0.0)],
            ),
            (Unary::Tan, &[(1.0, 1.557_407_7), (f32::INFINITY, f32::NAN)]),
            (Unary::Sin, &[(1e10, -0.487_506_03), (f32::INFINITY, f32::NAN)]),
            (Unary::Cos, &[(0.0, 1.0), (f32::INFINITY, f32::NAN)]),
            (Unary::Round, &[(2.5, 2.0), (-1.5, -2.0), (0.4, 0.0)]),
            (Unary::Asin, &[(0.0, 0.0), (2.0, f32::NAN)]),
            (Unary::Acos, &[(1.0, 0.0), (2.0, f32::NAN)]),
            (Unary::Atan, &[(0.0, 0.0), (f32::INFINITY, std::f32::consts::FRAC_PI_2)]),
            (Unary::Sinh, &[(0.0, 0.0), (f32::INFINITY, f32::INFINITY)]),
            (Unary::Cosh, &[(0.0, 1.0), (f32::NEG_INFINITY, f32::INFINITY)]),
            (Unary::Asinh, &[(0.0, 0.0), (f32::INFINITY, f32::INFINITY)]),
            (Unary::Acosh, &[(1.0, 0.0), (0.5, f32::NAN)]),
            (Unary::Atanh, &[(0.0, 0.0), (1.0, f32::INFINITY), (2.0, f32::NAN)]),
            (Unary::IsNan, &[(f32::NAN, 1.0), (f32::INFINITY, 0.0), (0.0, 0.0)]),
            (
                Unary::RoundSignificand {
                    fraction_bits: 3.0,
                    least_exponent: -6.0,
                },
                &[
                    (1.0625, 1.0),
                    (1.1875, 1.25),
                    (-1.07, -1.125),
                    (0.001, 0.001_953_125),
                    (0.0009, 0.0),
                    (f32::INFINITY, f32::INFINITY),
                ],
            ),
            (
                Unary::RoundSignificand {
                    fraction_bits: 7.0,
                    least_exponent: -126.0,
                },
                &[(f32::MAX, f32::INFINITY), (1.003, 1.0), (f32::NAN, f32::NAN)],
            ),
            (
                Unary::RoundSignificand {
                    fraction_bits: 0.0,
                    least_exponent: -126.0,
                },
                &[(3.0, 4.0), (-2.9, -2.0), (1.5, 2.0)],
            ),
        ] {
            for &(x, want) in cases {
                let answer = unary(op, &Answer::exact(array![x].view())).unwrap();
                let got = answer.values[0] as f32;
                assert!(got == want || (got.is_nan() && want.is_nan()), "{op:?} of {x}: {got}");
            }
        }
    }
}
