//! Convolutional networks on any GPU that WebGPU reaches.

pub mod error;
pub mod ops;
mod padding;
pub mod reference;
mod shape;
pub mod testing;

pub use error::{Error, Result};
pub use padding::{Padding2d, PaddingMode};
pub use shape::Size2d;
