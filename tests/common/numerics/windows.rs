//! Special numbers under windows: pooling and convolution.

use convoke::ops::{AdaptiveMaxPool2d, AvgPool2d, Conv2d, LpPool2d, MaxPool2d};
use convoke::testing::Random;
use convoke::{Padding2d, PaddingMode};
use libtest_mimic::Failed;
use ndarray::{ArrayD, Axis, IxDyn};

use super::sprinkled;
use crate::device::{Device, Outcome, check, check_exact, computed};

/// The kernel for small windows, the one for any window and the one with indices, from all finite to mostly special.
pub(super) fn max_pool2d(device: &dyn Device) -> Outcome {
    let small = MaxPool2d::new([3, 2]).stride([2, 1]).padding([1, 1]).ceil_mode(true);
    let large = MaxPool2d::new([12, 11]).stride([1, 3]).padding([4, 5]);
    let dilated = MaxPool2d::new([2, 3]).dilation([3, 2]).stride(1).padding([1, 2]);
    let mut random = Random::new(1);
    for every in [1, 2, 5, 40] {
        let input = sprinkled(&mut random, &[2, 3, 13, 17], every);
        for op in [small, large, dilated] {
            for indices in [false, true] {
                check_exact(device, &op.return_indices(indices).into(), std::slice::from_ref(&input))?;
            }
        }
        let adaptive = AdaptiveMaxPool2d::new([4, 5]).return_indices(true);
        check_exact(device, &adaptive.into(), &[input])?;
    }
    Ok(())
}

/// Padding never wins, not even over minus infinity.
pub(super) fn minus_infinity(device: &dyn Device) -> Outcome {
    let input = ArrayD::from_elem(IxDyn(&[1, 2, 4, 5]), f32::NEG_INFINITY);
    for kernel in [[2, 3], [4, 5], [12, 11]] {
        let op = MaxPool2d::new(kernel)
            .stride(1)
            .padding([kernel[0] as isize / 2, kernel[1] as isize / 2]);
        let values = device.run_floats(&op.into(), &[&input])?.swap_remove(0);
        if values.iter().any(|&x| x != f32::NEG_INFINITY) {
            return Err(format!("{kernel:?}: {values}").into());
        }
        check_exact(device, &op.return_indices(true).into(), std::slice::from_ref(&input))?;
    }
    Ok(())
}

pub(super) fn avg_pool2d(device: &dyn Device) -> Outcome {
    let mut random = Random::new(2);
    for every in [2, 12, 60] {
        let input = sprinkled(&mut random, &[2, 3, 13, 17], every);
        for kernel in [[3, 2], [12, 11]] {
            let op = AvgPool2d::new(kernel).stride([2, 1]).padding([1, 1]).ceil_mode(true);
            check(device, &op.into(), std::slice::from_ref(&input))?;
            check(device, &op.count_include_pad(false).into(), std::slice::from_ref(&input))?;
        }
    }
    Ok(())
}

/// Special numbers, and elements whose powers are out of range.
pub(super) fn lp_pool2d(device: &dyn Device) -> Outcome {
    let mut random = Random::new(7);
    for p in [1, 2, 3, 7] {
        let op = LpPool2d::new(p, [3, 2]).stride([2, 1]).padding([1, 1]).ceil_mode(true);
        for every in [2, 12, 60] {
            check(device, &op.into(), &[sprinkled(&mut random, &[2, 3, 13, 17], every)])?;
        }
        for scale in [1e-30, 1e30] {
            check(device, &op.into(), &[random.reals(&[2, 3, 13, 17]).mapv(|x| scale * x)])?;
        }
        check(device, &op.into(), &[ArrayD::zeros(IxDyn(&[1, 1, 5, 6]))])?;
    }
    Ok(())
}

