//! The cases of `tests/common/numerics` on the GPU, convolution with each algorithm.

use convoke::Gpu;
use convoke::gpu::Conv2dAlgorithm;

use crate::special;
use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials: Vec<Named> = special::CASES
        .into_iter()
        .map(|(name, case)| trial(name, move |gpu| case(gpu)))
        .collect();
    trials.push(trial("numerics/winograd", |gpu| {
        special::winograd(&gpu.with_conv2d(Conv2dAlgorithm::Winograd))
    }));
    trials.extend(Conv2dAlgorithm::ALL.map(|algorithm| {
        trial(format!("numerics/conv2d/{algorithm:?}"), move |gpu| {
            conv2d(&gpu.with_conv2d(algorithm), algorithm)
        })
    }));
    trials
}

/// What an algorithm cannot compute it refuses, but not everything.
fn conv2d(gpu: &Gpu, algorithm: Conv2dAlgorithm) -> Outcome {
    let count = special::conv2d(gpu)?;
    let needs_subgroups = matches!(algorithm, Conv2dAlgorithm::DirectBroadcast | Conv2dAlgorithm::GemmBroadcast);
    let has_subgroups = gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8;
    if count == 0 && (has_subgroups || !needs_subgroups) {
        return Err(format!("{algorithm:?} computed nothing").into());
    }
    Ok(())
}
