//! Helpers for tests of implementations: an adapter that may not be missed, seeded data, comparison within a bound, PyTorch's
//! golden cases. `docs/headless-ci.md` says how to run such tests on machines without a GPU.
//!
//! ```
//! use convoke::{ops::Unary, reference::{self, Answer}, testing::{Random, compare}};
//! let input = Random::new(7).reals(&[2, 3]);
//! let want = reference::run(&Unary::Relu.into(), &[&Answer::exact(input.view())])?;
//! compare(&input.mapv(|x| x.max(0.0)), &want[0]).unwrap();
//! assert!(compare(&input.mapv(|x| x.max(0.1)), &want[0]).is_err());
//! # Ok::<(), convoke::Error>(())
//! ```

#[cfg(not(target_family = "wasm"))]
mod adapter;
#[cfg(feature = "onnx")]
pub mod conformance;
#[cfg(feature = "safetensors")]
mod golden;
mod random;

pub use crate::reference::{Mismatch, compare, compare_close, compare_exact};
#[cfg(not(target_family = "wasm"))]
pub use adapter::gpu;
#[cfg(feature = "safetensors")]
pub use golden::{Golden, GoldenCase};
pub use random::Random;
