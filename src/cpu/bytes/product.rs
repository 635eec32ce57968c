//! Products of bytes, tile by tile over all threads.

use std::ops::Range;

use rayon::prelude::*;

use super::dot::{Block, ColumnWords, PANELS, ROWS, RowWords, Sums, Vectors};
use crate::cpu::columns::{Columns, Item};
use crate::cpu::gemm::with_scratch;
use crate::cpu::parallel;
use crate::cpu::product::COLUMNS;

/// The words of a tile's columns: 512 KiB, of which the second-level cache has room for others beside.
const TILE: usize = 1 << 17;
/// The most columns of a tile: sums of a panel of rows are then 12 KiB.
const MOST_COLUMNS: usize = 8 * PANELS * COLUMNS;
/// The fewest columns of a tile where there are more.
const FEWEST_COLUMNS: usize = PANELS * COLUMNS;
/// The fewest rows of a part: each part packs its columns anew.
const FEWEST_ROWS: usize = 8 * ROWS;

impl Item for u32 {
    fn narrowest() -> usize {
        COLUMNS
    }
}

/// Where a product's columns come from.
pub(super) enum Source<'a> {
    /// Panels that are packed already.
    Packed(&'a [ColumnWords]),
    /// What is packed tile by tile.
    Unpacked(Box<dyn Columns<u32> + 'a>),
}

/// One product, into `[rows][length]`.
pub(super) struct Product<'a, O> {
    /// Panels of rows, each of so many steps.
    pub(super) rows: &'a [RowWords],
    pub(super) steps: usize,
    pub(super) columns: Source<'a>,
    pub(super) length: usize,
    /// By these the columns' bytes are added up, where that is needed.
    pub(super) ones: Option<&'a [u32]>,
    /// Its number among those that run together.
    pub(super) index: usize,
    pub(super) output: &'a mut [O],
}

/// Where a run of sums of one row belongs.
pub(super) struct Run<'a> {
    /// The number of the product.
    pub(super) product: usize,
    pub(super) row: usize,
    /// The first of the columns.
    pub(super) column: usize,
    /// The sums of the columns' bytes; none where they were not asked for.
    pub(super) column_sums: &'a [i32],
}

/// How products of bytes become an output.
pub(super) struct Rule<S, F> {
    pub(super) vectors: Vectors,
    /// The rows' bytes have a sign and the columns' have none, or the other way round.
    pub(super) signed_rows: bool,
    /// Writes what a run of sums begins with.
    pub(super) start: S,
    /// Makes the output of sums, which it may overwrite.
    pub(super) finish: F,
}

/// Runs products of the same extents over all threads.
pub(super) fn run<O: Send>(
    products: Vec<Product<'_, O>>,
    rule: &Rule<impl Fn(&Run<'_>, &mut [i32]) + Sync, impl Fn(&Run<'_>, &mut [i32], &mut [O]) + Sync>,
) {
    let Some(first) = products.first() else { return };
    let (length, steps) = (first.length, first.steps.max(1));
    if length == 0 {
        return;
    }
    let rows = first.output.len() / length;
    let threads = rayon::current_num_threads();
    let wanted = (2 * threads).div_ceil(products.len());
    let width = (TILE / steps)
        .clamp(FEWEST_COLUMNS, MOST_COLUMNS)
        .min(length.div_ceil(wanted));
    let width = width.next_multiple_of(FEWEST_COLUMNS);
    let tiles = length.div_ceil(width);
    let parts = wanted.div_ceil(tiles).clamp(1, rows.div_ceil(FEWEST_ROWS).max(1));
    let share = rows.div_ceil(parts).next_multiple_of(ROWS);
    let mut work = Vec::new();
    for Product {
        rows,
        steps,
        columns,
        length,
        ones,
        index,
        output,
    } in products
    {
        let columns = std::sync::Arc::new(columns);
        for (part, output) in output.chunks_mut(share * length).enumerate() {
            let first = work.len();
            work.extend((0..tiles).map(|tile| Tile {
                rows: &rows[part * share / ROWS * steps..],
                steps,
                source: columns.clone(),
                ones,
                product: index,
                first_row: part * share,
                columns: tile * width..length.min((tile + 1) * width),
                output: Vec::with_capacity(share),
            }));
            for row in output.chunks_exact_mut(length) {
                for (tile, own) in work[first..].iter_mut().zip(row.chunks_mut(width)) {
                    tile.output.push(own);
                }
            }
        }
    }
    parallel::for_each(work.into_par_iter().with_max_len(1), |tile| tile.run(rule));
}

