//! How threads share a convolution: found once for inputs of a shape, and kept with the weights.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::band::{Reads, Rows};
use super::layout::{BLOCK, Layout, blocks};
use super::tiles::{self, PRODUCTS, TILE};
use super::weights::{Packed, Panel, Weights};
use crate::cpu::operand::Operand;
use crate::cpu::plane::Plane;
use crate::error::Result;
use crate::lock::lock;
use crate::ops::Conv;

/// The most elements of a band's rows. A part of the sums reads a few of their blocks alone, and what it is multiplied by stays longer in the
/// first-level cache the more positions a band has.
const BAND: usize = 1 << 18;
/// Transformed elements and sums of a band of tiles that stay in the second-level cache, and the most that there are.
const TILES: usize = 3 << 17;
const MOST_TILES: usize = 1 << 21;
/// Positions of a band, whose sums of a panel stay there too.
const MOST_POSITIONS: usize = 1 << 10;
/// Multiply-adds that are worth a thread.
const GRAIN: usize = 1 << 18;
/// Multiply-adds of channels one by one, which wait for memory more often, that are worth a task.
const DEPTHWISE_GRAIN: usize = 1 << 17;
/// What a task costs by itself, in multiply-adds of vectors.
const TASK: usize = 1 << 10;
/// What a vector that is copied into a band costs, in the same.
const COPY: usize = 4;
/// What a tile's transform of a vector takes, of elements or to outputs, in the same.
const TRANSFORM: usize = 80;
/// The same where what is transformed leaves the second-level cache.
const FAR_TRANSFORM: usize = 320;
/// And a vector of weights that comes from there.
const WEIGHTS: usize = 10;
/// The most tasks of a thread.
const MOST_TASKS: usize = 8;
/// Schedules that are kept with weights.
const KEPT: usize = 8;

/// A convolution of inputs of one shape in one layout, as so many threads share it.
#[derive(Debug)]
pub(in crate::cpu) struct Schedule {
    pub(in crate::cpu) reads: Reads,
    /// The rows of an image.
    pub(in crate::cpu) bands: Vec<Rows>,
    /// The panels of weights that a task has; one of none where each channel is computed by itself.
    pub(in crate::cpu) parts: Vec<Range<usize>>,
    /// Tasks that are not worth another thread.
    pub(in crate::cpu) least: usize,
    /// Tasks of the same rows follow one another, not those of the same channels: a thread, whose tasks are neighbours, then has the rows
    /// of a value that it had of the one before, in its own cache.
    by_rows: bool,
    /// Rows are those of Winograd's tiles.
    pub(super) has_tiles: bool,
}

/// The schedules of the shapes that came last.
#[derive(Debug, Default)]
pub(in crate::cpu) struct Schedules(Mutex<Vec<(Key, Arc<Schedule>)>>);

#[derive(Debug, PartialEq, Eq)]
struct Key {
    input: Vec<usize>,
    layout: Layout,
    threads: usize,
}

impl Clone for Schedules {
    /// Of the same weights elsewhere, which find their own.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Schedules {
    pub(in crate::cpu) fn of(
        &self,
        input: &[usize],
        layout: Layout,
        make: impl FnOnce(usize) -> Result<Schedule>,
    ) -> Result<Arc<Schedule>> {
        let threads = rayon::current_num_threads();
        let is_it = |(key, _): &&(Key, _)| key.input == input && key.layout == layout && key.threads == threads;
        let mut known = lock(&self.0);
        if let Some((_, schedule)) = known.iter().find(is_it) {
            return Ok(Arc::clone(schedule));
        }
        let schedule = Arc::new(make(threads)?);
        if known.len() == KEPT {
            known.remove(0);
        }
        let key = Key {
            input: input.to_vec(),
            layout,
            threads,
        };
        known.push((key, Arc::clone(&schedule)));
        Ok(schedule)
    }
}

impl Schedule {
    pub(super) fn new(
        op: &Conv,
        (shape, layout): (&[usize], Layout),
        weight: &Operand<'_>,
        weights: &Weights,
        threads: usize,
    ) -> Result<Self> {
        let geometry = op.geometry(shape, weight.shape, None)?;
        let plane = Plane::of(&geometry, op.padding_mode);
        let reads = Reads::new(plane, op.padding_mode, layout, 1);
        Ok(match &weights.packed {
            Packed::Products(products) if tiles::is_taken(&geometry, op.groups) => {
                Self::of_tiles(reads, products.of_tiles(weight).panels(), threads)
            }
            Packed::Products(products) => {
                let products = products.direct(op, weight);
                Self::of_products(reads, &products.panels, products.terms(), threads)
            }
            Packed::Depthwise(_) => Self::of_channels(reads, MOST_POSITIONS, threads),
        })
    }

