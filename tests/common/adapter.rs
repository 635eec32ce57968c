//! The adapter of a test binary, named before its trials. With `CONVOKE_REQUIRE_GPU=1` there must be one.

use convoke::{Gpu, testing};

/// The device that trials share; `None` is for them to be shown as ignored.
pub(crate) fn adapter() -> Option<Gpu> {
    match testing::gpu() {
        Ok(Some(gpu)) => {
            println!("adapter: {}", gpu.info());
            Some(gpu)
        }
        Ok(None) => {
            println!("adapter: none; every trial on the GPU is skipped");
            None
        }
        Err(error) => {
            println!("adapter: none ({error})");
            std::process::exit(1);
        }
    }
}
