//! Functions of one element in plain arithmetic without branches, which the compiler turns into vectors: each relatively
//! accurate over the whole range, as the snippets in `shaders/unary` are. NaN comes through. `S` are the vectors that they are compiled for.

use std::f32::consts::{FRAC_1_SQRT_2, LN_2, LOG2_E};

use pulp::Simd;

/// `a * b + c`, rounded once where these vectors have an instruction for it, as they have it for the sums of convolutions.
#[inline(always)]
fn multiply_add<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if S::IS_SCALAR || cfg!(target_family = "wasm") {
        a * b + c
    } else {
        a.mul_add(b, c)
    }
}

/// The polynomial with these coefficients, that of the highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    let mut index = 1;
    while index < N {
        sum = multiply_add::<S>(sum, x, coefficients[index]);
        index += 1;
    }
    sum
}

/// One of two, without a branch.
#[inline(always)]
fn select(otherwise: f32, then: f32, condition: bool) -> f32 {
    if condition { then } else { otherwise }
}

/// The larger one: NaN counts as larger than all.
#[inline(always)]
pub(super) fn larger(best: f32, value: f32) -> f32 {
    if value > best || value.is_nan() { value } else { best }
}

/// The largest argument whose exponential is finite.
const LARGEST: f32 = 88.722_83;

