//! What a band of output rows reads: the input where it lies, or a copy of its rows with what the padding puts beside them.

use std::ops::Range;

use super::layout::{BLOCK, Layout, channels_of};
use crate::cpu::plane::Plane;
use crate::ops::AxisWindow;
use crate::padding::PaddingMode;

/// One image of a convolution's input.
#[derive(Clone, Copy)]
pub(super) struct Image<'a> {
    pub(super) data: &'a [f32],
    pub(super) layout: Layout,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

/// Which input column each column of a padded row stands for, as far as windows reach.
#[derive(Clone, Debug)]
pub(in crate::cpu) struct Columns {
    /// Columns of a padded row.
    pub(in crate::cpu) length: usize,
    /// Those that stand for input columns one after another, from this one on.
    pub(in crate::cpu) inside: Range<usize>,
    pub(in crate::cpu) first: usize,
    /// The others.
    pub(in crate::cpu) edges: Vec<(usize, Option<usize>)>,
}

impl Columns {
    pub(in crate::cpu) fn new(mode: PaddingMode, axis: &AxisWindow) -> Self {
        let length = axis.read().unwrap_or(0);
        let at = |column: usize| column as isize - axis.padding.before;
        let first = axis.padding.before.max(0) as usize;
        let past = (axis.input as isize + axis.padding.before).max(0) as usize;
        let inside = first.min(length)..past.clamp(first.min(length), length);
        let outside = (0..inside.start).chain(inside.end..length);
        Self {
            first: usize::try_from(at(inside.start)).unwrap_or(0),
            edges: outside
                .map(|column| (column, mode.source_index(at(column), axis.input)))
                .collect(),
            length,
            inside,
        }
    }
}

/// What the windows of a convolution read, the same for every image and block.
#[derive(Debug)]
pub(super) struct Reads {
    pub(super) plane: Plane,
    columns: Columns,
    /// Channels that lie together.
    lanes: usize,
    /// No row or column of the padding is read, so that the input serves as it lies.
    in_place: bool,
}

/// Where the taps of a band find their elements.
pub(super) struct Band<'a> {
    pub(super) data: &'a [f32],
    /// From one block of channels to the next.
    pub(super) block: usize,
    /// From the elements of one output column to those of the next.
    pub(super) step: usize,
    /// From one tap's to the next's in a row.
    pub(super) tap: usize,
    /// Where the row begins that each row of taps reads, `[tap row][output row]`.
    pub(super) rows: &'a [usize],
    /// Output rows.
    pub(super) count: usize,
}

/// The rows of a band, and what is to be copied for them.
#[derive(Debug)]
pub(super) struct Rows {
    /// The output's.
    pub(super) range: Range<usize>,
    /// As [`Band::rows`] has them.
    starts: Vec<usize>,
    /// Input rows that are copied, from the second slot on; the first is zeros.
    sources: Vec<usize>,
}

impl Reads {
    pub(super) fn new(plane: Plane, mode: PaddingMode, layout: Layout, channels: usize) -> Self {
        let columns = Columns::new(mode, &plane.columns);
        let rows = || (0..plane.kernel.height).flat_map(|tap| (0..plane.output.height).map(move |y| (tap, y)));
        let is_whole = columns.edges.is_empty() && rows().all(|(tap, y)| plane.rows.at(tap, y).is_some());
        Self {
            in_place: layout == Layout::Blocked && is_whole,
            lanes: if layout == Layout::Plain { channels.min(BLOCK) } else { BLOCK },
            plane,
            columns,
        }
    }

    /// Channels that lie together.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Elements of a row of so many channels as lie together.
    fn row(&self) -> usize {
        let width = if self.in_place {
            self.plane.input.width
        } else {
            self.columns.length
        };
        width * self.lanes
    }

