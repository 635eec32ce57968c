//! Pooling: first down the columns of a window, whole input rows at a time, then across.

use super::blocked::{BLOCK, Layout, blocks, pool};
use super::math::larger;
use super::operand::Operand;
use super::parallel;
use super::plane::split;
use super::pool_window::{Plane, Rows, Taps, Windows};
use super::vectors::dispatch;
use crate::cancel;
use crate::error::Result;
use crate::ops::{AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, IndexOrder, MaxPool};

/// Rows and columns of a window up to which its sum is added up in single precision.
const MOST_IN_A_ROW: usize = 128;

/// Elements of a row's windows for which is asked whether the run is stopped.
const LARGE: usize = 1 << 12;

pub(super) fn max_pool(op: &MaxPool, input: &Operand<'_>, values: &mut [f32], indices: Option<&mut [i64]>) -> Result<()> {
    let window = op.window(input.shape)?;
    maxima(input, &Plane::of(&window), op.index_order, (values, indices));
    Ok(())
}

pub(super) fn adaptive_max_pool(
    op: &AdaptiveMaxPool,
    input: &Operand<'_>,
    values: &mut [f32],
    indices: Option<&mut [i64]>,
) -> Result<()> {
    let plane = Plane::adaptive(input.shape, &op.output_shape(input.shape)?);
    maxima(input, &plane, IndexOrder::Plane, (values, indices));
    Ok(())
}

pub(super) fn avg_pool(op: &AvgPool, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let divisor = |rows: &Rows, columns: &Taps| match op.divisor_override {
        Some(divisor) => divisor as f32,
        None if op.count_include_pad => (rows.with_padding * columns.with_padding) as f32,
        None => (rows.inside.len() * columns.count) as f32,
    };
    means(input, &Plane::of(&op.window(input.shape)?), divisor, output);
    Ok(())
}

pub(super) fn adaptive_avg_pool(op: &AdaptiveAvgPool, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    adaptive_means(input, &op.output_shape(input.shape)?, output);
    Ok(())
}

/// The maxima of each plane and, where asked for, their indices.
fn maxima(input: &Operand<'_>, plane: &Plane, order: IndexOrder, (values, indices): (&mut [f32], Option<&mut [i64]>)) {
    if input.layout == Layout::Blocked {
        return pool::maxima(input, plane, values);
    }
    let of_plane = |index: usize| &input.data[index * plane.elements..(index + 1) * plane.elements];
    let Some(indices) = indices else {
        parallel::planes(values, plane.windows(), |index, output| {
            windows(of_plane(index), plane, f32::NEG_INFINITY, larger, output);
        });
        return;
    };
    let (steps, plane_step) = order.steps(&plane.extents);
    parallel::planes(values, plane.windows(), |index, output| {
        with_indices(of_plane(index), plane, &steps, |place, value, _| output[place] = value);
    });
    parallel::planes(indices, plane.windows(), |index, output| {
        with_indices(of_plane(index), plane, &steps, |place, _, found| {
            output[place] = (index * plane_step + found) as i64;
        });
    });
}

/// One plane's maxima with their indices: the first of equals, the last of NaNs. `steps` are what a step along each axis adds
/// to an index.
fn with_indices(input: &[f32], plane: &Plane, steps: &[usize], mut found: impl FnMut(usize, f32, usize)) {
    let columns = &plane.columns;
    let (outer_steps, column_step) = split(steps);
    for (y, rows) in plane.rows.iter().enumerate() {
        if cancel::is_over() {
            return;
        }
        let first: usize = rows.first.iter().zip(outer_steps).map(|(place, step)| place * step).sum();
        for (x, column) in columns.taps.iter().enumerate() {
            let mut best = f32::NEG_INFINITY;
            let mut index = first + column.first * column_step;
            for &row in &rows.inside {
                for j in 0..column.count {
                    let place = column.first + j * columns.step;
                    let value = input[row * plane.width + place];
                    if value > best || value.is_nan() {
                        best = value;
                        index = plane.row_index(row, outer_steps) + place * column_step;
                    }
                }
            }
            found(y * columns.taps.len() + x, best, index);
        }
    }
}

