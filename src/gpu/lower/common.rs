//! What every operator's lowering uses.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::FillParameters;

/// The buffer of a tensor that has elements: its operator's output has some.
pub(crate) fn slot(value: &Value) -> Result<SlotId> {
    value.slot.ok_or_else(|| {
        Error::Internal(format!(
            "a tensor of shape {:?} without a buffer reached a kernel",
            value.shape
        ))
    })
}

/// Whether a value may change from run to run.
pub(crate) fn varies(value: &Value, recording: &Recording) -> bool {
    value.slot.is_some_and(|slot| !recording.slots[slot.0].constant)
}

pub(crate) fn elements(value: &Value) -> usize {
    value.shape.iter().product()
}

/// Writes one value everywhere.
pub(crate) fn fill(name: &'static str, value: f32, output: &Value, recording: &mut Recording) -> Result<()> {
    let outputs = elements(output);
    let parameters = FillParameters {
        elements: outputs as u32,
        bits: value.to_bits(),
    };
    let key = PipelineKey::new(Kernel::Fill, [("LANES", LANES)]);
    let work = Work::of(outputs.div_ceil(LANES as usize));
    recording.dispatch(name, key, &parameters, &[], &[slot(output)?], work)
}
