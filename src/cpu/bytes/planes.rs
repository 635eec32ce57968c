//! Depthwise convolution of bytes. A channel's plane is one line with the padding beside each row: sums are taken over the ends of rows,
//! where they mean nothing and are dropped, so that no row is too short for vectors.

use pulp::{Simd, WithSimd};

use super::input::Bytes;
use crate::cpu::blocked::Columns;
use crate::cpu::chain::{LARGEST_SMALL, small_whole};
use crate::cpu::gemm::with_scratch;
use crate::cpu::parallel;
use crate::cpu::plane::Plane;
use crate::cpu::vectors::dispatch;
use crate::ops::{AxisWindow, Conv};

/// The most elements of a channel with its padding: they stay in the second-level cache.
const MOST: usize = 1 << 16;
/// Vectors of sums in registers.
const VECTORS: usize = 4;
/// Elements of the longest vectors.
const LANES: usize = 16;
/// What is read and written past the last sum.
const PAST: usize = VECTORS * LANES;

/// Whether each channel is convolved by itself, has a plane, or a row, of no more than so many elements, and sums that are soon whole
/// numbers again.
pub(super) fn fits(op: &Conv, geometry: &Plane, largest_sum: u64) -> bool {
    let is_depthwise = op.groups == geometry.in_channels && op.groups == geometry.out_channels;
    let row = geometry.row.map_or(1, |row| row.input);
    let rows = geometry.row.as_ref().map_or(Some(1), AxisWindow::read);
    let places = geometry.columns.read().and_then(|columns| columns.checked_mul(rows?));
    let is_small = largest_sum <= LARGEST_SMALL as u64;
    is_depthwise && is_small && row == geometry.input.height && places.is_some_and(|places| places <= MOST)
}

/// A convolution that [`fits`], with an output.
pub(super) fn run<O: Send>(
    op: &Conv,
    geometry: &Plane,
    input: &Bytes<'_>,
    weight: &[f32],
    output: &mut [O],
    finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync,
) {
    let columns = Columns::new(op.padding_mode, &geometry.columns);
    let source = |row: &AxisWindow, place| (op.padding_mode).source_index(place as isize - row.padding.before, row.input);
    let rows: Vec<Option<usize>> = match &geometry.row {
        Some(row) => (0..row.read().unwrap_or(0)).map(|place| source(row, place)).collect(),
        None => vec![Some(0)],
    };
    let (height, width) = (rows.len(), columns.length);
    let (taps, (step, dilation)) = (geometry.kernel, geometry.row.map_or((1, 1), |row| (row.stride, row.dilation)));
    let place = |row: usize, column: usize| row * dilation * width + column * geometry.columns.dilation;
    let offsets: Vec<usize> = (0..taps.height)
        .flat_map(|row| (0..taps.width).map(move |column| place(row, column)))
        .collect();
    let plane = geometry.output.height * geometry.output.width;
    let pixels = geometry.input.height * geometry.input.width;
    parallel::planes(output, plane, |index, output| {
        let line = height * width + PAST;
        with_scratch(2 * line + pixels.max(plane) + PAST, |scratch| {
            let (line, scratch) = scratch.split_at_mut(line);
            let (sums, packed) = scratch.split_at_mut(height * width + PAST);
            let channel = index % op.groups;
            dispatch(Channel {
                columns: &columns,
                window: geometry.columns,
                rows: &rows,
                height: geometry.output.height,
                step,
                pixels: &input.data()[index * pixels..(index + 1) * pixels],
                flip: input.flip(),
                offset: input.offset(),
                weight: &weight[channel * offsets.len()..(channel + 1) * offsets.len()],
                offsets: &offsets,
                line,
                sums,
                packed,
            });
            finish(index * plane, bytemuck::cast_slice_mut(&mut packed[..plane]), output);
        });
    });
}

/// One channel of an image.
struct Channel<'a> {
    columns: &'a Columns,
    window: AxisWindow,
    /// Which row of the input stands at each place of the axis with its padding, if any.
    rows: &'a [Option<usize>],
    /// Rows of the output, and places from one's first tap to the next's.
    height: usize,
    step: usize,
    pixels: &'a [u8],
    /// What makes numbers of bytes.
    flip: u8,
    offset: i32,
    weight: &'a [f32],
    /// How far each tap is from the first.
    offsets: &'a [usize],
    line: &'a mut [f32],
    /// A sum for each place of the line, as far as they are wanted.
    sums: &'a mut [f32],
    /// The pixels' numbers before they are in line, and after that the bits of the sums as whole numbers.
    packed: &'a mut [f32],
}

