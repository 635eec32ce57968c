//! Depthwise convolution: each channel by its own taps, a block of them in a vector.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::band::Band;
use super::conv::{Place, Problem};
use super::layout::{BLOCK, blocks};
use crate::cpu::gemm::with_scratch;
use crate::cpu::vectors::arch;

/// Positions in registers.
const POSITIONS: usize = 6;
/// Multiply-adds that are worth a task.
const GRAIN: usize = 1 << 17;

pub(super) fn run(problem: &Problem<'_>, weights: &[f32], output: &mut [f32]) {
    let plane = problem.plane;
    let of_image = blocks(plane.out_channels);
    let taps = plane.kernel.height * plane.kernel.width;
    let positions = plane.output.height * plane.output.width;
    let wanted = (4 * rayon::current_num_threads()).div_ceil(plane.batch * of_image);
    let bands = problem.bands(1, wanted);
    let mut tasks = Vec::with_capacity(plane.batch * of_image * bands.len());
    for (index, mut rest) in output.chunks_exact_mut(BLOCK * positions).enumerate() {
        for band in &bands {
            let (own, others) = rest.split_at_mut(band.len() * plane.output.width * BLOCK);
            rest = others;
            tasks.push(Task {
                image: index / of_image,
                block: index % of_image,
                rows: band.clone(),
                weights: &weights[index % of_image * taps * BLOCK..(index % of_image + 1) * taps * BLOCK],
                output: own,
            });
        }
    }
    let per_task = BLOCK * positions * taps / bands.len();
    let least = GRAIN / per_task.max(1) + 1;
    tasks.into_par_iter().with_min_len(least).for_each(|task| task.run(problem));
}

/// A band of one block of an image.
struct Task<'a> {
    image: usize,
    block: usize,
    rows: Range<usize>,
    weights: &'a [f32],
    output: &'a mut [f32],
}

impl Task<'_> {
    fn run(self, problem: &Problem<'_>) {
        let plane = problem.plane;
        let image = problem.image(self.image);
        let rows = problem.reads.rows(self.rows.clone());
        with_scratch(problem.reads.scratch(&rows, 1), |scratch| {
            let band = problem.reads.band(&image, self.block..self.block + 1, &rows, scratch);
            arch().dispatch(Sums {
                weights: self.weights,
                bias: problem.bias.map(|bias| &bias[self.block * BLOCK..(self.block + 1) * BLOCK]),
                places: &problem.places(rows.count, band.step),
                band: &band,
                kernel: (plane.kernel.height, plane.kernel.width),
                output: &mut *self.output,
            });
        });
        let block = self.image * blocks(plane.out_channels) + self.block;
        let row = block * plane.output.height + self.rows.start;
        problem.finish(row * plane.output.width * BLOCK, self.output);
    }
}

struct Sums<'a> {
    /// `[tap][16]`.
    weights: &'a [f32],
    bias: Option<&'a [f32]>,
    band: &'a Band<'a>,
    places: &'a [Place],
    kernel: (usize, usize),
    output: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.positions::<S, 1>(simd),
            8 => self.positions::<S, 2>(simd),
            4 => self.positions::<S, 4>(simd),
            2 => self.positions::<S, 8>(simd),
            _ => self.positions::<S, 16>(simd),
        }
    }
}

impl Sums<'_> {
    /// All positions. `V` vectors are a position's channels.
    #[inline(always)]
    fn positions<S: Simd, const V: usize>(mut self, simd: S) {
        let count = self.places.len();
        let tiles = count.div_ceil(POSITIONS);
        for tile in 0..tiles {
            let own = tile * count / tiles..(tile + 1) * count / tiles;
            match own.len() {
                1 => self.tile::<S, V, 1>(simd, own.start),
                2 => self.tile::<S, V, 2>(simd, own.start),
                3 => self.tile::<S, V, 3>(simd, own.start),
                4 => self.tile::<S, V, 4>(simd, own.start),
                5 => self.tile::<S, V, 5>(simd, own.start),
                _ => self.tile::<S, V, POSITIONS>(simd, own.start),
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const V: usize, const P: usize>(&mut self, simd: S, first: usize) {
        let (height, width) = self.kernel;
        let band = self.band;
        let places: [Place; P] = std::array::from_fn(|p| self.places[first + p]);
        let (weights, _) = S::as_simd_f32s(self.weights);
        let (weights, _) = weights.as_chunks::<V>();
        let mut bias = [simd.splat_f32s(0.0); V];
        if let Some(own) = self.bias {
            bias.copy_from_slice(S::as_simd_f32s(own).0);
        }
        let mut sums = [bias; P];
        for (i, weights) in (0..height).zip(weights.chunks_exact(width)) {
            let starts = &band.rows[i * band.count..(i + 1) * band.count];
            for (j, weight) in weights.iter().enumerate() {
                for p in 0..P {
                    let start = starts[places[p].row] + places[p].start + j * band.tap;
                    let (elements, _) = S::as_simd_f32s(&band.data[start..start + BLOCK]);
                    for v in 0..V {
                        sums[p][v] = simd.mul_add_e_f32s(elements[v], weight[v], sums[p][v]);
                    }
                }
            }
        }
        let (target, _) = S::as_mut_simd_f32s(&mut self.output[first * BLOCK..(first + P) * BLOCK]);
        target.copy_from_slice(sums.as_flattened());
    }
}
