//! Scaled dot-product attention without the matrix of scores: a tile of keys after another, with a running maximum and sum.
//!
//! Scores are computed transposed, keys down and queries across. A panel of queries then has the scores of a tile as the product of
//! the values reads its columns, and maxima, exponentials and sums go along whole vectors of queries.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::blocked::Layout;
use super::broadcast::broadcast_strides;
use super::columns::Matrix;
use super::epilogue::Epilogue;
use super::gemm::{self, Product, with_scratch};
use super::math::exp;
use super::operand::Operand;
use super::parallel;
use super::product::{Block, COLUMNS, PackedRows, inner_blocks};
use super::softmax;
use super::vectors::dispatch;
use crate::error::Result;
use crate::ops::{AttentionExtents, ScaledDotProductAttention, Softmax};
use crate::shape::element_count;

/// The most keys of a tile: with a panel of queries, 12 KiB of scores.
const TILE: usize = 192;
/// Fewer queries do not repay that keys and values are packed; their scores are few as well.
const FEWEST_QUERIES: usize = 32;
/// The largest queries and values of which a tile of keys stays in cache.
const LARGEST: usize = 128;

pub(super) fn attention(op: ScaledDotProductAttention, inputs: &[Operand<'_>], output: &mut [f32]) -> Result<()> {
    let [query, key, value] = [&inputs[0], &inputs[1], &inputs[2]];
    let extents = ScaledDotProductAttention::extents(query.shape, key.shape, value.shape)?;
    let AttentionExtents {
        matrices,
        queries,
        keys,
        size,
        value_size,
    } = extents;
    if output.is_empty() || keys == 0 {
        output.fill(0.0);
        return Ok(());
    }
    let scores = [&query.shape[..query.shape.len() - 1], &[keys]].concat();
    let mask = inputs.get(3).map(|mask| Mask::new(mask, &scores));
    if queries < FEWEST_QUERIES || size.max(value_size) > LARGEST {
        let operands = [query.data, key.data, value.data];
        return by_products(op.factor(size), &extents, operands, mask.as_ref(), output);
    }
    // Each head's keys and values are packed once, for all panels of its queries.
    let heads: Vec<Vec<Tile>> = (0..matrices)
        .into_par_iter()
        .map(|matrix| {
            let key = &key.data[matrix * keys * size..][..keys * size];
            let value = &value.data[matrix * keys * value_size..][..keys * value_size];
            tiles(key, value, &extents)
        })
        .collect();
    let mut work: Vec<Panel<'_>> = Vec::with_capacity(matrices * queries.div_ceil(COLUMNS));
    for (matrix, output) in output.chunks_exact_mut(queries * value_size).enumerate() {
        let query = &query.data[matrix * queries * size..][..queries * size];
        let panels = output.chunks_mut(COLUMNS * value_size).zip(query.chunks(COLUMNS * size));
        for (panel, (output, query)) in panels.enumerate() {
            work.push(Panel {
                scale: op.factor(size),
                extents,
                query,
                tiles: &heads[matrix],
                mask: mask.as_ref().map(|mask| mask.rows(matrix, panel * COLUMNS)),
                output,
            });
        }
    }
    parallel::for_each(work.into_par_iter(), Panel::run);
    Ok(())
}

/// Two products and a softmax, with all scores in memory.
fn by_products(
    scale: f32,
    extents: &AttentionExtents,
    [query, key, value]: [&[f32]; 3],
    mask: Option<&Mask<'_>>,
    output: &mut [f32],
) -> Result<()> {
    let &AttentionExtents {
        matrices,
        queries,
        keys,
        size,
        value_size,
    } = extents;
    let scaled: Vec<f32> = query.iter().map(|x| x * scale).collect();
    let shape = [matrices * queries, keys];
    let mut scores = vec![0.0; element_count("scaled_dot_product_attention", &shape)?];
    multiply_all(&scaled, [queries, size, keys], key, [1, size], &mut scores);
    if let Some(mask) = mask {
        for (row, scores) in scores.chunks_exact_mut(keys).enumerate() {
            mask.rows(row / queries, row % queries).add_to_row(scores);
        }
    }
    let mut weights = vec![0.0; scores.len()];
    let scores = Operand {
        layout: Layout::Plain,
        shape: &shape,
        data: &scores,
    };
    softmax::softmax(Softmax::new(-1), &scores, &mut weights)?;
    multiply_all(&weights, [queries, keys, value_size], value, [value_size, 1], output);
    Ok(())
}

/// Products of as many matrices on either side. The right ones' elements lie so far apart along the inner extent, and along columns.
fn multiply_all(
    left: &[f32],
    [rows, inner, columns]: [usize; 3],
    right: &[f32],
    [inner_stride, column_stride]: [usize; 2],
    output: &mut [f32],
) {
    let packed: Vec<PackedRows> = (left.chunks_exact(rows * inner))
        .map(|matrix| PackedRows::new(matrix, rows, inner, inner, 1))
        .collect();
    let operands = packed.iter().zip(right.chunks_exact(inner * columns));
    let products = operands
        .zip(output.chunks_exact_mut(rows * columns))
        .map(|((weights, data), output)| Product {
            weights,
            columns: Matrix {
                data,
                inner_stride,
                column_stride,
            },
            epilogue: Epilogue::default(),
            output,
            length: columns,
        });
    gemm::run(products.collect());
}

/// Neighbouring keys and their values, packed.
struct Tile {
    first: usize,
    keys: usize,
    /// `[keys][size]`.
    key: PackedRows,
    /// `[value_size][keys]`.
    value: PackedRows,
}

fn tiles(key: &[f32], value: &[f32], extents: &AttentionExtents) -> Vec<Tile> {
    let &AttentionExtents {
        keys, size, value_size, ..
    } = extents;
    let count = keys.div_ceil(TILE);
    (0..count)
        .map(|tile| {
            let (first, last) = (tile * keys / count, (tile + 1) * keys / count);
            let keys = last - first;
            Tile {
                first,
                keys,
                key: PackedRows::new(&key[first * size..], keys, size, size, 1),
                value: PackedRows::new(&value[first * value_size..], value_size, keys, 1, value_size),
            }
        })
        .collect()
}

/// A mask that broadcasts to the scores.
struct Mask<'a> {
    data: &'a [f32],
    row_stride: usize,
    key_stride: usize,
    /// Extents and strides of the leading axes, the last first.
    axes: Vec<(usize, usize)>,
}

