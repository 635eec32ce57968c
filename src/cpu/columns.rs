//! What a product's columns are packed from: a matrix, or the windows of a convolution, which are never all in memory.

use std::ops::Range;

use super::plane::Places;
use super::product::{COLUMNS, narrowest, padded_columns, panels};
use crate::ops::AxisWindow;
use crate::padding::PaddingMode;

/// What is packed at a time.
pub(super) trait Item: Copy + Default + Send + Sync {
    /// The width of a last panel that has no more columns than that.
    fn narrowest() -> usize;
}

impl Item for f32 {
    fn narrowest() -> usize {
        narrowest()
    }
}

/// Something with `inner` rows and any number of columns.
pub(super) trait Columns<T = f32>: Send + Sync {
    /// Packs some rows of some columns: panels as [`panels`] has them, in each `[inner][width]`, zeros past the last column.
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, output: &mut [T]);
}

/// The room that packed columns take.
pub(super) fn packed_length(inner: usize, columns: usize) -> usize {
    inner * padded_columns(columns)
}

/// A matrix with its elements anywhere.
pub(super) struct Matrix<'a, T = f32> {
    pub(super) data: &'a [T],
    pub(super) inner_stride: usize,
    pub(super) column_stride: usize,
}

impl<T: Item> Columns<T> for Matrix<'_, T> {
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, output: &mut [T]) {
        let extent = inner.len();
        for (first, width) in panels(columns.len(), T::narrowest()) {
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
                    target[kept..].fill(T::default());
                }
            }
        }
    }
}

/// Copies and fills up with zeros. Whole panels are copied by the vector.
#[inline(always)]
fn copy<T: Item>(target: &mut [T], source: &[T]) {
    if let (Ok(target), Ok(source)) = (<&mut [T; COLUMNS]>::try_from(&mut *target), <&[T; COLUMNS]>::try_from(source)) {
        *target = *source;
    } else {
        target[..source.len()].copy_from_slice(source);
        target[source.len()..].fill(T::default());
    }
}

/// The taps of windows along the columns.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    places: Places,
    windows: usize,
    stride: usize,
    /// For each tap, the windows whose tap is inside the input.
    inside: Vec<Range<usize>>,
}

impl Taps {
    pub(super) fn new(mode: PaddingMode, axis: &AxisWindow) -> Self {
        let at = |tap: usize, window: usize| (window * axis.stride + tap * axis.dilation) as isize - axis.padding.before;
        let windows = axis.output;
        let inside = (0..axis.kernel).map(|tap| {
            let first = (0..windows).find(|&window| at(tap, window) >= 0).unwrap_or(windows);
            let past = (first..windows).find(|&window| at(tap, window) >= axis.input as isize);
            first..past.unwrap_or(windows)
        });
        Self {
            inside: inside.collect(),
            places: Places::new(axis.kernel, windows, axis.input, |tap, window| {
                mode.source_index(at(tap, window), axis.input)
            }),
            windows,
            stride: axis.stride,
        }
    }
}

/// The windows of a convolution of one image and group: inner is `[channel][tap row][tap column]`, columns are positions.
pub(super) struct Windows<'a, T = f32> {
    /// The group's channels, planes one after another.
    pub(super) input: &'a [T],
    /// What stands where the padding has no element.
    pub(super) padding: T,
    pub(super) plane: usize,
    pub(super) width: usize,
    pub(super) rows: &'a Places,
    pub(super) columns: &'a Taps,
    pub(super) kernel: (usize, usize),
}

/// A run of a panel's row, for one tap: `length` elements of a plane from `source` on, or of the padding.
#[derive(Clone, Copy)]
struct Piece {
    source: Option<usize>,
    length: usize,
}

impl<T> Windows<'_, T> {
    /// What each tap reads at these positions, the same in every channel: the pieces, and where each tap's end.
    fn pieces(&self, positions: Range<usize>) -> (Vec<Piece>, Vec<usize>) {
        let (kernel_height, kernel_width) = self.kernel;
        let across = self.columns.windows;
        let mut pieces: Vec<Piece> = Vec::with_capacity(2 * kernel_height * kernel_width);
        let mut ends = Vec::with_capacity(kernel_height * kernel_width);
        for i in 0..kernel_height {
            for j in 0..kernel_width {
                let inside = &self.columns.inside[j];
                let mut position = positions.start;
                while position < positions.end {
                    let (y, x) = (position / across, position % across);
                    let length = (across - x).min(positions.end - position);
                    position += length;
                    let Some(row) = self.rows.at(i, y) else {
                        pieces.push(Piece { source: None, length });
                        continue;
                    };
                    let place = |x: usize| self.columns.places.at(j, x).map(|column| row * self.width + column);
                    // The elements beside the row one by one, and those inside together.
                    let (start, past) = (inside.start.clamp(x, x + length), inside.end.clamp(x, x + length));
                    let one = |x: usize| Piece {
                        source: place(x),
                        length: 1,
                    };
                    pieces.extend((x..start).map(one));
                    if past > start {
                        pieces.push(Piece {
                            source: place(start),
                            length: past - start,
                        });
                    }
                    pieces.extend((past.max(start)..x + length).map(one));
                }
                ends.push(pieces.len());
            }
        }
        (pieces, ends)
    }
}

impl<T: Item> Columns<T> for Windows<'_, T> {
    fn pack(&self, inner: Range<usize>, columns: Range<usize>, output: &mut [T]) {
        let extent = inner.len();
        let taps = self.kernel.0 * self.kernel.1;
        for (first, width) in panels(columns.len(), T::narrowest()) {
            let panel = &mut output[first * extent..(first + width) * extent];
            let kept = width.min(columns.len() - first);
            let start = columns.start + first;
            let (pieces, ends) = self.pieces(start..start + kept);
            let (mut channel, mut tap) = (inner.start / taps, inner.start % taps);
            for target in panel.chunks_exact_mut(width) {
                let plane = &self.input[channel * self.plane..(channel + 1) * self.plane];
                let begin = if tap == 0 { 0 } else { ends[tap - 1] };
                let mut rest = target;
                for piece in &pieces[begin..ends[tap]] {
                    let (own, others) = rest.split_at_mut(piece.length);
                    rest = others;
                    match piece.source {
                        None => own.fill(self.padding),
                        Some(source) => copy_strided(own, &plane[source..], self.columns.stride),
                    }
                }
                rest.fill(T::default());
                tap += 1;
                if tap == taps {
                    tap = 0;
                    channel += 1;
                }
            }
        }
    }
}

/// Every element of the target, from a source with elements `stride` apart. Whole panels are copied by the vector.
#[inline(always)]
fn copy_strided<T: Item>(target: &mut [T], source: &[T], stride: usize) {
    match stride {
        1 => copy(target, &source[..target.len()]),
        2 => {
            let whole = <&mut [T; COLUMNS]>::try_from(&mut *target);
            if let (Ok(target), Some(source)) = (whole, source.first_chunk::<{ 2 * COLUMNS }>()) {
                *target = std::array::from_fn(|i| source[2 * i]);
            } else {
                for (target, pair) in target.iter_mut().zip(source.chunks(2)) {
                    *target = pair[0];
                }
            }
        }
        _ => {
            for (target, &value) in target.iter_mut().zip(source.iter().step_by(stride)) {
                *target = value;
            }
        }
    }
}
