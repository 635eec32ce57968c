//! Products of bytes by AVX-512's `vpdpbusd`: four bytes without a sign by four with one, added up in 32 bits. `unsafe`, since no
//! library gives the instruction a safe function.

use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_xor_si512};

use bytemuck::cast;

use super::dot::{Block, ColumnWords, PANELS, ROWS, Sums};
use super::strip::Strip;
use crate::cpu::product::COLUMNS;

/// That this machine has the instruction: made by [`Vnni::detect`] alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vnni(());

impl Vnni {
    pub(super) fn detect() -> Option<Self> {
        let is_there = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        is_there.then_some(Self(()))
    }

    /// Writes the sums of a strip, `[block][position]`.
    #[expect(clippy::unused_self, reason = "that there is one says that the vectors are there")]
    #[expect(
        unsafe_code,
        reason = "a function for this machine's vectors is called, once they are known to be there"
    )]
    pub(super) fn strip(self, strip: &Strip<'_>, sums: &mut [[i32; COLUMNS]]) {
        // SAFETY: as in `run`.
        unsafe { strip_of(strip, sums) }
    }

    /// Adds a block's products to the sums.
    #[expect(clippy::unused_self, reason = "that there is one says that the vectors are there")]
    #[expect(
        unsafe_code,
        reason = "a function for this machine's vectors is called, once they are known to be there"
    )]
    pub(super) fn run<const SIGNED_ROWS: bool>(self, block: &Block<'_>, sums: &mut Sums<'_>) {
        // SAFETY: the functions are safe but for the vectors that they are compiled for. There is a `Vnni` only where
        // `Vnni::detect` has found these.
        unsafe { multiply::<SIGNED_ROWS>(block, sums) }
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply<const SIGNED_ROWS: bool>(block: &Block<'_>, sums: &mut Sums<'_>) {
    let steps = block.rows.len();
    let panels = block.columns.len() / steps.max(1);
    let mut first = 0;
    while first < panels {
        let columns = &block.columns[first * steps..];
        match panels - first {
            1 => some_panels::<1, SIGNED_ROWS>(block, columns, first, sums),
            2 => some_panels::<2, SIGNED_ROWS>(block, columns, first, sums),
            3 => some_panels::<3, SIGNED_ROWS>(block, columns, first, sums),
            _ => some_panels::<PANELS, SIGNED_ROWS>(block, columns, first, sums),
        }
        first += PANELS;
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn some_panels<const COUNT: usize, const SIGNED_ROWS: bool>(
    block: &Block<'_>,
    columns: &[ColumnWords],
    first: usize,
    sums: &mut Sums<'_>,
) {
    let steps = block.rows.len();
    let mut own: [[__m512i; COUNT]; ROWS] = std::array::from_fn(|i| std::array::from_fn(|j| cast(sums[i][first + j])));
    let columns: [&[ColumnWords]; COUNT] = std::array::from_fn(|j| &columns[j * steps..(j + 1) * steps]);
    for (step, row) in block.rows.iter().enumerate() {
        let column: [__m512i; COUNT] = std::array::from_fn(|j| cast(columns[j][step]));
        for i in 0..ROWS {
            let row = _mm512_set1_epi32(row[i] as i32);
            for j in 0..COUNT {
                own[i][j] = if SIGNED_ROWS {
                    _mm512_dpbusd_epi32(own[i][j], column[j], row)
                } else {
                    _mm512_dpbusd_epi32(own[i][j], row, column[j])
                };
            }
        }
    }
    for (sums, own) in sums.iter_mut().zip(own) {
        for (sums, own) in sums[first..].iter_mut().zip(own) {
            *sums = cast(own);
        }
    }
}

/// Positions in registers: by four blocks they are 24 accumulators of the 32 registers.
const POSITIONS: usize = 6;

#[target_feature(enable = "avx512f,avx512vnni")]
fn strip_of(strip: &Strip<'_>, sums: &mut [[i32; COLUMNS]]) {
    match (strip.start.len(), strip.flip) {
        (1, 0) => tiles::<1, false>(strip, sums),
        (2, 0) => tiles::<2, false>(strip, sums),
        (3, 0) => tiles::<3, false>(strip, sums),
        (_, 0) => tiles::<4, false>(strip, sums),
        (1, _) => tiles::<1, true>(strip, sums),
        (2, _) => tiles::<2, true>(strip, sums),
        (3, _) => tiles::<3, true>(strip, sums),
        _ => tiles::<4, true>(strip, sums),
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn tiles<const V: usize, const FLIP: bool>(strip: &Strip<'_>, sums: &mut [[i32; COLUMNS]]) {
    let count = strip.positions.len();
    let tiles = count.div_ceil(POSITIONS);
    for tile in 0..tiles {
        let own = tile * count / tiles..(tile + 1) * count / tiles;
        match own.len() {
            1 => tile_of::<V, 1, FLIP>(strip, own.start, sums),
            2 => tile_of::<V, 2, FLIP>(strip, own.start, sums),
            3 => tile_of::<V, 3, FLIP>(strip, own.start, sums),
            4 => tile_of::<V, 4, FLIP>(strip, own.start, sums),
            5 => tile_of::<V, 5, FLIP>(strip, own.start, sums),
            _ => tile_of::<V, POSITIONS, FLIP>(strip, own.start, sums),
        }
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn tile_of<const V: usize, const P: usize, const FLIP: bool>(strip: &Strip<'_>, first: usize, sums: &mut [[i32; COLUMNS]]) {
    let flip = _mm512_set1_epi32(i32::from_ne_bytes([strip.flip; 4]));
    let (mut row, mut column) = (
        (strip.positions.start + first) / strip.width,
        (strip.positions.start + first) % strip.width,
    );
    let mut places = [(0, 0); P];
    for place in &mut places {
        *place = (row, column);
        column += 1;
        if column == strip.width {
            (row, column) = (row + 1, 0);
        }
    }
    // By loops: a closure for these vectors is not inlined into a function that is not.
    let mut own: [[__m512i; V]; P] = [[_mm512_setzero_si512(); V]; P];
    for v in 0..V {
        let start = cast(strip.start[v]);
        for own in &mut own {
            own[v] = start;
        }
    }
    let (mut weights, _) = strip.weights.as_chunks::<V>();
    for run in strip.runs {
        let mut elements: [&[[u8; 4]]; P] = [&[]; P];
        for (elements, (row, column)) in elements.iter_mut().zip(places) {
            *elements = strip.elements(run, row, column);
        }
        let (now, later) = weights.split_at(run.words);
        weights = later;
        for (k, weight) in now.iter().enumerate() {
            for p in 0..P {
                let word = _mm512_set1_epi32(i32::from_le_bytes(elements[p][k]));
                let word = if FLIP { _mm512_xor_si512(word, flip) } else { word };
                for v in 0..V {
                    own[p][v] = _mm512_dpbusd_epi32(own[p][v], word, cast(weight[v]));
                }
            }
        }
    }
    let length = strip.positions.len();
    for v in 0..V {
        for p in 0..P {
            sums[v * length + first + p] = cast(own[p][v]);
        }
    }
}
