//! What every operator's lowering uses.

use crate::error::{Error, Result};
use crate::gpu::plan::recording::{Recording, SlotId, Value};

/// Declares a kernel's uniform parameters: the host's twin of the `Params` struct in its WGSL. Tests compare the layouts.
macro_rules! parameters {
    ($name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)+
        }

        #[cfg(test)]
        impl $name {
            /// Name and offset of each field.
            pub(crate) const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),+];
        }
    };
}
pub(crate) use parameters;

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
