//! Normalisation of each plane by its own mean and variance.

use super::{LANES, elements, parameters, slot};
use crate::error::Result;
use crate::gpu::recording::{Recording, SlotId, Value};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::ops::InstanceNorm;

parameters!(InstanceNormParameters {
    plane: u32,
    planes: u32,
    channels: u32,
    eps: f32
});

pub(super) fn lower(op: InstanceNorm, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let input = &inputs[0];
    let channels = input.shape[1];
    let planes = input.shape[0] * channels;
    let key = PipelineKey::new(Kernel::InstanceNorm, [("LANES", LANES)]);
    let parameters = InstanceNormParameters {
        plane: (elements(input) / planes) as u32,
        planes: planes as u32,
        channels: channels as u32,
        eps: op.eps,
    };
    let slots = inputs.iter().map(slot).collect::<Result<Vec<SlotId>>>()?;
    recording.dispatch("instance_norm", key, &parameters, &slots, &[slot(output)?], planes)
}
