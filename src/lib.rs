//! Convolutional networks on any GPU that WebGPU reaches.

mod backend;
#[cfg(feature = "safetensors")]
pub mod digits;
pub mod error;
pub mod gpu;
pub mod graph;
pub mod nn;
pub mod ops;
mod padding;
pub mod reference;
mod shape;
pub mod testing;
pub mod weights;

pub use backend::Backend;
pub use error::{Error, Result};
pub use gpu::Gpu;
pub use graph::Session;
pub use padding::{Padding2d, PaddingMode};
pub use shape::Size2d;
pub use wgpu;
