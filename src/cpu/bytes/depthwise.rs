//! Convolution of few channels by its definition: in floats, which hold every whole number up to 2^24.

use super::input::Bytes;
use crate::cpu::direct::Direct;
use crate::cpu::epilogue::Epilogue;
use crate::cpu::plane::Plane;
use crate::error::Result;
use crate::ops::Conv;

/// The largest whole number up to which `f32` has every one.
pub(super) const LARGEST_EXACT: u64 = 1 << 24;

/// What a sum of so many products of these weights by bytes cannot exceed.
pub(super) fn largest_sum(weight: &[i32], terms: usize) -> u64 {
    let most = weight.iter().map(|x| u64::from(x.unsigned_abs())).max().unwrap_or(0);
    most.saturating_mul(u8::MAX.into()).saturating_mul(terms as u64)
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
