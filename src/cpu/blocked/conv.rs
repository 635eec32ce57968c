//! Convolution: weights of a panel by elements of the input, for some positions at a time in registers.

use std::ops::Range;
use std::slice::Chunks;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::band::{Band, Image, Rows};
use super::depthwise;
use super::finish::Finish;
use super::layout::{BLOCK, Layout, blocks, channels_of, rearrange, whole};
use super::schedule::Schedule;
use super::weights::{Packed, Panel, Part, Products, Weights};
use super::winograd;
use crate::cpu::ahead::{LINE, ask_for, ask_for_next};
use crate::cpu::epilogue::Epilogue;
use crate::cpu::gemm::with_scratch;
use crate::cpu::operand::Operand;
use crate::cpu::parallel;
use crate::cpu::plane::{Plane, split};
use crate::cpu::vectors::dispatch;
use crate::error::Result;
use crate::ops::Conv;
use crate::shape::element_count;

/// Positions in registers: by four vectors of channels they are 24 of the 32 accumulators that AVX-512 has, by AVX2's two 12 of 16.
const POSITIONS: usize = 6;
/// As many beside one another in a row by one or two of AVX-512's vectors, which would else wait for one another's sums.
const IN_LINE: usize = 12;
/// Elements of scratch memory that a task may have: 1 GiB.
const MOST_SCRATCH: usize = 1 << 28;

/// Whether scratch memory holds what an output row reads.
pub(in crate::cpu) fn is_possible(op: &Conv, input: &[usize], weight: &[usize]) -> bool {
    let Ok(geometry) = op.geometry(input, weight, None) else {
        return false;
    };
    let (outer, innermost) = split(&geometry.axes);
    let rows: usize = outer.iter().map(|axis| axis.kernel).product();
    let lanes = BLOCK * blocks(geometry.in_channels);
    let scratch = innermost
        .read()
        .and_then(|columns| columns.checked_mul(rows + 1)?.checked_mul(lanes));
    scratch.is_some_and(|scratch| scratch <= MOST_SCRATCH)
}

/// A convolution that is possible and whose weights were packed for blocks, from either layout into either.
pub(in crate::cpu) fn conv(
    op: &Conv,
    input: &Operand<'_>,
    weight: &Operand<'_>,
    weights: &Weights,
    epilogue: &Epilogue<'_>,
    (output, output_layout): (&mut [f32], Layout),
) -> Result<()> {
    if output.is_empty() {
        return Ok(());
    }
    let layout = if Layout::is_either(input.shape) {
        Layout::Blocked
    } else {
        input.layout
    };
    let schedule = weights.schedules().of(input.shape, layout, |threads| {
        Schedule::new(op, (input.shape, layout), weight, weights, threads)
    })?;
    let bias = epilogue.bias.map(whole);
    let run = |epilogue: &Epilogue<'_>, output: &mut [f32]| {
        let problem = Problem {
            schedule: &schedule,
            plane: &schedule.reads.plane,
            input: input.data,
            layout,
            bias: bias.as_deref(),
            finish: Finish::new(epilogue),
        };
        match &weights.packed {
            Packed::Products(products) if schedule.has_tiles => {
                winograd::run(&problem, products.of_tiles(weight), &|| products.direct(op, weight), output);
            }
            Packed::Products(products) => problem.products(products.direct(op, weight), output),
            Packed::Depthwise(weights) => depthwise::run(&problem, weights, output),
        }
    };
    if output_layout == Layout::Blocked {
        run(epilogue, output);
        return Ok(());
    }
    let shape = op.geometry(input.shape, weight.shape, None)?.output_shape();
    // What the graph's plan does with blocks, for an operator by itself: the same sums, rearranged.
    let length = element_count("conv2d", &[shape[0], blocks(shape[1]), BLOCK, shape[2..].iter().product()])?;
    let residual = epilogue.residual.map(|residual| {
        let mut blocked = vec![0.0; length];
        rearrange(&shape, Layout::Blocked, residual, &mut blocked);
        blocked
    });
    let epilogue = Epilogue {
        residual: residual.as_deref(),
        ..epilogue.clone()
    };
    let mut blocked = vec![0.0; length];
    run(&epilogue, &mut blocked);
    rearrange(&shape, Layout::Plain, &blocked, output);
    Ok(())
}

