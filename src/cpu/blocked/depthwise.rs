//! Depthwise convolution: each channel by its own taps, a block of them in a vector.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::band::{Band, Rows};
use super::conv::Problem;
use super::finish::Finish;
use super::layout::{BLOCK, blocks};
use super::schedule::Schedule;
use crate::cpu::gemm::with_scratch;
use crate::cpu::parallel;
use crate::cpu::plane::Plane;
use crate::cpu::vectors::dispatch;
use crate::ops::AxisWindow;

/// Positions in registers.
const POSITIONS: usize = 6;
/// The same by AVX-512, which has twice as many, where a row has so many.
const MORE_POSITIONS: usize = 12;

pub(super) fn run(problem: &Problem<'_>, weights: &[f32], output: &mut [f32]) {
    let tasks = tasks(problem.schedule, weights, output).into_par_iter();
    parallel::for_each(tasks.with_min_len(problem.schedule.least), |task| task.run(problem));
}

/// What threads share of a convolution with these weights into this output.
pub(in crate::cpu) fn tasks<'a, T>(schedule: &'a Schedule, weights: &'a [f32], output: &'a mut [T]) -> Vec<Task<'a, T>> {
    let plane = &schedule.reads.plane;
    let of_image = blocks(plane.out_channels);
    let taps = plane.kernel.height * plane.kernel.width;
    let positions = plane.output.height * plane.output.width;
    let mut tasks = Vec::with_capacity(plane.batch * of_image * schedule.bands.len());
    for (image, own) in output.chunks_exact_mut(of_image * BLOCK * positions).enumerate() {
        let mut rest: Vec<&mut [T]> = own.chunks_exact_mut(BLOCK * positions).collect();
        for (band, block) in schedule.pairs(of_image) {
            let rows = &schedule.bands[band];
            tasks.push(Task {
                image,
                block,
                rows,
                weights: &weights[block * taps * BLOCK..(block + 1) * taps * BLOCK],
                output: rows.taken(plane, &mut rest, block),
            });
        }
    }
    tasks
}

/// A band of one block of an image.
pub(in crate::cpu) struct Task<'a, T> {
    pub(in crate::cpu) image: usize,
    pub(in crate::cpu) block: usize,
    pub(in crate::cpu) rows: &'a Rows,
    pub(in crate::cpu) weights: &'a [f32],
    pub(in crate::cpu) output: &'a mut [T],
}

impl<T> Task<'_, T> {
    /// Where its output begins in that of all.
    pub(in crate::cpu) fn place(&self, plane: &Plane) -> usize {
        let block = self.image * blocks(plane.out_channels) + self.block;
        (block * plane.output.height + self.rows.range.start) * plane.output.width * BLOCK
    }
}

impl Task<'_, f32> {
    fn run(self, problem: &Problem<'_>) {
        let (plane, rows, reads) = (problem.plane, self.rows, &problem.schedule.reads);
        let image = problem.image(self.image);
        let place = self.place(plane);
        with_scratch(reads.scratch(rows, 1), |scratch| {
            dispatch(Sums {
                weights: self.weights,
                bias: problem.bias.map(|bias| &bias[self.block * BLOCK..(self.block + 1) * BLOCK]),
                band: &reads.band(&image, self.block..self.block + 1, rows, 0.0, scratch),
                columns: &plane.columns,
                finish: problem.finish.from(place),
                output: self.output,
            });
        });
    }
}

pub(in crate::cpu) struct Sums<'a> {
    /// `[tap][16]`.
    pub(in crate::cpu) weights: &'a [f32],
    pub(in crate::cpu) bias: Option<&'a [f32]>,
    pub(in crate::cpu) band: &'a Band<'a, f32>,
    pub(in crate::cpu) columns: &'a AxisWindow,
    pub(in crate::cpu) finish: Finish<'a>,
    pub(in crate::cpu) output: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.windows::<S, 1>(simd),
            8 => self.windows::<S, 2>(simd),
            4 => self.windows::<S, 4>(simd),
            2 => self.windows::<S, 8>(simd),
            _ => self.windows::<S, 16>(simd),
        }
    }
}

