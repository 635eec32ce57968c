//! The adapter of a test binary, named before its trials. With `CONVOKE_REQUIRE_GPU=1` there must be one.

use convoke::Gpu;

/// The device that trials share; `None` is for them to be shown as ignored.
pub(crate) fn adapter() -> Option<Gpu> {
    match Gpu::new() {
        Ok(gpu) => {
            println!("adapter: {}", gpu.info());
            Some(gpu)
        }
        Err(error) => {
            println!("adapter: none ({error})");
            if std::env::var("CONVOKE_REQUIRE_GPU").is_ok_and(|value| value == "1") {
                println!("CONVOKE_REQUIRE_GPU=1: a missing adapter is a failure");
                std::process::exit(1);
            }
            println!("every trial on the GPU is skipped");
            None
        }
    }
}
