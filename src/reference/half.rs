//! What storing numbers as 16-bit floats adds to the bounds of an answer.
//!
//! As for `f32`, WGSL says neither how a number is rounded when it is narrowed nor that subnormal numbers are kept: rounding
//! costs an ULP, 2^-10 of the number, and a number below 2^-14 may become 0 when it is stored or when it is loaded. What the
//! host narrows it rounds to nearest.

use super::answer::Answer;
use super::number::Number;
use crate::precision::Precision;
use crate::tensor::TensorView;
use half::f16;

/// Unit in the last place, relative to the number: 11 significant bits.
const ULP: f64 = 1.0 / 1024.0;
/// The smallest normal number, 2^-14.
const SMALLEST: f64 = 1.0 / 16384.0;
/// The distance of subnormal numbers, 2^-24.
const SPACING: f64 = SMALLEST * ULP;
const LARGEST: f64 = 65504.0;
/// Infinite, however it is rounded: the exponent is past the largest. Between that and [`LARGEST`] either may come.
const INFINITE: f64 = 65536.0;
/// A bound that reaches beyond the largest `f32`, so that infinity is within it.
const ANYTHING: f64 = 2.0 * f32::MAX as f64;

impl Answer {
    /// Numbers of the host as a session of this precision has them: those that it was given, and how far off their stored
    /// form is.
    pub(crate) fn uploaded<'a>(values: impl Into<TensorView<'a>>, precision: Precision) -> Self {
        Self::exact(values).each_float(precision, |number| uploaded(number.value))
    }

    /// Numbers as they were read back from storage of this precision, as an operator may load them.
    pub(crate) fn loaded<'a>(values: impl Into<TensorView<'a>>, precision: Precision) -> Self {
        Self::exact(values).each_float(precision, |number| loaded(number.value))
    }

    /// An operator's answer when it is stored in this precision.
    pub(crate) fn stored(self, precision: Precision) -> Self {
        self.each_float(precision, stored)
    }

    /// Something done to each number, where they are floats that are stored as 16-bit ones.
    fn each_float(self, precision: Precision, make: impl Fn(Number) -> Number) -> Self {
        if precision == Precision::F32 || !self.dtype.is_float() {
            return self;
        }
        let dtype = self.dtype;
        Self {
            dtype,
            ..self.numbers().mapv(|number| make(number).with_chance(number.chance)).into()
        }
    }
}

fn uploaded(value: f64) -> Number {
    let rounded = f16::from_f64(value).to_f64();
    if !rounded.is_finite() {
        return Number::exact(rounded);
    }
    Number::new(value, (rounded - value).abs() + loaded(rounded).bound)
}

/// A stored number, which is taken for 0 where it is subnormal, or not.
fn loaded(value: f64) -> Number {
    Number::new(value, if value.abs() < SMALLEST { value.abs() } else { 0.0 })
}

fn stored(x: Number) -> Number {
    let (least, largest) = (x.value.abs() - x.bound, x.largest());
    if !x.value.is_finite() {
        return x;
    }
    if least >= INFINITE {
        return Number::exact(f64::INFINITY.copysign(x.value));
    }
    if largest > LARGEST {
        return Number::new(x.value, ANYTHING);
    }
    let is_representable = x.bound == 0.0 && f16::from_f64(x.value).to_f64().to_bits() == x.value.to_bits();
    let rounding = if is_representable { 0.0 } else { ULP * largest };
    let spacing = if is_representable { 0.0 } else { SPACING };
    let flushed = if least < SMALLEST && largest > 0.0 {
        largest.min(SMALLEST) + spacing
    } else {
        0.0
    };
    Number::new(x.value, x.bound + rounding + flushed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// The two halves that a number lies between.
    fn neighbours(value: f64) -> [f64; 2] {
        let nearest = f16::from_f64(value);
        let other = match nearest.to_f64() {
            at if at < value => f16::from_bits(nearest.to_bits() + 1),
            at if at > value => f16::from_bits(nearest.to_bits() - 1),
            _ => nearest,
        };
        [nearest.to_f64(), other.to_f64()]
    }

    fn is_within(got: f64, want: Number) -> bool {
        (got - want.value).abs() <= want.bound
    }

    /// Of any number within the bound that came in, either neighbour is within the one that goes out, and 0 where it may be
    /// flushed; two neighbours further is not.
    #[test]
    fn every_way_of_rounding_is_within_the_bound() {
        let mut random = Random::new(3);
        for case in 0..20_000 {
            let scale = 2.0_f64.powi(random.below(40) as i32 - 26);
            let value = scale * (1.0 + random.below(1 << 20) as f64 / f64::from(1 << 20));
            let bound = if case % 2 == 0 {
                0.0
            } else {
                value * random.below(100) as f64 * 1e-4
            };
            if value + bound > LARGEST {
                continue;
            }
            let outcome = stored(Number::new(value, bound));
            for came in [value - bound, value, value + bound] {
                for rounded in neighbours(came) {
                    assert!(is_within(rounded, outcome), "{came} as {rounded}: {outcome:?}");
                    if rounded < SMALLEST {
                        assert!(is_within(0.0, outcome), "{came} flushed: {outcome:?}");
                    }
                }
            }
            if value > 2.0 * SMALLEST {
                let further = value + bound + 2.5 * ULP * (value + bound);
                assert!(!is_within(further, outcome), "{further}: {outcome:?}");
            }
            let given = uploaded(value);
            assert!(is_within(neighbours(value)[0], given), "{given:?}");
        }
    }

    #[test]
    fn what_a_half_holds_is_exact() {
        for value in [0.0, 1.0, -2048.0, 65504.0, 0.5 + ULP, f64::INFINITY, SMALLEST] {
            for number in [stored(Number::exact(value)), uploaded(value), loaded(value)] {
                assert_eq!(
                    (number.value.to_bits(), number.bound.to_bits()),
                    (value.to_bits(), 0),
                    "{value}"
                );
            }
        }
        assert!(stored(Number::exact(2049.0)).bound > 1.0 && stored(Number::exact(f64::NAN)).value.is_nan());
        // Whether it is flushed is open.
        assert!(is_within(0.0, loaded(SPACING)) && is_within(0.0, stored(Number::exact(SPACING))));
    }

    #[test]
    fn large_numbers_are_infinite() {
        let exact = |value| stored(Number::exact(value));
        assert_eq!(exact(-65536.0).value.to_bits(), f64::NEG_INFINITY.to_bits());
        assert_eq!(uploaded(65520.0).value.to_bits(), f64::INFINITY.to_bits());
        // Rounded up or down.
        let open = Answer::from(ndarray::arr1(&[exact(65519.0)]));
        for (got, is_right) in [
            (65504.0, true),
            (f32::INFINITY, true),
            (f32::NAN, false),
            (f32::NEG_INFINITY, false),
        ] {
            let got = ndarray::arr1(&[got]).into_dyn();
            assert_eq!(crate::testing::compare(&got, &open).is_ok(), is_right, "{got}");
        }
    }
}
