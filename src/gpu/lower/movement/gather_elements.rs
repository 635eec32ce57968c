//! Elements along an axis, each by an index of its own.

use super::lines;
use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::ops::GatherElements;
use crate::shape;

const NAME: &str = "gather";

pub(crate) fn lower(op: GatherElements, data: &Value, indices: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let axis = shape::axis(NAME, op.axis, data.shape.len())?;
    let extents = [data.shape[axis], indices.shape[axis]];
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::GatherElements, [("LANES", LANES), ("AXES", MOST_AXES as u32)]),
        &lines::parameters(NAME, op.axis, output, data, extents)?,
        &[slot(data)?, slot(indices)?],
        &[slot(output)?],
        Work::of(elements(output).div_ceil(LANES as usize)),
    )
}
