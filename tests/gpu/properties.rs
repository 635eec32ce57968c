//! The properties of `tests/common/properties` on the GPU, convolution with each algorithm.

use convoke::gpu::{Conv2dAlgorithm, DeviceClass};

use proptest::prelude::*;

use crate::random::convolutions::{convolutions, few_positions, fused, fused_over, larger_planes, pointwise, threes};
use crate::random::elementwise::linears;
use crate::random::windows::strips;
use crate::random::{Case, properties, run};
use crate::{Named, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials: Vec<Named> = properties()
        .into_iter()
        .map(|(name, check)| trial(format!("property/{name}"), move |gpu| check(gpu)))
        .collect();
    for class in [DeviceClass::Integrated, DeviceClass::Discrete] {
        trials.push(on_class(class, "fused", fused));
        trials.push(on_class(class, "fused/pointwise", pointwise));
        trials.push(on_class(class, "fused/few_positions", few_positions));
        trials.push(on_class(class, "fused/winograd", || fused_over(threes())));
        trials.push(on_class(class, "linear", linears));
        trials.push(on_class(class, "strips", strips));
    }
    // Their products by tiles.
    for (algorithm, name) in [
        (Conv2dAlgorithm::Im2col, "im2col"),
        (Conv2dAlgorithm::WinogradLarge, "winograd_large"),
    ] {
        trials.push(trial(format!("property/discrete/fused/{name}"), move |gpu| {
            let gpu = gpu.with_device_class(DeviceClass::Discrete).with_conv2d(algorithm);
            let checked = match algorithm {
                Conv2dAlgorithm::WinogradLarge => run(&gpu, 24, fused_over(threes()))?,
                _ => run(&gpu, 24, fused_over(larger_planes()))?,
            };
            if checked < 12 {
                return Err(format!("only {checked} of 24 cases were computed").into());
            }
            Ok(())
        }));
    }
    // The same cases for each algorithm; it is shrunk and counted by itself.
    for algorithm in Conv2dAlgorithm::ALL {
        trials.push(trial(format!("property/conv2d/{algorithm:?}"), move |gpu| {
            let gpu = gpu.with_conv2d(algorithm);
            let checked = match algorithm {
                Conv2dAlgorithm::Winograd | Conv2dAlgorithm::WinogradLarge => run(&gpu, 40, fused_over(threes()))?,
                Conv2dAlgorithm::Im2col => run(&gpu, 40, convolutions())? + run(&gpu, 60, fused_over(larger_planes()))?,
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

/// The same cases by the rules of another class of device.
fn on_class<S: Strategy<Value = Case> + 'static>(class: DeviceClass, name: &str, strategy: fn() -> S) -> Named {
    trial(format!("property/{}/{name}", class.name()), move |gpu| {
        let checked = run(&gpu.with_device_class(class), 24, strategy())?;
        if checked < 24 {
            return Err(format!("only {checked} of 24 cases were computed").into());
        }
        Ok(())
    })
}