/// A convolution into blocks.
pub(super) struct Problem<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) plane: &'a Plane,
    input: &'a [f32],
    layout: Layout,
    /// Of whole blocks.
    pub(super) bias: Option<&'a [f32]>,
    /// What follows, with what is added in the output's layout.
    pub(super) finish: Finish<'a>,
}

/// A position of a band: its output row, and where its first tap is in the rows that it reads.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    start: usize,
}

impl<'a> Problem<'a> {
    pub(super) fn image(&self, index: usize) -> Image<'a, f32> {
        Image::of(self.input, self.layout, self.plane, index)
    }

    /// What follows the sums of a panel in a band of an image.
    pub(super) fn finish_of(&self, image: usize, panel: &Panel, rows: &Rows) -> Finish<'a> {
        let output = self.plane.output;
        let block = image * blocks(self.plane.out_channels) + panel.first;
        let row = block * output.height + rows.range.start;
        self.finish.from(row * output.width * BLOCK)
    }

    /// The sums of a panel for all positions of a band, and what follows them.
    pub(super) fn add_up(
        &self,
        weights: &Products,
        panel: &Panel,
        band: &Band<'_, f32>,
        output: &mut [&mut [f32]],
        finish: Option<Finish<'_>>,
    ) {
        let plane = self.plane;
        let panel_sums = PanelSums {
            weights,
            panel,
            band,
            width: plane.output.width,
            lanes: self.schedule.reads.lanes(),
            kernel: (plane.kernel.height, plane.kernel.width),
            bias: self.bias,
            finish,
            block: plane.output.height * plane.output.width * BLOCK,
        };
        panel_sums.add_up(output);
    }

    fn products(&self, weights: &Products, output: &mut [f32]) {
        let tasks = tasks(self.schedule, &weights.panels, output);
        parallel::for_each(tasks, |task| task.run(self, weights));
    }
}

/// What threads share of a convolution into this output.
pub(in crate::cpu) fn tasks<'a, 'o, T: Send>(
    schedule: &'a Schedule,
    panels: &'a [Panel],
    output: &'o mut [T],
) -> impl IndexedParallelIterator<Item = Task<'a, 'o, T>> {
    let plane = &schedule.reads.plane;
    let positions = plane.output.height * plane.output.width;
    let mut tasks: Vec<Task<'_, '_, T>> = Vec::with_capacity(plane.batch * schedule.bands.len() * schedule.parts.len());
    let of_image = blocks(plane.out_channels) * BLOCK * positions;
    for (image, own) in output.chunks_exact_mut(of_image).enumerate() {
        let mut rest: Vec<&mut [T]> = own.chunks_exact_mut(BLOCK * positions).collect();
        for (band, part) in schedule.pairs(schedule.parts.len()) {
            let (rows, panels) = (&schedule.bands[band], &panels[schedule.parts[part].clone()]);
            let (first, last) = (panels[0], panels[panels.len() - 1]);
            let blocks = first.first..last.first + last.blocks;
            tasks.push(Task {
                image,
                panels,
                rows,
                output: blocks.map(|block| rows.taken(plane, &mut rest, block)).collect(),
            });
        }
    }
    let tasks = tasks.into_par_iter();
    tasks.with_min_len(schedule.least).with_max_len(schedule.least)
}

/// Some panels of a band of an image.
pub(in crate::cpu) struct Task<'a, 'o, T> {
    pub(in crate::cpu) image: usize,
    pub(in crate::cpu) panels: &'a [Panel],
    pub(in crate::cpu) rows: &'a Rows,
    /// The band of each block.
    pub(in crate::cpu) output: Vec<&'o mut [T]>,
}

impl Task<'_, '_, f32> {
    fn run(mut self, problem: &Problem<'_>, weights: &Products) {
        let (plane, rows, reads) = (problem.plane, self.rows, &problem.schedule.reads);
        let image = problem.image(self.image);
        let channels = plane.in_channels / weights.groups();
        let of_group = blocks(channels);
        let mut outputs = self.output.as_mut_slice();
        with_scratch(reads.scratch(rows, of_group), |scratch| {
            for panels in self.panels.chunk_by(|one, other| one.group == other.group) {
                let group = panels[0].group;
                let band = reads.band(&image, group * of_group..(group + 1) * of_group, rows, 0.0, scratch);
                for panel in panels {
                    let (own, others) = std::mem::take(&mut outputs).split_at_mut(panel.blocks);
                    outputs = others;
                    problem.add_up(weights, panel, &band, own, Some(problem.finish_of(self.image, panel, rows)));
                }
            }
        });
    }
}

