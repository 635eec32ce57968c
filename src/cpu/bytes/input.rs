//! Numbers as bytes without a sign, and what they are more than these.

use std::borrow::Cow;

use crate::cpu::operand::in_order;
use crate::error::Result;
use crate::tensor::TensorView;

/// Whole numbers that lie within 255 of each other, 0 among them.
#[derive(Clone, Debug)]
pub(crate) struct Bytes<'a> {
    data: Cow<'a, [u8]>,
    /// The bit that numbers with a sign differ in.
    flip: u8,
    /// What a number is more than its byte.
    offset: i32,
}

impl<'a> Bytes<'a> {
    /// The numbers of a tensor without their zero point. None where some are too far from one another, or 0 too far from them.
    pub(crate) fn new(tensor: &'a TensorView<'_>, zero_point: i32) -> Result<Option<Self>> {
        let (data, flip, offset): (Cow<'_, [u8]>, _, _) = match tensor {
            TensorView::U8(array) => (in_order(array)?.into(), 0, zero_point.wrapping_neg()),
            TensorView::I8(array) => {
                let data: &[u8] = bytemuck::cast_slice(in_order(array)?);
                (data.into(), 0x80, (-0x80_i32).wrapping_sub(zero_point))
            }
            TensorView::I32(array) => {
                let numbers = in_order(array)?;
                let least = numbers.iter().fold(zero_point, |least, &x| least.min(x));
                let most = numbers.iter().fold(zero_point, |most, &x| most.max(x));
                if most.abs_diff(least) > u8::MAX.into() {
                    return Ok(None);
                }
                let data: Vec<u8> = numbers.iter().map(|&x| x.wrapping_sub(least) as u8).collect();
                (data.into(), 0, least.wrapping_sub(zero_point))
            }
            _ => return Ok(None),
        };
        let has_zero = u8::try_from(offset.wrapping_neg()).is_ok();
        Ok(has_zero.then_some(Self { data, flip, offset }))
    }

    /// The byte that stands for 0.
    pub(super) fn zero(&self) -> u8 {
        self.offset.wrapping_neg() as u8
    }

    /// What a number is more than its byte.
    pub(super) fn offset(&self) -> i32 {
        self.offset
    }

    /// The bit of each byte that has to be turned first.
    pub(super) fn flip(&self) -> u8 {
        self.flip
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }
}

/// A word of a byte for each of four.
pub(super) fn word(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes)
}

/// Channels of so many bytes as words of four channels each, planes one after another; what is missing of the last four is 0.
pub(super) fn interleave(data: &[u8], flip: u8, plane: usize, output: &mut [u32]) {
    let flips = word([flip; 4]);
    for (channels, output) in data.chunks(4 * plane).zip(output.chunks_exact_mut(plane)) {
        if channels.len() == 4 * plane {
            let (low, high) = channels.split_at(2 * plane);
            let ((a, b), (c, d)) = (low.split_at(plane), high.split_at(plane));
            for ((((output, &a), &b), &c), &d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *output = word([a, b, c, d]) ^ flips;
            }
        } else {
            output.fill(0);
            for (place, channel) in channels.chunks_exact(plane).enumerate() {
                for (output, &byte) in output.iter_mut().zip(channel) {
                    *output |= u32::from(byte ^ flip) << (8 * place);
                }
            }
        }
    }
}

/// The bytes at one place of words, with or without a sign.
#[inline(always)]
pub(super) fn byte<const SIGNED: bool>(word: u32, place: u32) -> i32 {
    let first = word << (24 - 8 * place);
    if SIGNED { first as i32 >> 24 } else { (first >> 24) as i32 }
}
