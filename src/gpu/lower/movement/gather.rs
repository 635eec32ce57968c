//! Parts along an axis, by indices.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::GatherParameters;
use crate::ops::Gather;

pub(crate) fn lower(op: Gather, data: &Value, indices: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let [_, extent, inner] = op.extents(&data.shape)?;
    let (kernel, width) = if inner.is_multiple_of(4) {
        (Kernel::GatherQuads, 4)
    } else {
        (Kernel::Gather, 1)
    };
    let items = elements(output) / width;
    let parameters = GatherParameters {
        items: items as u32,
        extent: extent as i32,
        inner: (inner / width) as u32,
        indices: elements(indices) as u32,
    };
    recording.dispatch(
        "index_select",
        PipelineKey::new(kernel, [("LANES", LANES)]),
        &parameters,
        &[slot(data)?, slot(indices)?],
        &[slot(output)?],
        Work::of(items.div_ceil(LANES as usize)),
    )
}
