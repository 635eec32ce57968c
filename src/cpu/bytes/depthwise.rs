//! Convolution of few channels by its definition: in floats, which hold every whole number up to 2^24.

use super::input::Bytes;
use crate::cpu::direct::Direct;
use crate::cpu::epilogue::Epilogue;
use crate::cpu::plane::Plane;
use crate::error::Result;
use crate::ops::Conv;

/// The largest whole number up to which `f32` has every one.
const LARGEST_EXACT: u64 = 1 << 24;

/// Whether sums of so many products of these weights by bytes are exact in floats.
pub(super) fn is_exact(weight: &[i32], terms: usize) -> bool {
    let most = weight.iter().map(|x| u64::from(x.unsigned_abs())).max().unwrap_or(0);
    let sum = most
        .checked_mul(u8::MAX.into())
        .and_then(|product| product.checked_mul(terms as u64));
    sum.is_some_and(|sum| sum <= LARGEST_EXACT)
}

pub(super) fn run<O: Send>(
    op: &Conv,
    geometry: &Plane,
    input: &Bytes<'_>,
    weight: &[f32],
    output: &mut [O],
    finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync,
) -> Result<()> {
    let (flip, offset) = (input.flip(), input.offset());
    let direct = Direct {
        op,
        geometry,
        input: input.data(),
        real: |byte: u8| (i32::from(byte ^ flip) + offset) as f32,
        weight,
        epilogue: Epilogue::default(),
    };
    direct.sums(output, |place, sums, output| {
        let whole: &mut [i32] = bytemuck::cast_slice_mut(sums);
        for sum in whole.iter_mut() {
            *sum = f32::from_bits(*sum as u32) as i32;
        }
        finish(place, whole, output);
    })
}
