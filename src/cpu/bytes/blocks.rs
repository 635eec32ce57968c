//! Convolution of bytes on blocks of channels: four channels of a position are a word, which is multiplied by the weights of as many
//! output channels as a vector has. Sums go through the first-level cache to what makes the output of them.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::depthwise::largest_sum;
use super::dot::Vectors;
use super::input::Bytes;
use super::strip::{Run, Strip};
use crate::cpu::blocked::{
    BLOCK, ChannelSums, Finish, Image, Layout, Panel, Reads, Schedule, Schedules, blocks, by_channel, channel_tasks, channels_of,
    fits, is_depthwise, tasks,
};
use crate::cpu::chain::{LARGEST_SMALL, whole_of_small};
use crate::cpu::gemm::with_scratch;
use crate::cpu::lines::Lines;
use crate::cpu::parallel;
use crate::cpu::plane::Plane;
use crate::cpu::vectors::dispatch;
use crate::error::Result;
use crate::ops::Conv;

/// Positions whose sums are in the first-level cache together.
const TOGETHER: usize = 48;
/// Positions of a channel whose sums are there with what they are of, as floats.
const BAND: usize = 256;
/// Blocks of output channels in registers.
const MOST_BLOCKS: usize = 4;
/// Bytes of a word.
const WORD: usize = 4;

/// That the target has vectors for which blocks are faster than products: x86 alone. Others' builds have nothing of this, since there
/// are no such weights.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
struct Target;
#[cfg(not(target_arch = "x86_64"))]
#[derive(Clone, Copy, Debug)]
enum Target {}

#[cfg(target_arch = "x86_64")]
const TARGET: Option<Target> = Some(Target);
#[cfg(not(target_arch = "x86_64"))]
const TARGET: Option<Target> = None;

/// The weights of a convolution on blocks.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    _target: Target,
    kernel: Kernel,
    shape: Vec<usize>,
    schedules: Schedules,
}

#[derive(Clone, Debug)]
enum Kernel {
    Products(Products),
    /// Of each channel by itself: floats, which hold its sums, as `[block][tap][16]`.
    Channels(Lines<f32>),
}

#[derive(Clone, Debug)]
struct Products {
    panels: Vec<Panel>,
    /// Of each panel `[step][channel]`, a step being four input channels of a tap.
    words: Lines<u32>,
    steps: usize,
    /// For each output channel, what the sum is of all its weights.
    sums: Vec<[i32; BLOCK]>,
}

impl Weights {
    /// Packs weights of this shape. None where they are none for blocks, or too large.
    pub(super) fn new(op: &Conv, weight: &[i32], shape: &[usize]) -> Option<Self> {
        if !is_possible(op, weight, shape) {
            return None;
        }
        let taps = shape[2..].iter().product();
        let kernel = if is_depthwise(op, shape) {
            let floats: Vec<f32> = weight.iter().map(|&x| x as f32).collect();
            Kernel::Channels(by_channel(&floats, taps))
        } else {
            Kernel::Products(Products::new(op, weight, [shape[0] / op.groups, shape[1], taps]))
        };
        Some(Self {
            _target: TARGET?,
            kernel,
            shape: shape.to_vec(),
            schedules: Schedules::default(),
        })
    }

