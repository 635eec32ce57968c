//! Functions of two elements by their definitions.

use super::answer::Answer;
use super::elementwise::{self, of_elements, truth};
use super::number::{Number, SMALLEST, ULP};
use super::unary::{EXP_UNDERFLOWS, SQRT};
use crate::dtype::DType;
use crate::error::Result;
use crate::ops::Binary;

pub(super) fn binary(op: Binary, left: &Answer, right: &Answer) -> Result<Answer> {
    of_elements(
        op.name(),
        [left, right],
        |[a, b]| of_floats(op, a, b),
        |[a, b]| of_whole(op, a, b),
    )
}

/// Of two elements of a type.
pub(super) fn of_two(op: Binary, dtype: DType, a: Number, b: Number) -> Result<Number> {
    elementwise::of_one_place(op.name(), dtype, [a, b], &|[a, b]| of_floats(op, a, b), &|[a, b]| {
        of_whole(op, a, b)
    })
}

/// Of whole numbers, or of bools as 0 and 1; none where the function is none of those.
fn of_whole(op: Binary, a: i128, b: i128) -> Option<i128> {
    Some(match op {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a.checked_div(b).unwrap_or(0),
        Binary::Min => a.min(b),
        Binary::Max => a.max(b),
        Binary::LessOrEqual => i128::from(a <= b),
        Binary::GreaterOrEqual => i128::from(a >= b),
        Binary::Equal => i128::from(a == b),
        Binary::Greater => i128::from(a > b),
        Binary::Less => i128::from(a < b),
        Binary::Remainder => a
            .checked_rem_euclid(b.abs())
            .map_or(0, |rest| if b < 0 && rest > 0 { rest + b } else { rest }),
        Binary::NotEqual => i128::from(a != b),
        Binary::Fmod => a.checked_rem(b).unwrap_or(0),
        Binary::BitwiseOr | Binary::Or => a | b,
        Binary::BitwiseXor | Binary::Xor => a ^ b,
        Binary::BitwiseAnd | Binary::And => a & b,
        Binary::BitwiseLeftShift => {
            let is_within = (0..i128::from(i64::BITS)).contains(&b);
            if is_within { i128::from((a << b) as i64) } else { 0 }
        }
        Binary::BitwiseRightShift => {
            let furthest = i128::from(i64::BITS) - 1;
            a >> if b < 0 { furthest } else { b.min(furthest) }
        }
        Binary::Pow => return None,
    })
}

/// Of floats; none where the function is not of floats. At most one ULP, whatever the rounding mode, of a result that inherits its inputs' errors. A product
/// may be flushed to zero, a factor as well.
fn of_floats(op: Binary, a: Number, b: Number) -> Option<Number> {
    Some(match op {
        Binary::Sub => add(a, Number { value: -b.value, ..b }),
        Binary::Add => add(a, b),
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
        Binary::LessOrEqual => compared(a.value <= b.value, a, b),
        Binary::GreaterOrEqual => compared(a.value >= b.value, a, b),
        Binary::Equal => compared(a.value == b.value, a, b),
        Binary::Greater => compared(a.value > b.value, a, b),
        Binary::Less => compared(a.value < b.value, a, b),
        Binary::NotEqual => compared(a.value != b.value, a, b),
        Binary::Fmod => fmod(a, b),
        Binary::Remainder => remainder(a, b),
        Binary::BitwiseAnd
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::BitwiseLeftShift
        | Binary::BitwiseRightShift
        | Binary::BitwiseOr
        | Binary::BitwiseXor => return None,
    })
}

/// What a comparison gives: it is not sure of numbers that may be equal.
fn compared(is_so: bool, a: Number, b: Number) -> Number {
    truth(is_so, a.bound + b.bound, (a.value - b.value).abs())
}

/// Exact of exact numbers; of others nothing is sure, since a multiple may be between.
fn fmod(a: Number, b: Number) -> Number {
    let value = a.value % b.value;
    let is_sure = a.bound == 0.0 && b.bound == 0.0;
    Number::new(value, if is_sure { 0.0 } else { b.largest() }).handed_on()
}

/// Where signs differ, `b` is added to the exact remainder, which rounds.
fn remainder(a: Number, b: Number) -> Number {
    let rest = fmod(a, b);
    if rest.value == 0.0 {
        return Number {
            value: 0.0_f64.copysign(b.value),
            ..rest
        };
    }
    if rest.value.is_nan() || rest.value.is_sign_negative() == b.value.is_sign_negative() {
        return rest;
    }
    let value = rest.value + b.value;
    Number::new(value, rest.bound + b.bound + ULP * value.abs() + SMALLEST)
}

