//! The cases of `tests/common/numerics` on the GPU, convolution with each algorithm.

use convoke::gpu::Conv2dAlgorithm;
use convoke::ops::{Conv2d, Fused, FusedBase, Op, Unary};
use convoke::testing::Random;
use convoke::{Gpu, PaddingMode};

use crate::check::check;
use crate::special;
use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials: Vec<Named> = special::CASES
        .into_iter()
        .map(|(name, case)| trial(name, move |gpu| case(gpu)))
        .collect();
    for algorithm in [Conv2dAlgorithm::Winograd, Conv2dAlgorithm::WinogradLarge] {
        trials.push(trial(format!("numerics/{algorithm:?}"), move |gpu| {
            special::winograd(&gpu.with_conv2d(algorithm), [3, 5])
        }));
        trials.push(trial(format!("numerics/{algorithm:?}/bands"), move |gpu| {
            bands(&gpu.with_conv2d(algorithm))
        }));
    }
    trials.extend(Conv2dAlgorithm::ALL.map(|algorithm| {
        trial(format!("numerics/conv2d/{algorithm:?}"), move |gpu| {
            conv2d(&gpu.with_conv2d(algorithm), algorithm)
        })
    }));
    trials
}

/// Planes whose tiles are transformed and multiplied in several bands of rows, the last one shorter, with a residual.
fn bands(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(9);
    for mode in PaddingMode::ALL {
        let op = Conv2d::new().padding(1).padding_mode(mode);
        let op = Op::from(Fused::new(FusedBase::Conv(op)).residual(true).activation(Unary::Relu));
        let shapes: [&[usize]; 4] = [&[2, 2, 130, 121], &[32, 2, 3, 3], &[32], &[2, 32, 130, 121]];
        let inputs = shapes.map(|shape| random.reals(shape));
        check(gpu, &op, &inputs)?;
    }
    Ok(())
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
