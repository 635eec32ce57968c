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
pub(crate) use goldens::Case;
#[cfg(feature = "safetensors")]
pub(crate) use refusals::{Refusal, refusals};

/// Every golden case in `tests/data`.
#[cfg(feature = "safetensors")]
pub(crate) fn golden_cases() -> Vec<Case> {
    let cases = goldens::files().flat_map(|file| {
        let path = root::root().join(format!("tests/data/{file}.safetensors"));
        goldens::cases_in(file, &std::fs::read(path).expect("a file of golden cases"))
    });
    cases.collect()
}