/// The sums of a panel for all positions of a band, over all parts.
pub(super) struct PanelSums<'a> {
    pub(super) weights: &'a Products,
    pub(super) panel: &'a Panel,
    pub(super) band: &'a Band<'a, f32>,
    /// As [`Sums`] has them.
    pub(super) width: usize,
    pub(super) lanes: usize,
    pub(super) kernel: (usize, usize),
    pub(super) block: usize,
    /// Of all channels, in whole blocks.
    pub(super) bias: Option<&'a [f32]>,
    /// What follows the last part.
    pub(super) finish: Option<Finish<'a>>,
}

impl PanelSums<'_> {
    pub(super) fn add_up(&self, output: &mut [&mut [f32]]) {
        let weights = self.weights;
        for (number, part) in weights.parts.iter().enumerate() {
            let (own, after) = weights.of(self.panel, part);
            let is_last = number + 1 == weights.parts.len();
            dispatch(Sums {
                weights: own,
                after: after.as_chunks().0,
                inside: self.band.inside.clone().filter(|_| weights.leaves_out_zeros()),
                start: if number == 0 {
                    Start::Bias(self.bias.map(|bias| &bias[self.panel.channels()]))
                } else {
                    Start::Sums
                },
                part,
                band: self.band,
                width: self.width,
                channels: weights.terms() / (self.kernel.0 * self.kernel.1),
                lanes: self.lanes,
                kernel: self.kernel,
                output: &mut *output,
                finish: self.finish.filter(|_| is_last),
                block: self.block,
            });
        }
    }
}

/// What a part of a sum is added to.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    Bias(Option<&'a [f32]>),
    /// What stands in the output.
    Sums,
}

/// A part of the sums of a panel, for all positions of a band.
pub(super) struct Sums<'a, 'o> {
    pub(super) weights: &'a [f32],
    /// What is read next.
    pub(super) after: &'a [[f32; LINE]],
    /// Where products with the padding's zeros need not be added: the elements of a row that are not padding. A row that begins where the
    /// band does has none.
    pub(super) inside: Option<Range<usize>>,
    pub(super) part: &'a Part,
    pub(super) band: &'a Band<'a, f32>,
    /// Output columns.
    pub(super) width: usize,
    /// Input channels of the group, and those that lie together.
    pub(super) channels: usize,
    pub(super) lanes: usize,
    pub(super) kernel: (usize, usize),
    pub(super) start: Start<'a>,
    pub(super) output: &'a mut [&'o mut [f32]],
    /// What follows the last part, and elements of a block of the output.
    pub(super) finish: Option<Finish<'a>>,
    pub(super) block: usize,
}

impl WithSimd for Sums<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (S::F32_LANES, self.output.len()) {
            (16, 1) => self.lines::<S, 1, IN_LINE>(simd),
            (16, 2) => self.lines::<S, 2, IN_LINE>(simd),
            (8, _) => self.lines::<S, 2, POSITIONS>(simd),
            (16, 3) => self.lines::<S, 3, POSITIONS>(simd),
            (16 | 4, _) => self.lines::<S, 4, POSITIONS>(simd),
            (2, _) => self.positions::<S, 8>(simd),
            _ => self.positions::<S, 16>(simd),
        }
    }
}