/// A special number reaches the outputs whose windows hold it; neither other windows, channels, groups and batch entries
/// nor the idle lanes and padded channels of a block carry it further. Gives
/// how many cases were computed.
pub(crate) fn conv2d(device: &dyn Device) -> Result<u32, Failed> {
    let plain = Conv2d::new();
    // Two output channels of three are finite, and so is one batch entry.
    let cases = [
        (plain, [2, 3, 5, 9], [3, 3, 1, 1]),
        (plain.groups(2), [2, 4, 5, 7], [6, 2, 1, 1]),
        (plain.stride([2, 3]), [2, 3, 7, 10], [3, 3, 1, 1]),
        (plain.stride([3, 3]).groups(3), [2, 3, 8, 9], [3, 1, 2, 2]),
        (plain.padding([2, 1]), [2, 2, 6, 9], [3, 2, 3, 2]),
        (plain.padding(1).groups(3), [2, 3, 6, 9], [3, 1, 3, 3]),
        (plain.padding(1), [2, 3, 6, 11], [3, 3, 3, 3]),
        (plain.padding(1), [2, 16, 6, 13], [17, 16, 3, 3]),
        (plain.padding([4, 5]).dilation([4, 5]), [2, 17, 5, 13], [70, 17, 3, 3]),
        (
            plain.padding(Padding2d::new(1, 2, 0, 3)).padding_mode(PaddingMode::Reflect),
            [2, 2, 6, 9],
            [3, 2, 3, 2],
        ),
    ];
    let mut count = 0;
    for (seed, (op, input_shape, weight_shape)) in cases.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        let weight = random.integers(&weight_shape);
        let bias = random.integers(&weight_shape[..1]);
        for special in [f32::NAN, f32::INFINITY] {
            let mut input = random.integers(&input_shape);
            for y in (1..input_shape[2]).step_by(2) {
                input[[1, 0, y, y % input_shape[3]]] = special;
            }
            count += u32::from(computed(device, &op.into(), &[input, weight.clone(), bias.clone()], true)?);
            // Now in the weight of the last output channel: zeros of the padding times infinity are NaN.
            let mut weight = weight.clone();
            weight[[weight_shape[0] - 1, 0, 0, 0]] = special;
            count += u32::from(computed(
                device,
                &op.into(),
                &[random.integers(&input_shape), weight, bias.clone()],
                true,
            )?);
        }
    }
    Ok(count)
}

/// Winograd's sums of pixels and of weights overflow where the definition's do not, and are NaN where infinities meet: such
/// outputs must be those of the definition, whatever the padding, and the others untouched.
pub(crate) fn winograd(device: &dyn Device, [ins, outs]: [usize; 2]) -> Outcome {
    let (images, kernels) = ([2, ins, 7, 11], [outs, ins, 3, 3]);
    let mut random = Random::new(11);
    for mode in PaddingMode::ALL {
        let op = Conv2d::new().padding(Padding2d::new(2, 1, 1, 3)).padding_mode(mode);
        for every in [2, 9, 40, 200] {
            let input = sprinkled(&mut random, &images, every);
            let weight = random.integers(&kernels);
            check_exact(device, &op.into(), &[input, weight, random.integers(&[outs])])?;
            let input = random.integers(&images);
            let weight = sprinkled(&mut random, &kernels, every);
            check_exact(device, &op.into(), &[input, weight])?;
        }
        // Nine products are within range in any order. Four pixels are not, nor are three weights.
        let mut signs = |shape: &[usize], size: f32| {
            let mut all = random.integers(shape).mapv(|x| size.copysign(x));
            all.slice_axis_mut(Axis(1), (1..).into()).fill(0.0);
            all
        };
        for (pixel, factor) in [(1.2e38, 0.25), (0.25, 1.2e38)] {
            let input = signs(&images, pixel);
            let weight = signs(&kernels, factor);
            check(device, &op.into(), &[input.clone(), weight.clone()])?;
            check(device, &op.into(), &[input.mapv(f32::abs), weight.mapv(f32::abs)])?;
        }
        // Far apart in size, so that small sums are what large ones leave.
        for exponent in [-30.0, 10.0, 18.0] {
            let mut spread = |shape: &[usize]| {
                let sizes = random.reals(shape).mapv(|x| f32::exp2(exponent * x.abs()));
                sizes * random.reals(shape)
            };
            let input = spread(&images);
            check(device, &op.into(), &[input, spread(&kernels), random.reals(&[outs])])?;
        }
    }
    Ok(())
}
