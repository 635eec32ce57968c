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

/// Elements on their way from up to a block's channels, one after another, into a block, or from there back. Planes have at least as many
/// positions as a square.
pub(super) struct Squares<'a, S, T> {
    pub(super) simd: V4,
    pub(super) input: &'a [S],
    pub(super) plane: usize,
    pub(super) output: &'a mut [T],
}

impl NullaryFnOnce for Squares<'_, f32, [f32; BLOCK]> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let channels = self.input.len() / self.plane;
        for first in firsts(self.plane) {
            let mut square = [[0.0; BLOCK]; BLOCK];
            for (lane, row) in square.iter_mut().enumerate() {
                let start = lane.min(channels - 1) * self.plane + first;
                row.copy_from_slice(&self.input[start..start + BLOCK]);
            }
            self.output[first..first + BLOCK].copy_from_slice(&transposed(self.simd, square));
        }
    }
}

impl NullaryFnOnce for Squares<'_, [f32; BLOCK], f32> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for first in firsts(self.plane) {
            let mut square = [[0.0; BLOCK]; BLOCK];
            square.copy_from_slice(&self.input[first..first + BLOCK]);
            let square = transposed(self.simd, square);
            for (target, row) in self.output.chunks_exact_mut(self.plane).zip(&square) {
                target[first..first + BLOCK].copy_from_slice(row);
            }
        }
    }
}

/// Where the squares of a plane begin: the last one may have some positions of the one before.
#[inline(always)]
fn firsts(plane: usize) -> impl Iterator<Item = usize> {
    (0..plane.div_ceil(BLOCK)).map(
        #[inline(always)]
        move |square| (square * BLOCK).min(plane - BLOCK),
    )
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