impl Sums<'_, '_> {
    /// All positions, as many at a time as lie in a line where there are so many. `V` vectors are a position's channels.
    #[inline(always)]
    fn lines<S: Simd, const V: usize, const P: usize>(mut self, simd: S) {
        let (count, width, step) = (self.band.count, self.width, self.band.step);
        let mut rows = self.band.rows.chunks_exact(count);
        // Rows that lie one after another are one.
        let is_one = rows.all(|starts| starts.windows(2).all(|pair| pair[1] == pair[0] + width * step));
        let (runs, length) = if is_one { (1, count * width) } else { (count, width) };
        if is_one && count > 1 {
            // Its columns are those of several rows.
            self.inside = None;
        }
        // Of one position that is left of each row, sums would wait for one another.
        let are_long = is_one || P > POSITIONS || (length >= 2 * P && length % P != 1);
        if !are_long || step != BLOCK || self.lanes != BLOCK {
            return self.tiles::<S, V>(simd, 0..count * width);
        }
        let in_line = length - length % P;
        for run in 0..runs {
            let first = run * length;
            for start in (0..in_line).step_by(P) {
                let place = Place {
                    row: run,
                    start: start * step,
                };
                let after = self.after(first + start, P);
                let sums = self.sums_of_line::<S, V, P>(simd, place, after);
                self.store(simd, first + start, &sums);
            }
            self.tiles::<S, V>(simd, first + in_line..first + length);
        }
    }

    /// All positions, in whatever rows they are.
    #[inline(always)]
    fn positions<S: Simd, const V: usize>(mut self, simd: S) {
        self.tiles::<S, V>(simd, 0..self.band.count * self.width);
    }

