//! Convolution of few channels by its definition: depthwise, small groups, single-channel pictures.
//!
//! A task has a band of output rows of one image and group. It copies the rows that the band reads into scratch memory, with
//! what the padding puts beside them and columns sorted by `x mod stride`, so that the loops over taps read whole vectors,
//! never ask where an edge is, and stay in cache.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::epilogue::Epilogue;
use super::gemm::with_scratch;
use super::parallel;
use super::plane::Plane;
use super::vectors::dispatch;
use crate::error::{Error, Result};
use crate::ops::Conv;
use crate::padding::PaddingMode;

/// Elements of a band's scratch memory that stay in the second-level cache.
const BAND: usize = 1 << 15;
/// Elements of scratch memory that a task may have: 1 GiB.
const MOST_SCRATCH: usize = 1 << 28;
/// Output channels computed together: they share what they read.
const CHANNELS: usize = 4;
/// Vectors of outputs in registers for each of them.
const VECTORS: usize = 3;
/// The longest vector there is, in elements.
const LANES: usize = 16;

/// A convolution with its taps found.
pub(super) struct Direct<'a, T, R> {
    pub(super) op: &'a Conv,
    pub(super) geometry: &'a Plane,
    pub(super) input: &'a [T],
    /// The number that an element of the input stands for.
    pub(super) real: R,
    pub(super) weight: &'a [f32],
    pub(super) epilogue: Epilogue<'a>,
}

/// How a band's rows lie in scratch memory.
#[derive(Clone, Copy)]
struct Layout {
    /// Elements of one phase: those columns that are equal modulo the stride.
    phase: usize,
    phases: usize,
    /// Input channels of a group.
    channels: usize,
    /// Slots of rows, of each channel.
    slots: usize,
}

impl Layout {
    fn row(&self) -> usize {
        self.phase * self.phases
    }
}

/// A band of rows: the number of its image and group, its first row, and its part of each output channel.
struct Task<'a, O> {
    group: usize,
    first: usize,
    output: Vec<&'a mut [O]>,
}