    /// Bands of rows and parts of the weights such that, as far as can be told, all threads are done soonest.
    /// A sum takes so many multiply-adds of vectors.
    pub(in crate::cpu) fn of_products(reads: Reads, panels: &[Panel], terms: usize, threads: usize) -> Self {
        let plane = &reads.plane;
        let groups = panels.last().map_or(1, |panel| panel.group + 1);
        let (output, channels) = (plane.output, plane.in_channels / groups);
        let positions = output.height * output.width;
        let work = positions.saturating_mul(terms).saturating_mul(plane.out_channels) * plane.batch;
        let threads = threads.min(work.div_ceil(GRAIN));
        let fewest = fewest_bands(&reads, blocks(channels), MOST_POSITIONS);
        if threads == 1 {
            return Self {
                bands: bands(&reads, fewest),
                parts: shares(panels.len(), 1),
                least: usize::MAX,
                by_rows: true,
                has_tiles: false,
                reads,
            };
        }
        let most = (MOST_TASKS * threads).div_ceil(plane.batch);
        let makespan = |&(bands, parts): &(usize, usize)| {
            let cost = |rows: usize, vectors: usize| {
                let copied = reads.estimate(rows, blocks(channels)) / BLOCK * COPY;
                (rows * output.width + 1) * terms * vectors + copied + TASK
            };
            let of_part = |part: Range<usize>| panels[part].iter().map(|panel| panel.blocks).sum();
            let largest = even(panels.len(), parts).map(of_part).max().unwrap_or(0);
            let all = of_part(0..panels.len());
            let longest = cost(output.height.div_ceil(bands), largest);
            let tasks = plane.batch * bands * parts;
            let mean = cost(output.height, all) + (bands * parts - 1) * TASK;
            // As many rounds as there are, or the last task begun when all others are done.
            let rounds = tasks.div_ceil(threads) * longest;
            rounds.min((plane.batch * mean + (threads - 1) * longest) / threads)
        };
        let more = (fewest..=most.min(output.height)).flat_map(|bands| {
            let parts = 1..=panels.len().min(most / bands);
            parts.map(move |parts| (bands, parts))
        });
        let fewest = (1..=panels.len()).map(|parts| (fewest, parts));
        let (count, parts) = fewest.chain(more).min_by_key(makespan).unwrap_or((1, 1));
        Self {
            bands: bands(&reads, count),
            parts: shares(panels.len(), parts),
            least: 1,
            // Where there are more elements than weights.
            by_rows: plane.in_channels * plane.input.height * plane.input.width + plane.out_channels * positions
                > terms * plane.out_channels,
            has_tiles: false,
            reads,
        }
    }

    /// Bands of rows of Winograd's tiles and parts of the weights such that, as far as can be told, all threads are done soonest.
    fn of_tiles(reads: Reads, panels: &[Panel], threads: usize) -> Self {
        let plane = &reads.plane;
        // Rows of tiles whose outputs are apart are of one band.
        let down = plane.row.map_or(1, |row| row.dilation);
        let height = plane.output.height.div_ceil(TILE * down);
        let columns = down * tiles::tiles(&plane.columns);
        let in_blocks = blocks(plane.in_channels);
        let work = (height * columns * PRODUCTS * plane.in_channels).saturating_mul(plane.out_channels) * plane.batch;
        let threads = threads.min(work.div_ceil(GRAIN));
        let of_part = |part: Range<usize>| panels[part].iter().map(|panel| panel.blocks).sum::<usize>();
        let largest = |parts: usize| even(panels.len(), parts).map(of_part).max().unwrap_or(0);
        let kept = |bands: usize, out_blocks: usize| tiles::kept(in_blocks, out_blocks, height.div_ceil(bands) * columns);
        let makespan = |&(bands, parts): &(usize, usize)| {
            let (rows, out_blocks) = (height.div_ceil(bands), largest(parts));
            let products = PRODUCTS * plane.in_channels * out_blocks;
            let transform = if kept(bands, out_blocks) > TILES {
                FAR_TRANSFORM
            } else {
                TRANSFORM
            };
            let cost = rows * columns * (products + transform * (in_blocks + out_blocks)) + WEIGHTS * products + TASK;
            (plane.batch * bands * parts).div_ceil(threads) * cost
        };
        let all = (1..=height).flat_map(|bands| {
            let parts = 1..=if threads == 1 { 1 } else { panels.len() };
            parts.map(move |parts| (bands, parts))
        });
        let fit = all.filter(|&(bands, parts)| bands == height || kept(bands, largest(parts)) <= MOST_TILES);
        let (count, parts) = fit.min_by_key(makespan).unwrap_or((height, 1));
        let of_rows =
            |tiles: Range<usize>| reads.rows(TILE * down * tiles.start..(TILE * down * tiles.end).min(plane.output.height));
        Self {
            bands: even(height, count).map(of_rows).collect(),
            parts: shares(panels.len(), parts),
            least: if threads == 1 { usize::MAX } else { 1 },
            by_rows: true,
            has_tiles: true,
            reads,
        }
    }

