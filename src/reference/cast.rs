//! From one element type to another, by the definition.

use half::f16;

use super::answer::Answer;
use super::number::{Number, SMALLEST, ULP};
use crate::dtype::DType;
use crate::ops::Cast;

pub(super) fn cast(op: Cast, input: &Answer) -> Answer {
    let from = input.dtype;
    input.numbers().mapv(|x| one(from, op.to, x)).into()
}

fn one(from: DType, to: DType, x: Number) -> Number {
    let v = x.value;
    match to {
        DType::F32 if from.is_float() => {
            // What is computed in more than 32 bits is rounded: an operator may depend on that.
            let rounded = f64::from(v as f32);
            let moved = if v.is_finite() && rounded.is_finite() {
                (rounded - v).abs()
            } else {
                0.0
            };
            Number::new(rounded, x.bound + moved)
        }
        // Exact up to 2^24.
        DType::F32 => Number::new(
            f64::from(v as f32),
            x.bound + if v.abs() > 16_777_216.0 { ULP * v.abs() } else { 0.0 },
        ),
        DType::F16 => {
            let rounded = f16::from_f64(v).to_f64();
            // A unit of what 16 bits have, where the input may be on either side of a step.
            let step = if x.bound > 0.0 {
                f64::from(f16::EPSILON) * x.largest() + 6e-8
            } else {
                0.0
            };
            let flushed = if v.abs() < SMALLEST { SMALLEST } else { 0.0 };
            Number::new(rounded, x.bound + step + flushed)
        }
        DType::Bool => {
            let may_be_zero = x.bound > 0.0 && v.abs() <= x.bound;
            Number::new(f64::from(u8::from(v != 0.0)), if may_be_zero { 1.0 } else { 0.0 })
        }
        _ => {
            let whole = |v: f64| match (from.is_float(), to) {
                (false, _) => v as i128,
                (true, DType::I64) => i128::from(v as i64),
                (true, _) => i128::from(v as i32),
            };
            let number = Number::whole(to, whole(v));
            let (least, most) = (whole(v - x.bound), whole(v + x.bound));
            let steps = whole(v).abs_diff(least).max(whole(v).abs_diff(most)) as f64;
            let wraps = matches!(to, DType::U8 | DType::I8) && is_cut(to, least, most);
            let bound = if wraps { f64::INFINITY } else { steps };
            Number::new(number.value, number.bound.max(bound))
        }
    }
}

/// Whether a number between these two lies beyond a type's ends, where what does not fit wraps around and neighbours part.
fn is_cut(to: DType, least: i128, most: i128) -> bool {
    let (first, last) = to
        .range()
        .map_or((0, 0), |(first, last)| (i128::from(first), i128::from(last)));
    least != most && (least < first || most > last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_nothing_is_sure_of_stays_so() {
        let unsure = Number::new(3.0, f64::INFINITY);
        assert_eq!(one(DType::I32, DType::U8, unsure).bound, f64::INFINITY);
        assert_eq!(one(DType::F32, DType::F32, unsure).bound, f64::INFINITY);
    }

    #[test]
    fn a_byte_that_stays_within_its_type_moves_by_steps() {
        let cast = |value, bound| one(DType::F32, DType::U8, Number::new(value, bound)).bound;
        assert_eq!([cast(29.0, 1.0), cast(0.0, 0.0), cast(254.0, 1.0)], [1.0, 0.0, 1.0]);
        assert_eq!([cast(0.0, 1.0), cast(255.0, 1.0), cast(1000.0, 1.0)], [f64::INFINITY; 3]);
    }

    #[test]
    fn more_than_32_bits_are_rounded() {
        let third = Number::new(1.0 / 3.0, 1e-9);
        let rounded = one(DType::F32, DType::F32, third);
        assert_eq!(rounded.value, f64::from(1.0_f32 / 3.0));
        assert!(rounded.bound > 1e-9 && rounded.bound < 2e-8, "{}", rounded.bound);
        assert_eq!(one(DType::F32, DType::F32, Number::exact(0.5)).bound, 0.0);
    }

    #[test]
    fn a_whole_number_that_may_be_anything_stays_so() {
        let cast = one(DType::U8, DType::I64, Number::new(5.0, f64::INFINITY));
        assert_eq!(cast.value, 5.0);
        assert!(cast.bound > 1e18, "{}", cast.bound);
    }
}