    /// The sums, from which `finish` makes the output's elements from this place on, all in blocks.
    pub(super) fn conv<O: Send>(
        &self,
        vectors: Vectors,
        op: &Conv,
        (input, shape, layout): (&Bytes<'_>, &[usize], Layout),
        output: &mut [O],
        finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync,
    ) -> Result<()> {
        let schedule = self.schedules.of(shape, layout, |threads| {
            let geometry = op.geometry(shape, &self.shape, None)?;
            let plane = Plane::of(&geometry, op.padding_mode);
            let reads = Reads::new(plane, op.padding_mode, layout, WORD);
            Ok(match &self.kernel {
                Kernel::Products(products) => Schedule::of_products(reads, &products.panels, products.steps, threads),
                Kernel::Channels(_) => Schedule::of_channels(reads.copying(), BAND, threads),
            })
        })?;
        let problem = Problem {
            schedule: &schedule,
            plane: &schedule.reads.plane,
            input,
            layout,
        };
        match &self.kernel {
            Kernel::Products(products) => problem.products(vectors, products, output, finish),
            Kernel::Channels(weights) => problem.channels(weights, output, finish),
        }
        Ok(())
    }
}

/// Whether these weights have bytes on blocks.
pub(super) fn is_possible(op: &Conv, weight: &[i32], shape: &[usize]) -> bool {
    let are_bytes = || weight.iter().all(|&x| i8::try_from(x).is_ok());
    let are_small = || largest_sum(weight, shape[1..].iter().product()) <= LARGEST_SMALL as u64;
    fits(op, shape) && if is_depthwise(op, shape) { are_small() } else { are_bytes() }
}

impl Products {
    /// Of weights `[groups * outputs][inputs][taps]`.
    fn new(op: &Conv, weight: &[i32], [outputs, inputs, taps]: [usize; 3]) -> Self {
        let of_group = blocks(outputs);
        let order: Vec<Step> = steps(inputs, taps).collect();
        let mut products = Self {
            panels: Panel::all(op.groups, of_group, MOST_BLOCKS),
            words: Lines::new(op.groups * of_group * order.len() * BLOCK),
            steps: order.len(),
            sums: vec![[0; BLOCK]; op.groups * of_group],
        };
        for panel in &products.panels {
            let (words, _) = products.words.as_chunks_mut::<BLOCK>();
            let words = &mut words[panel.first * order.len()..(panel.first + panel.blocks) * order.len()];
            for block in 0..panel.blocks {
                let number = panel.first - panel.group * of_group + block;
                for lane in 0..channels_of(number, outputs) {
                    let row = panel.group * outputs + number * BLOCK + lane;
                    let row = &weight[row * inputs * taps..(row + 1) * inputs * taps];
                    for (words, step) in words.chunks_exact_mut(panel.blocks).zip(&order) {
                        let byte = |place| (step.channel + place < inputs).then(|| row[(step.channel + place) * taps + step.tap]);
                        words[block][lane] = u32::from_le_bytes([0, 1, 2, 3].map(|place| byte(place).unwrap_or(0) as i8 as u8));
                    }
                    products.sums[panel.first + block][lane] = row.iter().fold(0, |sum: i32, &x| sum.wrapping_add(x));
                }
            }
        }
        products
    }
}

/// Four input channels of a tap.
struct Step {
    channel: usize,
    tap: usize,
}

/// The order of the steps: `[block][tap][word]`.
fn steps(channels: usize, taps: usize) -> impl Iterator<Item = Step> {
    (0..blocks(channels)).flat_map(move |block| {
        let words = channels_of(block, channels).div_ceil(WORD);
        (0..taps).flat_map(move |tap| {
            (0..words).map(move |word| Step {
                channel: block * BLOCK + word * WORD,
                tap,
            })
        })
    })
}

struct Problem<'a> {
    schedule: &'a Schedule,
    plane: &'a Plane,
    input: &'a Bytes<'a>,
    layout: Layout,
}

