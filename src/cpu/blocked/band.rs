//! What a band of output rows reads: the input where it lies, or a copy of its rows with what the padding puts beside them.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::layout::{BLOCK, Layout, channels_of};
use crate::cpu::plane::Plane;
use crate::cpu::vectors::dispatch;
use crate::ops::AxisWindow;
use crate::padding::PaddingMode;
use crate::shape::Size2d;

/// One image of a convolution's input.
#[derive(Clone, Copy)]
pub(in crate::cpu) struct Image<'a, T> {
    pub(super) data: &'a [T],
    pub(super) layout: Layout,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl<'a, T> Image<'a, T> {
    /// One of a convolution's inputs in this layout.
    pub(in crate::cpu) fn of(inputs: &'a [T], layout: Layout, plane: &Plane, index: usize) -> Self {
        let Size2d { height, width } = plane.input;
        let length = layout.length(&[1, plane.in_channels, height, width]);
        Self {
            data: &inputs[index * length..(index + 1) * length],
            layout,
            channels: plane.in_channels,
            height,
            width,
        }
    }
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

    /// Those that do not stand for zeros.
    fn other_than_zeros(&self) -> Range<usize> {
        if self.edges.iter().any(|(_, place)| place.is_some()) {
            0..self.length
        } else {
            self.inside.clone()
        }
    }
}

/// What the windows of a convolution read, the same for every image and block.
#[derive(Debug)]
pub(in crate::cpu) struct Reads {
    pub(in crate::cpu) plane: Plane,
    columns: Columns,
    /// Channels that lie together.
    lanes: usize,
    /// No row or column of the padding is read, so that the input serves as it lies.
    in_place: bool,
}

/// Where the taps of a band find their elements.
pub(in crate::cpu) struct Band<'a, T> {
    pub(in crate::cpu) data: &'a [T],
    /// From one block of channels to the next.
    pub(in crate::cpu) block: usize,
    /// From the elements of one output column to those of the next.
    pub(in crate::cpu) step: usize,
    /// From one tap's to the next's in a row.
    pub(in crate::cpu) tap: usize,
    /// Where the row begins that each row of taps reads, `[tap row][output row]`.
    pub(in crate::cpu) rows: &'a [usize],
    /// Output rows.
    pub(in crate::cpu) count: usize,
    /// The elements of a copied row that are not padding of zeros. The first row is nothing else.
    pub(in crate::cpu) inside: Option<Range<usize>>,
}

impl<'a, T> Band<'a, T> {
    /// Of pointwise sums: positions one after another, so far from one another and from block to block.
    pub(super) fn of_line(data: &'a [T], block: usize, step: usize) -> Self {
        Self {
            data,
            block,
            step,
            tap: BLOCK,
            rows: &[0],
            count: 1,
            inside: None,
        }
    }
}

/// The rows of a band, and what is to be copied for them.
#[derive(Debug)]
pub(in crate::cpu) struct Rows {
    /// The output's.
    pub(in crate::cpu) range: Range<usize>,
    /// As [`Band::rows`] has them.
    starts: Vec<usize>,
    /// Input rows that are copied, from the second slot on; the first is zeros.
    sources: Vec<usize>,
}

impl Rows {
    /// Takes these rows of a block of the output off what is left of it.
    pub(super) fn taken<'o, T>(&self, plane: &Plane, rest: &mut [&'o mut [T]], block: usize) -> &'o mut [T] {
        let length = self.range.len() * plane.output.width * BLOCK;
        let (own, others) = std::mem::take(&mut rest[block]).split_at_mut(length);
        rest[block] = others;
        own
    }
}

impl Reads {
    /// Channels in planes are put together in multiples of so many, up to a block.
    pub(in crate::cpu) fn new(plane: Plane, mode: PaddingMode, layout: Layout, multiples: usize) -> Self {
        let columns = Columns::new(mode, &plane.columns);
        let rows = || (0..plane.kernel.height).flat_map(|tap| (0..plane.output.height).map(move |y| (tap, y)));
        let is_whole = columns.edges.is_empty() && rows().all(|(tap, y)| plane.rows.at(tap, y).is_some());
        Self {
            in_place: layout == Layout::Blocked && is_whole,
            lanes: match layout {
                Layout::Plain => plane.in_channels.min(BLOCK).next_multiple_of(multiples),
                Layout::Blocked => BLOCK,
            },
            plane,
            columns,
        }
    }

    /// The same where everything is copied, since it is changed.
    pub(in crate::cpu) fn copying(self) -> Self {
        Self { in_place: false, ..self }
    }

