//! Sums of some blocks of output channels at some positions, of input that has blocks of channels: a word of four input channels by the
//! weights of as many output channels as a block has.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::input::{byte, word};
use crate::cpu::product::COLUMNS;
use crate::cpu::vectors::dispatch;

/// The words of a block of channels.
pub(super) type BlockWords = [u32; COLUMNS];

pub(super) struct Strip<'a> {
    /// `[step][block]`.
    pub(super) weights: &'a [BlockWords],
    /// What the sums of each block begin with.
    pub(super) start: &'a [[i32; COLUMNS]],
    /// The steps.
    pub(super) runs: &'a [Run],
    pub(super) data: &'a [[u8; 4]],
    /// In bytes, where the row begins that each row of taps reads, `[tap row][output row]`.
    pub(super) rows: &'a [usize],
    /// Output rows and columns.
    pub(super) count: usize,
    pub(super) width: usize,
    /// In bytes, from one output column to the next.
    pub(super) step: usize,
    pub(super) positions: Range<usize>,
    /// The bit of each byte that is turned.
    pub(super) flip: u8,
}

/// Words one after another.
pub(super) struct Run {
    pub(super) tap_row: usize,
    /// In bytes, from where the row of the position begins.
    pub(super) offset: usize,
    pub(super) words: usize,
}

impl Strip<'_> {
    /// Writes the sums, `[block][position]`, by plain loops.
    pub(super) fn portable(&self, sums: &mut [[i32; COLUMNS]]) {
        dispatch(Portable(self, sums));
    }

    /// The words that a run multiplies at a position.
    #[inline(always)]
    pub(super) fn elements(&self, run: &Run, row: usize, column: usize) -> &[[u8; 4]] {
        let start = (run.offset + self.rows[run.tap_row * self.count + row] + column * self.step) / 4;
        &self.data[start..start + run.words]
    }
}

/// A strip and its sums by plain loops.
struct Portable<'a, 'b>(&'a Strip<'b>, &'a mut [[i32; COLUMNS]]);

impl WithSimd for Portable<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self(strip, sums) = self;
        let (blocks, length) = (strip.start.len(), strip.positions.len());
        for (index, position) in strip.positions.clone().enumerate() {
            for (block, &start) in strip.start.iter().enumerate() {
                let mut own = start;
                let mut weights = strip.weights.iter().skip(block).step_by(blocks);
                for run in strip.runs {
                    let elements = strip.elements(run, position / strip.width, position % strip.width);
                    for (&element, weights) in elements.iter().zip(&mut weights) {
                        let element = word(element) ^ word([strip.flip; 4]);
                        for place in 0..4 {
                            let factor = byte::<false>(element, place);
                            for (sum, &weight) in own.iter_mut().zip(weights) {
                                *sum = sum.wrapping_add(factor.wrapping_mul(byte::<true>(weight, place)));
                            }
                        }
                    }
                }
                sums[block * length + index] = own;
            }
        }
    }
}
