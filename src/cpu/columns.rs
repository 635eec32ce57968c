//! What a product's columns are packed from: a matrix, or the windows of a convolution, which are never all in memory.

use std::ops::Range;

use super::product::{COLUMNS, padded_columns, panels};
use crate::padding::PaddingMode;

/// Something with `inner` rows and any number of columns.
pub(super) trait Columns: Send + Sync {
    /// Packs some rows of some columns: panels as [`panels`] has them, in each `[inner][width]`, zeros past the last column.
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, output: &mut [f32]);
}

/// The room that packed columns take.
pub(super) fn packed_length(inner: usize, columns: usize) -> usize {
    inner * padded_columns(columns)
}

/// A matrix with its elements anywhere.
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) inner_stride: usize,
    pub(super) column_stride: usize,
}

impl Columns for Matrix<'_> {
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, output: &mut [f32]) {
        let extent = inner.len();
        for (first, width) in panels(columns.len()) {
            let panel = &mut output[first * extent..(first + width) * extent];
            let kept = width.min(columns.len() - first);
            let start = columns.start + first;
            if self.column_stride == 1 {
                for (target, k) in panel.chunks_exact_mut(width).zip(inner.clone()) {
                    let from = k * self.inner_stride + start;
                    copy(target, &self.data[from..from + kept]);
                }
            } else {
                for column in 0..kept {
                    let source = self.data[(start + column) * self.column_stride..].iter();
                    let source = source.skip(inner.start * self.inner_stride).step_by(self.inner_stride);
                    for (target, &value) in panel.chunks_exact_mut(width).zip(source) {
                        target[column] = value;
                    }
                }
                for target in panel.chunks_exact_mut(width) {
                    target[kept..].fill(0.0);
                }
            }
        }
    }
}

/// Copies and fills up with zeros. Whole panels are copied by the vector.
#[inline(always)]
fn copy(target: &mut [f32], source: &[f32]) {
    if let (Ok(target), Ok(source)) = (
        <&mut [f32; COLUMNS]>::try_from(&mut *target),
        <&[f32; COLUMNS]>::try_from(source),
    ) {
        *target = *source;
    } else {
        target[..source.len()].copy_from_slice(source);
        target[source.len()..].fill(0.0);
    }
}

/// Along one dimension, which input coordinate each tap of each window reads: `[tap][window]`, -1 for a zero.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    places: Vec<isize>,
    windows: usize,
    stride: usize,
    /// For each tap, the windows whose tap is inside the input.
    inside: Vec<Range<usize>>,
}

impl Taps {
    /// The taps of windows that begin `before` elements before the input.
    pub(super) fn new(
        mode: PaddingMode,
        extent: usize,
        before: isize,
        (kernel, stride, dilation): (usize, usize, usize),
        windows: usize,
    ) -> Self {
        let at = |tap: usize, window: usize| (window * stride + tap * dilation) as isize - before;
        let mut places = Vec::with_capacity(kernel * windows);
        let mut inside = Vec::with_capacity(kernel);
        for tap in 0..kernel {
            for window in 0..windows {
                let place = mode.source_index(at(tap, window), extent);
                places.push(place.map_or(-1, |place| place as isize));
            }
            let first = (0..windows).find(|&window| at(tap, window) >= 0).unwrap_or(windows);
            let past = (first..windows).find(|&window| at(tap, window) >= extent as isize);
            inside.push(first..past.unwrap_or(windows));
        }
        Self {
            places,
            windows,
            stride,
            inside,
        }
    }

    /// What a window's tap reads; `None` is a zero.
    pub(super) fn at(&self, tap: usize, window: usize) -> Option<usize> {
        usize::try_from(self.places[tap * self.windows + window]).ok()
    }
}

/// The windows of a convolution of one image and group: inner is `[channel][tap row][tap column]`, columns are positions.
pub(super) struct Windows<'a> {
    /// The group's channels, planes one after another.
    pub(super) input: &'a [f32],
    pub(super) plane: usize,
    pub(super) width: usize,
    pub(super) rows: &'a Taps,
    pub(super) columns: &'a Taps,
    pub(super) kernel: (usize, usize),
}

/// Positions of a panel that lie in one row of the output.
#[derive(Clone, Copy, Default)]
struct Segment {
    row: usize,
    column: usize,
    length: usize,
}

impl Columns for Windows<'_> {
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, output: &mut [f32]) {
        let extent = inner.len();
        let (kernel_height, kernel_width) = self.kernel;
        let across = self.columns.windows;
        for (first, width) in panels(columns.len()) {
            let panel = &mut output[first * extent..(first + width) * extent];
            let kept = width.min(columns.len() - first);
            let mut segments = [Segment::default(); COLUMNS];
            let mut count = 0;
            let mut position = columns.start + first;
            let end = position + kept;
            while position < end {
                let (row, column) = (position / across, position % across);
                let length = (across - column).min(end - position);
                segments[count] = Segment { row, column, length };
                count += 1;
                position += length;
            }
            let segments = &segments[..count];
            let (mut channel, rest) = (
                inner.start / (kernel_height * kernel_width),
                inner.start % (kernel_height * kernel_width),
            );
            let (mut i, mut j) = (rest / kernel_width, rest % kernel_width);
            for target in panel.chunks_exact_mut(width) {
                let plane = &self.input[channel * self.plane..(channel + 1) * self.plane];
                self.pack_row(plane, i, j, segments, &mut target[..kept]);
                target[kept..].fill(0.0);
                j += 1;
                if j == kernel_width {
                    j = 0;
                    i += 1;
                    if i == kernel_height {
                        i = 0;
                        channel += 1;
                    }
                }
            }
        }
    }
}

impl Windows<'_> {
    /// One tap of one channel at the panel's positions.
    #[inline(always)]
    fn pack_row(&self, plane: &[f32], i: usize, j: usize, segments: &[Segment], target: &mut [f32]) {
        let inside = &self.columns.inside[j];
        let stride = self.columns.stride;
        let mut target = target;
        for segment in segments {
            let (own, rest) = std::mem::take(&mut target).split_at_mut(segment.length);
            target = rest;
            let Some(row) = self.rows.at(i, segment.row) else {
                own.fill(0.0);
                continue;
            };
            let source = &plane[row * self.width..(row + 1) * self.width];
            let past = segment.column + segment.length;
            let places = &self.columns.places[j * self.columns.windows..][segment.column..past];
            if inside.start <= segment.column && past <= inside.end {
                let from = places[0] as usize;
                match stride {
                    1 => copy(own, &source[from..from + segment.length]),
                    2 => {
                        for (target, pair) in own.iter_mut().zip(source[from..].chunks(2)) {
                            *target = pair[0];
                        }
                    }
                    _ => {
                        for (target, &value) in own.iter_mut().zip(source[from..].iter().step_by(stride)) {
                            *target = value;
                        }
                    }
                }
            } else {
                for (target, &place) in own.iter_mut().zip(places) {
                    *target = usize::try_from(place).map_or(0.0, |place| source[place]);
                }
            }
        }
    }
}
