//! The device: adapters, memory, tensors, compiled pipelines, and what comes back from them.

pub(crate) mod adapter;
#[cfg(target_family = "wasm")]
pub(crate) mod browser;
pub(crate) mod capabilities;
pub(crate) mod constants;
pub(crate) mod context;
pub(crate) mod device_class;
pub(crate) mod faults;
pub(crate) mod features;
pub(crate) mod pipeline;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod pipeline_cache;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod poller;
pub(crate) mod pool;
pub(crate) mod raw_device;
pub(crate) mod readback;
pub(crate) mod stored;
pub(crate) mod tensor;
