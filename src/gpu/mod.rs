//! The GPU backend: adapters, tensors, and every operator as WGSL kernels.
//!
//! ```no_run
//! use convoke::{PaddingMode, gpu::Gpu, ops::Conv2d};
//! use ndarray::Array4;
//!
//! let gpu = Gpu::new()?;
//! let image = gpu.upload(&Array4::<f32>::ones((1, 3, 32, 32)).into_dyn())?;
//! let weight = gpu.upload(&Array4::<f32>::ones((8, 3, 3, 3)).into_dyn())?;
//! let conv = Conv2d::new().padding(1).padding_mode(PaddingMode::Circular);
//! let features = gpu.conv2d(&image, &weight, None, &conv)?;
//! println!("{}", features.read::<f32>()?);
//! # Ok::<(), convoke::Error>(())
//! ```

mod builder;
mod choose;
mod device;
mod eager;
mod engine;
mod lower;
mod picture;
mod plan;
mod roofline;
mod tuning;
#[cfg(test)]
mod validation;
mod wgsl;

#[cfg(not(target_family = "wasm"))]
pub use crate::gpu::builder::adapters;
pub use crate::gpu::builder::{GpuBuilder, adapters_async};
pub use crate::gpu::choose::kernel_choice::KernelChoice;
pub use crate::gpu::choose::problem::Conv2dAlgorithm;
pub use crate::gpu::choose::signature::LayerSignature;
pub use crate::gpu::device::adapter::{AdapterChoice, AdapterInfo, AdapterKind};
pub use crate::gpu::device::device_class::DeviceClass;
#[cfg(test)]
pub(crate) use crate::gpu::device::faults::Fault;
pub use crate::gpu::device::features::{MissingFeature, device_descriptor};
/// For tests: the file that keeps pipelines.
#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub use crate::gpu::device::pipeline_cache::{pack as pack_pipelines, unpack as unpack_pipelines};
pub use crate::gpu::device::tensor::Tensor;
pub use crate::gpu::eager::{Counters, Gpu};
pub use crate::gpu::engine::{LayerChoice, LayerOperand, Resident};
pub use crate::gpu::picture::{
    Filter, LumaChroma, PictureInput, PictureLayout, PictureOptions, PictureOutput, PixelFormat, Placement,
};
pub use crate::gpu::plan::executable::Memory;
pub use tuning::{Candidate, CandidateOutcome, TunedAdapter, TunedLayer, TuningPlan};

pub(crate) use crate::gpu::engine::GpuEngine;