/// Rows of the mask of one matrix of scores.
struct Rows<'a> {
    data: &'a [f32],
    row_stride: usize,
    key_stride: usize,
}

impl<'a> Mask<'a> {
    fn new(mask: &Operand<'a>, scores: &[usize]) -> Self {
        let strides = broadcast_strides(mask.shape, scores).into_iter();
        let mut strides: Vec<usize> = strides.map(|stride| stride as usize).collect();
        let [key_stride, row_stride] = [(); 2].map(|()| strides.pop().unwrap_or(0));
        Self {
            data: mask.data,
            row_stride,
            key_stride,
            axes: scores.iter().copied().zip(strides).rev().collect(),
        }
    }

    /// The rows of one matrix of scores from this one on.
    fn rows(&self, matrix: usize, row: usize) -> Rows<'a> {
        let mut rest = matrix;
        let mut first = row * self.row_stride;
        for (extent, stride) in &self.axes {
            first += rest % extent * stride;
            rest /= extent;
        }
        Rows {
            data: &self.data[first..],
            row_stride: self.row_stride,
            key_stride: self.key_stride,
        }
    }
}

impl Rows<'_> {
    /// Adds what the first query has for all keys.
    fn add_to_row(&self, scores: &mut [f32]) {
        for (key, score) in scores.iter_mut().enumerate() {
            *score += self.data[key * self.key_stride];
        }
    }

    /// Adds what so many queries have for the keys from this one on.
    fn add(&self, first: usize, scores: &mut [f32], queries: usize) {
        for (key, scores) in scores.chunks_exact_mut(COLUMNS).enumerate() {
            let at = (first + key) * self.key_stride;
            for (query, score) in scores[..queries].iter_mut().enumerate() {
                *score += self.data[at + query * self.row_stride];
            }
        }
    }
}

/// Neighbouring queries of one head: a panel of columns, or what is left of one.
struct Panel<'a> {
    scale: f32,
    extents: AttentionExtents,
    /// `[queries][size]`.
    query: &'a [f32],
    tiles: &'a [Tile],
    mask: Option<Rows<'a>>,
    /// `[queries][value_size]`.
    output: &'a mut [f32],
}

