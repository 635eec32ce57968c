//! A number with the error that a correct `f32` implementation may show, and the error of a sum.

use super::chance::Chance;

/// Unit roundoff of `f32`: the relative error of one correctly rounded operation.
pub(super) const UNIT_ROUNDOFF: f64 = ULP / 2.0;
/// Unit in the last place, relative to the number. WGSL leaves the rounding mode open, so one operation may err by this.
pub(super) const ULP: f64 = f32::EPSILON as f64;
/// The smallest normal `f32`. WGSL may flush anything smaller to zero, inputs and results alike.
pub(super) const SMALLEST: f64 = f32::MIN_POSITIVE as f64;

/// The factor `c` of `c * (K + 2) * eps * sum|x * w|`. Classic error analysis has `c = 1` for correctly rounded
/// operations in any order, with or without fused multiply-add; 2 allows for WGSL's unspecified rounding mode.
pub(super) const SUM_FACTOR: f64 = 2.0;

/// How many additions in a row a term goes through at most, in a sum of so many products. Longer sums are cut into parts: of
/// at most 2,048 terms, whose sums are added up, or of fewer.
pub(super) fn depth_of_products(terms: usize) -> f64 {
    const LONGEST: usize = 8192;
    const PART: usize = 2048;
    const LEAST_PART: usize = 256;
    if terms <= LONGEST {
        terms as f64
    } else {
        (PART + terms / LEAST_PART) as f64
    }
}

/// The same for a sum of elements: of a reduction, a window, a row. Those are added up in blocks of 32 by each of several lanes, and
/// by a tree; sums of more than a million in two steps.
pub(super) fn depth_of_elements(terms: usize) -> f64 {
    let steps = if terms > 1 << 20 { 2 } else { 1 };
    terms.min(192 * steps) as f64
}

/// A value, and the largest error with which a correct `f32` implementation may have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) bound: f64,
    /// What part of the bound is random rounding.
    pub(super) chance: Chance,
}

impl Number {
    pub(super) const ZERO: Self = Self::exact(0.0);

    pub(super) const fn exact(value: f64) -> Self {
        Self {
            value,
            bound: 0.0,
            chance: Chance::NONE,
        }
    }

    /// NaN and infinities are matched exactly: they have no error. A bound that came out as NaN, as that of 0 times a number of which
    /// nothing is sure, says that nothing is sure.
    pub(super) fn new(value: f64, bound: f64) -> Self {
        let bound = if bound.is_nan() { f64::INFINITY } else { bound };
        Self {
            value,
            bound: if value.is_finite() { bound } else { 0.0 },
            chance: Chance::NONE,
        }
    }

    /// The same with a random part of its bound, which NaN and infinities have not.
    pub(super) fn with_chance(self, chance: Chance) -> Self {
        let is_bounded = self.value.is_finite() && self.bound.is_finite();
        Self {
            chance: if is_bounded { chance } else { Chance::NONE },
            ..self
        }
    }

    /// As [`Number::new`], for results that may be too large for `f32`: where an implementation surely overflows, it is
    /// infinity that is to be matched. Near the largest `f32` the value stays, and either may come.
    pub(super) fn overflowing(value: f64, bound: f64) -> Self {
        if value.abs() - bound > f64::from(f32::MAX) {
            return Self::exact(f64::INFINITY.copysign(value));
        }
        Self::new(value, bound)
    }

    /// The largest magnitude that an implementation may have here.
    #[inline]
    pub(super) fn largest(self) -> f64 {
        self.value.abs() + self.bound
    }

    /// What comes of a comparison, which computes nothing: the number itself, or zero where it may be subnormal.
    pub(super) fn handed_on(self) -> Self {
        let may_be_subnormal = self.value.abs() - self.bound < SMALLEST && self.largest() > 0.0;
        let flushed = if may_be_subnormal { SMALLEST } else { 0.0 };
        Self::new(self.value, self.bound + flushed).with_chance(self.chance)
    }

    /// Division by an exact number: 2.5 ULP in WGSL, or a product with the rounded reciprocal.
    pub(super) fn divided_by(self, divisor: f64) -> Self {
        let value = self.value / divisor;
        let inherited = self.bound / divisor.abs();
        let bound = inherited + 3.5 * ULP * (value.abs() + inherited) + SMALLEST;
        Self::new(value, bound).with_chance(self.chance.times(1.0 / divisor.abs()))
    }
}

/// A running sum of numbers and of products, with the bound for any order of summation, of long sums in parts.
#[derive(Clone, Copy, Default)]
pub(super) struct Sum {
    value: f64,
    terms: usize,
    /// The sum of the terms' magnitudes, which rounding errors are relative to.
    magnitude: f64,
    /// What the errors of the inputs come to.
    inherited: f64,
    /// What flushing subnormal inputs, products and partial sums comes to.
    flushed: f64,
}

impl Sum {
    /// Of the products of what stands in the same places.
    pub(super) fn of_products(left: &[Number], right: &[Number]) -> Self {
        let mut sum = Self::default();
        for (&x, &w) in left.iter().zip(right) {
            sum.add_product(x, w);
        }
        sum
    }

    pub(super) fn add(&mut self, x: Number) {
        self.value += x.value;
        self.terms += 1;
        self.magnitude += x.largest();
        self.inherited += x.bound;
        self.flushed += 2.0 * SMALLEST;
    }

    #[inline]
    pub(super) fn add_product(&mut self, x: Number, w: Number) {
        let (x_size, w_size) = (x.value.abs(), w.value.abs());
        self.value += x.value * w.value;
        self.terms += 1;
        self.magnitude += x.largest() * w.largest();
        self.inherited += x.bound * w_size + x_size * w.bound + x.bound * w.bound;
        self.flushed += SMALLEST * (2.0 + x_size + w_size);
    }

    pub(super) fn total(self) -> Number {
        self.total_or(Rounding::NONE)
    }

    /// As [`Sum::total`], of elements alone: their sums are added up in shorter blocks.
    pub(super) fn total_of_elements(self) -> Number {
        self.with_depth(depth_of_elements(self.terms), Rounding::NONE)
    }

    /// As [`Sum::total`], where all terms are added one after another, however many.
    pub(super) fn total_in_a_row(self) -> Number {
        self.with_depth(self.terms as f64, Rounding::NONE)
    }

    /// As [`Sum::total`], where an implementation may also compute the sum some other way that rounds and flushes so much.
    pub(super) fn total_or(self, rounding: Rounding) -> Number {
        self.with_depth(depth_of_products(self.terms), rounding)
    }

    fn with_depth(self, depth: f64, other: Rounding) -> Number {
        let own = Rounding::of_sum(depth + 2.0, self.magnitude, self.flushed);
        let rounding = own.or(other);
        Number::new(self.value, self.inherited + rounding.bound).with_chance(rounding.chance)
    }
}

/// What a sum's roundings come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounding {
    pub(super) bound: f64,
    pub(super) chance: Chance,
}

impl Rounding {
    pub(super) const NONE: Self = Self {
        bound: 0.0,
        chance: Chance::NONE,
    };

    /// Of so many in a row at most, and of what is flushed besides.
    pub(super) fn of_sum(depth: f64, magnitude: f64, flushed: f64) -> Self {
        Self {
            bound: SUM_FACTOR * depth * UNIT_ROUNDOFF * magnitude + flushed,
            chance: Chance::of_sum(depth, magnitude),
        }
    }

    /// The most of two.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            bound: self.bound.max(other.bound),
            chance: self.chance.or(other.chance),
        }
    }
}
