//! The matrix product's inner part: a block of packed rows by a block of packed columns, in registers.
//!
//! Rows are the weights and columns the positions. Both are packed so that the innermost loop reads each from one place:
//! `ROWS` rows, `COLUMNS` columns, one element of the inner extent after another. The inner extent is cut into blocks so
//! that a panel of columns stays in the first-level cache, rows into blocks that stay in the second.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::vectors::{dispatch, lanes};

/// Rows in registers: with two vectors of eight columns, 12 accumulators of the 16 registers that AVX2 has.
pub(super) const ROWS: usize = 6;
/// Columns in registers.
pub(super) const COLUMNS: usize = 16;
/// Columns of a last panel that has no more.
const HALF: usize = COLUMNS / 2;
/// The largest block of the inner extent: a panel of columns is then 20 KiB.
const INNER: usize = 320;
/// Rows of a block: with `INNER`, 240 KiB.
const ROW_BLOCK: usize = 32 * ROWS;

/// How the inner extent is cut into blocks of about the same size.
pub(super) fn inner_blocks(inner: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let count = inner.div_ceil(INNER).max(1);
    (0..count).map(move |block| block * inner / count..(block + 1) * inner / count)
}

/// The width of a last panel that has no more columns than that: half a panel's, or a vector's where that is wider.
pub(super) fn narrowest() -> usize {
    lanes().max(HALF)
}

/// Columns in memory for so many columns: whole panels, and half of one where that is enough.
pub(super) fn padded_columns(columns: usize) -> usize {
    columns.next_multiple_of(narrowest())
}

/// The panels of so many columns: first column and width in memory, which is `narrowest` where that is enough.
pub(super) fn panels(columns: usize, narrowest: usize) -> impl Iterator<Item = (usize, usize)> {
    let width = move |first: usize| if columns - first <= narrowest { narrowest } else { COLUMNS };
    (0..columns).step_by(COLUMNS).map(move |first| (first, width(first)))
}

/// A matrix packed by rows: blocks of the inner extent, in each the panels of rows, in each `[inner][ROWS]`, zeros past
/// the last row.
#[derive(Clone, Debug)]
pub(crate) struct PackedRows {
    data: Vec<f32>,
    rows: usize,
    inner: usize,
}

impl PackedRows {
    /// Packs `rows x inner` elements; `row_stride` and `inner_stride` say where they lie in `source`.
    pub(super) fn new(source: &[f32], rows: usize, inner: usize, row_stride: usize, inner_stride: usize) -> Self {
        let padded = rows.next_multiple_of(ROWS);
        let mut data = vec![0.0; padded * inner];
        for block in inner_blocks(inner) {
            let extent = block.len();
            let panels = data[padded * block.start..padded * block.end].chunks_exact_mut(extent * ROWS);
            for (panel, first) in panels.zip((0..rows).step_by(ROWS)) {
                for row in first..rows.min(first + ROWS) {
                    let places = panel.iter_mut().skip(row - first).step_by(ROWS);
                    for (place, k) in places.zip(block.clone()) {
                        *place = source[row * row_stride + k * inner_stride];
                    }
                }
            }
        }
        Self { data, rows, inner }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn inner(&self) -> usize {
        self.inner
    }

    /// The panels of one block of the inner extent.
    fn block(&self, block: &Range<usize>) -> &[f32] {
        let padded = self.rows.next_multiple_of(ROWS);
        &self.data[padded * block.start..padded * block.end]
    }
}

/// One block of the inner extent of a product. `rows` begins at a multiple of `ROWS`.
pub(super) struct Block<'a, 'b> {
    pub(super) weights: &'a PackedRows,
    pub(super) rows: Range<usize>,
    pub(super) inner: Range<usize>,
    /// The panels of columns for this block of the inner extent.
    pub(super) columns: &'a [f32],
    /// What is added where a block is the first; the others add to what is there.
    pub(super) first: bool,
    /// One number for each of all rows, or none.
    pub(super) bias: Option<&'a [f32]>,
    /// The rows' outputs, all of one length: that of the columns.
    pub(super) output: &'a mut [&'b mut [f32]],
}

impl Block<'_, '_> {
    pub(super) fn run(self) {
        dispatch(self);
    }

