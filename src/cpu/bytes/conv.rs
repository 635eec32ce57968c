//! Convolution of bytes: a product for each image and group, its columns the windows.

use rayon::prelude::*;

use super::blocks;
use super::depthwise::{self, LARGEST_EXACT, largest_sum};
use super::dot::{ROWS, Vectors};
use super::input::{Bytes, interleave, word};
use super::planes;
use super::product::{Product, Rule, Run, Source, run};
use super::weights::Packed;
use crate::cpu::blocked::{Layout, rearranged};
use crate::cpu::columns::{Matrix, Taps, Windows};
use crate::cpu::conv::{is_direct, is_pointwise};
use crate::cpu::plane::Plane;
use crate::error::Result;
use crate::ops::Conv;

/// The weights of each group as the product wants them.
#[derive(Clone, Debug)]
pub(crate) struct ConvWeights {
    kernel: Kernel,
    shape: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Kernel {
    Blocks(blocks::Weights),
    Products(Vec<Packed<ROWS>>),
    /// By the definition, in floats that hold all sums.
    Direct {
        weight: Vec<f32>,
        largest_sum: u64,
    },
}

impl ConvWeights {
    /// Packs weights of this shape. None where some numbers are too far from one another for bytes.
    pub(crate) fn new(vectors: Vectors, op: &Conv, weight: &[i32], shape: &[usize]) -> Option<Self> {
        let (rows, channels) = (shape[0] / op.groups, shape[1]);
        let taps: usize = shape[2..].iter().product();
        if vectors.has_blocks()
            && let Some(weights) = blocks::Weights::new(op, weight, shape)
        {
            return Some(Self {
                kernel: Kernel::Blocks(weights),
                shape: shape.to_vec(),
            });
        }
        let largest_sum = largest_sum(weight, channels * taps);
        let kernel = if is_direct(op, shape) && largest_sum <= LARGEST_EXACT {
            Kernel::Direct {
                weight: weight.iter().map(|&x| x as f32).collect(),
                largest_sum,
            }
        } else {
            let groups = weight.chunks_exact((rows * channels * taps).max(1));
            let pack = |group| {
                Packed::new(group, [rows, channels.div_ceil(4) * taps], |row, step, place| {
                    let channel = step / taps * 4 + place;
                    (channel < channels).then(|| (row * channels + channel) * taps + step % taps)
                })
            };
            Kernel::Products(groups.map(pack).collect::<Option<_>>()?)
        };
        let shape = shape.to_vec();
        Some(Self { kernel, shape })
    }

    /// What computes a convolution with these weights.
    pub(crate) fn name(&self) -> &'static str {
        match self.kernel {
            Kernel::Blocks(_) => "blocks of bytes",
            Kernel::Products(_) => "product of bytes",
            Kernel::Direct { .. } => "direct of bytes",
        }
    }
}

/// Whether a convolution with such weights is computed on blocks of channels.
pub(crate) fn is_on_blocks(op: &Conv, weight: &[i32], shape: &[usize]) -> bool {
    Vectors::best().has_blocks() && blocks::is_possible(op, weight, shape)
}

/// The input of a convolution.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) bytes: &'a Bytes<'a>,
    pub(crate) shape: &'a [usize],
    pub(crate) layout: Layout,
}

