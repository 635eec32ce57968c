//! What several test binaries share: the golden cases and refusals as operators with inputs, and the notebook.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]
#![expect(clippy::expect_used, reason = "a broken fixture ends the test")]

mod goldens;
pub(crate) mod notebook;
mod refusals;

pub(crate) use goldens::{Case, golden_cases};
pub(crate) use refusals::{Refusal, refusals};
