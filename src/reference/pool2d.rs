//! Pooling by its definition: the taps of each window are listed, then the largest is found or the mean taken.

use ndarray::{Array4, Ix4};

use super::answer::Answer;
use super::number::{Number, Sum};
use crate::error::Result;
use crate::ops::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, IndexOrder, MaxPool2d};

/// The taps of one window along one dimension.
pub(super) struct Taps {
    /// Where PyTorch starts to look for the maximum: the first tap that is not before the input.
    start: usize,
    /// The taps inside the input.
    pub(super) inside: Vec<usize>,
    /// How many taps there are in the input and its padding; an overhang does not count.
    with_padding: usize,
}

pub(super) fn max_pool2d(op: &MaxPool2d, input: &Answer) -> Result<Vec<Answer>> {
    let (_, _, height, width) = input.view::<Ix4>()?.dim();
    let (kernel, stride, dilation, padding) = (op.kernel_size, op.stride, op.dilation, op.padding);
    let vertical = (kernel.height, stride.height, dilation.height);
    let horizontal = (kernel.width, stride.width, dilation.width);
    let rows = windows(height, vertical, (padding.top, padding.bottom), op.ceil_mode);
    let columns = windows(width, horizontal, (padding.left, padding.right), op.ceil_mode);
    maxima(input, &rows, &columns, op.return_indices.then_some(op.index_order))
}

pub(super) fn adaptive_max_pool2d(op: &AdaptiveMaxPool2d, input: &Answer) -> Result<Vec<Answer>> {
    let (_, _, height, width) = input.view::<Ix4>()?.dim();
    let rows = adaptive_windows(height, op.output_size.height);
    let columns = adaptive_windows(width, op.output_size.width);
    maxima(input, &rows, &columns, op.return_indices.then_some(IndexOrder::Plane))
}

pub(super) fn avg_pool2d(op: &AvgPool2d, input: &Answer) -> Result<Answer> {
    let (_, _, height, width) = input.view::<Ix4>()?.dim();
    let (kernel, stride, padding) = (op.kernel_size, op.stride, op.padding);
    let vertical = (kernel.height, stride.height, 1);
    let horizontal = (kernel.width, stride.width, 1);
    let rows = windows(height, vertical, (padding.top, padding.bottom), op.ceil_mode);
    let columns = windows(width, horizontal, (padding.left, padding.right), op.ceil_mode);
    means(input, &rows, &columns, |rows, columns| {
        if let Some(divisor) = op.divisor_override {
            divisor as f64
        } else if op.count_include_pad {
            (rows.with_padding * columns.with_padding) as f64
        } else {
            (rows.inside.len() * columns.inside.len()) as f64
        }
    })
}

pub(super) fn adaptive_avg_pool2d(op: &AdaptiveAvgPool2d, input: &Answer) -> Result<Answer> {
    let (_, _, height, width) = input.view::<Ix4>()?.dim();
    let rows = adaptive_windows(height, op.output_size.height);
    let columns = adaptive_windows(width, op.output_size.width);
    means(input, &rows, &columns, |rows, columns| {
        (rows.inside.len() * columns.inside.len()) as f64
    })
}

