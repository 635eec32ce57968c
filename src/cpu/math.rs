//! Functions of one element in plain arithmetic without branches, which the compiler turns into vectors: each relatively
//! accurate over the whole range, as the snippets in `shaders/unary` are. NaN comes through.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

/// One of two, without a branch.
#[inline(always)]
fn select(otherwise: f32, then: f32, condition: bool) -> f32 {
    if condition { then } else { otherwise }
}

/// The largest argument whose exponential is finite.
const LARGEST: f32 = 88.722_83;

/// `e^x`: infinity where that is too large, subnormal numbers and 0 where it is small. 2 ULP (S. Moshier, Cephes, expf).
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let clamped = select(select(x, -104.0, x < -104.0), LARGEST, x > LARGEST);
    // Rounded to a whole number by the adder: exact below 2^22.
    let magic = 12_582_912.0;
    let shifted = clamped * LOG2_E + magic;
    let power = shifted - magic;
    let rest = clamped - power * 0.693_359_4;
    let rest = rest - power * -2.121_944_4e-4;
    let mut series = 1.987_569_2e-4;
    series = series * rest + 1.398_2e-3;
    series = series * rest + 8.333_452e-3;
    series = series * rest + 4.166_579_6e-2;
    series = series * rest + 1.666_666_6e-1;
    series = series * rest + 5e-1;
    let value = series * rest * rest + rest + 1.0;
    // 2^power in two factors, each normal.
    let power = (shifted.to_bits() as i32).wrapping_sub(magic.to_bits() as i32);
    let half = power >> 1;
    let scaled = value * two_to(half) * two_to(power.wrapping_sub(half));
    select(scaled, f32::INFINITY, x > LARGEST)
}

/// `2^power` for powers of normal numbers.
#[inline(always)]
fn two_to(power: i32) -> f32 {
    f32::from_bits((power.wrapping_add(127) as u32) << 23)
}

#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    select(1.0, e, x < 0.0) / (1.0 + e)
}

/// `e^x - 1` for `x <= 0`: the series near 0, where the difference would cancel.
#[inline(always)]
pub(super) fn decay_minus_one(x: f32) -> f32 {
    let mut series = 1.0 + x * (1.0 / 8.0);
    series = 1.0 + x * (1.0 / 7.0) * series;
    series = 1.0 + x * (1.0 / 6.0) * series;
    series = 1.0 + x * (1.0 / 5.0) * series;
    series = 1.0 + x * (1.0 / 4.0) * series;
    series = 1.0 + x * (1.0 / 3.0) * series;
    series = 1.0 + x * (1.0 / 2.0) * series;
    select(x * series, exp(x) - 1.0, x < -0.5)
}

/// `log(1 + e)` for `0 <= e <= 1`: twice the series of `artanh(e / (2 + e))`.
#[inline(always)]
fn log_one_plus(e: f32) -> f32 {
    let z = e / (2.0 + e);
    let square = z * z;
    let mut series = 1.0 / 15.0;
    series = 1.0 / 13.0 + square * series;
    series = 1.0 / 11.0 + square * series;
    series = 1.0 / 9.0 + square * series;
    series = 1.0 / 7.0 + square * series;
    series = 1.0 / 5.0 + square * series;
    series = 1.0 / 3.0 + square * series;
    2.0 * z * (1.0 + square * series)
}

#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    select(x, 0.0, x < 0.0) + log_one_plus(exp(-x.abs()))
}

/// The polynomial near 0 (S. Moshier, Cephes, tanhf) and `1 - 2 / (exp(2 |x|) + 1)` beyond.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let mut series = -5.704_988_6e-3;
    series = series * square + 2.063_908_8e-2;
    series = series * square - 5.373_971_6e-2;
    series = series * square + 1.333_144_2e-1;
    series = series * square - 3.333_328_3e-1;
    let near = x + x * square * series;
    let e = exp(-2.0 * magnitude);
    let far = select(1.0, -1.0, x < 0.0) * (1.0 - e) / (1.0 + e);
    select(far, near, magnitude < 0.625)
}

/// The complementary error function, relative error below 1.2e-7 before rounding (Chebyshev fit of Numerical Recipes, 6.2).
#[inline(always)]
fn complementary_error(x: f32) -> f32 {
    let magnitude = x.abs();
    let t = 1.0 / (1.0 + 0.5 * magnitude);
    let mut fit = 0.170_872_77;
    fit = fit * t - 0.822_152_2;
    fit = fit * t + 1.488_515_9;
    fit = fit * t - 1.135_204;
    fit = fit * t + 0.278_868_08;
    fit = fit * t - 0.186_288_06;
    fit = fit * t + 0.096_784_18;
    fit = fit * t + 0.374_091_96;
    fit = fit * t + 1.000_023_7;
    fit = fit * t - 1.265_512_2;
    let square = magnitude * magnitude;
    // exp(-x^2) and exp(fit) apart, so that each argument stays as exact as it is.
    let tail = t * exp(-select(square, 200.0, square > 200.0)) * exp(fit);
    select(tail, 2.0 - tail, x < 0.0)
}

