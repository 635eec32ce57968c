//! Strips: how windows that slide over rows are cut up, for convolution with few channels in a group and for pooling.
//!
//! An invocation computes four columns of outputs and goes down a segment of rows, with the source rows of one window in
//! registers, those of all input channels of its group: each source row is loaded once, and not once for each row of outputs. Where rows are whole vectors of four, they
//! are loaded as such.

use crate::gpu::device::device_class::DeviceClass;
use crate::padding::Padding2d;
use crate::shape::Size2d;

/// Output columns of a strip.
const COLUMNS: usize = 4;
/// Source values that a window may have in registers.
const MOST_VALUES: usize = 192;
/// Loads that a round may have: each is code that drivers take long to compile.
const MOST_LOADS: usize = 64;
/// Invocations that keep a software adapter's threads evenly busy, where there are rows enough.
const ENOUGH_INVOCATIONS: usize = 1024;

/// Windows over planes. Steps are as kernels get them.
pub(crate) struct Windows {
    /// Sets of planes that are computed together: the planes of a pooling, the groups of a convolution, of each image.
    pub(crate) sets: usize,
    /// Input planes of a set.
    pub(crate) channels: usize,
    pub(crate) input: Size2d,
    pub(crate) output: Size2d,
    pub(crate) kernel: Size2d,
    pub(crate) padding: Padding2d,
    pub(crate) stride: [u32; 2],
    pub(crate) dilation: [u32; 2],
}

/// How they are cut up.
pub(crate) struct Strips {
    /// Whether rows are loaded and stored by vectors of four.
    pub(crate) quads: bool,
    /// The header of `shared/strip_*.wgsl` and the kernels that use them, but for `LANES` and `PADDING_MODE`.
    pub(crate) constants: Vec<(&'static str, u32)>,
    /// Strips of a row of outputs.
    pub(crate) across: usize,
    pub(crate) segment_rows: usize,
    pub(crate) segments: usize,
    pub(crate) invocations: usize,
    /// Rounds of an invocation's loop: its rows, and those before the first that fill the window.
    pub(crate) rounds: usize,
}

impl Windows {
    /// The strips, or `None` where windows have more values than registers hold.
    pub(crate) fn cut(&self, class: DeviceClass) -> Option<Strips> {
        let [stride_height, stride_width] = self.stride.map(|step| step as usize);
        let [dilation_height, dilation_width] = self.dilation.map(|step| step as usize);
        let reach = |kernel: usize, dilation: usize| (kernel - 1).saturating_mul(dilation).saturating_add(1);
        let span = reach(self.kernel.height, dilation_height).max(stride_height);
        let width = (COLUMNS - 1)
            .saturating_mul(stride_width)
            .saturating_add(reach(self.kernel.width, dilation_width));
        if span.saturating_mul(width).saturating_mul(self.channels) > MOST_VALUES {
            return None;
        }
        let by_quads = self.by_quads(width);
        let loads = self.channels * stride_height * by_quads.as_ref().map_or(width, |quads| quads.count);
        if loads > MOST_LOADS {
            return None;
        }
        let kept = span - stride_height;
        let mut constants = vec![
            ("KERNEL_HEIGHT", self.kernel.height as u32),
            ("KERNEL_WIDTH", self.kernel.width as u32),
            ("STRIDE_HEIGHT", stride_height as u32),
            ("STRIDE_WIDTH", stride_width as u32),
            ("DILATION_HEIGHT", dilation_height as u32),
            ("DILATION_WIDTH", dilation_width as u32),
            ("SPAN", span as u32),
            ("KEPT", kept as u32),
            ("WARM_UP", kept.div_ceil(stride_height) as u32),
            ("WIDTH", width as u32),
        ];
        if let Some(quads) = &by_quads {
            constants.extend([
                ("QUADS", quads.count as u32),
                ("FIRST", quads.first as u32),
                ("QUADS_BEFORE", quads.before as u32),
            ]);
        }
        let strips = self.output.width.div_ceil(COLUMNS);
        // Each segment loads its first window anew, so they are as long as leaves enough of them.
        let rows = self.sets * strips * self.output.height / ENOUGH_INVOCATIONS;
        let most = if class == DeviceClass::Software {
            rows.clamp(4, 32)
        } else {
            4
        };
        let segment_rows = self.output.height.div_ceil(self.output.height.div_ceil(most));
        let segments = self.output.height.div_ceil(segment_rows);
        Some(Strips {
            quads: by_quads.is_some(),
            constants,
            across: strips,
            segment_rows,
            segments,
            invocations: self.sets * strips * segments,
            rounds: segment_rows + kept.div_ceil(stride_height),
        })
    }

