//! Transposed convolution: a product gives what every input element writes, which is then added up where it goes.

use rayon::prelude::*;

use super::columns::Matrix;
use super::columns::{Columns, packed_length};
use super::epilogue::Epilogue;
use super::gemm::with_scratch;
use super::operand::Operand;
use super::plane::Plane;
use super::product::{Block, COLUMNS, PackedRows, inner_blocks};
use crate::error::Result;
use crate::ops::ConvTranspose;

/// Elements of the product that a task has at once.
const TILE: usize = 1 << 16;

/// The weights of each output channel, `[group][channel]`: rows are its taps, the inner extent the group's input channels.
pub(super) fn pack(op: &ConvTranspose, weight: &Operand<'_>) -> Vec<PackedRows> {
    let inner = weight.shape[0] / op.groups;
    let channels = weight.shape[1];
    let taps = weight.shape[2..].iter().product();
    let mut packed = Vec::with_capacity(op.groups * channels);
    for group in weight.data.chunks_exact(inner * channels * taps) {
        // Input channel c has its taps for channel o at (c * channels + o) * taps.
        packed.extend((0..channels).map(|channel| PackedRows::new(&group[channel * taps..], taps, inner, 1, channels * taps)));
    }
    packed
}

/// `packed` is what [`pack`] made of the weights.
pub(super) fn conv_transpose(
    op: &ConvTranspose,
    input: &Operand<'_>,
    weight: &Operand<'_>,
    packed: &[PackedRows],
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) -> Result<()> {
    let geometry = Plane::transposed(&op.geometry(input.shape, weight.shape, None)?);
    if output.is_empty() {
        return Ok(());
    }
    let inner = geometry.in_channels / op.groups;
    let group_channels = geometry.out_channels / op.groups;
    let length = geometry.input.height * geometry.input.width;
    let plane = geometry.output.height * geometry.output.width;
    let blocks: Vec<_> = inner_blocks(inner).collect();
    for (index, output) in output.chunks_exact_mut(group_channels * plane).enumerate() {
        let columns = Matrix {
            data: &input.data[index * inner * length..(index + 1) * inner * length],
            inner_stride: length,
            column_stride: 1,
        };
        let group = index % op.groups;
        let taps = geometry.kernel.height * geometry.kernel.width;
        // Whole rows of the input, as many as fit.
        let rows = (TILE / (taps * geometry.input.width)).clamp(1, geometry.input.height);
        with_scratch(
            packed_length(inner, COLUMNS.max(length) + COLUMNS * geometry.input.height),
            |scratch| {
                // Each tile of rows is packed by itself: its panels begin anew.
                let mut tiles = Vec::new();
                let mut rest = scratch;
                for first in (0..geometry.input.height).step_by(rows) {
                    let range = first * geometry.input.width..geometry.input.height.min(first + rows) * geometry.input.width;
                    let (own, others) = std::mem::take(&mut rest).split_at_mut(packed_length(inner, range.len()));
                    rest = others;
                    tiles.push((range, own));
                }
                tiles.par_iter_mut().for_each(|(range, own)| {
                    let mut own = &mut own[..];
                    for block in &blocks {
                        let (part, others) = std::mem::take(&mut own).split_at_mut(packed_length(block.len(), range.len()));
                        own = others;
                        columns.pack(block.clone(), range.clone(), part);
                    }
                });
                let tiles: Vec<_> = tiles.into_iter().map(|(range, own)| (range, &*own)).collect();
                output.par_chunks_exact_mut(plane).enumerate().for_each(|(channel, output)| {
                    let weights = &packed[group * group_channels + channel];
                    let own = group * group_channels + channel;
                    output.fill(epilogue.bias.map_or(0.0, |bias| bias[own]));
                    let mut products = vec![0.0; taps * rows * geometry.input.width];
                    for (range, packed) in &tiles {
                        multiply(weights, &blocks, packed, range.len(), &mut products);
                        let first = range.start / geometry.input.width;
                        scatter(&geometry, first, range.len(), &products, output);
                    }
                    let rest = Epilogue {
                        bias: None,
                        ..epilogue.clone()
                    };
                    rest.apply((index * group_channels + channel) * plane, 0, output);
                });
            },
        );
    }
    Ok(())
}

/// `[tap][position]` of one output channel.
fn multiply(weights: &PackedRows, blocks: &[std::ops::Range<usize>], packed: &[f32], length: usize, products: &mut [f32]) {
    let mut rows: Vec<&mut [f32]> = products.chunks_exact_mut(length).take(weights.rows()).collect();
    let mut offset = 0;
    for inner in blocks {
        let size = packed_length(inner.len(), length);
        Block {
            weights,
            rows: 0..weights.rows(),
            inner: inner.clone(),
            columns: &packed[offset..offset + size],
            first: inner.start == 0,
            bias: None,
            output: &mut rows,
        }
        .run();
        offset += size;
    }
}

/// Adds each input row's products where they go; what falls on the padding is dropped.
fn scatter(geometry: &Plane, first: usize, length: usize, products: &[f32], output: &mut [f32]) {
    let (width, columns) = (geometry.input.width, geometry.columns);
    for (tap, products) in products
        .chunks_exact(length)
        .take(geometry.kernel.height * geometry.kernel.width)
        .enumerate()
    {
        let (i, j) = (tap / geometry.kernel.width, tap % geometry.kernel.width);
        for (y, products) in (first..).zip(products.chunks_exact(width)) {
            let Some(row) = geometry.rows.at(i, y) else { continue };
            let row = &mut output[row * geometry.output.width..(row + 1) * geometry.output.width];
            let start = (j * columns.dilation) as isize - columns.padding.before;
            // The first input column that is written inside.
            let skipped = if start < 0 {
                start.unsigned_abs().div_ceil(columns.stride)
            } else {
                0
            };
            let from = start + (skipped * columns.stride) as isize;
            let Some(row) = usize::try_from(from).ok().and_then(|from| row.get_mut(from..)) else {
                continue;
            };
            let Some(products) = products.get(skipped..) else { continue };
            if columns.stride == 1 {
                for (target, &product) in row.iter_mut().zip(products) {
                    *target += product;
                }
            } else {
                for (target, &product) in row.iter_mut().step_by(columns.stride).zip(products) {
                    *target += product;
                }
            }
        }
    }
}