impl WithSimd for Channel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        self.fill();
        let width = self.columns.length;
        let row = (self.window.output - 1) * self.window.stride + 1;
        if self.step == 1 {
            self.take::<S>(simd, 0, 0, (self.height - 1) * width + row);
        } else {
            for y in 0..self.height {
                self.take::<S>(simd, y * self.step * width, y * width, row);
            }
        }
        self.pack();
    }
}

impl Channel<'_> {
    /// The numbers of the channel in line.
    #[inline(always)]
    fn fill(&mut self) {
        for (number, &byte) in self.packed.iter_mut().zip(self.pixels) {
            *number = (i32::from(byte ^ self.flip) + self.offset) as f32;
        }
        let columns = self.columns;
        for (y, &row) in self.rows.iter().enumerate() {
            let target = y * columns.length;
            let Some(row) = row else {
                self.line[target..target + columns.length].fill(0.0);
                continue;
            };
            let row = row * self.window.input;
            let inside = &mut self.line[target + columns.inside.start..];
            copy(inside, &self.packed[row + columns.first..], columns.inside.len());
            // What was copied past the row's end is overwritten by what follows.
            for &(column, source) in &columns.edges {
                self.line[target + column] = source.map_or(0.0, |source| self.packed[row + source]);
            }
        }
    }

    /// The sums that mean something, as whole numbers.
    #[inline(always)]
    fn pack(&mut self) {
        let AxisWindow { output, stride, .. } = self.window;
        for y in 0..self.height {
            let sums = &self.sums[y * self.columns.length..];
            let target = &mut self.packed[y * output..];
            match stride {
                1 => copy(target, sums, output),
                2 => every::<2>(&mut target[..output], sums),
                _ => {
                    for (target, &sum) in target[..output].iter_mut().zip(sums.iter().step_by(stride)) {
                        *target = sum;
                    }
                }
            }
        }
        for sum in &mut self.packed[..self.height * output] {
            *sum = f32::from_bits(small_whole(*sum) as u32);
        }
    }

    /// So many sums of windows from this place of the line on.
    #[inline(always)]
    fn take<S: Simd>(&mut self, simd: S, from: usize, to: usize, count: usize) {
        let mut done = 0;
        while count - done > S::F32_LANES {
            self.vectors::<S, VECTORS>(simd, from + done, to + done);
            done += (VECTORS * S::F32_LANES).min(count - done);
        }
        if done < count {
            self.vectors::<S, 1>(simd, from + done, to + done);
        }
    }

    #[inline(always)]
    fn vectors<S: Simd, const V: usize>(&mut self, simd: S, from: usize, to: usize) {
        let length = V * S::F32_LANES;
        let mut sums = [simd.splat_f32s(0.0); V];
        for (&offset, &weight) in self.offsets.iter().zip(self.weight) {
            let (elements, _) = S::as_simd_f32s(&self.line[from + offset..from + offset + length]);
            let weight = simd.splat_f32s(weight);
            for v in 0..V {
                sums[v] = simd.mul_add_e_f32s(elements[v], weight, sums[v]);
            }
        }
        let (target, _) = S::as_mut_simd_f32s(&mut self.sums[to..to + length]);
        target.copy_from_slice(&sums);
    }
}

/// So many elements, and as many more as make whole vectors.
#[inline(always)]
fn copy(target: &mut [f32], source: &[f32], count: usize) {
    let count = count.div_ceil(LANES);
    let (target, _) = target.as_chunks_mut::<LANES>();
    let (source, _) = source.as_chunks::<LANES>();
    for (target, source) in target[..count].iter_mut().zip(&source[..count]) {
        *target = *source;
    }
}

/// Every so many elements.
#[inline(always)]
fn every<const STRIDE: usize>(target: &mut [f32], source: &[f32]) {
    let (source, _) = source.as_chunks::<STRIDE>();
    for (target, source) in target.iter_mut().zip(source) {
        *target = source[0];
    }
}
