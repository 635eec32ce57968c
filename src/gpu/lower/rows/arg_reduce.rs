//! The place of the largest or the smallest element along an axis: an invocation a row, or a workgroup where rows are long.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::rows::reduce::FEWEST_ALONG;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::RowParameters;
use crate::ops::{ArgReduce, Op};

/// Rows so many that an invocation computes each, where their elements lie apart.
const ENOUGH_ROWS: usize = 1024;

pub(crate) fn lower(op: ArgReduce, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let [outer, extent, inner] = op.extents(&input.shape)?;
    let rows = outer * inner;
    let together = extent >= FEWEST_ALONG && (inner == 1 || rows < ENOUGH_ROWS);
    let (workgroups, rounds) = if together {
        (rows, extent.div_ceil(LANES as usize) + LANES.ilog2() as usize)
    } else {
        (rows.div_ceil(LANES as usize), extent)
    };
    let key = PipelineKey::new(
        Kernel::ArgReduce,
        [
            ("LANES", LANES),
            ("LARGEST", u32::from(op.largest)),
            ("LAST", u32::from(op.last)),
            ("TOGETHER", u32::from(together)),
            ("IS_WHOLE", u32::from(!input.dtype.is_float())),
        ],
    );
    let parameters = RowParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
    };
    let work = Work::of(workgroups).rounds(rounds);
    recording.dispatch(Op::from(op).name(), key, &parameters, &[slot(input)?], &[slot(output)?], work)
}
