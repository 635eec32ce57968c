//! Fuzz targets for cargo-fuzz, one for each kind of file that convoke reads. `docs/testing.md` says how they are run.

mod mutator;
mod targets;
#[path = "../../tests/mutations/wire.rs"]
mod wire;

pub use mutator::with_changed_fields;
pub use targets::*;
