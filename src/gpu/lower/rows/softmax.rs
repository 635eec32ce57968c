//! Softmax and log-softmax: an invocation a row where rows are short or lie apart; a workgroup a row where it can keep one; maximum,
//! sum and result by themselves where rows are long.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::rows::kept::Kept;
use crate::gpu::lower::rows::reduce::{FEWEST_ALONG, Term, middle};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::{SoftmaxApplyParameters, SoftmaxParameters, SoftmaxRowsParameters};
use crate::ops::{ReduceKind, Softmax};

/// The longest row that an invocation computes alone, and rows so many that it does so with any row up to that.
const LONGEST_ALONE: usize = 1024;
const ENOUGH_ROWS: usize = 64;
/// Elements from which on a row is worth a workgroup that keeps it.
const SHORTEST_KEPT: usize = 64;
/// Elements of a row that an invocation computes, where the row's maximum and sum are known.
const ITEMS: usize = 4;

pub(crate) fn lower(op: &Softmax, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let axis = op.resolved_axis(&input.shape)?;
    let extent = input.shape[axis];
    let inner: usize = input.shape[axis + 1..].iter().product();
    let rows = elements(input) / extent;
    // Short rows and odd ones are faster by an invocation a row, or by reductions.
    if inner == 1
        && extent >= SHORTEST_KEPT
        && extent.is_multiple_of(4)
        && let Some(kept) = Kept::of_row(extent / 4, recording)
    {
        return by_kept(&kept, op, rows, input, output, recording);
    }
    let pays = extent > LONGEST_ALONE || (extent >= FEWEST_ALONG && rows < ENOUGH_ROWS);
    if pays && recording.capabilities.splits_sums() {
        return by_reductions(op, [rows / inner, extent, inner], input, output, recording);
    }
    let key = PipelineKey::new(Kernel::Softmax, [("LANES", LANES), ("IS_LOG", u32::from(op.log))]);
    let parameters = SoftmaxParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
    };
    let work = Work::of(rows.div_ceil(LANES as usize)).rounds(3 * extent);
    recording.dispatch(op.name(), key, &parameters, &[slot(input)?], &[slot(output)?], work)
}

fn by_kept(kept: &Kept, op: &Softmax, rows: usize, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let kernel = if kept.has_subgroup {
        Kernel::SoftmaxRowsSubgroup
    } else {
        Kernel::SoftmaxRows
    };
    let key = PipelineKey::new(kernel, kept.constants(&[("IS_LOG", u32::from(op.log))]));
    let parameters = SoftmaxRowsParameters {
        rows: rows as u32,
        extent: kept.reals as u32,
    };
    recording.dispatch(
        op.name(),
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        kept.work(rows, 3),
    )
}

fn by_reductions(op: &Softmax, extents: [usize; 3], input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let [outer, extent, inner] = extents;
    let name = op.name();
    let largest = middle(name, ReduceKind::Max, Term::Plain, extents, input, recording)?;
    let sums = middle(name, ReduceKind::Sum, Term::Exponential(&largest), extents, input, recording)?;
    let is_along = inner == 1;
    let rows = outer * inner;
    let (kernel, width) = if is_along && extent.is_multiple_of(4) {
        (Kernel::SoftmaxApplyQuads, 4)
    } else {
        (Kernel::SoftmaxApply, 1)
    };
    let extent = extent / width;
    let (chunks, workgroups) = if is_along {
        let chunks = extent.div_ceil(LANES as usize * ITEMS);
        (chunks, rows * chunks)
    } else {
        let chunks = extent.div_ceil(ITEMS);
        (chunks, (rows * chunks).div_ceil(LANES as usize))
    };
    let key = PipelineKey::new(
        kernel,
        [
            ("LANES", LANES),
            ("ITEMS", ITEMS as u32),
            ("IS_LOG", u32::from(op.log)),
            ("ALONG", u32::from(is_along)),
        ],
    );
    let parameters = SoftmaxApplyParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
        chunks: chunks as u32,
    };
    let inputs = [slot(input)?, slot(&largest)?, slot(&sums)?];
    recording.dispatch(name, key, &parameters, &inputs, &[slot(output)?], Work::of(workgroups))
}