impl Problem<'_> {
    fn image(&self, index: usize) -> Image<'_, u8> {
        Image::of(self.input.data(), self.layout, self.plane, index)
    }

    fn products<O: Send>(
        &self,
        vectors: Vectors,
        weights: &Products,
        output: &mut [O],
        finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync,
    ) {
        let Self {
            schedule, plane, input, ..
        } = *self;
        let reads = &schedule.reads;
        let groups = weights.panels.last().map_or(1, |panel| panel.group + 1);
        let channels = plane.in_channels / groups;
        let of_group = blocks(channels);
        let positions = plane.output.height * plane.output.width;
        let tasks = tasks(schedule, &weights.panels, output);
        parallel::for_each(tasks, |task| {
            let image = self.image(task.image);
            let copied = reads.scratch(task.rows, of_group);
            let mut outputs = task.output.into_iter();
            with_scratch(copied.div_ceil(WORD) + MOST_BLOCKS * TOGETHER * BLOCK, |scratch| {
                let (sums, copies) = scratch.split_at_mut(MOST_BLOCKS * TOGETHER * BLOCK);
                let (sums, _) = bytemuck::cast_slice_mut::<f32, i32>(sums).as_chunks_mut::<BLOCK>();
                let copies = &mut bytemuck::cast_slice_mut::<f32, u8>(copies)[..copied];
                for panels in task.panels.chunk_by(|one, other| one.group == other.group) {
                    let group = panels[0].group;
                    let of_group = group * of_group..(group + 1) * of_group;
                    let zero = input.zero() ^ input.flip();
                    let band = reads.band(&image, of_group, task.rows, zero, copies);
                    let runs = runs(channels, plane, reads.lanes(), [band.block, band.tap]);
                    let count = band.count * plane.output.width;
                    for panel in panels {
                        let own = panel.first..panel.first + panel.blocks;
                        let start = weights.sums[own.clone()].iter();
                        let start: Vec<_> = start.map(|sums| sums.map(|sum| sum.wrapping_mul(input.offset()))).collect();
                        let mut own_outputs: Vec<&mut [O]> = outputs.by_ref().take(panel.blocks).collect();
                        let mut first = 0;
                        while first < count {
                            let length = TOGETHER.min(count - first);
                            let strip = Strip {
                                weights: &weights.words.as_chunks().0[own.start * weights.steps..own.end * weights.steps],
                                start: &start,
                                runs: &runs,
                                data: band.data.as_chunks().0,
                                rows: band.rows,
                                count: band.count,
                                width: plane.output.width,
                                step: band.step,
                                positions: first..first + length,
                                flip: input.flip(),
                            };
                            vectors.strip(&strip, sums);
                            for (block, output) in own_outputs.iter_mut().enumerate() {
                                let sums = sums[block * length..(block + 1) * length].as_flattened_mut();
                                let number = task.image * blocks(plane.out_channels) + panel.first + block;
                                let place = number * positions + task.rows.range.start * plane.output.width + first;
                                finish(place * BLOCK, sums, &mut output[first * BLOCK..(first + length) * BLOCK]);
                            }
                            first += length;
                        }
                    }
                }
            });
        });
    }

    fn channels<O: Send>(&self, weights: &[f32], output: &mut [O], finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync) {
        let Self {
            schedule, plane, input, ..
        } = *self;
        let reads = &schedule.reads;
        let (flip, offset) = (input.flip(), input.offset());
        let tasks = channel_tasks(schedule, weights, output).into_par_iter();
        parallel::for_each(tasks.with_min_len(schedule.least), |task| {
            let image = self.image(task.image);
            let place = task.place(plane);
            let copied = reads.scratch(task.rows, 1);
            with_scratch(copied + task.output.len(), |scratch| {
                let (sums, copies) = scratch.split_at_mut(task.output.len());
                let number = |byte: u8| (i32::from(byte ^ flip) + offset) as f32;
                let own = task.block..task.block + 1;
                let band = reads.copied(&image, own, task.rows, (0.0, number), copies);
                dispatch(ChannelSums {
                    weights: task.weights,
                    bias: None,
                    band: &band,
                    columns: &plane.columns,
                    finish: Finish::default(),
                    output: &mut *sums,
                });
                dispatch(Wholes(&mut *sums));
                finish(place, bytemuck::cast_slice_mut(sums), task.output);
            });
        });
    }
}

/// Makes whole numbers of small floats that are such, as bits.
struct Wholes<'a>(&'a mut [f32]);

impl WithSimd for Wholes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for number in self.0 {
            *number = f32::from_bits(whole_of_small(*number) as u32);
        }
    }
}

/// The words that steps one after another multiply: of each row of taps, one run or one for each tap.
fn runs(channels: usize, plane: &Plane, lanes: usize, [block, tap]: [usize; 2]) -> Vec<Run> {
    let mut runs = Vec::with_capacity(blocks(channels) * plane.kernel.height * plane.kernel.width);
    for number in 0..blocks(channels) {
        let own = channels_of(number, channels).next_multiple_of(WORD);
        let (count, length) = if own == lanes && tap == lanes {
            (1, own * plane.kernel.width)
        } else {
            (plane.kernel.width, own)
        };
        for tap_row in 0..plane.kernel.height {
            runs.extend((0..count).map(|run| Run {
                tap_row,
                offset: number * block + run * tap,
                words: length / WORD,
            }));
        }
    }
    runs
}