    /// Bands of rows for each block of channels, of at most so many positions unless a row has more.
    pub(in crate::cpu) fn of_channels(reads: Reads, positions: usize, threads: usize) -> Self {
        let plane = &reads.plane;
        let images = plane.batch * blocks(plane.out_channels);
        let wanted = (4 * threads).div_ceil(images.max(1));
        let count = fewest_bands(&reads, 1, positions).max(wanted.min(plane.output.height));
        let bands = bands(&reads, count);
        let taps = plane.kernel.height * plane.kernel.width;
        let per_task = BLOCK * plane.output.height * plane.output.width * taps / bands.len();
        Self {
            bands,
            parts: shares(0, 1),
            least: DEPTHWISE_GRAIN / per_task.max(1) + 1,
            // As the pointwise layers before and after it, which have some six times fewer channels on their other side.
            by_rows: 8 * plane.output.height * plane.output.width > plane.out_channels,
            has_tiles: false,
            reads,
        }
    }

    /// All pairs of a band and one of so many parts, in the order of the tasks.
    pub(super) fn pairs(&self, parts: usize) -> impl Iterator<Item = (usize, usize)> {
        let (bands, by_rows) = (self.bands.len(), self.by_rows);
        (0..bands * parts).map(move |index| {
            if by_rows {
                (index / parts, index % parts)
            } else {
                (index % bands, index / bands)
            }
        })
    }
}

/// The least number of bands that have room in the cache.
fn fewest_bands(reads: &Reads, blocks: usize, positions: usize) -> usize {
    let output = reads.plane.output;
    let mut rows = output.height;
    while rows > 1 && (rows * output.width > positions || reads.estimate(rows, blocks) > BAND) {
        rows = rows.div_ceil(2);
    }
    output.height.div_ceil(rows.max(1))
}

fn bands(reads: &Reads, count: usize) -> Vec<Rows> {
    even(reads.plane.output.height, count).map(|rows| reads.rows(rows)).collect()
}

/// So many of a kind in so many shares of about the same size.
fn shares(of: usize, count: usize) -> Vec<Range<usize>> {
    even(of, count).collect()
}

fn even(of: usize, count: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    (0..count).map(move |share| share * of / count..(share + 1) * of / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a 3x3 convolution of so many channels into so many, on a square.
    fn schedule(inputs: usize, outputs: usize, extent: usize, threads: usize) -> Schedule {
        let op = Conv::new().padding(1);
        let (input, weight) = ([1, inputs, extent, extent], [outputs, inputs, 3, 3]);
        let data = vec![1.0; weight.iter().product()];
        let operand = Operand {
            shape: &weight,
            data: &data,
            layout: Layout::Plain,
        };
        let weights = Weights::new(&op, &operand);
        Schedule::new(&op, (&input, Layout::Blocked), &operand, &weights, threads).unwrap()
    }

    #[test]
    fn every_row_and_every_panel_is_of_one_task() {
        for (inputs, outputs, extent) in [(16, 16, 5), (32, 200, 7), (64, 64, 60), (16, 16, 300), (256, 48, 14)] {
            for threads in [1, 2, 3, 16] {
                let schedule = schedule(inputs, outputs, extent, threads);
                let rows: Vec<usize> = schedule.bands.iter().flat_map(|band| band.range.clone()).collect();
                assert_eq!(rows, (0..extent).collect::<Vec<_>>());
                let panels: Vec<usize> = schedule.parts.iter().cloned().flatten().collect();
                assert_eq!(panels, (0..panels.len()).collect::<Vec<_>>());
                assert!(schedule.bands.iter().all(|band| !band.range.is_empty()));
                assert!(schedule.parts.iter().all(|part| !part.is_empty()));
            }
        }
    }

    #[test]
    fn threads_have_shares_of_about_the_same_size() {
        // One panel of weights by vectors of 16, few positions of many, many positions of few.
        for (inputs, outputs, extent) in [(256, 64, 14), (512, 512, 7), (32, 32, 100), (96, 160, 14)] {
            for threads in [2, 4] {
                let schedule = schedule(inputs, outputs, extent, threads);
                let largest = |shares: Vec<usize>| shares.into_iter().max().unwrap_or(0) as f64;
                let rows = largest(schedule.bands.iter().map(|band| band.range.len()).collect()) / extent as f64;
                let panels: usize = schedule.parts.iter().map(ExactSizeIterator::len).sum();
                let part = largest(schedule.parts.iter().map(ExactSizeIterator::len).collect()) / panels as f64;
                let rounds = (schedule.bands.len() * schedule.parts.len()).div_ceil(threads);
                let longest = rounds as f64 * rows * part;
                assert!(
                    longest < 1.5 / threads as f64,
                    "{inputs} {outputs} {extent}: {longest} by {threads} threads"
                );
            }
        }
    }

    #[test]
    fn little_work_is_of_one_thread() {
        let schedule = schedule(16, 16, 5, 8);
        assert_eq!(
            (schedule.bands.len(), schedule.parts.len(), schedule.least),
            (1, 1, usize::MAX)
        );
    }
}