/// `e^x`: infinity where that is too large, subnormal numbers and 0 where it is small. 2 ULP (S. Moshier, Cephes, expf).
#[inline(always)]
pub(super) fn exp<S: Simd>(x: f32) -> f32 {
    let clamped = select(select(x, -104.0, x < -104.0), LARGEST, x > LARGEST);
    // Rounded to a whole number by the adder: exact below 2^22.
    let magic = 12_582_912.0;
    let shifted = multiply_add::<S>(clamped, LOG2_E, magic);
    let power = shifted - magic;
    let rest = multiply_add::<S>(power, -0.693_359_4, clamped);
    let rest = multiply_add::<S>(power, 2.121_944_4e-4, rest);
    let series = [1.987_569_2e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 5e-1];
    let value = multiply_add::<S>(polynomial::<S, 6>(rest, series) * rest, rest, rest) + 1.0;
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
pub(super) fn sigmoid<S: Simd>(x: f32) -> f32 {
    let e = exp::<S>(-x.abs());
    select(1.0, e, x < 0.0) / (1.0 + e)
}

/// `e^x - 1` for `x <= 0`: the series near 0, where the difference would cancel.
#[inline(always)]
pub(super) fn decay_minus_one<S: Simd>(x: f32) -> f32 {
    let series = [
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
    ];
    select(x * polynomial::<S, 8>(x, series), exp::<S>(x) - 1.0, x < -0.5)
}

/// `log(1 + e)` for `0 <= e <= 1`: twice the series of `artanh(e / (2 + e))`.
#[inline(always)]
fn log_one_plus<S: Simd>(e: f32) -> f32 {
    let z = e / (2.0 + e);
    let series = [
        1.0 / 15.0,
        1.0 / 13.0,
        1.0 / 11.0,
        1.0 / 9.0,
        1.0 / 7.0,
        1.0 / 5.0,
        1.0 / 3.0,
        1.0,
    ];
    2.0 * z * polynomial::<S, 8>(z * z, series)
}

#[inline(always)]
pub(super) fn softplus<S: Simd>(x: f32) -> f32 {
    select(x, 0.0, x < 0.0) + log_one_plus::<S>(exp::<S>(-x.abs()))
}

/// The polynomial near 0 (S. Moshier, Cephes, tanhf) and `1 - 2 / (exp(2 |x|) + 1)` beyond.
#[inline(always)]
pub(super) fn tanh<S: Simd>(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let series = [
        -5.704_988_6e-3,
        2.063_908_8e-2,
        -5.373_971_6e-2,
        1.333_144_2e-1,
        -3.333_328_3e-1,
    ];
    let near = multiply_add::<S>(x * square, polynomial::<S, 5>(square, series), x);
    let e = exp::<S>(-2.0 * magnitude);
    let far = select(1.0, -1.0, x < 0.0) * (1.0 - e) / (1.0 + e);
    select(far, near, magnitude < 0.625)
}

/// The complementary error function: `exp(-x^2)` by a polynomial in `t = 1 / (1 + |x| / 2)`, fitted to `exp(x^2) erfc(x) / t` up to 10.5,
/// beyond which the result is 0. Its relative error is below 5e-8 before rounding.
#[inline(always)]
fn complementary_error<S: Simd>(x: f32) -> f32 {
    let magnitude = x.abs();
    let t = 1.0 / multiply_add::<S>(magnitude, 0.5, 1.0);
    let fit = [
        -0.059_193_455,
        0.285_183_4,
        -0.488_462_03,
        0.279_513_84,
        -0.027_624_244,
        0.203_110_25,
        0.242_996_54,
        0.282_390_1,
        0.282_085_57,
    ];
    let square = magnitude * magnitude;
    let tail = t * polynomial::<S, 9>(t, fit) * exp::<S>(-select(square, 200.0, square > 200.0));
    select(tail, 2.0 - tail, x < 0.0)
}

/// The Maclaurin series to 1, where its terms sum to twice the result at most, then `1 - erfc(x)`.
#[inline(always)]
pub(super) fn erf<S: Simd>(x: f32) -> f32 {
    let magnitude = x.abs();
    let square = x * x;
    let series = [
        1.0 / 76_204_800.0,
        -1.0 / 6_894_720.0,
        1.0 / 685_440.0,
        -1.0 / 75_600.0,
        1.0 / 9_360.0,
        -1.0 / 1_320.0,
        1.0 / 216.0,
        -1.0 / 42.0,
        1.0 / 10.0,
        -1.0 / 3.0,
    ];
    let near = std::f32::consts::FRAC_2_SQRT_PI * multiply_add::<S>(x * square, polynomial::<S, 10>(square, series), x);
    let far = select(1.0, -1.0, x < 0.0) * (1.0 - complementary_error::<S>(magnitude));
    select(near, far, magnitude > 1.0)
}

/// `x / 2 * (1 + erf(x / sqrt(2)))`; PyTorch gives NaN for both infinities.
#[inline(always)]
pub(super) fn gelu<S: Simd>(x: f32) -> f32 {
    let y = 0.5 * x * complementary_error::<S>(-FRAC_1_SQRT_2 * x);
    select(y, f32::NAN, x.abs() == f32::INFINITY)
}

/// `x * sigmoid(2 u)` with `u = sqrt(2 / pi) * (x + 0.044715 x^3)`. Beyond 20 the argument decides nothing more and could
/// overflow. PyTorch multiplies minus infinity by 0.
#[inline(always)]
pub(super) fn gelu_tanh<S: Simd>(x: f32) -> f32 {
    let near = select(select(x, -20.0, x < -20.0), 20.0, x > 20.0);
    let cubic = multiply_add::<S>(0.044_715 * near, near, 1.0);
    let y = x * sigmoid::<S>(1.595_769 * near * cubic);
    select(y, f32::NAN, x == f32::NEG_INFINITY)
}

/// `x tanh(softplus(x))`, a quotient of positive terms in `e = exp(-|x|)`.
#[inline(always)]
pub(super) fn mish<S: Simd>(x: f32) -> f32 {
    let e = exp::<S>(-x.abs());
    let square = e * e;
    let (negative, positive) = (square + 2.0 * e, 1.0 + 2.0 * e);
    let above = select(positive, negative, x < 0.0);
    let rest = select(2.0 * square, 2.0, x < 0.0);
    x * (above / (above + rest))
}

/// `log(x)` for positive normal numbers, with a relative error even near 1: `x = m 2^k` with m from sqrt(1/2) to sqrt(2),
/// `log(x) = k log(2) + 2 artanh((m - 1) / (m + 1))`.
#[inline(always)]
pub(super) fn log<S: Simd>(x: f32) -> f32 {
    let is_small = x < f32::MIN_POSITIVE;
    // Subnormal numbers are made normal first; 2^23 exactly.
    let normal = select(x, x * 8_388_608.0, is_small);
    let bits = normal.to_bits() as i32;
    let steps = bits.wrapping_sub(0x3f35_04f3) >> 23;
    let k = steps as f32 - select(0.0, 23.0, is_small);
    let m = f32::from_bits(bits.wrapping_sub(steps << 23) as u32);
    let z = (m - 1.0) / (m + 1.0);
    let series = [1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0];
    let result = multiply_add::<S>(2.0 * z, polynomial::<S, 6>(z * z, series), k * LN_2);
    let result = select(result, f32::NEG_INFINITY, x == 0.0);
    let result = select(result, f32::NAN, x < 0.0);
    select(select(result, x, x == f32::INFINITY), x, x.is_nan())
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

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
        exponential_and_logarithm::<Scalar>();
        #[cfg(target_arch = "x86_64")]
        exponential_and_logarithm::<pulp::x86::V3>();
    }

    fn exponential_and_logarithm<S: Simd>() {
        let (exp, log) = (exp::<S>, log::<S>);
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

    #[test]
    fn the_error_function_is_accurate() {
        error_function::<Scalar>();
        #[cfg(target_arch = "x86_64")]
        error_function::<pulp::x86::V3>();
    }

    /// By the Maclaurin series of `erf`, and where that cancels by Legendre's continued fraction.
    fn exact_complementary_error(x: f64) -> f64 {
        if x < 0.0 {
            return 2.0 - exact_complementary_error(-x);
        }
        if x < 1.5 {
            let (mut sum, mut term) = (0.0, x);
            for n in 0..40 {
                sum += term / f64::from(2 * n + 1);
                term *= -x * x / f64::from(n + 1);
            }
            return 1.0 - std::f64::consts::FRAC_2_SQRT_PI * sum;
        }
        let fraction = (1..200).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
        (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI / 2.0 / fraction
    }

    fn error_function<S: Simd>() {
        let want = exact_complementary_error;
        within(3.0, -3.0..1.0, complementary_error::<S>, want);
        // The exponential's argument is rounded.
        within(8.0, 1.0..3.0, complementary_error::<S>, want);
        within(50.0, 3.0..9.0, complementary_error::<S>, want);
        within(3.0, 0.01..4.0, erf::<S>, |x| 1.0 - want(x));
        assert_eq!(complementary_error::<S>(f32::INFINITY), 0.0);
        assert_eq!(complementary_error::<S>(f32::NEG_INFINITY), 2.0);
        assert!(complementary_error::<S>(f32::NAN).is_nan());
    }
}