impl<T: Copy + Sync, R: Fn(T) -> f32 + Sync> Direct<'_, T, R> {
    /// How rows lie that reach over all taps and what the padding puts beside them. A short input may have very long ones.
    fn layout(&self) -> Result<Layout> {
        let geometry = self.geometry;
        let stride = geometry.columns.stride;
        // A stride past the only window leaves one phase of the taps' columns.
        let (phases, reach) = if geometry.output.width == 1 {
            (1, (geometry.kernel.width - 1) * geometry.columns.dilation)
        } else {
            (stride, (geometry.kernel.width - 1) * geometry.columns.dilation / stride)
        };
        let layout = Layout {
            // Vectors read on past the last output: whatever stands there, its sums are dropped.
            phase: geometry.output.width + reach + LANES * VECTORS,
            phases,
            channels: geometry.in_channels / self.op.groups,
            slots: 0,
        };
        let scratch = [layout.phases, layout.channels, geometry.kernel.height]
            .iter()
            .try_fold(layout.phase, |product, &factor| product.checked_mul(factor));
        if scratch.is_none_or(|scratch| scratch > MOST_SCRATCH) {
            return Err(Error::unsupported(
                "conv2d",
                format!(
                    "a row of outputs reads {} rows of {} channels of {} x {} columns, over the limit of {MOST_SCRATCH} elements on the CPU",
                    geometry.kernel.height, layout.channels, layout.phases, layout.phase
                ),
            ));
        }
        Ok(layout)
    }

    /// The convolution with all that follows it.
    pub(super) fn run(&self, output: &mut [f32]) -> Result<()> {
        let layout = self.layout()?;
        parallel::for_each(self.tasks(layout, output), |mut task| {
            self.band(layout, task.group, task.first, &mut task.output);
            for (channel, part) in task.output.iter_mut().enumerate() {
                let offset = self.offset(task.group, channel, task.first);
                self.epilogue_without_bias().apply(offset, 0, part);
            }
        });
        Ok(())
    }

    /// The convolution alone, from which `finish` makes the output's elements from this place on.
    pub(super) fn sums<O: Send>(&self, output: &mut [O], finish: impl Fn(usize, &mut [f32], &mut [O]) + Sync) -> Result<()> {
        let layout = self.layout()?;
        parallel::for_each(self.tasks(layout, output), |task| {
            let mut sums: Vec<Vec<f32>> = task.output.iter().map(|part| vec![0.0; part.len()]).collect();
            let mut parts: Vec<&mut [f32]> = sums.iter_mut().map(Vec::as_mut_slice).collect();
            self.band(layout, task.group, task.first, &mut parts);
            for (channel, (sums, part)) in parts.into_iter().zip(task.output).enumerate() {
                finish(self.offset(task.group, channel, task.first), sums, part);
            }
        });
        Ok(())
    }

    /// Where a channel's rows from this one on are in the output.
    fn offset(&self, group: usize, channel: usize, row: usize) -> usize {
        let out_channels = self.geometry.out_channels / self.op.groups;
        let output = self.geometry.output;
        ((group * out_channels + channel) * output.height + row) * output.width
    }

    /// Cuts an output into bands.
    fn tasks<'o, O: Send>(&self, layout: Layout, output: &'o mut [O]) -> impl ParallelIterator<Item = Task<'o, O>> {
        let geometry = self.geometry;
        let groups = self.op.groups;
        let (out_channels, in_channels) = (geometry.out_channels / groups, geometry.in_channels / groups);
        let width = geometry.output.width;
        let height = geometry.output.height;
        let (row_stride, row_dilation) = geometry.row.map_or((1, 1), |row| (row.stride, row.dilation));
        let reads = |rows: usize| (rows - 1).saturating_mul(row_stride) + (geometry.kernel.height - 1) * row_dilation + 1;
        let per_row = layout.row() * in_channels;
        let threads = rayon::current_num_threads();
        let tasks = geometry.batch * groups;
        let mut band = height;
        while band > 1
            && (reads(band).min(band * geometry.kernel.height) * per_row > BAND
                || (tasks * height.div_ceil(band) < 2 * threads && band * width > 4096))
        {
            band = band.div_ceil(2);
        }
        let bands = height.div_ceil(band);
        let mut work: Vec<Task<'o, O>> = Vec::with_capacity(tasks * bands);
        for (group, own) in output.chunks_exact_mut(out_channels * height * width).enumerate() {
            let first = work.len();
            work.extend((0..bands).map(|index| Task {
                group,
                first: index * band,
                output: Vec::with_capacity(out_channels),
            }));
            for plane in own.chunks_exact_mut(height * width) {
                for (task, part) in work[first..].iter_mut().zip(plane.chunks_mut(band * width)) {
                    task.output.push(part);
                }
            }
        }
        // Small tasks are not worth a thread's while.
        let least =
            (16_384 / (band * width * geometry.kernel.height * geometry.kernel.width * in_channels * out_channels).max(1)).max(1);
        work.into_par_iter().with_min_len(least)
    }

    /// Some rows of one image and group, without what follows the convolution but with the bias.
    fn band(&self, mut layout: Layout, group: usize, first: usize, output: &mut [&mut [f32]]) {
        let geometry = self.geometry;
        let plane = geometry.input.height * geometry.input.width;
        let count = output.first().map_or(0, |part| part.len()) / geometry.output.width;
        let (in_channels, kernel) = (layout.channels, geometry.kernel);
        // Each row that the band reads has a slot; slot 0 is zeros.
        let mut sources: Vec<usize> = Vec::new();
        let mut slots = Vec::with_capacity(kernel.height * count);
        let mut slot_of = vec![0; geometry.input.height];
        for i in 0..kernel.height {
            for y in first..first + count {
                slots.push(geometry.rows.at(i, y).map_or(0, |row| {
                    if slot_of[row] == 0 {
                        sources.push(row);
                        slot_of[row] = sources.len();
                    }
                    slot_of[row]
                }));
            }
        }
        layout.slots = sources.len() + 1;
        let image = &self.input[group * in_channels * plane..(group + 1) * in_channels * plane];
        with_scratch(layout.row() * layout.slots * in_channels, |scratch| {
            for (channel, rows) in scratch.chunks_exact_mut(layout.row() * layout.slots).enumerate() {
                let (zeros, rows) = rows.split_at_mut(layout.row());
                zeros.fill(0.0);
                for (target, &row) in rows.chunks_exact_mut(layout.row()).zip(&sources) {
                    let start = channel * plane + row * geometry.input.width;
                    self.fill_row(layout, &image[start..start + geometry.input.width], target);
                }
            }
            let out_channels = output.len();
            let within = group % self.op.groups;
            let own = out_channels * within;
            let taps = in_channels * kernel.height * kernel.width;
            dispatch(Band {
                layout,
                slots: &slots,
                scratch,
                count,
                width: geometry.output.width,
                kernel: (kernel.height, kernel.width),
                dilation: geometry.columns.dilation,
                weight: &self.weight[own * taps..(own + out_channels) * taps],
                bias: self.epilogue.bias.map(|bias| &bias[own..own + out_channels]),
                output: &mut *output,
            });
        });
    }

    fn epilogue_without_bias(&self) -> Epilogue<'_> {
        Epilogue {
            bias: None,
            ..self.epilogue.clone()
        }
    }

    /// A row with its padding, sorted by phase: element `x` of phase `p` is the padded row's element `x * phases + p`.
    fn fill_row(&self, layout: Layout, source: &[T], target: &mut [f32]) {
        let before = self.geometry.columns.padding.before;
        let mode = self.op.padding_mode;
        let last_tap = (self.geometry.kernel.width - 1) * self.geometry.columns.dilation;
        let padded = (self.geometry.output.width - 1).saturating_mul(layout.phases) + last_tap + 1;
        for (p, phase) in target.chunks_exact_mut(layout.phase).enumerate() {
            let used = padded.saturating_sub(p).div_ceil(layout.phases).min(layout.phase);
            let at = |x: usize| (x * layout.phases + p) as isize - before;
            // The elements that are inside the row.
            let start = (before - p as isize).max(0) as usize;
            let start = start.div_ceil(layout.phases).min(used);
            let inside = (source.len() as isize - at(start)).max(0) as usize;
            let inside = inside.div_ceil(layout.phases).min(used - start);
            let outside = |x: usize| self.edge(mode, at(x), source);
            for (x, target) in phase[..start].iter_mut().enumerate() {
                *target = outside(x);
            }
            if inside > 0 {
                let from = &source[at(start) as usize..];
                let middle = &mut phase[start..start + inside];
                match layout.phases {
                    1 => {
                        for (target, &value) in middle.iter_mut().zip(from) {
                            *target = (self.real)(value);
                        }
                    }
                    2 => {
                        for (target, pair) in middle.iter_mut().zip(from.chunks(2)) {
                            *target = (self.real)(pair[0]);
                        }
                    }
                    phases => {
                        for (target, &value) in middle.iter_mut().zip(from.iter().step_by(phases)) {
                            *target = (self.real)(value);
                        }
                    }
                }
            }
            for (x, target) in (start + inside..used).zip(&mut phase[start + inside..used]) {
                *target = outside(x);
            }
        }
    }

    /// What stands at a place outside the row.
    fn edge(&self, mode: PaddingMode, place: isize, row: &[T]) -> f32 {
        mode.source_index(place, row.len())
            .map_or(0.0, |place| (self.real)(row[place]))
    }
}

