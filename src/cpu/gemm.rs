//! Products of packed weights with columns that are packed on the way, tile by tile, over all threads.

use std::cell::RefCell;
use std::ops::Range;

use rayon::prelude::*;

use super::columns::{Columns, packed_length};
use super::epilogue::Epilogue;
use super::lines::Lines;
use super::parallel;
use super::product::{Block, COLUMNS, PackedRows, ROWS, inner_blocks};

/// The most columns of a tile: with the inner block's 320 they are 160 KiB.
const TILE: usize = 8 * COLUMNS;
/// The most packed columns that threads share: 16 MiB.
const SHARED: usize = 1 << 22;

thread_local! {
    /// Room for packed columns, kept from one tile to the next.
    static SCRATCH: RefCell<Lines<f32>> = RefCell::default();
}

/// Gives `length` elements of whatever a thread left there.
pub(super) fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    // Taken, not borrowed: work may come back here on the same thread.
    let mut scratch = SCRATCH.take();
    if scratch.len() < length {
        scratch = Lines::new(length);
    }
    let result = work(&mut scratch[..length]);
    SCRATCH.replace(scratch);
    result
}

/// One product: weights by columns, into `[rows][columns]`.
pub(super) struct Product<'a, C> {
    pub(super) weights: &'a PackedRows,
    pub(super) columns: C,
    pub(super) epilogue: Epilogue<'a>,
    pub(super) output: &'a mut [f32],
    pub(super) length: usize,
}

/// Runs products of the same extents over all threads.
pub(super) fn run<C: Columns>(products: Vec<Product<'_, C>>) {
    let Some(first) = products.first() else { return };
    let (rows, length) = (first.weights.rows(), first.length);
    let threads = rayon::current_num_threads();
    let panels = length.div_ceil(COLUMNS);
    let few = products.len() * panels < threads * TILE / COLUMNS;
    let packed = packed_length(first.weights.inner(), length);
    if few && rows >= 2 * ROWS * threads && packed <= SHARED {
        for product in products {
            by_rows(product, threads);
        }
        return;
    }
    // As many tiles as give every thread the same number, of at most so many columns.
    let share = threads.div_ceil(products.len()).max(1);
    let tiles = length.div_ceil(share * TILE) * share;
    let tiles = tiles.clamp(1, panels.max(1));
    let bounds: Vec<usize> = (0..=tiles)
        .map(|tile| (tile * panels / tiles * COLUMNS).min(length))
        .collect();
    let work: Vec<Tile<'_, C>> = products.into_iter().flat_map(|product| tiles_of(product, &bounds)).collect();
    parallel::for_each(work.into_par_iter().with_max_len(1), Tile::run);
}

struct Tile<'a, C> {
    weights: &'a PackedRows,
    source: std::sync::Arc<C>,
    epilogue: Epilogue<'a>,
    columns: Range<usize>,
    length: usize,
    output: Vec<&'a mut [f32]>,
}

/// Cuts a product's output into tiles of columns.
fn tiles_of<'a, C: Columns>(product: Product<'a, C>, bounds: &[usize]) -> Vec<Tile<'a, C>> {
    let Product {
        weights,
        columns,
        epilogue,
        output,
        length,
    } = product;
    let source = std::sync::Arc::new(columns);
    let mut tiles: Vec<Tile<'a, C>> = bounds
        .windows(2)
        .map(|bounds| Tile {
            weights,
            source: source.clone(),
            epilogue: epilogue.clone(),
            columns: bounds[0]..bounds[1],
            length,
            output: Vec::with_capacity(weights.rows()),
        })
        .collect();
    for mut row in output.chunks_exact_mut(length.max(1)) {
        for tile in &mut tiles {
            let (own, rest) = row.split_at_mut(tile.columns.len());
            tile.output.push(own);
            row = rest;
        }
    }
    tiles
}

impl<C: Columns> Tile<'_, C> {
    fn run(mut self) {
        let blocks = inner_blocks(self.weights.inner());
        let largest = blocks.clone().map(|block| block.len()).max().unwrap_or(0);
        with_scratch(packed_length(largest, self.columns.len()), |packed| {
            for inner in blocks {
                self.source.pack(inner.clone(), self.columns.clone(), packed);
                Block {
                    weights: self.weights,
                    rows: 0..self.weights.rows(),
                    first: inner.start == 0,
                    inner,
                    columns: packed,
                    bias: self.epilogue.row_bias(),
                    output: &mut self.output,
                }
                .run();
            }
        });
        for (row, output) in self.output.iter_mut().enumerate() {
            self.epilogue
                .apply(row * self.length + self.columns.start, self.columns.start, output);
        }
    }
}

/// For few columns and many rows: all columns are packed first, then each thread has its rows.
fn by_rows<C: Columns>(product: Product<'_, C>, threads: usize) {
    let Product {
        weights,
        columns,
        epilogue,
        output,
        length,
    } = product;
    let blocks: Vec<Range<usize>> = inner_blocks(weights.inner()).collect();
    with_scratch(packed_length(weights.inner(), length), |packed| {
        let mut parts = Vec::with_capacity(blocks.len());
        let mut rest = &mut *packed;
        for inner in &blocks {
            let (own, others) = std::mem::take(&mut rest).split_at_mut(packed_length(inner.len(), length));
            rest = others;
            // Panels lie one after another, so that each is packed by itself.
            let extent = inner.len();
            parts.extend(own.chunks_mut(COLUMNS * extent).enumerate().map(|(panel, own)| {
                let first = panel * COLUMNS;
                (inner.clone(), first..length.min(first + COLUMNS), own)
            }));
        }
        parts
            .into_par_iter()
            .for_each(|(inner, range, own)| columns.pack(inner, range, own));
        let packed = &*packed;
        let panels = weights.rows().div_ceil(ROWS);
        let share = ROWS * panels.div_ceil(2 * threads);
        output
            .par_chunks_mut(share * length.max(1))
            .enumerate()
            .with_max_len(1)
            .for_each(|(part, output)| {
                let first = part * share;
                let mut rows: Vec<&mut [f32]> = output.chunks_exact_mut(length).collect();
                let mut offset = 0;
                for inner in &blocks {
                    let size = packed_length(inner.len(), length);
                    Block {
                        weights,
                        rows: first..first + rows.len(),
                        inner: inner.clone(),
                        columns: &packed[offset..offset + size],
                        first: inner.start == 0,
                        bias: epilogue.row_bias(),
                        output: &mut rows,
                    }
                    .run();
                    offset += size;
                }
                for (row, output) in rows.iter_mut().enumerate() {
                    epilogue.apply((first + row) * length, 0, output);
                }
            });
    });
}