fn add(a: Number, b: Number) -> Number {
    let inherited = a.bound + b.bound;
    let value = a.value + b.value;
    let bound = inherited + ULP * (value.abs() + inherited) + 2.0 * SMALLEST;
    Number::new(value, bound).with_chance(a.chance.plus(b.chance))
}

/// 2.5 ULP in WGSL, as those of [`Number::divided_by`].
pub(super) fn divide(a: Number, b: Number) -> Number {
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

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn nothing_is_sure_of_zero_times_a_number_that_may_be_anything() {
        let unsure = Number::new(3.0, f64::INFINITY);
        let product = of_two(Binary::Mul, DType::F32, Number::ZERO, unsure).unwrap();
        assert_eq!((product.value, product.bound), (0.0, f64::INFINITY));
    }

    #[test]
    fn functions_of_floats_by_hand() {
        for (op, cases) in [
            (Binary::Max, &[(1.0, 1.5, 1.5), (-2.0, -3.0, -2.0)][..]),
            (
                Binary::LessOrEqual,
                &[(1.0, 1.5, 1.0), (2.0, 2.0, 1.0), (0.0, -1.0, 0.0), (f32::NAN, 1.0, 0.0)],
            ),
            (
                Binary::Equal,
                &[
                    (2.0, 2.0, 1.0),
                    (0.0, -0.0, 1.0),
                    (1e-40, 0.0, 0.0),
                    (f32::NAN, f32::NAN, 0.0),
                ],
            ),
            (
                Binary::Greater,
                &[(2.0, 1.5, 1.0), (-3.0, 0.5, 0.0), (0.0, -0.0, 0.0), (f32::NAN, 1.0, 0.0)],
            ),
            (
                Binary::Remainder,
                &[
                    (7.5, 2.0, 1.5),
                    (-7.5, 2.0, 0.5),
                    (7.5, -2.0, -0.5),
                    (-1.0, f32::INFINITY, f32::INFINITY),
                    (1.0, 0.0, f32::NAN),
                ],
            ),
            (
                Binary::Less,
                &[(2.0, 1.5, 0.0), (-3.0, 0.5, 1.0), (0.0, -0.0, 0.0), (f32::NAN, 1.0, 0.0)],
            ),
        ] {
            for &(left, right, want) in cases {
                let inputs = [left, right].map(|x: f32| Answer::exact(array![x].view()));
                let answer = binary(op, &inputs[0], &inputs[1]).unwrap();
                let got = answer.values[0] as f32;
                assert!(
                    got == want || (got.is_nan() && want.is_nan()),
                    "{op:?} of {left} and {right}: {got}"
                );
            }
        }
    }

    #[test]
    fn functions_of_bools_by_hand() {
        for (op, want) in [
            (Binary::And, [0.0, 0.0, 0.0, 1.0]),
            (Binary::Or, [0.0, 1.0, 1.0, 1.0]),
            (Binary::Xor, [0.0, 1.0, 1.0, 0.0]),
        ] {
            let inputs = [array![false, false, true, true], array![false, true, false, true]];
            let [left, right] = inputs.map(|input| Answer::exact(input.view()));
            assert_eq!(
                binary(op, &left, &right).unwrap().values.as_slice(),
                Some(&want[..]),
                "{op:?}"
            );
        }
    }

    #[test]
    fn functions_of_whole_numbers_by_hand() {
        for (op, cases) in [
            (Binary::Div, &[(7, 2, 3), (-7, 2, -3), (7, 0, 0)][..]),
            (
                Binary::Remainder,
                &[(7, 3, 1), (-7, 3, 2), (7, -3, -2), (-7, -3, -1), (7, 0, 0)],
            ),
            (
                Binary::BitwiseLeftShift,
                &[(3, 2, 12), (-3, 2, -12), (1, 63, i64::MIN), (1, 64, 0), (5, -1, 0)],
            ),
            (
                Binary::BitwiseRightShift,
                &[(13, 2, 3), (-13, 2, -4), (-1, 100, -1), (5, -1, 0), (-5, -1, -1)],
            ),
            (Binary::BitwiseAnd, &[(12, 10, 8), (-1, 5, 5)]),
        ] {
            for &(left, right, want) in cases {
                let inputs = [left, right].map(|x: i64| Answer::exact(array![x].view()));
                let answer = binary(op, &inputs[0], &inputs[1]).unwrap();
                assert_eq!(answer.values[0] as i64, want, "{op:?} of {left} and {right}");
            }
        }
    }
}
