//! The host's clock: the standard library has none in a browser.

use std::time::Duration;

#[cfg(not(target_family = "wasm"))]
pub(crate) use std::time::Instant;

#[cfg(target_family = "wasm")]
pub(crate) use web_time::Instant;

/// What the clock tells within a part in twenty or better: it ticks by up to 0.1 ms in a browser.
pub(crate) const SPAN: Duration = Duration::from_millis(if cfg!(target_family = "wasm") { 2 } else { 0 });
