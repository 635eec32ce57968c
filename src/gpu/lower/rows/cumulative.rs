//! Sums and products of each element with all before it: an invocation a row, and long rows block after block.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::elementwise::cast;
use crate::gpu::lower::movement::strided_copy;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::function::{Function, Scalar};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::RowParameters;
use crate::gpu::wgsl::storage::Storage;
use crate::ops::{Binary, Concat, Cumulative, Op, Slice};
use crate::shape::axis;

/// The elements of a row that one invocation goes through where loops have to end.
const BLOCK: usize = 1 << 15;

pub(crate) fn lower(op: Cumulative, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let [_, extent, _] = op.extents(&input.shape)?;
    if extent > BLOCK && recording.capabilities.splits_sums() {
        return widened(op, extent, input, output, recording);
    }
    whole(op, input, output, recording)
}

/// In blocks, in the 32 bits that they keep totals in: copies between blocks move bits, and cannot widen them.
fn widened(op: Cumulative, extent: usize, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    if recording.slots[slot(input)?.0].storage != Storage::F16 {
        return in_blocks(op, extent, input, output, recording);
    }
    let name = Op::from(op).name();
    let [wide, sums] = [recording.inner(name, &input.shape)?, recording.inner(name, &output.shape)?];
    cast::lower(input, &wide, recording)?;
    in_blocks(op, extent, &wide, &sums, recording)?;
    cast::lower(&sums, output, recording)
}

/// Blocks one after another, each behind the last output of those before it: the same sums in the same order as of a whole row.
fn in_blocks(op: Cumulative, extent: usize, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let blocks = Blocks {
        op,
        at: axis(Op::from(op).name(), op.axis, input.shape.len())?,
    };
    let first = blocks.cut(input, 0, BLOCK, recording)?;
    let mut parts = vec![blocks.temporary(&first, BLOCK, recording)?];
    whole(op, &first, &parts[0], recording)?;
    // What an output adds to the one before it is the element at its place, or where that does not count the one before.
    let behind = usize::from(op.exclusive);
    for start in (BLOCK..extent).step_by(BLOCK) {
        let end = extent.min(start + BLOCK);
        let before = parts.last().unwrap_or(&first);
        let total = blocks.cut(before, BLOCK - 1, BLOCK, recording)?;
        let added = blocks.cut(input, start - behind, end - behind, recording)?;
        let row = blocks.temporary(input, end - start + 1, recording)?;
        blocks.join(vec![total, added], &row, recording)?;
        let sums = blocks.temporary(input, end - start + 1, recording)?;
        whole(op.exclusive(false), &row, &sums, recording)?;
        parts.push(blocks.cut(&sums, 1, end - start + 1, recording)?);
    }
    blocks.join(parts, output, recording)
}

/// Rows in parts, counted in the order in which they are summed.
struct Blocks {
    op: Cumulative,
    at: usize,
}

impl Blocks {
    /// A tensor that the operator alone sees, with so many elements along the axis.
    fn temporary(&self, like: &Value, extent: usize, recording: &mut Recording) -> Result<Value> {
        let mut shape = like.shape.clone();
        shape[self.at] = extent;
        let name = Op::from(self.op).name();
        if like.dtype.is_float() {
            recording.inner(name, &shape)
        } else {
            recording.output(name, &shape, like.dtype)
        }
    }

    fn cut(&self, input: &Value, start: usize, end: usize, recording: &mut Recording) -> Result<Value> {
        let output = self.temporary(input, end - start, recording)?;
        let extent = input.shape[self.at];
        let (start, end) = if self.op.reverse {
            (extent - end, extent - start)
        } else {
            (start, end)
        };
        let slice = Slice::new([start as isize], [end as isize]).axes([self.at as isize]);
        strided_copy::lower(&slice.into(), std::slice::from_ref(input), &output, recording)?;
        Ok(output)
    }

    fn join(&self, mut parts: Vec<Value>, output: &Value, recording: &mut Recording) -> Result<()> {
        if self.op.reverse {
            parts.reverse();
        }
        strided_copy::lower(&Concat::new(self.at as isize).into(), &parts, output, recording)
    }
}

/// Whole rows in one dispatch.
fn whole(op: Cumulative, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let [outer, extent, inner] = op.extents(&input.shape)?;
    let rows = outer * inner;
    let function = if op.product { Binary::Mul } else { Binary::Add };
    let scalar = Scalar::from(input.dtype);
    let key = PipelineKey::new(
        Kernel::Cumulative,
        [
            ("LANES", LANES),
            ("PRODUCT", u32::from(op.product)),
            ("EXCLUSIVE", u32::from(op.exclusive)),
            ("REVERSE", u32::from(op.reverse)),
        ],
    );
    let key = key.with(Function::of_elements(function.into(), &[scalar; 2], scalar));
    let parameters = RowParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
    };
    let work = Work::of(rows.div_ceil(LANES as usize)).rounds(extent);
    recording.dispatch(Op::from(op).name(), key, &parameters, &[slot(input)?], &[slot(output)?], work)
}
