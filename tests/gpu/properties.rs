//! The properties of `tests/common/properties` on the GPU, convolution with each algorithm.

use convoke::gpu::Conv2dAlgorithm;

use crate::random::convolutions::{convolutions, fused_over, threes};
use crate::random::{properties, run};
use crate::{Named, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials: Vec<Named> = properties()
        .into_iter()
        .map(|(name, check)| trial(format!("property/{name}"), move |gpu| check(gpu)))
        .collect();
    // The same cases for each algorithm; it is shrunk and counted by itself.
    for algorithm in Conv2dAlgorithm::ALL {
        trials.push(trial(format!("property/conv2d/{algorithm:?}"), move |gpu| {
            let gpu = gpu.with_conv2d(algorithm);
            let checked = match algorithm {
                Conv2dAlgorithm::Winograd => run(&gpu, 40, fused_over(threes()))?,
                _ => run(&gpu, 40, convolutions())?,
            };
            // A third of the cases are pointwise, a third depthwise; Winograd's are all its own.
            let needs_subgroups = matches!(algorithm, Conv2dAlgorithm::DirectBroadcast | Conv2dAlgorithm::GemmBroadcast);
            let has_subgroups = gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8;
            if checked < 8 && (has_subgroups || !needs_subgroups) {
                return Err(format!("{algorithm:?} computed only {checked} of 40 cases").into());
            }
            Ok(())
        }));
    }
    trials
}