    /// The vectors that hold a strip's source columns, where rows are whole vectors and windows reach past them by less than
    /// one.
    fn by_quads(&self, width: usize) -> Option<Quads> {
        let left = usize::try_from(self.padding.left).ok().filter(|&left| left < COLUMNS)?;
        let before = left.div_ceil(COLUMNS);
        let first = before * COLUMNS - left;
        let count = (first + width).div_ceil(COLUMNS);
        let is_whole = self.input.width.is_multiple_of(COLUMNS) && self.output.width.is_multiple_of(COLUMNS);
        // Of a vector past the end three columns are there at most: a reflected fourth would be another vector's.
        let end = self.output.width.checked_sub(COLUMNS)? * self.stride[1] as usize + width;
        (is_whole && end < self.input.width + left + COLUMNS).then_some(Quads { count, first, before })
    }
}

struct Quads {
    count: usize,
    /// The place of the first column in the first of them.
    first: usize,
    /// How many of the first strip's are before the row: one or none.
    before: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(extent: usize) -> Size2d {
        Size2d {
            height: extent,
            width: extent,
        }
    }

    fn windows(sets: usize, input: usize, kernel: usize, stride: u32, padding: isize) -> Windows {
        let output = (input + 2 * padding as usize - kernel) / stride as usize + 1;
        Windows {
            sets,
            channels: 1,
            input: square(input),
            output: square(output),
            kernel: square(kernel),
            padding: Padding2d::new(padding, padding, padding, padding),
            stride: [stride; 2],
            dilation: [1; 2],
        }
    }

    /// A row of 16, and windows of so many columns more, all on the right.
    fn past(columns: usize) -> Windows {
        Windows {
            kernel: Size2d {
                height: 1,
                width: columns + 1,
            },
            output: square(16),
            padding: Padding2d::new(0, columns as isize, 0, 0),
            ..windows(1, 16, 1, 1, 0)
        }
    }

    fn constant(strips: &Strips, name: &str) -> Option<u32> {
        strips
            .constants
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, value)| value)
    }

    #[test]
    fn rows_of_whole_vectors_are_loaded_by_vectors() {
        for (windows, vectors, first) in [
            // MobileNetV2's depthwise layers; then max pooling as in ResNet and VGG.
            (windows(32, 112, 3, 1, 1), Some(3), 3),
            (windows(96, 112, 3, 2, 1), Some(3), 3),
            (windows(576, 14, 3, 1, 1), None, 0),
            (windows(144, 28, 3, 2, 1), None, 0),
            (windows(64, 112, 3, 2, 1), Some(3), 3),
            (windows(64, 224, 2, 2, 0), Some(2), 0),
            // The last strip would reach two vectors past the row, and the first one two before it.
            (windows(1, 8, 12, 1, 5), None, 0),
            (windows(1, 16, 9, 1, 4), None, 0),
            (windows(1, 16, 7, 1, 3), Some(3), 1),
            (past(3), Some(2), 0),
            (past(4), None, 0),
        ] {
            let strips = windows.cut(DeviceClass::Software).unwrap();
            assert_eq!(constant(&strips, "QUADS"), vectors, "{:?}", windows.input);
            assert_eq!(strips.quads, vectors.is_some());
            assert_eq!(constant(&strips, "FIRST").unwrap_or(0), first);
        }
    }

    #[test]
    fn segments_cover_all_rows_and_leave_enough_invocations() {
        for class in DeviceClass::ALL {
            for windows in [
                windows(1, 1080, 3, 1, 1),
                windows(960, 7, 3, 1, 1),
                windows(32, 112, 3, 2, 1),
                windows(6, 28, 2, 2, 0),
                windows(1, 1, 1, 1, 0),
            ] {
                let strips = windows.cut(class).unwrap();
                let height = windows.output.height;
                assert!((strips.segments - 1) * strips.segment_rows < height && height <= strips.segments * strips.segment_rows);
                assert_eq!(strips.across, windows.output.width.div_ceil(4));
                assert_eq!(strips.invocations, windows.sets * strips.across * strips.segments);
                assert!(strips.invocations >= ENOUGH_INVOCATIONS / 2 || strips.segment_rows <= 4);
            }
        }
    }

    #[test]
    fn windows_of_many_values_have_no_strips() {
        assert!(windows(1, 64, 15, 1, 7).cut(DeviceClass::Software).is_none());
        assert!(windows(1, 640, 3, 40, 1).cut(DeviceClass::Discrete).is_none());
        let of = |channels| Windows {
            channels,
            ..windows(1, 64, 7, 1, 3)
        };
        assert!(of(2).cut(DeviceClass::Software).is_some() && of(3).cut(DeviceClass::Software).is_none());
    }
}
