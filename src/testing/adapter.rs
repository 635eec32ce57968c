//! The adapter of a test: one that must be there, or whose absence is seen.

use std::io::Write;

use crate::environment;
use crate::error::{Error, Result};
use crate::gpu::Gpu;

/// The environment variable that makes a missing adapter a failure.
const REQUIRE: &str = "CONVOKE_REQUIRE_GPU";

/// The GPU for a test: what [`Gpu::new`] opens, by `CONVOKE_ADAPTER`. Without an adapter it is `None`, for the test to return
/// early, and a line on stderr says so, even where a test harness keeps back what tests print.
///
/// Errors: `NoAdapter` where there is none and `CONVOKE_REQUIRE_GPU=1` is set, as it should be in CI, where a run that
/// skipped everything would look like success.
///
/// ```
/// use convoke::ops::Unary;
/// use convoke::testing::{self, Random, compare_exact};
///
/// // #[test]
/// fn relu_is_right() -> Result<(), Box<dyn std::error::Error>> {
///     let Some(gpu) = testing::gpu()? else { return Ok(()) };
///     let input = Random::new(7).integers(&[2, 3, 5]);
///     let output = gpu.unary(&gpu.upload(&input)?, Unary::Relu)?.read::<f32>()?;
///     Ok(compare_exact(&output, &input.mapv(|x| x.max(0.0)))?)
/// }
/// # relu_is_right().unwrap();
/// ```
pub fn gpu() -> Result<Option<Gpu>> {
    let required = environment::requires_gpu();
    match Gpu::new() {
        Ok(gpu) => Ok(Some(gpu)),
        Err(Error::NoAdapter(message)) if required => Err(Error::NoAdapter(format!(
            "{message}. {REQUIRE}=1: a missing adapter is a failure"
        ))),
        Err(error @ Error::NoAdapter(_)) => {
            // Where stderr is closed nobody can be told.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {error}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