impl Sums<'_> {
    /// The usual windows by loops of known lengths, others by whatever theirs are. `V` vectors are a position's channels.
    #[inline(always)]
    fn windows<S: Simd, const V: usize>(self, simd: S) {
        let AxisWindow {
            kernel,
            stride,
            dilation,
            ..
        } = *self.columns;
        match (kernel, stride, dilation) {
            (3, 1, 1) => self.rows::<S, V>(simd, (3, 1, 1)),
            (3, 2, 1) => self.rows::<S, V>(simd, (3, 2, 1)),
            (5, 1, 1) => self.rows::<S, V>(simd, (5, 1, 1)),
            (5, 2, 1) => self.rows::<S, V>(simd, (5, 2, 1)),
            (7, 1, 1) => self.rows::<S, V>(simd, (7, 1, 1)),
            other => self.rows::<S, V>(simd, other),
        }
    }

    #[inline(always)]
    fn rows<S: Simd, const V: usize>(mut self, simd: S, window: (usize, usize, usize)) {
        let width = self.columns.output;
        let whole = if V == 1 { width - width % MORE_POSITIONS } else { 0 };
        let rest = width - whole;
        let tiles = rest.div_ceil(POSITIONS);
        for row in 0..self.band.count {
            for first in (0..whole).step_by(MORE_POSITIONS) {
                self.tile::<S, V, MORE_POSITIONS>(simd, window, row, first);
            }
            for tile in 0..tiles {
                let (first, past) = (whole + tile * rest / tiles, whole + (tile + 1) * rest / tiles);
                match past - first {
                    1 => self.tile::<S, V, 1>(simd, window, row, first),
                    2 => self.tile::<S, V, 2>(simd, window, row, first),
                    3 => self.tile::<S, V, 3>(simd, window, row, first),
                    4 => self.tile::<S, V, 4>(simd, window, row, first),
                    5 => self.tile::<S, V, 5>(simd, window, row, first),
                    _ => self.tile::<S, V, POSITIONS>(simd, window, row, first),
                }
            }
        }
    }

    /// Some positions of a row, from this column on.
    #[inline(always)]
    fn tile<S: Simd, const V: usize, const P: usize>(
        &mut self,
        simd: S,
        (kernel, stride, dilation): (usize, usize, usize),
        row: usize,
        first: usize,
    ) {
        let band = self.band;
        let (weights, _) = S::as_simd_f32s(self.weights);
        let (weights, _) = weights.as_chunks::<V>();
        let mut bias = [simd.splat_f32s(0.0); V];
        if let Some(own) = self.bias {
            let (own, _) = S::as_simd_f32s(own);
            bias.copy_from_slice(&own[..V]);
        }
        let mut sums = [[simd.splat_f32s(0.0); P]; V];
        for v in 0..V {
            sums[v] = [bias[v]; P];
        }
        let reach = (P - 1) * stride + (kernel - 1) * dilation + 1;
        let height = weights.len() / kernel;
        for i in 0..height {
            let weights = &weights[i * kernel..][..kernel];
            let start = band.rows[i * band.count + row] + first * band.step;
            let (elements, _) = S::as_simd_f32s(&band.data[start..start + reach * BLOCK]);
            let (elements, _) = elements.as_chunks::<V>();
            let elements = &elements[..reach];
            for j in 0..kernel {
                for p in 0..P {
                    for v in 0..V {
                        let element = elements[p * stride + j * dilation][v];
                        sums[v][p] = simd.mul_add_e_f32s(element, weights[j][v], sums[v][p]);
                    }
                }
            }
        }
        let place = (row * self.columns.output + first) * BLOCK;
        let output = &mut self.output[place..place + P * BLOCK];
        let (target, _) = S::as_mut_simd_f32s(output);
        let (target, _) = target.as_chunks_mut::<V>();
        for v in 0..V {
            for p in 0..P {
                target[p][v] = sums[v][p];
            }
        }
        self.finish.apply(simd, place, output);
    }
}