/// Lists the windows along one dimension while there is one more.
pub(super) fn windows(
    extent: usize,
    (kernel, stride, dilation): (usize, usize, usize),
    (before, after): (isize, isize),
    ceil_mode: bool,
) -> Vec<Taps> {
    let [extent, kernel, stride, dilation] =
        [extent, kernel, stride, dilation].map(|size| isize::try_from(size).unwrap_or(isize::MAX));
    let past_padding = extent + after;
    // A window's first tap, and the place after its last, counted from the first input element.
    let first = |window: isize| window.saturating_mul(stride).saturating_sub(before);
    let past = |window: isize| first(window).saturating_add((kernel - 1) * dilation + 1);
    let exists = |&window: &isize| {
        if ceil_mode {
            // The window before left something over, and this one starts inside the input or before it.
            past(window - 1) < past_padding && first(window) < extent
        } else {
            past(window) <= past_padding
        }
    };
    (0..before + past_padding)
        .take_while(exists)
        .map(|window| {
            let taps = (0..kernel).map(|tap| first(window) + tap * dilation);
            let mut start = first(window);
            while start < 0 {
                start += dilation;
            }
            Taps {
                start: start as usize,
                inside: taps
                    .clone()
                    .filter(|&tap| (0..extent).contains(&tap))
                    .map(|tap| tap as usize)
                    .collect(),
                with_padding: taps.filter(|&tap| tap < past_padding).count(),
            }
        })
        .collect()
}

/// The input, cut into `output` equal parts: each part's window is every element that it overlaps.
fn adaptive_windows(extent: usize, output: usize) -> Vec<Taps> {
    (0..output)
        .map(|part| {
            // Element i covers [i, i + 1), part p covers [p, p + 1) * extent / output.
            let overlaps = |&i: &usize| (i + 1) * output > part * extent && i * output < (part + 1) * extent;
            let inside: Vec<usize> = (0..extent).filter(overlaps).collect();
            Taps {
                start: inside.first().copied().unwrap_or(0),
                with_padding: inside.len(),
                inside,
            }
        })
        .collect()
}

/// The largest element of each window and, where asked for, its index. NaN counts as larger than all.
fn maxima(input: &Answer, rows: &[Taps], columns: &[Taps], indices: Option<IndexOrder>) -> Result<Vec<Answer>> {
    let input = input.view::<Ix4>()?;
    let (batch, channels, height, width) = input.dim();
    let place = |n: usize, c: usize, row: usize, column: usize| match indices {
        None | Some(IndexOrder::Plane) => row * width + column,
        Some(IndexOrder::Tensor) => ((n * channels + c) * height + row) * width + column,
        Some(IndexOrder::TensorByColumns) => ((n * channels + c) * width + column) * height + row,
    };
    let found = Array4::from_shape_fn((batch, channels, rows.len(), columns.len()), |(n, c, y, x)| {
        let (rows, columns) = (&rows[y], &columns[x]);
        let mut index = place(n, c, rows.start, columns.start);
        let mut best = f64::NEG_INFINITY;
        // A maximum moves no further than the element that moves most.
        let mut bound = 0.0_f64;
        for &row in &rows.inside {
            for &column in &columns.inside {
                let pixel = input.at([n, c, row, column]);
                bound = bound.max(pixel.bound);
                if pixel.value > best || pixel.value.is_nan() {
                    best = pixel.value;
                    index = place(n, c, row, column);
                }
            }
        }
        (Number::new(best, bound).handed_on(), Number::exact(index as f64))
    });
    let mut answers = vec![found.map(|&(value, _)| value).into()];
    if indices.is_some() {
        answers.push(found.map(|&(_, index)| index).into());
    }
    Ok(answers)
}

/// The sum of each window over its divisor; 0 where a window has no element of the input.
fn means(input: &Answer, rows: &[Taps], columns: &[Taps], divisor: impl Fn(&Taps, &Taps) -> f64) -> Result<Answer> {
    let input = input.view::<Ix4>()?;
    let (batch, channels, _, _) = input.dim();
    let output = Array4::from_shape_fn((batch, channels, rows.len(), columns.len()), |(n, c, y, x)| {
        let (rows, columns) = (&rows[y], &columns[x]);
        if rows.inside.is_empty() || columns.inside.is_empty() {
            return Number::ZERO;
        }
        let mut sum = Sum::default();
        for &row in &rows.inside {
            for &column in &columns.inside {
                sum.add(input.at([n, c, row, column]));
            }
        }
        sum.total_of_elements().divided_by(divisor(rows, columns))
    });
    Ok(output.into())
}