/// The loops over a band that is in scratch memory.
struct Band<'a, 'b> {
    layout: Layout,
    /// `[tap row][output row]`.
    slots: &'a [usize],
    scratch: &'a [f32],
    count: usize,
    width: usize,
    kernel: (usize, usize),
    dilation: usize,
    /// `[out channel][in channel][tap row][tap column]`.
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    output: &'a mut [&'b mut [f32]],
}

impl WithSimd for Band<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let channels = self.output.len();
        let mut channel = 0;
        while channel < channels {
            if channels - channel >= CHANNELS {
                self.channels::<S, CHANNELS>(simd, channel);
                channel += CHANNELS;
            } else {
                self.channels::<S, 1>(simd, channel);
                channel += 1;
            }
        }
    }
}

impl Band<'_, '_> {
    #[inline(always)]
    fn channels<S: Simd, const C: usize>(&mut self, simd: S, channel: usize) {
        let step = VECTORS * S::F32_LANES;
        for y in 0..self.count {
            let mut x = 0;
            while x < self.width {
                let rest = self.width - x;
                if rest > 2 * S::F32_LANES {
                    self.outputs::<S, C, VECTORS>(simd, channel, y, x);
                    x += step;
                } else if rest > S::F32_LANES {
                    self.outputs::<S, C, 2>(simd, channel, y, x);
                    x += 2 * S::F32_LANES;
                } else {
                    self.outputs::<S, C, 1>(simd, channel, y, x);
                    x += S::F32_LANES;
                }
            }
        }
    }

    /// So many channels by so many vectors of outputs of row `y` from column `x` on; those past the row are dropped.
    #[inline(always)]
    fn outputs<S: Simd, const C: usize, const V: usize>(&mut self, simd: S, channel: usize, y: usize, x: usize) {
        let layout = self.layout;
        let (kernel_height, kernel_width) = self.kernel;
        let taps = layout.channels * kernel_height * kernel_width;
        let mut sums = [[simd.splat_f32s(0.0); V]; C];
        for (c, sums) in sums.iter_mut().enumerate() {
            let bias = self.bias.map_or(0.0, |bias| bias[channel + c]);
            *sums = [simd.splat_f32s(bias); V];
        }
        let weights: [&[f32]; C] = std::array::from_fn(|c| &self.weight[(channel + c) * taps..(channel + c + 1) * taps]);
        let mut tap = 0;
        for source in self.scratch.chunks_exact(layout.row() * layout.slots) {
            for i in 0..kernel_height {
                let slot = self.slots[i * self.count + y];
                let row = &source[slot * layout.row()..(slot + 1) * layout.row()];
                for j in 0..kernel_width {
                    let place = j * self.dilation;
                    let from = place % layout.phases * layout.phase + place / layout.phases + x;
                    let (values, _) = S::as_simd_f32s(&row[from..from + V * S::F32_LANES]);
                    for c in 0..C {
                        let weight = simd.splat_f32s(weights[c][tap]);
                        for v in 0..V {
                            sums[c][v] = simd.mul_add_e_f32s(weight, values[v], sums[c][v]);
                        }
                    }
                    tap += 1;
                }
            }
        }
        let start = y * self.width + x;
        let kept = (self.width - x).min(V * S::F32_LANES);
        for (c, sums) in sums.iter().enumerate() {
            let target = &mut self.output[channel + c][start..start + kept];
            if kept == V * S::F32_LANES {
                let (target, _) = S::as_mut_simd_f32s(target);
                target.copy_from_slice(sums);
            } else {
                let mut whole = [0.0; VECTORS * LANES];
                let (vectors, _) = S::as_mut_simd_f32s(&mut whole);
                vectors[..V].copy_from_slice(sums);
                target.copy_from_slice(&whole[..kept]);
            }
        }
    }
}