impl Panel<'_> {
    fn run(self) {
        let AttentionExtents { size, value_size, .. } = self.extents;
        let room = (size + TILE + value_size) * COLUMNS;
        with_scratch(room, |scratch| {
            let (query, rest) = scratch.split_at_mut(size * COLUMNS);
            let (scores, weighted) = rest.split_at_mut(TILE * COLUMNS);
            self.pack_queries(query);
            weighted.fill(0.0);
            let mut running = Running::default();
            for tile in self.tiles {
                let scores = &mut scores[..tile.keys * COLUMNS];
                multiply(&tile.key, query, scores, true);
                if let Some(mask) = &self.mask {
                    mask.add(tile.first, scores, self.query.len() / size);
                }
                dispatch(Weighting {
                    running: &mut running,
                    scores,
                    weighted,
                });
                multiply(&tile.value, scores, weighted, false);
            }
            for (column, output) in self.output.chunks_exact_mut(value_size).enumerate() {
                for (output, weighted) in output.iter_mut().zip(weighted.chunks_exact(COLUMNS)) {
                    *output = weighted[column] / running.sums[column];
                }
            }
        });
    }

    /// `[size][COLUMNS]`, scaled, zeros past the last query.
    fn pack_queries(&self, packed: &mut [f32]) {
        packed.fill(0.0);
        for (column, query) in self.query.chunks_exact(self.extents.size).enumerate() {
            for (packed, &x) in packed.chunks_exact_mut(COLUMNS).zip(query) {
                packed[column] = x * self.scale;
            }
        }
    }
}

/// Packed rows by one panel of columns, into rows of a panel each.
fn multiply(rows: &PackedRows, columns: &[f32], output: &mut [f32], is_first: bool) {
    let mut output: Vec<&mut [f32]> = output.chunks_exact_mut(COLUMNS).collect();
    for inner in inner_blocks(rows.inner()) {
        Block {
            weights: rows,
            rows: 0..rows.rows(),
            first: is_first && inner.start == 0,
            columns: &columns[inner.start * COLUMNS..inner.end * COLUMNS],
            inner,
            bias: None,
            output: &mut output,
        }
        .run();
    }
}

/// What is kept of the keys so far, for each query of a panel.
struct Running {
    largest: [f32; COLUMNS],
    sums: [f32; COLUMNS],
}

impl Default for Running {
    fn default() -> Self {
        Self {
            // And not minus infinity, whose distance from itself is NaN: keys may yet come that are seen.
            largest: [f32::MIN; COLUMNS],
            sums: [0.0; COLUMNS],
        }
    }
}

/// [`Running::weight`] by the machine's vectors.
struct Weighting<'a> {
    running: &'a mut Running,
    scores: &'a mut [f32],
    weighted: &'a mut [f32],
}

impl WithSimd for Weighting<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.running.weight::<S>(self.scores, self.weighted);
    }
}

impl Running {
    /// Makes weights of the scores of further keys, and weights what was summed before by the new maximum.
    #[inline(always)]
    fn weight<S: Simd>(&mut self, scores: &mut [f32], weighted: &mut [f32]) {
        let (scores, _) = scores.as_chunks_mut::<COLUMNS>();
        let mut largest = self.largest;
        for scores in &*scores {
            for (largest, &score) in largest.iter_mut().zip(scores) {
                *largest = if score > *largest { score } else { *largest };
            }
        }
        let mut sums = [0.0; COLUMNS];
        for scores in scores {
            for ((score, sum), largest) in scores.iter_mut().zip(&mut sums).zip(&largest) {
                // Of a NaN and of infinity, NaN, which the sum hands on.
                *score = exp::<S>(*score - largest);
                *sum += *score;
            }
        }
        let mut factors = [0.0; COLUMNS];
        for i in 0..COLUMNS {
            factors[i] = exp::<S>(self.largest[i] - largest[i]);
            self.sums[i] = self.sums[i] * factors[i] + sums[i];
        }
        for weighted in weighted.as_chunks_mut::<COLUMNS>().0 {
            for (weighted, factor) in weighted.iter_mut().zip(&factors) {
                *weighted *= factor;
            }
        }
        self.largest = largest;
    }
}