    /// Elements of scratch memory that so many output rows take, about, of so many blocks.
    pub(super) fn estimate(&self, rows: usize, blocks: usize) -> usize {
        if self.in_place {
            return 0;
        }
        let taps = self.plane.kernel.height;
        let (stride, dilation) = self.plane.row.map_or((1, 1), |row| (row.stride, row.dilation));
        let apart = rows.saturating_mul(taps);
        let together = (rows - 1)
            .saturating_mul(stride)
            .saturating_add((taps - 1).saturating_mul(dilation) + 1);
        (apart.min(together) + 1).saturating_mul(self.row()).saturating_mul(blocks)
    }

    /// The rows that some output rows read.
    pub(super) fn rows(&self, range: Range<usize>) -> Rows {
        let plane = &self.plane;
        let mut rows = Rows {
            range: range.clone(),
            starts: Vec::with_capacity(plane.kernel.height * range.len()),
            sources: Vec::new(),
        };
        let mut slots = vec![0; if self.in_place { 0 } else { plane.input.height }];
        for tap in 0..plane.kernel.height {
            for y in range.clone() {
                let slot = match plane.rows.at(tap, y) {
                    Some(row) if self.in_place => row,
                    Some(row) => {
                        if slots[row] == 0 {
                            rows.sources.push(row);
                            slots[row] = rows.sources.len();
                        }
                        slots[row]
                    }
                    None => 0,
                };
                rows.starts.push(slot * self.row());
            }
        }
        rows
    }

    /// Elements of scratch memory for some blocks.
    pub(super) fn scratch(&self, rows: &Rows, blocks: usize) -> usize {
        if self.in_place { 0 } else { blocks * self.block(rows) }
    }

    fn block(&self, rows: &Rows) -> usize {
        (rows.sources.len() + 1) * self.row()
    }

    /// The band of some blocks of an image, with what is copied in scratch memory.
    pub(super) fn band<'b>(&self, image: &Image<'b>, blocks: Range<usize>, rows: &'b Rows, scratch: &'b mut [f32]) -> Band<'b> {
        let plane = image.height * image.width;
        let data: &'b [f32] = if self.in_place {
            &image.data[blocks.start * BLOCK * plane..blocks.end * BLOCK * plane]
        } else {
            for (target, block) in scratch.chunks_exact_mut(self.block(rows)).zip(blocks) {
                let (zeros, others) = target.split_at_mut(self.row());
                zeros.fill(0.0);
                for (target, &row) in others.chunks_exact_mut(self.row()).zip(&rows.sources) {
                    self.fill(image, block, row, target);
                }
            }
            scratch
        };
        Band {
            data,
            block: if self.in_place { BLOCK * plane } else { self.block(rows) },
            step: self.plane.columns.stride * self.lanes,
            tap: self.plane.columns.dilation * self.lanes,
            rows: &rows.starts,
            count: rows.range.len(),
        }
    }

    /// One row of a block with its padding.
    fn fill(&self, image: &Image<'_>, block: usize, row: usize, target: &mut [f32]) {
        let (width, lanes, columns) = (image.width, self.lanes, &self.columns);
        let inside = columns.inside.clone();
        if image.layout == Layout::Blocked {
            let start = (block * image.height + row) * width * BLOCK;
            let source = &image.data[start..start + width * BLOCK];
            target[inside.start * BLOCK..inside.end * BLOCK]
                .copy_from_slice(&source[columns.first * BLOCK..(columns.first + inside.len()) * BLOCK]);
            for &(column, place) in &columns.edges {
                let target = &mut target[column * BLOCK..(column + 1) * BLOCK];
                match place {
                    Some(place) => target.copy_from_slice(&source[place * BLOCK..(place + 1) * BLOCK]),
                    None => target.fill(0.0),
                }
            }
            return;
        }
        for channel in 0..channels_of(block, image.channels) {
            let start = ((block * BLOCK + channel) * image.height + row) * width;
            let source = &image.data[start..start + width];
            let own = target[inside.start * lanes..inside.end * lanes].chunks_exact_mut(lanes);
            for (target, &value) in own.zip(&source[columns.first..]) {
                target[channel] = value;
            }
            for &(column, place) in &columns.edges {
                target[column * lanes + channel] = place.map_or(0.0, |place| source[place]);
            }
        }
    }
}
