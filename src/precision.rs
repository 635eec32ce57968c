//! How the numbers of a session are stored.

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use crate::error::{Error, Result};

/// How a session stores its numbers on the GPU. What a kernel computes it computes in `f32`, whichever this is. Indices of
/// maxima are whole numbers of 32 bits in either.
///
/// [`F16`](Self::F16) takes half the memory and half the traffic. Each number has 11 significant bits instead of 24: whole
/// numbers are exact up to 2048 only, magnitudes from 65536 on are infinite, and below 6.1e-5 (2^-14) an adapter may take
/// them for 0. A network whose activations are larger needs [`F32`](Self::F32). How far answers may be off is derived as for
/// `f32`: [`Session::verify`](crate::Session::verify) and [`Session::answers`](crate::Session::answers) take it into account,
/// and `docs/numerics.md` has the derivation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats, where the adapter has them ([`AdapterInfo::shader_f16`](crate::gpu::AdapterInfo::shader_f16)).
    F16,
}

impl Precision {
    /// All precisions.
    pub const ALL: [Self; 2] = [Self::F32, Self::F16];

    /// `f32` or `f16`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }

    /// Bytes of a stored number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Precision {
    type Err = Error;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|precision| precision.name() == text);
        known.ok_or_else(|| Error::invalid("precision", format!("expected f32 or f16, but got {text:?}")))
    }
}

/// Numbers rounded to 16 bits, ties to even, as a buffer holds them: an even number of them, since buffers are written in
/// whole words.
pub(crate) fn to_halves(numbers: &[f32]) -> Vec<u16> {
    let mut halves = vec![f16::ZERO; numbers.len()];
    halves.convert_from_f32_slice(numbers);
    let mut bits = halves.reinterpret_cast().to_vec();
    bits.resize(numbers.len().next_multiple_of(2), 0);
    bits
}

/// Numbers of 16 bits, exactly.
pub(crate) fn from_halves(bits: &[u16]) -> Vec<f32> {
    HalfBitsSliceExt::reinterpret_cast::<f16>(bits).to_f32_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_even_and_padded_to_words() {
        let numbers = [1.0, 1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0, 2049.0, 65519.0, 65520.0, -0.0];
        let bits = to_halves(&numbers);
        assert_eq!(bits.len(), 8);
        let back = from_halves(&bits[..7]);
        assert_eq!(back, [1.0, 1.0, 1.0 + 4.0 / 2048.0, 2048.0, 65504.0, f32::INFINITY, -0.0]);
        assert!(back[6].is_sign_negative() && from_halves(&to_halves(&[f32::NAN]))[0].is_nan());
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse::<Precision>().unwrap(), precision);
        }
        let error = "f15".parse::<Precision>().unwrap_err().to_string();
        assert!(error.contains("expected f32 or f16") && error.contains("f15"), "{error}");
    }
}
