//! Every environment variable that the library reads. The crate's documentation has them all.

use std::ffi::OsString;

/// `CONVOKE_ADAPTER`, where it is not empty.
pub(crate) fn adapter() -> Option<String> {
    text("CONVOKE_ADAPTER")
}

/// `CONVOKE_DEVICE_CLASS`, where it is not empty.
pub(crate) fn device_class() -> Option<String> {
    text("CONVOKE_DEVICE_CLASS")
}

/// `CONVOKE_LIMITS`, where it is not empty.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn limits() -> Option<String> {
    text("CONVOKE_LIMITS")
}

/// `CONVOKE_DUMP_WGSL`: the directory of the final text of every kernel.
pub(crate) fn dump_wgsl() -> Option<OsString> {
    std::env::var_os("CONVOKE_DUMP_WGSL")
}

/// `CONVOKE_DUMP_BROWSER_WGSL`: the directory of the text that a browser would get.
pub(crate) fn dump_browser_wgsl() -> Option<OsString> {
    std::env::var_os("CONVOKE_DUMP_BROWSER_WGSL")
}

/// Whether `CONVOKE_REQUIRE_GPU` is 1: a missing adapter fails tests.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn requires_gpu() -> bool {
    text("CONVOKE_REQUIRE_GPU").is_some_and(|value| value == "1")
}

/// `CONVOKE_WRONG_KERNEL`.
#[cfg(feature = "wrong-kernel")]
pub(crate) fn wrong_kernel() -> Option<String> {
    std::env::var("CONVOKE_WRONG_KERNEL").ok()
}

/// `CONVOKE_LOOPS`.
#[cfg(feature = "wrong-kernel")]
pub(crate) fn loops() -> Option<String> {
    std::env::var("CONVOKE_LOOPS").ok()
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
