//! What the npm package `convoke` (`web/`) has of WebAssembly: a thin layer over the library for its JavaScript, which keeps what
//! users see. Names and types here are not the package's; `web/src/index.d.ts` is what those are.
//!
//! Natively this crate is empty.

#![cfg(target_family = "wasm")]

#[cfg(feature = "onnx")]
mod bound;
#[cfg(feature = "conformance")]
pub mod conformance;
mod device;
mod error;
#[cfg(feature = "onnx")]
mod network;
pub mod operators;
#[cfg(feature = "onnx")]
mod reports;
mod tensor;
#[cfg(feature = "threads")]
pub use wasm_bindgen_rayon::init_thread_pool;