/// The Maclaurin series to 1, where its terms sum to twice the result at most, then `1 - erfc(x)`.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let mut series = 1.0 / 76_204_800.0;
    series = series * square - 1.0 / 6_894_720.0;
    series = series * square + 1.0 / 685_440.0;
    series = series * square - 1.0 / 75_600.0;
    series = series * square + 1.0 / 9_360.0;
    series = series * square - 1.0 / 1_320.0;
    series = series * square + 1.0 / 216.0;
    series = series * square - 1.0 / 42.0;
    series = series * square + 1.0 / 10.0;
    series = series * square - 1.0 / 3.0;
    let near = std::f32::consts::FRAC_2_SQRT_PI * (x + x * square * series);
    let far = select(1.0, -1.0, x < 0.0) * (1.0 - complementary_error(magnitude));
    select(near, far, magnitude > 1.0)
}

/// `x / 2 * (1 + erf(x / sqrt(2)))`; PyTorch gives NaN for both infinities.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    let y = 0.5 * x * complementary_error(-FRAC_1_SQRT_2 * x);
    select(y, f32::NAN, x.abs() == f32::INFINITY)
}

/// `x * sigmoid(2 u)` with `u = sqrt(2 / pi) * (x + 0.044715 x^3)`. Beyond 20 the argument decides nothing more and could
/// overflow. PyTorch multiplies minus infinity by 0.
#[inline(always)]
pub(super) fn gelu_tanh(x: f32) -> f32 {
    let near = select(select(x, -20.0, x < -20.0), 20.0, x > 20.0);
    let y = x * sigmoid(1.595_769 * near * (1.0 + 0.044_715 * near * near));
    select(y, f32::NAN, x == f32::NEG_INFINITY)
}

/// `x tanh(softplus(x))`, a quotient of positive terms in `e = exp(-|x|)`.
#[inline(always)]
pub(super) fn mish(x: f32) -> f32 {
    let e = exp(-x.abs());
    let square = e * e;
    let (negative, positive) = (square + 2.0 * e, 1.0 + 2.0 * e);
    let above = select(positive, negative, x < 0.0);
    let rest = select(2.0 * square, 2.0, x < 0.0);
    x * (above / (above + rest))
}

/// `log(x)` for positive normal numbers, with a relative error even near 1: `x = m 2^k` with m from sqrt(1/2) to sqrt(2),
/// `log(x) = k log(2) + 2 artanh((m - 1) / (m + 1))`.
#[inline(always)]
pub(super) fn log(x: f32) -> f32 {
    let is_small = x < f32::MIN_POSITIVE;
    // Subnormal numbers are made normal first; 2^23 exactly.
    let normal = select(x, x * 8_388_608.0, is_small);
    let bits = normal.to_bits() as i32;
    let steps = bits.wrapping_sub(0x3f35_04f3) >> 23;
    let k = steps as f32 - select(0.0, 23.0, is_small);
    let m = f32::from_bits(bits.wrapping_sub(steps << 23) as u32);
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let mut series = 1.0 / 11.0;
    series = 1.0 / 9.0 + square * series;
    series = 1.0 / 7.0 + square * series;
    series = 1.0 / 5.0 + square * series;
    series = 1.0 / 3.0 + square * series;
    let result = k * LN_2 + 2.0 * z * (1.0 + square * series);
    let result = select(result, f32::NEG_INFINITY, x == 0.0);
    let result = select(result, f32::NAN, x < 0.0);
    select(select(result, x, x == f32::INFINITY), x, x.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a function is within so many ULP of what `f64` has, over a range.
    fn within(ulp: f64, range: std::ops::Range<f32>, got: impl Fn(f32) -> f32, want: impl Fn(f64) -> f64) {
        for step in 0..50_000_u16 {
            let x = range.start + (range.end - range.start) * (f32::from(step) / 5e4);
            let (got, want) = (f64::from(got(x)), want(f64::from(x)));
            let allowed = ulp * f64::from(f32::EPSILON) * want.abs() + f64::from(f32::MIN_POSITIVE) * 1e-6;
            assert!((got - want).abs() <= allowed, "at {x:e}: {got:e}, not {want:e}");
        }
    }

    #[test]
    fn exponential_and_logarithm_are_accurate() {
        within(2.0, -87.0..88.7, exp, f64::exp);
        within(2.0, -1.0..1.0, exp, f64::exp);
        within(3.0, 1e-3..3.0, log, f64::ln);
        within(3.0, 1e-38..1e38, log, f64::ln);
        assert_eq!(exp(88.73), f32::INFINITY);
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert!(exp(f32::NAN).is_nan() && log(f32::NAN).is_nan() && log(-1.0).is_nan());
        assert_eq!(log(0.0), f32::NEG_INFINITY);
        assert_eq!(log(f32::INFINITY), f32::INFINITY);
        // Subnormal, in and out.
        assert!((log(1e-45) - (-103.278_93)).abs() < 1e-4);
        assert!((exp(-100.0) / 3.8e-44 - 1.0).abs() < 0.05);
    }
}
