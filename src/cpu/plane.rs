//! Spatial axes as rows and columns: the innermost axis is that of the columns, all others together are that of the rows. So
//! signals, images and volumes are computed alike.

use crate::ops::{AxisWindow, ConvGeometry};
use crate::padding::PaddingMode;
use crate::shape::Size2d;

/// A convolution, plain or transposed, on rows and columns.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub(super) batch: usize,
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
    pub(super) input: Size2d,
    pub(super) kernel: Size2d,
    pub(super) output: Size2d,
    /// Which input row each row of taps reads in each output row; which output row it writes from each input row, where the
    /// convolution is transposed.
    pub(super) rows: Places,
    /// The axis next to the innermost, where there is one.
    pub(super) row: Option<AxisWindow>,
    pub(super) columns: AxisWindow,
}

impl Plane {
    fn new(geometry: &ConvGeometry, places: impl Fn(&AxisWindow) -> Places) -> Self {
        let (outer, columns) = split(&geometry.axes);
        let size = |extent: fn(&AxisWindow) -> usize| Size2d {
            height: outer.iter().map(extent).product(),
            width: extent(&columns),
        };
        Self {
            batch: geometry.batch,
            in_channels: geometry.in_channels,
            out_channels: geometry.out_channels,
            input: size(|axis| axis.input),
            kernel: size(|axis| axis.kernel),
            output: size(|axis| axis.output),
            rows: Places::of_rows(outer.iter().map(places)),
            row: outer.last().copied(),
            columns,
        }
    }

    pub(super) fn of(geometry: &ConvGeometry, mode: PaddingMode) -> Self {
        Self::new(geometry, |axis| {
            Places::new(axis.kernel, axis.output, axis.input, |tap, window| {
                let place = (window * axis.stride + tap * axis.dilation) as isize - axis.padding.before;
                mode.source_index(place, axis.input)
            })
        })
    }

    pub(super) fn transposed(geometry: &ConvGeometry) -> Self {
        Self::new(geometry, |axis| {
            Places::new(axis.kernel, axis.input, axis.output, |tap, place| {
                let target = (place * axis.stride + tap * axis.dilation) as isize - axis.padding.before;
                usize::try_from(target).ok().filter(|&target| target < axis.output)
            })
        })
    }
}

/// All axes but the innermost, and that.
pub(super) fn split<T: Copy>(axes: &[T]) -> (&[T], T) {
    match axes {
        [outer @ .., columns] => (outer, *columns),
        [] => unreachable!("operators are checked to have spatial axes"),
    }
}

/// Which place each tap of each window stands for, along an axis or in the rows of several.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// `[tap][window]`, -1 for none.
    by_tap: Vec<isize>,
    taps: usize,
    windows: usize,
    extent: usize,
}

impl Places {
    /// Along one axis of this extent.
    pub(super) fn new(taps: usize, windows: usize, extent: usize, place: impl Fn(usize, usize) -> Option<usize>) -> Self {
        let of_tap = |tap| (0..windows).map(move |window| (tap, window));
        let places = (0..taps).flat_map(of_tap).map(|(tap, window)| signed(place(tap, window)));
        Self {
            by_tap: places.collect(),
            taps,
            windows,
            extent,
        }
    }

    /// In the rows of all these axes, the outermost first.
    pub(super) fn of_rows(axes: impl Iterator<Item = Self>) -> Self {
        let one = Self::new(1, 1, 1, |_, _| Some(0));
        axes.fold(one, |outer, inner| {
            let (taps, windows) = (outer.taps * inner.taps, outer.windows * inner.windows);
            Self::new(taps, windows, outer.extent * inner.extent, |tap, window| {
                let outside = outer.at(tap / inner.taps, window / inner.windows)?;
                let inside = inner.at(tap % inner.taps, window % inner.windows)?;
                Some(outside * inner.extent + inside)
            })
        })
    }

    /// What a window's tap stands for.
    pub(super) fn at(&self, tap: usize, window: usize) -> Option<usize> {
        usize::try_from(self.by_tap[tap * self.windows + window]).ok()
    }
}

fn signed(place: Option<usize>) -> isize {
    place.map_or(-1, |place| place as isize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_two_axes_are_found_by_both() {
        // Windows of two slices, the first before the input, and of one row, in 2 slices of 3 rows.
        let slices = Places::new(2, 2, 2, |tap, window| (tap + window).checked_sub(1));
        let rows = Places::new(1, 3, 3, |_, window| Some(window));
        let both = Places::of_rows([slices, rows].into_iter());
        let of_tap = |tap: usize| (0..6).map(|window| both.at(tap, window)).collect::<Vec<_>>();
        assert_eq!(of_tap(0), [None, None, None, Some(0), Some(1), Some(2)]);
        assert_eq!(of_tap(1), [0, 1, 2, 3, 4, 5].map(Some));
    }
}
