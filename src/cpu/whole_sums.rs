//! Sums of products of whole numbers by the kernels of floats: these are exact as long as no sum exceeds 2^24. Sums of more terms are
//! taken in parts, and larger numbers by their digits.

use std::borrow::Cow;

use super::operand::mapped;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::TensorView;

/// The largest whole number up to which `f32` has every one.
const LARGEST_EXACT: usize = 1 << 24;

/// Whole numbers with their shape.
pub(super) type Numbers<'a> = (&'a [i32], &'a [usize]);

/// The elements of a tensor of whole numbers of at most 32 bits.
pub(super) fn numbers<'a>(tensor: &'a TensorView<'_>) -> Result<Cow<'a, [i32]>> {
    Ok(match tensor {
        TensorView::I32(array) => match array.as_slice() {
            Some(numbers) => numbers.into(),
            None => array.iter().copied().collect(),
        },
        TensorView::U8(array) => mapped(array, i32::from).into(),
        TensorView::I8(array) => mapped(array, i32::from).into(),
        other => return Err(Error::Internal(format!("sums of {}", other.dtype()))),
    })
}

/// The digits of numbers at one place, with the numbers' signs.
pub(super) struct Digits {
    pub(super) values: Vec<f32>,
    /// What the place is worth, as a power of two.
    pub(super) shift: u32,
    largest: usize,
}

/// Numbers by their digits of so many bits, the last ones first; digits that are 0 everywhere are left out.
pub(super) fn digits(numbers: &[i32], bits: u32) -> Vec<Digits> {
    let largest = numbers.iter().map(|x| x.unsigned_abs()).max().unwrap_or_default();
    let places = (0..i32::BITS)
        .step_by(bits as usize)
        .take_while(|&shift| largest >> shift > 0);
    let of_place = |shift: u32| {
        let digit = |&x: &i32| ((x.unsigned_abs() >> shift) & ((1 << bits) - 1)) as f32 * if x < 0 { -1.0 } else { 1.0 };
        let values: Vec<f32> = numbers.iter().map(digit).collect();
        let largest = values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs())) as usize;
        Digits { values, shift, largest }
    };
    places.map(of_place).collect()
}

/// How many products of two numbers' digits a sum of floats may have to be exact.
pub(super) fn most_terms(left: &Digits, right: &Digits) -> usize {
    LARGEST_EXACT / (left.largest * right.largest).max(1)
}

/// The bits of digits of which so many products can be added up exactly.
pub(super) fn bits_for(operator: &'static str, terms: usize) -> Result<u32> {
    let fits = |bits: &u32| terms.saturating_mul(((1 << bits) - 1) * ((1 << bits) - 1)) <= LARGEST_EXACT;
    let refusal = || Error::unsupported(operator, format!("sums of {terms} {} that cannot be parted", DType::I32));
    [8, 4, 2, 1].into_iter().find(fits).ok_or_else(refusal)
}

/// Adds a part's sums, which are whole numbers, at their digits' place.
pub(super) fn add(total: &mut [i32], part: &[f32], shift: u32) {
    if shift >= i32::BITS {
        return;
    }
    for (total, &part) in total.iter_mut().zip(part) {
        *total = total.wrapping_add((part as i32) << shift);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_make_up_the_numbers() {
        let numbers = [0, 5, -5, 255, -256, 65_537, i32::MAX, i32::MIN];
        for bits in [1, 4, 8] {
            let mut total = vec![0; numbers.len()];
            for digits in digits(&numbers, bits) {
                assert!(digits.largest < 1 << bits);
                add(&mut total, &digits.values, digits.shift);
            }
            assert_eq!(total, numbers);
        }
        assert_eq!(digits(&[255, -3], 8).len(), 1);
        assert!(digits(&[0, 0], 8).is_empty());
    }

    #[test]
    fn digits_are_small_enough_for_sums_that_cannot_be_parted() {
        assert_eq!(bits_for("conv_integer", 9).unwrap(), 8);
        assert_eq!(bits_for("conv_integer", 259).unwrap(), 4);
        assert_eq!(bits_for("conv_integer", 1 << 24).unwrap(), 1);
        assert!(bits_for("conv_integer", (1 << 24) + 1).is_err());
    }
}
