//! The error function and its complement in `f64`.

use std::f64::consts::PI;

/// `erf(x) = 1 - erfc(x)`, relatively accurate near 0 too.
pub(super) fn erf(x: f64) -> f64 {
    if x.abs() < 2.0 { erf_series(x) } else { 1.0 - erfc(x) }
}

/// `erfc(x) = 2 / sqrt(pi) * integral of exp(-t^2) from x to infinity`, relatively accurate to about 1e-13.
pub(super) fn erfc(x: f64) -> f64 {
    if x < 0.0 {
        2.0 - erfc(-x)
    } else if x < 2.0 {
        1.0 - erf_series(x)
    } else {
        erfc_fraction(x)
    }
}

/// `erf(x) = 2 / sqrt(pi) * exp(-x^2) * sum over n of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1))`: no term is negative.
fn erf_series(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..100 {
        term *= 2.0 * x * x / (2.0 * f64::from(n) + 1.0);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// `erfc(x) = exp(-x^2) / sqrt(pi) / (x + (1/2) / (x + (2/2) / (x + (3/2) / (x + ...))))`.
fn erfc_fraction(x: f64) -> f64 {
    let denominator = (1..200).rev().fold(x, |tail, n| x + f64::from(n) / 2.0 / tail);
    (-x * x).exp() / PI.sqrt() / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from Abramowitz and Stegun's tables and C's `erfc`.
    #[test]
    fn known_values() {
        for (x, want) in [
            (0.0, 1.0),
            (0.5, 0.479_500_122_186_953_5),
            (1.0, 0.157_299_207_050_285_1),
            (2.0, 0.004_677_734_981_047_266),
            (3.0, 2.209_049_699_858_544e-5),
            (5.0, 1.537_459_794_428_035e-12),
            (-1.0, 1.842_700_792_949_715),
            (-6.0, 2.0),
        ] {
            let got = erfc(x);
            assert!((got - want).abs() <= 1e-12 * want, "erfc({x}) = {got}, not {want}");
        }
        for (x, want) in [
            (1e-20, 1.128_379_167_095_512_6e-20),
            (-0.5, -0.520_499_877_813_046_5),
            (-9.0, -1.0),
        ] {
            assert!((erf(x) / want - 1.0).abs() < 1e-14, "erf({x}) = {}, not {want}", erf(x));
        }
        assert_eq!(erfc(f64::INFINITY), 0.0);
        assert!(erfc(f64::NAN).is_nan());
    }

    #[test]
    fn series_and_fraction_meet() {
        let (series, fraction) = (1.0 - erf_series(2.5), erfc_fraction(2.5));
        assert!((series / fraction - 1.0).abs() < 1e-11, "{series} against {fraction}");
    }
}