    #[inline(always)]
    fn sized<S: Simd, const WHOLE: usize, const PART: usize, const TOGETHER: usize, const ALL: usize>(self, simd: S) {
        let Self {
            weights,
            rows,
            inner,
            columns,
            first,
            bias,
            output,
        } = self;
        let extent = inner.len();
        let length = output.first().map_or(0, |row| row.len());
        let packed = weights.block(&inner);
        for start in rows.clone().step_by(ROW_BLOCK) {
            let end = rows.end.min(start + ROW_BLOCK);
            let mut column = 0;
            while column < length {
                let rest = length - column;
                // Whole panels in registers at a time, then one of whatever width is left.
                let (count, width) = match rest {
                    0..=HALF if S::F32_LANES <= HALF => (1, HALF),
                    _ if rest >= TOGETHER * COLUMNS => (TOGETHER, COLUMNS),
                    _ => (1, COLUMNS),
                };
                let own = &columns[column * extent..(column + count * width) * extent];
                let kept = (count * width).min(rest);
                for row in (start..end).step_by(ROWS) {
                    let rows_panel = &packed[row * extent..(row + ROWS) * extent];
                    let targets = &mut output[row - rows.start..end.min(row + ROWS) - rows.start];
                    let bias = bias.map(|bias| &bias[row..]);
                    let store = Store {
                        first,
                        bias,
                        column,
                        kept,
                    };
                    match (count, width) {
                        (1, HALF) => store.store(simd, &multiply::<S, PART, 1, PART>(simd, rows_panel, own), targets),
                        (1, _) => store.store(simd, &multiply::<S, WHOLE, 1, WHOLE>(simd, rows_panel, own), targets),
                        _ => store.store(simd, &multiply::<S, WHOLE, TOGETHER, ALL>(simd, rows_panel, own), targets),
                    }
                }
                column += count * width;
            }
        }
    }
}

impl WithSimd for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.sized::<S, 1, 1, 4, 4>(simd),
            8 => self.sized::<S, 2, 1, 1, 2>(simd),
            4 => self.sized::<S, 4, 2, 1, 4>(simd),
            2 => self.sized::<S, 8, 4, 1, 8>(simd),
            _ => self.sized::<S, 16, 8, 1, 16>(simd),
        }
    }
}

/// `ROWS` rows by `PANELS` panels of `VECTORS` vectors of columns, which are `ALL` together.
#[inline(always)]
fn multiply<S: Simd, const VECTORS: usize, const PANELS: usize, const ALL: usize>(
    simd: S,
    rows: &[f32],
    columns: &[f32],
) -> [[S::f32s; ALL]; ROWS] {
    const { assert!(VECTORS * PANELS == ALL) };
    let (rows, _) = rows.as_chunks::<ROWS>();
    let (columns, _) = S::as_simd_f32s(columns);
    let (columns, _) = columns.as_chunks::<VECTORS>();
    let panels: [&[[S::f32s; VECTORS]]; PANELS] = std::array::from_fn(|panel| &columns[panel * rows.len()..][..rows.len()]);
    let mut sums = [[simd.splat_f32s(0.0); ALL]; ROWS];
    for (step, row) in rows.iter().enumerate() {
        for i in 0..ROWS {
            let factor = simd.splat_f32s(row[i]);
            for (panel, columns) in panels.iter().enumerate() {
                for j in 0..VECTORS {
                    let sum = &mut sums[i][panel * VECTORS + j];
                    *sum = simd.mul_add_e_f32s(factor, columns[step][j], *sum);
                }
            }
        }
    }
    sums
}

/// Where sums go.
struct Store<'a> {
    first: bool,
    bias: Option<&'a [f32]>,
    column: usize,
    kept: usize,
}

impl Store<'_> {
    #[inline(always)]
    fn store<S: Simd, const VECTORS: usize>(&self, simd: S, sums: &[[S::f32s; VECTORS]; ROWS], targets: &mut [&mut [f32]]) {
        for (i, (target, sums)) in targets.iter_mut().zip(sums).enumerate() {
            let target = &mut target[self.column..self.column + self.kept];
            let start = simd.splat_f32s(self.bias.map_or(0.0, |bias| bias[i]));
            if self.kept == VECTORS * S::F32_LANES {
                let (target, _) = S::as_mut_simd_f32s(target);
                for (target, &sum) in target.iter_mut().zip(sums) {
                    let before = if self.first { start } else { *target };
                    *target = simd.add_f32s(sum, before);
                }
            } else {
                // Only the last panel is not kept whole.
                let mut whole = [0.0; COLUMNS];
                let (vectors, _) = S::as_mut_simd_f32s(&mut whole);
                for (vector, &sum) in vectors.iter_mut().zip(sums) {
                    *vector = if self.first { simd.add_f32s(sum, start) } else { sum };
                }
                for (target, &sum) in target.iter_mut().zip(&whole) {
                    *target = if self.first { sum } else { *target + sum };
                }
            }
        }
    }
}
