//! What independent roundings would come to: the part of a bound that random errors share, and their standard deviation.

use super::number::{SUM_FACTOR, UNIT_ROUNDOFF};

/// The part of a bound that is a sum's rounding. A bound has to hold if all roundings err alike; where they err at random, the error of
/// a sum has a standard deviation that is less by the root of their number. Nothing is said (zeros) where an operator rounds a few times
/// only, or by a function of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Chance {
    /// The most that the standard deviation of independent roundings may be, in any order of summation.
    pub deviation: f64,
    /// How much of the bound it is that they share.
    pub share: f64,
}

impl Chance {
    pub(super) const NONE: Self = Self {
        deviation: 0.0,
        share: 0.0,
    };

    /// Of a sum whose terms go through so many roundings in a row at most, by terms of this magnitude.
    ///
    /// A partial sum `s` is rounded by at most `eps |s|`, evenly spread, which has the variance `(eps s)^2 / 3`. No partial sum is larger
    /// than the magnitude `M`, and all of them together are at most `depth M`, so that their squares are at most `depth M^2`.
    pub(super) fn of_sum(depth: f64, magnitude: f64) -> Self {
        Self {
            deviation: UNIT_ROUNDOFF * magnitude * (depth / 3.0).sqrt(),
            share: SUM_FACTOR * depth * UNIT_ROUNDOFF * magnitude,
        }
    }

    pub(super) fn times(self, factor: f64) -> Self {
        Self {
            deviation: self.deviation * factor,
            share: self.share * factor,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            deviation: self.deviation.hypot(other.deviation),
            share: self.share + other.share,
        }
    }

    /// The most of two.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            deviation: self.deviation.max(other.deviation),
            share: self.share.max(other.share),
        }
    }

    /// The standard deviation where terms are equal, of so many kinds: equal terms are rounded alike, so that the roundings of one kind
    /// add up. `share^2 / 12` is the variance where there is but one.
    pub(super) fn deviation_of_kinds(self, kinds: f64) -> f64 {
        self.deviation.hypot(self.share / (12.0 * kinds).sqrt())
    }
}