/// The sums, from which `finish` makes the output's elements from this place on. Only weights for blocks give these, or take them.
pub(crate) fn conv<O: Send>(
    vectors: Vectors,
    op: &Conv,
    Input {
        bytes: input,
        shape,
        layout,
    }: Input<'_>,
    weights: &ConvWeights,
    (output, output_layout): (&mut [O], Layout),
    finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync,
) -> Result<()> {
    let geometry = op.geometry(shape, &weights.shape, None)?;
    if output.is_empty() {
        return Ok(());
    }
    let is_pointwise = is_pointwise(&geometry);
    let output_shape = geometry.output_shape();
    let geometry = Plane::of(&geometry, op.padding_mode);
    let groups = match &weights.kernel {
        Kernel::Blocks(weights) => {
            let layout = if Layout::is_either(shape) { Layout::Blocked } else { layout };
            if output_layout == Layout::Blocked || Layout::is_either(&output_shape) {
                return weights.conv(vectors, op, (input, shape, layout), output, finish);
            }
            let mut blocked = vec![0; Layout::Blocked.length(&output_shape)];
            let keep = |_, sums: &mut [i32], kept: &mut [i32]| kept.copy_from_slice(sums);
            weights.conv(vectors, op, (input, shape, layout), &mut blocked, keep)?;
            finish(0, &mut rearranged(&output_shape, Layout::Plain, &blocked), output);
            return Ok(());
        }
        Kernel::Direct { weight, largest_sum } => {
            if planes::fits(op, &geometry, *largest_sum) {
                planes::run(op, &geometry, input, weight, output, finish);
                return Ok(());
            }
            return depthwise::run(op, &geometry, input, weight, output, finish);
        }
        Kernel::Products(groups) => groups,
    };
    let plane = geometry.input.height * geometry.input.width;
    let channels = geometry.in_channels / op.groups;
    let words = words(input, channels, plane);
    let columns = Taps::new(op.padding_mode, &geometry.columns);
    let length = geometry.output.height * geometry.output.width;
    let rows = geometry.out_channels / op.groups;
    let products = output.chunks_exact_mut(rows * length).enumerate().map(|(index, output)| {
        let own = channels.div_ceil(4) * plane;
        let own = &words[index * own..(index + 1) * own];
        let weights = &groups[index % op.groups];
        Product {
            rows: &weights.words,
            steps: weights.steps,
            columns: Source::Unpacked(if is_pointwise {
                Box::new(Matrix {
                    data: own,
                    inner_stride: plane,
                    column_stride: 1,
                })
            } else {
                Box::new(Windows {
                    input: own,
                    padding: word([input.zero(); 4]),
                    plane,
                    width: geometry.input.width,
                    rows: &geometry.rows,
                    columns: &columns,
                    kernel: (geometry.kernel.height, geometry.kernel.width),
                })
            }),
            length,
            ones: weights.ones.as_deref(),
            index,
            output,
        }
    });
    let rule = Rule {
        vectors,
        signed_rows: true,
        start: |at: &Run<'_>, sums: &mut [i32]| {
            let weights = &groups[at.product % op.groups];
            let constant = input.offset().wrapping_mul(weights.sums[at.row]);
            let offset = weights.offsets[at.row];
            sums.fill(constant);
            for (sum, &of_column) in sums.iter_mut().zip(at.column_sums) {
                *sum = constant.wrapping_add(offset.wrapping_mul(of_column));
            }
        },
        finish: |at: &Run<'_>, sums: &mut [i32], output: &mut [O]| {
            finish((at.product * rows + at.row) * length + at.column, sums, output);
        },
    };
    run(products.collect(), &rule);
    Ok(())
}

/// The words of each group's channels.
fn words(input: &Bytes<'_>, channels: usize, plane: usize) -> Vec<u32> {
    let groups = input.data().len() / (channels * plane).max(1);
    let quads = channels.div_ceil(4);
    let mut words = vec![0; groups * quads * plane];
    // Pieces of some channels, so that threads share them.
    let together = ((1 << 14) / plane.max(1)).clamp(1, quads.max(1));
    let tasks = words
        .chunks_mut((quads * plane).max(1))
        .zip(input.data().chunks((channels * plane).max(1)));
    let tasks = tasks.flat_map(|(words, data)| words.chunks_mut(together * plane).zip(data.chunks(4 * together * plane)));
    let tasks: Vec<_> = tasks.collect();
    tasks
        .into_par_iter()
        .for_each(|(words, data)| interleave(data, input.flip(), plane, words));
    words
}
