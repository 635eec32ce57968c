//! What every operator's lowering uses.

use crate::error::{Error, Result};
use crate::gpu::plan::recording::{Recording, SlotId, Value};

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
