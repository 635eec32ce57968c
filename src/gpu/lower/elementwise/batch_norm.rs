//! Batch normalisation with given statistics.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::elementwise::ITEMS;
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::elementwise::BatchNormParameters;
use crate::ops::BatchNorm;

pub(crate) fn lower(op: BatchNorm, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let input = &inputs[0];
    let channels = input.shape[1];
    let planes = input.shape[0] * channels;
    let plane = elements(input) / planes;
    let chunks = plane.div_ceil((LANES * ITEMS) as usize);
    let key = PipelineKey::new(Kernel::BatchNorm, [("LANES", LANES), ("ITEMS", ITEMS)]);
    let parameters = BatchNormParameters {
        plane: plane as u32,
        chunks: chunks as u32,
        planes: planes as u32,
        channels: channels as u32,
        eps: op.eps,
    };
    let slots = inputs.iter().map(slot).collect::<Result<Vec<SlotId>>>()?;
    recording.dispatch(
        "batch_norm",
        key,
        &parameters,
        &slots,
        &[slot(output)?],
        Work::of(planes * chunks),
    )
}
