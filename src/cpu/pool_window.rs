//! The windows of pooling: which rows and columns of a plane each reads.

use super::plane::split;
use crate::ops::{AxisWindow, PoolWindow};

/// The taps of one window along one axis that are inside the input: `count` of them, `step` apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    pub(super) first: usize,
    pub(super) count: usize,
    /// How many there are in the input and its padding; an overhang does not count.
    pub(super) with_padding: usize,
}

/// All windows along one axis.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) taps: Vec<Taps>,
    pub(super) step: usize,
    pub(super) stride: usize,
    pub(super) extent: usize,
}

/// The rows of one window, those of all axes but the innermost.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The rows inside the input.
    pub(super) inside: Vec<usize>,
    /// Where the search for a maximum begins, along each axis.
    pub(super) first: Vec<usize>,
    pub(super) with_padding: usize,
}

impl Windows {
    fn new(axis: &AxisWindow) -> Self {
        let (before, after) = (axis.padding.before as usize, axis.padding.after as usize);
        let AxisWindow {
            input: extent,
            stride,
            dilation,
            kernel,
            ..
        } = *axis;
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
            taps: (0..axis.output).map(taps).collect(),
            step: dilation,
            stride,
            extent,
        }
    }

    /// The input cut into equal parts: each part's window is every element that it overlaps.
    pub(super) fn adaptive(extent: usize, windows: usize) -> Self {
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
            extent,
        }
    }

    /// The windows that have all `kernel` taps and lie `stride` apart, where there are any: the rest is at the edges.
    pub(super) fn whole(&self, kernel: usize) -> std::ops::Range<usize> {
        let is_whole = |taps: &Taps| taps.count == kernel;
        let Some(first) = self.taps.iter().position(is_whole).filter(|_| self.stride > 0) else {
            return 0..0;
        };
        let count = self.taps[first..].iter().take_while(|taps| is_whole(taps)).count();
        first..first + count
    }
}

/// The windows over planes of rows and columns.
pub(super) struct Plane {
    pub(super) rows: Vec<Rows>,
    pub(super) columns: Windows,
    /// Elements of a plane of the input.
    pub(super) elements: usize,
    /// Extents of the input along each axis.
    pub(super) extents: Vec<usize>,
    pub(super) width: usize,
    /// Taps of a window that is nowhere cut off, along the columns.
    pub(super) kernel: usize,
}

impl Plane {
    /// By the windows along each axis, the outermost first.
    pub(super) fn new(axes: Vec<Windows>, kernel: usize) -> Self {
        let extents: Vec<usize> = axes.iter().map(|axis| axis.extent).collect();
        let mut inwards = axes.into_iter();
        let columns = inwards.next_back().unwrap_or_else(|| Windows::adaptive(1, 1));
        let one = Rows {
            inside: vec![0],
            first: Vec::new(),
            with_padding: 1,
        };
        let rows = inwards.fold(vec![one], |outer, axis| {
            outer
                .iter()
                .flat_map(|outer| axis.taps.iter().map(|taps| outer.with(&axis, taps)))
                .collect()
        });
        Self {
            rows,
            elements: extents.iter().product(),
            extents,
            width: columns.extent,
            columns,
            kernel,
        }
    }

    pub(super) fn of(window: &PoolWindow) -> Self {
        let (_, innermost) = split(&window.axes);
        Self::new(window.axes.iter().map(Windows::new).collect(), innermost.kernel)
    }

    pub(super) fn adaptive(input: &[usize], output: &[usize]) -> Self {
        let axes = input[2..].iter().zip(&output[2..]);
        Self::new(
            axes.map(|(&extent, &windows)| Windows::adaptive(extent, windows)).collect(),
            0,
        )
    }

    /// What a row of the input adds to an index.
    pub(super) fn row_index(&self, mut row: usize, steps: &[usize]) -> usize {
        let axes = steps.iter().zip(&self.extents).rev();
        axes.map(|(step, extent)| {
            let place = row % extent;
            row /= extent;
            place * step
        })
        .sum()
    }

    /// Windows of a plane.
    pub(super) fn windows(&self) -> usize {
        self.rows.len() * self.columns.taps.len()
    }
}

impl Rows {
    /// The rows of these taps of another axis, in each of these.
    fn with(&self, axis: &Windows, taps: &Taps) -> Self {
        let inner = |row: &usize| {
            let start = row * axis.extent + taps.first;
            (0..taps.count).map(move |tap| start + tap * axis.step)
        };
        Self {
            inside: self.inside.iter().flat_map(inner).collect(),
            first: [&self.first[..], &[taps.first]].concat(),
            with_padding: self.with_padding * taps.with_padding,
        }
    }
}
