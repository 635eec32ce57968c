//! Softmax and log-softmax: an invocation a row where rows are short or lie apart; a workgroup a row where it can keep one; maximum,
//! sum and result by themselves where rows are long.

use crate::error::Result;
use crate::gpu::choose::rules::{LANES, long_row_lanes};
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::rows::reduce::{FEWEST_ALONG, Term, middle};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::{SoftmaxApplyParameters, SoftmaxParameters, SoftmaxRowsParameters};
use crate::ops::{ReduceKind, Softmax};

/// The longest row that an invocation computes alone, and rows so many that it does so with any row up to that.
const LONGEST_ALONE: usize = 1024;
const ENOUGH_ROWS: usize = 64;
/// Elements from which on a row is worth a workgroup that keeps it, and vectors that a lane keeps at most.
const SHORTEST_KEPT: usize = 64;
const MOST_KEPT: usize = 32;
/// Elements of a row that an invocation computes, where the row's maximum and sum are known.
const ITEMS: usize = 4;

pub(crate) fn lower(op: &Softmax, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let axis = op.resolved_axis(&input.shape)?;
    let extent = input.shape[axis];
    let inner: usize = input.shape[axis + 1..].iter().product();
    let rows = elements(input) / extent;
    if inner == 1
        && let Some(kept) = Kept::of_row(extent, recording)
    {
        return kept.lower(op, rows, input, output, recording);
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

/// How the lanes of a workgroup keep a row of whole vectors of four.
struct Kept {
    lanes: u32,
    /// Of a row.
    vectors: usize,
    /// Vectors that a lane keeps.
    items: usize,
}

impl Kept {
    /// None where an invocation a row, or reductions, are faster: short rows, odd ones, and those too long to be kept.
    fn of_row(extent: usize, recording: &Recording) -> Option<Self> {
        let class = recording.capabilities.class;
        let lanes = if class == DeviceClass::Software {
            8
        } else {
            long_row_lanes(class)
        };
        let vectors = extent / 4;
        let items = vectors.div_ceil(lanes as usize).next_power_of_two();
        let pays = extent >= SHORTEST_KEPT && extent.is_multiple_of(4) && items <= MOST_KEPT;
        pays.then_some(Self { lanes, vectors, items })
    }

    fn lower(&self, op: &Softmax, rows: usize, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
        let has_subgroup = self.lanes == 8 && recording.capabilities.broadcast;
        // Trees through workgroup memory; a subgroup needs no rounds.
        let (kernel, rounds) = if has_subgroup {
            (Kernel::SoftmaxRowsSubgroup, 0)
        } else {
            (Kernel::SoftmaxRows, 3 * self.lanes.ilog2() as usize)
        };
        let key = PipelineKey::new(
            kernel,
            [
                ("LANES", self.lanes),
                ("ITEMS", self.items as u32),
                ("WHOLE", u32::from(self.vectors == self.items * self.lanes as usize)),
                ("IS_LOG", u32::from(op.log)),
            ],
        );
        let parameters = SoftmaxRowsParameters {
            rows: rows as u32,
            extent: self.vectors as u32,
        };
        let work = Work::of(rows).rounds(rounds);
        recording.dispatch(op.name(), key, &parameters, &[slot(input)?], &[slot(output)?], work)
    }
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