    /// Channels that lie together.
    pub(in crate::cpu) fn lanes(&self) -> usize {
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
    pub(in crate::cpu) fn scratch(&self, rows: &Rows, blocks: usize) -> usize {
        if self.in_place { 0 } else { blocks * self.block(rows) }
    }

    fn block(&self, rows: &Rows) -> usize {
        (rows.sources.len() + 1) * self.row()
    }

    /// The band of some blocks of an image, with what is copied in scratch memory.
    pub(in crate::cpu) fn band<'b, T: Copy>(
        &self,
        image: &Image<'b, T>,
        blocks: Range<usize>,
        rows: &'b Rows,
        padding: T,
        scratch: &'b mut [T],
    ) -> Band<'b, T> {
        if !self.in_place {
            return self.copied(image, blocks, rows, (padding, |element| element), scratch);
        }
        let plane = image.height * image.width;
        let data = &image.data[blocks.start * BLOCK * plane..blocks.end * BLOCK * plane];
        self.of(data, BLOCK * plane, rows)
    }

    /// The band with every element as this function has it, and the padding as it is.
    pub(in crate::cpu) fn copied<'b, S: Copy, T: Copy>(
        &self,
        image: &Image<'_, S>,
        blocks: Range<usize>,
        rows: &'b Rows,
        (padding, function): (T, impl Fn(S) -> T + Copy),
        scratch: &'b mut [T],
    ) -> Band<'b, T> {
        dispatch(Copied {
            reads: self,
            image,
            blocks,
            rows,
            padding,
            function,
            target: &mut *scratch,
        });
        self.of(scratch, self.block(rows), rows)
    }

    fn of<'b, T>(&self, data: &'b [T], block: usize, rows: &'b Rows) -> Band<'b, T> {
        Band {
            data,
            block,
            step: self.plane.columns.stride * self.lanes,
            tap: self.plane.columns.dilation * self.lanes,
            rows: &rows.starts,
            count: rows.range.len(),
            inside: (!self.in_place).then(|| {
                let columns = self.columns.other_than_zeros();
                columns.start * self.lanes..columns.end * self.lanes
            }),
        }
    }
}

/// What a band reads as it is copied, by the machine's vectors.
struct Copied<'a, 'i, S, T, F> {
    reads: &'a Reads,
    image: &'a Image<'i, S>,
    blocks: Range<usize>,
    rows: &'a Rows,
    padding: T,
    function: F,
    target: &'a mut [T],
}

impl<S: Copy, T: Copy, F: Fn(S) -> T> WithSimd for Copied<'_, '_, S, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<V: Simd>(self, _: V) {
        let row = self.reads.row();
        let blocks = self.target.chunks_exact_mut(self.reads.block(self.rows));
        for (target, number) in blocks.zip(self.blocks) {
            let (outside, others) = target.split_at_mut(row);
            outside.fill(self.padding);
            for (target, &source) in others.chunks_exact_mut(row).zip(&self.rows.sources) {
                let (image, padding, function) = (self.image, self.padding, &self.function);
                fill(self.reads, image, [number, source], padding, function, target);
            }
        }
    }
}

/// One row of a block with its padding.
#[inline(always)]
fn fill<S: Copy, T: Copy>(
    reads: &Reads,
    image: &Image<'_, S>,
    [block, row]: [usize; 2],
    padding: T,
    function: impl Fn(S) -> T,
    target: &mut [T],
) {
    let (width, lanes, columns) = (image.width, reads.lanes, &reads.columns);
    let inside = columns.inside.clone();
    if image.layout == Layout::Blocked {
        let start = (block * image.height + row) * width * BLOCK;
        let source = &image.data[start..start + width * BLOCK];
        copy(
            &mut target[inside.start * BLOCK..inside.end * BLOCK],
            &source[columns.first * BLOCK..(columns.first + inside.len()) * BLOCK],
            &function,
        );
        for &(column, place) in &columns.edges {
            let target = &mut target[column * BLOCK..(column + 1) * BLOCK];
            match place {
                Some(place) => copy(target, &source[place * BLOCK..(place + 1) * BLOCK], &function),
                None => target.fill(padding),
            }
        }
        return;
    }
    let count = channels_of(block, image.channels);
    let source = |channel: usize| {
        let start = ((block * BLOCK + channel) * image.height + row) * width;
        &image.data[start..start + width]
    };
    let own = columns.first..columns.first + inside.len();
    let inside = &mut target[inside.start * lanes..inside.end * lanes];
    // What stands beyond the last channel means nothing.
    let lane = |lane: usize| &source(lane.min(count - 1))[own.clone()];
    match lanes {
        1 => together([0].map(lane), inside, &function),
        2 => together([0, 1].map(lane), inside, &function),
        3 => together([0, 1, 2].map(lane), inside, &function),
        4 => together([0, 1, 2, 3].map(lane), inside, &function),
        _ => {
            for channel in 0..count {
                for (target, &value) in inside.chunks_exact_mut(lanes).zip(&source(channel)[own.clone()]) {
                    target[channel] = function(value);
                }
            }
        }
    }
    for channel in 0..count {
        let source = source(channel);
        for &(column, place) in &columns.edges {
            target[column * lanes + channel] = place.map_or(padding, |place| function(source[place]));
        }
    }
}

/// Few channels put together: what compilers make vectors of, as they know how many there are.
#[inline(always)]
fn together<S: Copy, T, const L: usize>(sources: [&[S]; L], target: &mut [T], function: impl Fn(S) -> T) {
    let (target, _) = target.as_chunks_mut::<L>();
    let sources = sources.map(|source| &source[..target.len()]);
    for (index, target) in target.iter_mut().enumerate() {
        for lane in 0..L {
            target[lane] = function(sources[lane][index]);
        }
    }
}

/// Elements as this function has them.
#[inline(always)]
fn copy<S: Copy, T>(target: &mut [T], source: &[S], function: impl Fn(S) -> T) {
    for (target, &source) in target.iter_mut().zip(source) {
        *target = function(source);
    }
}
