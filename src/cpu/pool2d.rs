//! Pooling: first down the columns of a window, whole input rows at a time, then across.

use pulp::Arch;

use super::operand::Operand;
use super::parallel;
use crate::error::Result;
use crate::ops::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, IndexOrder, MaxPool2d, Window2d};
use crate::shape::{self, Size2d};

/// Rows and columns of a window up to which its sum is added up in single precision.
const MOST_IN_A_ROW: usize = 128;

/// The taps of one window along one dimension that are inside the input: `count` of them, `step` apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    pub(super) first: usize,
    pub(super) count: usize,
    /// How many there are in the input and its padding; an overhang does not count.
    with_padding: usize,
}

/// All windows along one dimension.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) taps: Vec<Taps>,
    pub(super) step: usize,
    stride: usize,
}

impl Windows {
    fn new(
        extent: usize,
        (kernel, stride, dilation): (usize, usize, usize),
        (before, after): (isize, isize),
        windows: usize,
    ) -> Self {
        let (before, after) = (before as usize, after as usize);
        let taps = |window: usize| {
            let start = window * stride;
            // Taps before the input are skipped in steps of the dilation.
            let skipped = before.saturating_sub(start).div_ceil(dilation);
            let first = (start + skipped * dilation).saturating_sub(before);
            let inside = extent.saturating_sub(first).div_ceil(dilation);
            let padded = (before + extent + after).saturating_sub(start).div_ceil(dilation);
            Taps {
                first,
                count: inside.min(kernel.saturating_sub(skipped)),
                with_padding: padded.min(kernel),
            }
        };
        Self {
            taps: (0..windows).map(taps).collect(),
            step: dilation,
            stride,
        }
    }

    /// Both dimensions' windows, rows first.
    pub(super) fn of(window: &Window2d) -> (Self, Self) {
        let Window2d {
            input,
            kernel,
            stride,
            dilation,
            padding,
            output,
            ..
        } = *window;
        let rows = Self::new(
            input.height,
            (kernel.height, stride.height, dilation.height),
            (padding.top, padding.bottom),
            output.height,
        );
        let columns = Self::new(
            input.width,
            (kernel.width, stride.width, dilation.width),
            (padding.left, padding.right),
            output.width,
        );
        (rows, columns)
    }

    /// The input cut into equal parts: each part's window is every element that it overlaps.
    fn adaptive(extent: usize, windows: usize) -> Self {
        let taps = |window: usize| {
            let first = window * extent / windows;
            let count = ((window + 1) * extent).div_ceil(windows) - first;
            Taps {
                first,
                count,
                with_padding: count,
            }
        };
        Self {
            taps: (0..windows).map(taps).collect(),
            step: 1,
            stride: 0,
        }
    }

    /// The windows that have all `kernel` taps and lie `stride` apart, where there are any: the rest is at the edges.
    fn whole(&self, kernel: usize) -> std::ops::Range<usize> {
        let is_whole = |taps: &Taps| taps.count == kernel;
        let Some(first) = self.taps.iter().position(is_whole).filter(|_| self.stride > 0) else {
            return 0..0;
        };
        let count = self.taps[first..].iter().take_while(|taps| is_whole(taps)).count();
        first..first + count
    }
}

pub(super) fn max_pool2d(op: &MaxPool2d, input: &Operand<'_>, values: &mut [f32], indices: Option<&mut [i64]>) -> Result<()> {
    let window = op.window(input.shape)?;
    let (rows, columns) = Windows::of(&window);
    let steps = op.index_order.steps(window.input);
    maxima(
        input.data,
        window.input,
        (&rows, &columns),
        op.kernel_size.width,
        steps,
        (values, indices),
    );
    Ok(())
}

pub(super) fn adaptive_max_pool2d(
    op: &AdaptiveMaxPool2d,
    input: &Operand<'_>,
    values: &mut [f32],
    indices: Option<&mut [i64]>,
) -> Result<()> {
    let [_, _, height, width] = shape::nchw("adaptive_max_pool2d", input.shape)?;
    let rows = Windows::adaptive(height, op.output_size.height);
    let columns = Windows::adaptive(width, op.output_size.width);
    let size = Size2d { height, width };
    let steps = IndexOrder::Plane.steps(size);
    maxima(input.data, size, (&rows, &columns), 0, steps, (values, indices));
    Ok(())
}

