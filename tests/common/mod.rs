//! What several test binaries share: the golden cases and refusals as operators with inputs, and the notebook.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]
#![expect(clippy::expect_used, clippy::panic, reason = "a broken fixture ends the test")]

#[cfg(feature = "safetensors")]
mod goldens;
pub(crate) mod notebook;
pub(crate) mod record;
#[cfg(feature = "safetensors")]
mod refusals;
pub(crate) mod root;

#[cfg(feature = "safetensors")]
pub(crate) use goldens::{Case, golden_cases};
#[cfg(feature = "safetensors")]
pub(crate) use refusals::{Refusal, refusals};