/// The mean of each channel of blocks, one after another.
pub(super) fn means_of_planes(input: &Operand<'_>, output: &mut [f32]) {
    let mut shape = input.shape.to_vec();
    shape[2..].fill(1);
    let mut of_blocks = vec![0.0; Layout::Blocked.length(&shape)];
    adaptive_means(input, &shape, &mut of_blocks);
    let channels = shape[1];
    let images = of_blocks.chunks_exact(blocks(channels) * BLOCK);
    for (output, means) in output.chunks_exact_mut(channels).zip(images) {
        output.copy_from_slice(&means[..channels]);
    }
}

/// The means of the parts into which an output of this shape cuts the input.
fn adaptive_means(input: &Operand<'_>, shape: &[usize], output: &mut [f32]) {
    let divisor = |rows: &Rows, columns: &Taps| (rows.inside.len() * columns.count) as f32;
    means(input, &Plane::adaptive(input.shape, shape), divisor, output);
}

fn means(input: &Operand<'_>, plane: &Plane, divisor: impl Fn(&Rows, &Taps) -> f32 + Sync, output: &mut [f32]) {
    let most_rows = plane.rows.iter().map(|rows| rows.inside.len()).max().unwrap_or(0);
    let most_columns = plane.columns.taps.iter().map(|taps| taps.count).max().unwrap_or(0);
    let are_long = most_rows + most_columns > MOST_IN_A_ROW;
    match input.layout {
        Layout::Blocked if are_long => return pool::means::<f64>(input, plane, divisor, output),
        Layout::Blocked => return pool::means::<f32>(input, plane, divisor, output),
        Layout::Plain => {}
    }
    parallel::planes(output, plane.windows(), |index, output| {
        let input = &input.data[index * plane.elements..(index + 1) * plane.elements];
        if are_long {
            long_sums(input, plane, output);
        } else {
            windows(input, plane, 0.0, |sum, value| sum + value, output);
        }
        let columns = &plane.columns.taps;
        for (output, rows) in output.chunks_exact_mut(columns.len()).zip(&plane.rows) {
            for (output, column) in output.iter_mut().zip(columns) {
                // A window without any element is 0 whatever its divisor.
                if !rows.inside.is_empty() && column.count > 0 {
                    *output /= divisor(rows, column);
                }
            }
        }
    });
}

/// One plane's sums over long windows, added up with more digits.
fn long_sums(input: &[f32], plane: &Plane, output: &mut [f32]) {
    let (width, columns) = (plane.width, &plane.columns);
    let mut column = vec![0.0_f64; width];
    for (output, rows) in output.chunks_exact_mut(columns.taps.len()).zip(&plane.rows) {
        if cancel::is_over() {
            return;
        }
        column.fill(0.0);
        for row in &rows.inside {
            for (sum, &value) in column.iter_mut().zip(&input[row * width..][..width]) {
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
fn windows(input: &[f32], plane: &Plane, start: f32, combine: impl Fn(f32, f32) -> f32 + Copy, output: &mut [f32]) {
    let columns = &plane.columns;
    let whole = columns.whole(plane.kernel);
    super::gemm::with_scratch(plane.width, |column| {
        dispatch(
            #[inline(always)]
            || {
                for (output, rows) in output.chunks_exact_mut(columns.taps.len()).zip(&plane.rows) {
                    if rows.inside.len() * plane.width > LARGE && cancel::is_over() {
                        return;
                    }
                    down(input, plane.width, &rows.inside, start, combine, column);
                    across(column, columns, whole.clone(), plane.kernel, start, combine, output);
                }
            },
        );
    });
}

/// A window's rows become one.
#[inline(always)]
fn down(input: &[f32], width: usize, rows: &[usize], start: f32, combine: impl Fn(f32, f32) -> f32, column: &mut [f32]) {
    column.fill(start);
    for row in rows {
        for (column, &value) in column.iter_mut().zip(&input[row * width..][..width]) {
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