pub(super) fn avg_pool2d(op: &AvgPool2d, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let window = op.window(input.shape)?;
    let (rows, columns) = Windows::of(&window);
    let divisor = |rows: &Taps, columns: &Taps| match op.divisor_override {
        Some(divisor) => divisor as f32,
        None if op.count_include_pad => (rows.with_padding * columns.with_padding) as f32,
        None => (rows.count * columns.count) as f32,
    };
    let kernel = op.kernel_size.width;
    means(input.data, window.input, &rows, &columns, kernel, divisor, output);
    Ok(())
}

pub(super) fn adaptive_avg_pool2d(op: &AdaptiveAvgPool2d, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let [_, _, height, width] = shape::nchw("adaptive_avg_pool2d", input.shape)?;
    let rows = Windows::adaptive(height, op.output_size.height);
    let columns = Windows::adaptive(width, op.output_size.width);
    let divisor = |rows: &Taps, columns: &Taps| (rows.count * columns.count) as f32;
    means(input.data, Size2d { height, width }, &rows, &columns, 0, divisor, output);
    Ok(())
}

/// The larger one: NaN counts as larger than all.
#[inline(always)]
fn larger(best: f32, value: f32) -> f32 {
    if value > best || value.is_nan() { value } else { best }
}

/// `steps` are what a row, a column and a plane add to an index.
fn maxima(
    input: &[f32],
    size: Size2d,
    (rows, columns): (&Windows, &Windows),
    kernel: usize,
    [row_step, column_step, plane_step]: [usize; 3],
    (values, indices): (&mut [f32], Option<&mut [i64]>),
) {
    let plane = size.height * size.width;
    let pooled = rows.taps.len() * columns.taps.len();
    let Some(indices) = indices else {
        parallel::planes(values, pooled, |index, output| {
            let input = &input[index * plane..(index + 1) * plane];
            windows(input, size.width, (rows, columns), kernel, f32::NEG_INFINITY, larger, output);
        });
        return;
    };
    let each = |index: usize, found: &mut dyn FnMut(usize, f32, usize)| {
        with_indices(&input[index * plane..(index + 1) * plane], size.width, rows, columns, found);
    };
    parallel::planes(values, pooled, |index, output| {
        each(index, &mut |place, value, _| output[place] = value);
    });
    parallel::planes(indices, pooled, |index, output| {
        each(index, &mut |place, _, found| {
            let (row, column) = (found / size.width, found % size.width);
            output[place] = (index * plane_step + row * row_step + column * column_step) as i64;
        });
    });
}

/// One plane's maxima with their places: the first of equals, the last of NaNs.
fn with_indices(input: &[f32], width: usize, rows: &Windows, columns: &Windows, mut found: impl FnMut(usize, f32, usize)) {
    for (y, row) in rows.taps.iter().enumerate() {
        for (x, column) in columns.taps.iter().enumerate() {
            let mut best = f32::NEG_INFINITY;
            let mut index = row.first * width + column.first;
            for i in 0..row.count {
                for j in 0..column.count {
                    let place = (row.first + i * rows.step) * width + column.first + j * columns.step;
                    let value = input[place];
                    if value > best || value.is_nan() {
                        best = value;
                        index = place;
                    }
                }
            }
            found(y * columns.taps.len() + x, best, index);
        }
    }
}

fn means(
    input: &[f32],
    size: Size2d,
    rows: &Windows,
    columns: &Windows,
    kernel: usize,
    divisor: impl Fn(&Taps, &Taps) -> f32 + Sync,
    output: &mut [f32],
) {
    let plane = size.height * size.width;
    let most = |windows: &Windows| windows.taps.iter().map(|taps| taps.count).max().unwrap_or(0);
    let are_long = most(rows) + most(columns) > MOST_IN_A_ROW;
    parallel::planes(output, rows.taps.len() * columns.taps.len(), |index, output| {
        let input = &input[index * plane..(index + 1) * plane];
        if are_long {
            long_sums(input, size.width, rows, columns, output);
        } else {
            windows(
                input,
                size.width,
                (rows, columns),
                kernel,
                0.0,
                |sum, value| sum + value,
                output,
            );
        }
        for (output, row) in output.chunks_exact_mut(columns.taps.len()).zip(&rows.taps) {
            for (output, column) in output.iter_mut().zip(&columns.taps) {
                // A window without any element is 0 whatever its divisor.
                if row.count > 0 && column.count > 0 {
                    *output /= divisor(row, column);
                }
            }
        }
    });
}