struct Tile<'a, O> {
    rows: &'a [RowWords],
    steps: usize,
    source: std::sync::Arc<Source<'a>>,
    ones: Option<&'a [u32]>,
    product: usize,
    first_row: usize,
    columns: Range<usize>,
    /// What each row has in these columns.
    output: Vec<&'a mut [O]>,
}

impl<O> Tile<'_, O> {
    fn run(self, rule: &Rule<impl Fn(&Run<'_>, &mut [i32]), impl Fn(&Run<'_>, &mut [i32], &mut [O])>) {
        let panels = self.columns.len().div_ceil(COLUMNS);
        let packed = match *self.source {
            Source::Packed(_) => 0,
            Source::Unpacked(_) => panels * self.steps * COLUMNS,
        };
        with_scratch(packed + ROWS * panels * COLUMNS, |scratch| {
            let (packed, sums) = bytemuck::cast_slice_mut::<f32, u32>(scratch).split_at_mut(packed);
            let columns = match &*self.source {
                Source::Packed(packed) => &packed[self.columns.start / COLUMNS * self.steps..][..panels * self.steps],
                Source::Unpacked(columns) => {
                    columns.pack(0..self.steps, self.columns.clone(), packed);
                    packed.as_chunks().0
                }
            };
            self.multiply(rule, columns, bytemuck::cast_slice_mut(sums).as_chunks_mut().0);
        });
    }

    fn multiply(
        mut self,
        rule: &Rule<impl Fn(&Run<'_>, &mut [i32]), impl Fn(&Run<'_>, &mut [i32], &mut [O])>,
        columns: &[ColumnWords],
        sums: &mut [[i32; COLUMNS]],
    ) {
        let panels = sums.len() / ROWS;
        let length = self.columns.len();
        let column_sums = self.column_sums(rule.vectors, columns, sums);
        for (panel, output) in self.output.chunks_mut(ROWS).enumerate() {
            let run = |row| Run {
                product: self.product,
                row: self.first_row + panel * ROWS + row,
                column: self.columns.start,
                column_sums: &column_sums,
            };
            let mut lines = lines(sums, panels);
            for (row, line) in lines.iter_mut().enumerate().take(output.len()) {
                (rule.start)(&run(row), &mut line.as_flattened_mut()[..length]);
            }
            let block = Block {
                rows: &self.rows[panel * self.steps..(panel + 1) * self.steps],
                columns,
                signed_rows: rule.signed_rows,
            };
            block.run(rule.vectors, &mut lines);
            for ((row, line), output) in lines.iter_mut().enumerate().zip(output) {
                (rule.finish)(&run(row), &mut line.as_flattened_mut()[..length], output);
            }
        }
    }

    /// The sums of the columns' bytes, where they are asked for: a product with ones.
    fn column_sums(&self, vectors: Vectors, columns: &[ColumnWords], sums: &mut [[i32; COLUMNS]]) -> Vec<i32> {
        let Some(ones) = self.ones else {
            return Vec::new();
        };
        sums.fill([0; COLUMNS]);
        let rows: Vec<RowWords> = ones.iter().map(|&ones| [ones; ROWS]).collect();
        let panels = sums.len() / ROWS;
        let block = Block {
            rows: &rows,
            columns,
            signed_rows: true,
        };
        block.run(vectors, &mut lines(sums, panels));
        sums[..panels].as_flattened().to_vec()
    }
}

/// The sums of each row, which has so many panels.
fn lines(sums: &mut [[i32; COLUMNS]], panels: usize) -> Sums<'_> {
    let mut lines = sums.chunks_exact_mut(panels.max(1));
    std::array::from_fn(|_| lines.next().unwrap_or_default())
}
