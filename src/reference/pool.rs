//! Pooling by its definition: the taps of each window are listed, then the largest is found or the mean taken.

use std::array::from_fn;

use ndarray::Array5;

use super::answer::Answer;
use super::number::{Number, Sum};
use super::volume::{AXES, axes, finish, of_volume, taps, volume};
use crate::error::Result;
use crate::ops::{AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, IndexOrder, MaxPool};
use crate::padding::{Padding, Sides};
use crate::shape::PerAxis;

/// The taps of one window along one axis.
pub(super) struct Taps {
    /// Where PyTorch starts to look for the maximum: the first tap that is not before the input.
    start: usize,
    /// The taps inside the input.
    pub(super) inside: Vec<usize>,
    /// How many taps there are in the input and its padding; an overhang does not count.
    with_padding: usize,
}

/// The windows along each axis of a volume.
pub(super) type Windows = [Vec<Taps>; AXES];

pub(super) fn max_pool(op: &MaxPool, input: &Answer) -> Result<Vec<Answer>> {
    let sizes = [op.kernel_size, op.stride, op.dilation];
    let windows = windows_of(input, sizes, op.padding, op.ceil_mode)?;
    maxima(input, &windows, op.return_indices.then_some(op.index_order))
}

pub(super) fn adaptive_max_pool(op: &AdaptiveMaxPool, input: &Answer) -> Result<Vec<Answer>> {
    let windows = adaptive_windows_of(input, op.output_size)?;
    maxima(input, &windows, op.return_indices.then_some(IndexOrder::Plane))
}

pub(super) fn avg_pool(op: &AvgPool, input: &Answer) -> Result<Answer> {
    let sizes = [op.kernel_size, op.stride, PerAxis::All(1)];
    let windows = windows_of(input, sizes, op.padding, op.ceil_mode)?;
    means(input, &windows, |taps| {
        if let Some(divisor) = op.divisor_override {
            divisor as f64
        } else if op.count_include_pad {
            taps.iter().map(|taps| taps.with_padding).product::<usize>() as f64
        } else {
            taps.iter().map(|taps| taps.inside.len()).product::<usize>() as f64
        }
    })
}

pub(super) fn adaptive_avg_pool(op: &AdaptiveAvgPool, input: &Answer) -> Result<Answer> {
    let windows = adaptive_windows_of(input, op.output_size)?;
    means(input, &windows, |taps| {
        taps.iter().map(|taps| taps.inside.len()).product::<usize>() as f64
    })
}

fn extents(input: &Answer) -> Result<[usize; AXES]> {
    let (_, _, depth, height, width) = volume(input)?.dim();
    Ok([depth, height, width])
}

/// The windows along each axis, by kernel, stride and dilation.
pub(super) fn windows_of(
    input: &Answer,
    [kernel, stride, dilation]: [PerAxis; 3],
    padding: Padding,
    ceil_mode: bool,
) -> Result<Windows> {
    let (spatial, extents) = (axes(input), extents(input)?);
    let [kernel, stride, dilation] = [kernel, stride, dilation].map(|sizes| of_volume(sizes, spatial, 1));
    let sides = of_volume(padding, spatial, Sides::NONE);
    Ok(from_fn(|axis| {
        let sizes = (kernel[axis], stride[axis], dilation[axis]);
        windows(extents[axis], sizes, (sides[axis].before, sides[axis].after), ceil_mode)
    }))
}

fn adaptive_windows_of(input: &Answer, output: PerAxis) -> Result<Windows> {
    let (extents, output) = (extents(input)?, of_volume(output, axes(input), 1));
    Ok(from_fn(|axis| adaptive_windows(extents[axis], output[axis])))
}

/// Lists the windows along one dimension while there is one more.
fn windows(
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
fn maxima(input: &Answer, windows: &Windows, indices: Option<IndexOrder>) -> Result<Vec<Answer>> {
    let spatial = axes(input);
    let input = volume(input)?;
    let (batch, channels, depth, height, width) = input.dim();
    let place = |n: usize, c: usize, [slice, row, column]: [usize; AXES]| {
        let in_plane = (slice * height + row) * width + column;
        let by_columns = (column * height + row) * depth + slice;
        let before = (n * channels + c) * depth * height * width;
        match indices {
            None | Some(IndexOrder::Plane) => in_plane,
            Some(IndexOrder::Tensor) => before + in_plane,
            Some(IndexOrder::TensorByColumns) => before + by_columns,
        }
    };
    let found = Array5::from_shape_fn(shape(batch, channels, windows), |(n, c, z, y, x)| {
        let window = [&windows[0][z], &windows[1][y], &windows[2][x]];
        let mut index = place(n, c, window.map(|taps| taps.start));
        let mut best = f64::NEG_INFINITY;
        // A maximum moves no further than the element that moves most.
        let mut bound = 0.0_f64;
        for tap in taps(window.map(|taps| taps.inside.as_slice())) {
            let pixel = input.at([n, c, tap[0], tap[1], tap[2]]);
            bound = bound.max(pixel.bound);
            if pixel.value > best || pixel.value.is_nan() {
                best = pixel.value;
                index = place(n, c, tap);
            }
        }
        (Number::new(best, bound).handed_on(), Number::exact(index as f64))
    });
    let mut answers = vec![finish(found.map(|&(value, _)| value), spatial)];
    if indices.is_some() {
        answers.push(finish(found.map(|&(_, index)| index), spatial));
    }
    Ok(answers)
}

/// The sum of each window over its divisor; 0 where a window has no element of the input.
fn means(input: &Answer, windows: &Windows, divisor: impl Fn([&Taps; AXES]) -> f64) -> Result<Answer> {
    let spatial = axes(input);
    let input = volume(input)?;
    let (batch, channels, ..) = input.dim();
    let output = Array5::from_shape_fn(shape(batch, channels, windows), |(n, c, z, y, x)| {
        let window = [&windows[0][z], &windows[1][y], &windows[2][x]];
        if window.iter().any(|taps| taps.inside.is_empty()) {
            return Number::ZERO;
        }
        let mut sum = Sum::default();
        for tap in taps(window.map(|taps| taps.inside.as_slice())) {
            sum.add(input.at([n, c, tap[0], tap[1], tap[2]]));
        }
        sum.total_of_elements().divided_by(divisor(window))
    });
    Ok(finish(output, spatial))
}

/// A place in the output for each window.
pub(super) fn shape(batch: usize, channels: usize, windows: &Windows) -> (usize, usize, usize, usize, usize) {
    (batch, channels, windows[0].len(), windows[1].len(), windows[2].len())
}
