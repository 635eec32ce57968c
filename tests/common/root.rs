//! Where the repository is: `CONVOKE_ROOT`, for test binaries that are carried to another machine, or where they were built.

use std::path::PathBuf;

pub(crate) fn root() -> PathBuf {
    std::env::var_os("CONVOKE_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}