/// One plane's sums over long windows, added up with more digits.
fn long_sums(input: &[f32], width: usize, rows: &Windows, columns: &Windows, output: &mut [f32]) {
    let mut column = vec![0.0_f64; width];
    for (output, taps) in output.chunks_exact_mut(columns.taps.len()).zip(&rows.taps) {
        column.fill(0.0);
        for i in 0..taps.count {
            let row = &input[(taps.first + i * rows.step) * width..][..width];
            for (sum, &value) in column.iter_mut().zip(row) {
                *sum += f64::from(value);
            }
        }
        for (output, taps) in output.iter_mut().zip(&columns.taps) {
            let own = column[taps.first.min(width)..].iter().step_by(columns.step).take(taps.count);
            *output = own.sum::<f64>() as f32;
        }
    }
}

/// One plane, combined by `combine` from `start` on.
fn windows(
    input: &[f32],
    width: usize,
    (rows, columns): (&Windows, &Windows),
    kernel: usize,
    start: f32,
    combine: impl Fn(f32, f32) -> f32 + Copy,
    output: &mut [f32],
) {
    let whole = columns.whole(kernel);
    super::gemm::with_scratch(width, |column| {
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (output, taps) in output.chunks_exact_mut(columns.taps.len()).zip(&rows.taps) {
                    down(input, width, taps, rows.step, start, combine, column);
                    across(column, columns, whole.clone(), kernel, start, combine, output);
                }
            },
        );
    });
}

/// A window's rows become one.
#[inline(always)]
fn down(input: &[f32], width: usize, taps: &Taps, step: usize, start: f32, combine: impl Fn(f32, f32) -> f32, column: &mut [f32]) {
    column.fill(start);
    for i in 0..taps.count {
        let row = &input[(taps.first + i * step) * width..][..width];
        for (column, &value) in column.iter_mut().zip(row) {
            *column = combine(*column, value);
        }
    }
}

/// Then each window of that row becomes one element.
#[inline(always)]
fn across(
    row: &[f32],
    columns: &Windows,
    whole: std::ops::Range<usize>,
    kernel: usize,
    start: f32,
    combine: impl Fn(f32, f32) -> f32 + Copy,
    output: &mut [f32],
) {
    let one = |taps: &Taps| {
        let own = row[taps.first.min(row.len())..].iter().step_by(columns.step).take(taps.count);
        own.fold(start, |best, &value| combine(best, value))
    };
    for (output, taps) in output.iter_mut().zip(&columns.taps).take(whole.start) {
        *output = one(taps);
    }
    for (output, taps) in output.iter_mut().zip(&columns.taps).skip(whole.end) {
        *output = one(taps);
    }
    if whole.is_empty() {
        return;
    }
    let first = columns.taps[whole.start].first;
    let middle = &mut output[whole];
    middle.fill(start);
    for j in 0..kernel {
        let source = &row[first + j * columns.step..];
        match columns.stride {
            1 => {
                for (output, &value) in middle.iter_mut().zip(source) {
                    *output = combine(*output, value);
                }
            }
            2 => {
                // The last window may end with the row.
                let (last, others) = middle
                    .split_last_mut()
                    .map_or((None, &mut [][..]), |(last, others)| (Some(last), others));
                for (output, pair) in others.iter_mut().zip(source.as_chunks::<2>().0) {
                    *output = combine(*output, pair[0]);
                }
                if let Some(last) = last {
                    *last = combine(*last, source[2 * others.len()]);
                }
            }
            stride => {
                for (output, &value) in middle.iter_mut().zip(source.iter().step_by(stride)) {
                    *output = combine(*output, value);
                }
            }
        }
    }
}
