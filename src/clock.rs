//! The host's clock: the standard library has none in a browser.

#[cfg(not(target_family = "wasm"))]
pub(crate) use std::time::Instant;

#[cfg(target_family = "wasm")]
pub(crate) use web_time::Instant;
