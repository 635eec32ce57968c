//! Floats of eight bits and fewer: what their codes mean.

use super::element;

/// A float format of at most eight bits, with a sign but for `FLOAT8E8M0`.
struct Format {
    /// Bits of the significand after the point.
    fraction: u32,
    /// What is subtracted from the exponent's bits.
    bias: i32,
}

/// The value of a code, which `f32` holds exactly.
pub(super) fn value(kind: i32, code: u8) -> f32 {
    if kind == element::FLOAT8E8M0 {
        // No sign, no fraction, no zero: the exponent of an f32, moved down where that is subnormal.
        return match code {
            0 => f32::MIN_POSITIVE / 2.0,
            0xff => f32::NAN,
            exponent => f32::from_bits(u32::from(exponent) << 23),
        };
    }
    let magnitude = code & 0x7f;
    match kind {
        element::FLOAT8E4M3FN if magnitude == 0x7f => f32::NAN,
        element::FLOAT8E4M3FNUZ | element::FLOAT8E5M2FNUZ if code == 0x80 => f32::NAN,
        element::FLOAT8E5M2 if magnitude > 0x7c => f32::NAN,
        element::FLOAT8E5M2 if magnitude == 0x7c => f32::INFINITY.copysign(sign(code, 0x80)),
        element::FLOAT8E4M3FN => finite(magnitude, &Format { fraction: 3, bias: 7 }) * sign(code, 0x80),
        element::FLOAT8E4M3FNUZ => finite(magnitude, &Format { fraction: 3, bias: 8 }) * sign(code, 0x80),
        element::FLOAT8E5M2FNUZ => finite(magnitude, &Format { fraction: 2, bias: 16 }) * sign(code, 0x80),
        element::FLOAT8E5M2 => finite(magnitude, &Format { fraction: 2, bias: 15 }) * sign(code, 0x80),
        // FLOAT4E2M1.
        _ => finite(code & 7, &Format { fraction: 1, bias: 1 }) * sign(code, 8),
    }
}

fn sign(code: u8, bit: u8) -> f32 {
    if code & bit == 0 { 1.0 } else { -1.0 }
}

fn finite(magnitude: u8, format: &Format) -> f32 {
    let one = 1 << format.fraction;
    let (exponent, fraction) = (i32::from(magnitude >> format.fraction), u32::from(magnitude) % one);
    // Exponent bits of 0 stand for an exponent of 1 without the leading one.
    let significand = if exponent == 0 { fraction } else { one + fraction };
    significand as f32 * 2.0_f32.powi(exponent.max(1) - format.bias - format.fraction as i32)
}
