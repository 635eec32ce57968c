//! Sixteen channels by sixteen positions, transposed in AVX-512's registers: from planes to a block, or back.

use std::arch::x86_64::__m512;

use bytemuck::cast;
use pulp::x86::V4;
use pulp::{Arch, NullaryFnOnce};

use super::layout::BLOCK;
use crate::cpu::vectors::arch;

/// The quarters of two vectors that have even numbers, and those that have odd ones.
const EVEN: i32 = 0b10_00_10_00;
const ODD: i32 = 0b11_01_11_01;

type Square = [[f32; BLOCK]; BLOCK];

/// The machine's vectors where they move elements of this type, and planes are not too small for a square.
pub(super) fn vectors<T>(plane: usize) -> Option<V4> {
    match arch() {
        Arch::V4(simd) if size_of::<T>() == size_of::<f32>() && plane >= BLOCK => Some(simd),
        _ => None,
    }
}

/// Up to a block's channels, one after another, into a block. Planes have at least as many positions as a square.
pub(super) fn interleave(simd: V4, input: &[f32], plane: usize, output: &mut [[f32; BLOCK]]) {
    simd.vectorize(Interleaved {
        simd,
        input,
        plane,
        output,
    });
}

/// A block into its channels, likewise.
pub(super) fn separate(simd: V4, input: &[[f32; BLOCK]], plane: usize, output: &mut [f32]) {
    simd.vectorize(Separated {
        simd,
        input,
        plane,
        output,
    });
}

struct Interleaved<'a> {
    simd: V4,
    input: &'a [f32],
    plane: usize,
    output: &'a mut [[f32; BLOCK]],
}

impl NullaryFnOnce for Interleaved<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            simd,
            input,
            plane,
            output,
        } = self;
        let channels = input.len() / plane;
        for part in 0..plane.div_ceil(BLOCK) {
            // The last square may have some of the one before.
            let first = (part * BLOCK).min(plane - BLOCK);
            let mut square = [[0.0; BLOCK]; BLOCK];
            for (lane, row) in square.iter_mut().enumerate() {
                let start = lane.min(channels - 1) * plane + first;
                row.copy_from_slice(&input[start..start + BLOCK]);
            }
            output[first..first + BLOCK].copy_from_slice(&transposed(simd, square));
        }
    }
}

struct Separated<'a> {
    simd: V4,
    input: &'a [[f32; BLOCK]],
    plane: usize,
    output: &'a mut [f32],
}

impl NullaryFnOnce for Separated<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            simd,
            input,
            plane,
            output,
        } = self;
        for part in 0..plane.div_ceil(BLOCK) {
            let first = (part * BLOCK).min(plane - BLOCK);
            let mut square = [[0.0; BLOCK]; BLOCK];
            square.copy_from_slice(&input[first..first + BLOCK]);
            let square = transposed(simd, square);
            for (target, row) in output.chunks_exact_mut(plane).zip(&square) {
                target[first..first + BLOCK].copy_from_slice(row);
            }
        }
    }
}

/// Pairs of rows, then fours, then the quarters of vectors.
#[inline(always)]
fn transposed(simd: V4, square: Square) -> Square {
    let f = simd.avx512f;
    let rows: [__m512; BLOCK] = cast(square);
    let mut pairs = rows;
    for i in (0..BLOCK).step_by(2) {
        pairs[i] = f._mm512_unpacklo_ps(rows[i], rows[i + 1]);
        pairs[i + 1] = f._mm512_unpackhi_ps(rows[i], rows[i + 1]);
    }
    let mut fours = pairs;
    for i in (0..BLOCK).step_by(4) {
        for half in 0..2 {
            let one = f._mm512_castps_pd(pairs[i + half]);
            let other = f._mm512_castps_pd(pairs[i + half + 2]);
            fours[i + 2 * half] = f._mm512_castpd_ps(f._mm512_unpacklo_pd(one, other));
            fours[i + 2 * half + 1] = f._mm512_castpd_ps(f._mm512_unpackhi_pd(one, other));
        }
    }
    let mut columns = fours;
    for i in 0..4 {
        let even = f._mm512_shuffle_f32x4::<EVEN>(fours[i], fours[4 + i]);
        let odd = f._mm512_shuffle_f32x4::<ODD>(fours[i], fours[4 + i]);
        let later_even = f._mm512_shuffle_f32x4::<EVEN>(fours[8 + i], fours[12 + i]);
        let later_odd = f._mm512_shuffle_f32x4::<ODD>(fours[8 + i], fours[12 + i]);
        columns[i] = f._mm512_shuffle_f32x4::<EVEN>(even, later_even);
        columns[4 + i] = f._mm512_shuffle_f32x4::<EVEN>(odd, later_odd);
        columns[8 + i] = f._mm512_shuffle_f32x4::<ODD>(even, later_even);
        columns[12 + i] = f._mm512_shuffle_f32x4::<ODD>(odd, later_odd);
    }
    cast(columns)
}