    /// These positions, cut into tiles of about the same size.
    #[inline(always)]
    fn tiles<S: Simd, const V: usize>(&mut self, simd: S, positions: Range<usize>) {
        let count = positions.len();
        let tiles = count.div_ceil(POSITIONS);
        let mut at = Place {
            row: positions.start / self.width,
            start: positions.start % self.width * self.band.step,
        };
        for tile in 0..tiles {
            let own = tile * count / tiles..(tile + 1) * count / tiles;
            let first = positions.start + own.start;
            match own.len() {
                1 => self.tile::<S, V, 1>(simd, first, &mut at),
                2 => self.tile::<S, V, 2>(simd, first, &mut at),
                3 => self.tile::<S, V, 3>(simd, first, &mut at),
                4 => self.tile::<S, V, 4>(simd, first, &mut at),
                5 => self.tile::<S, V, 5>(simd, first, &mut at),
                _ => self.tile::<S, V, POSITIONS>(simd, first, &mut at),
            }
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const V: usize, const P: usize>(&mut self, simd: S, first: usize, at: &mut Place) {
        let step = self.band.step;
        let places: [Place; P] = std::array::from_fn(|_| {
            let place = *at;
            at.start += step;
            if at.start == self.width * step {
                *at = Place {
                    row: at.row + 1,
                    start: 0,
                };
            }
            place
        });
        let sums = self.sums::<S, V, P>(simd, &places, self.after(first, P));
        self.store(simd, first, &sums);
    }

    /// The share that these positions have of what is read next, a piece for each row of taps.
    #[inline(always)]
    fn after(&self, first: usize, positions: usize) -> Chunks<'_, [f32; LINE]> {
        let (all, lines) = (self.band.count * self.width, self.after.len());
        let own = &self.after[first * lines / all..(first + positions) * lines / all];
        own.chunks(own.len().div_ceil(self.part.rows.len()).max(1))
    }

    /// The first taps of a row, as bits, that have no columns at these places but those of the padding. Taps beside one another are not
    /// told apart.
    #[inline(always)]
    fn outside<const P: usize>(&self, places: &[Place; P]) -> u64 {
        let Some(inside) = self.inside.as_ref().filter(|_| self.band.tap != self.lanes) else {
            return 0;
        };
        let mut outside = 0;
        for tap in 0..self.kernel.1.min(64) {
            let mut is_outside = true;
            for place in places {
                let column = place.start + tap * self.band.tap;
                is_outside &= column + self.lanes <= inside.start || column >= inside.end;
            }
            outside |= u64::from(is_outside) << tap;
        }
        outside
    }

    /// Adds the sums to what they are added to, and finishes them.
    #[inline(always)]
    fn store<S: Simd, const V: usize, const P: usize>(&mut self, simd: S, first: usize, sums: &[[S::f32s; V]; P]) {
        let vectors = BLOCK / S::F32_LANES;
        // Indices that are known here keep sums in registers all along.
        for v in 0..V {
            let output = &mut self.output[v / vectors];
            let (target, _) = S::as_mut_simd_f32s(&mut output[first * BLOCK..(first + P) * BLOCK]);
            let bias = match self.start {
                Start::Bias(Some(bias)) => S::as_simd_f32s(bias).0[v],
                _ => simd.splat_f32s(0.0),
            };
            for p in 0..P {
                let target = &mut target[p * vectors + v % vectors];
                let start = if let Start::Sums = self.start { *target } else { bias };
                *target = simd.add_f32s(start, sums[p][v]);
            }
        }
        if let Some(finish) = &self.finish {
            for (block, output) in self.output.iter_mut().enumerate() {
                let sums = &mut output[first * BLOCK..(first + P) * BLOCK];
                finish.apply(simd, block * self.block + first * BLOCK, sums);
            }
        }
    }

    /// The sums at so many places one after another, of blocks without gaps: one register tells where all are.
    #[inline(always)]
    fn sums_of_line<S: Simd, const V: usize, const P: usize>(
        &self,
        simd: S,
        first: Place,
        mut after: Chunks<'_, [f32; LINE]>,
    ) -> [[S::f32s; V]; P] {
        let (height, width) = self.kernel;
        let band = self.band;
        let (weights, _) = S::as_simd_f32s(self.weights);
        let (mut weights, _) = weights.as_chunks::<V>();
        let (data, _) = band.data.as_chunks::<BLOCK>();
        let mut sums = [[simd.splat_f32s(0.0); V]; P];
        for row in self.part.rows.clone() {
            let (block, tap_row) = (row / height, row % height);
            let own = channels_of(block, self.channels);
            let row = band.rows[tap_row * band.count + first.row];
            ask_for(after.next().unwrap_or_default());
            for tap in 0..width {
                let (now, later) = weights.split_at(own);
                weights = later;
                let column = first.start + tap * band.tap;
                if let Some(inside) = &self.inside
                    && (row == 0 || column + P * BLOCK <= inside.start || column >= inside.end)
                {
                    continue;
                }
                let start = (block * band.block + row + column) / BLOCK;
                let (elements, _) = data[start..start + P].as_chunks::<P>();
                let elements = &elements[0];
                if width == 1 {
                    // Each is read once for all of a panel, and what is next to it is the next tile's.
                    ask_for_next(data.get(start + P..start + 2 * P).unwrap_or_default());
                }
                for (k, &weight) in now.iter().enumerate() {
                    for p in 0..P {
                        let factor = simd.splat_f32s(elements[p][k % BLOCK]);
                        for v in 0..V {
                            sums[p][v] = simd.mul_add_e_f32s(factor, weight[v], sums[p][v]);
                        }
                    }
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn sums<S: Simd, const V: usize, const P: usize>(
        &self,
        simd: S,
        places: &[Place; P],
        mut after: Chunks<'_, [f32; LINE]>,
    ) -> [[S::f32s; V]; P] {
        let (height, width) = self.kernel;
        let band = self.band;
        let (weights, _) = S::as_simd_f32s(self.weights);
        let (mut weights, _) = weights.as_chunks::<V>();
        let outside = self.outside(places);
        let mut sums = [[simd.splat_f32s(0.0); V]; P];
        for row in self.part.rows.clone() {
            let (block, tap_row) = (row / height, row % height);
            let own = channels_of(block, self.channels);
            // Taps whose elements lie one after another are one run.
            let (runs, length) = if own == self.lanes && band.tap == self.lanes {
                (1, own * width)
            } else {
                (width, own)
            };
            let starts = &band.rows[tap_row * band.count..(tap_row + 1) * band.count];
            let is_outside = self.inside.is_some()
                && starts[places[0].row] == 0
                && starts[places[0].row..=places[P - 1].row].iter().all(|&start| start == 0);
            ask_for(after.next().unwrap_or_default());
            for run in 0..runs {
                let (now, later) = weights.split_at(length);
                weights = later;
                if is_outside || (run < 64 && outside >> run & 1 == 1) {
                    continue;
                }
                let offset = block * band.block + run * band.tap;
                let elements: [&[f32]; P] = std::array::from_fn(|p| {
                    let start = offset + starts[places[p].row] + places[p].start;
                    &band.data[start..start + length]
                });
                for (k, &weight) in now.iter().enumerate() {
                    for p in 0..P {
                        let factor = simd.splat_f32s(elements[p][k]);
                        for v in 0..V {
                            sums[p][v] = simd.mul_add_e_f32s(factor, weight[v], sums[p][v]);
                        }
                    }
                }
            }
        }
        sums
    }
}
