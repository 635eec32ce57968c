//! `padding.wgsl` against `PaddingMode::source_index` for every legal amount, and padding fused into a convolution
//! against padding first, bit for bit.

use convoke::gpu::Conv2dAlgorithm;
use convoke::ops::{Conv2d, Pad2d};
use convoke::testing::{Random, compare_exact};
use convoke::{Error, Gpu, Padding2d, PaddingMode};
use ndarray::{Array4, ArrayD};

use crate::{Named, Outcome, trial};

pub(crate) fn trials() -> Vec<Named> {
    let mut trials = Vec::new();
    for mode in PaddingMode::ALL {
        trials.push(trial(format!("padding/pad2d/{mode}"), move |gpu| pad2d(gpu, mode)));
        for algorithm in Conv2dAlgorithm::ALL {
            trials.push(trial(format!("padding/conv2d/{mode}/{algorithm:?}"), move |gpu| {
                conv2d(gpu, mode, algorithm)
            }));
            trials.push(trial(format!("padding/fused/{mode}/{algorithm:?}"), move |gpu| {
                fused(gpu, mode, algorithm)
            }));
        }
    }
    trials
}

/// The most that a side may have; modes without a limit go well past the extent.
fn most(mode: PaddingMode, extent: usize) -> isize {
    let extent = extent as isize;
    match mode {
        PaddingMode::Reflect => extent - 1,
        PaddingMode::Circular => extent,
        PaddingMode::Zeros | PaddingMode::Replicate => extent + 2,
    }
}

/// A plane of distinct values, none of them 0.
fn distinct(height: usize, width: usize) -> Array4<f32> {
    Array4::from_shape_fn((1, 1, height, width), |(_, _, y, x)| (1 + y * width + x) as f32)
}

/// The plane's padding by the host's map.
fn padded(mode: PaddingMode, plane: &Array4<f32>, padding: Padding2d) -> ArrayD<f32> {
    let (_, _, height, width) = plane.dim();
    let size = |extent: usize, before: isize, after: isize| (extent as isize + before + after) as usize;
    let shape = (
        1,
        1,
        size(height, padding.top, padding.bottom),
        size(width, padding.left, padding.right),
    );
    Array4::from_shape_fn(shape, |(_, _, y, x)| {
        let row = mode.source_index(y as isize - padding.top, height);
        let column = mode.source_index(x as isize - padding.left, width);
        row.zip(column).map_or(0.0, |(row, column)| plane[[0, 0, row, column]])
    })
    .into_dyn()
}

/// Both axes at once: every (before, after) across, the same two exchanged down.
fn pad2d(gpu: &Gpu, mode: PaddingMode) -> Outcome {
    for extent in 1..=7 {
        let plane = distinct(extent, extent);
        let input = gpu.upload(&plane)?;
        for left in 0..=most(mode, extent) {
            for right in 0..=most(mode, extent) {
                let padding = Padding2d::new(left, right, right, left);
                let got = gpu.pad2d(&input, &Pad2d::new(padding).mode(mode))?.read::<f32>()?;
                compare_exact(&got, &padded(mode, &plane, padding)).map_err(|error| format!("{extent}, {padding}: {error}"))?;
            }
        }
        if mode == PaddingMode::Reflect || mode == PaddingMode::Circular {
            let over = most(mode, extent) + 1;
            let op = Pad2d::new(Padding2d::new(over, 0, 0, 0)).mode(mode);
            if !matches!(gpu.pad2d(&input, &op), Err(Error::InvalidArgument { .. })) {
                return Err(format!("{mode} of {over} on {extent} was not refused").into());
            }
        }
    }
    Ok(())
}

/// Whether the algorithm computes convolutions with padding on this adapter. Depthwise is one of them: the plane is one
/// channel.
fn applies(gpu: &Gpu, algorithm: Conv2dAlgorithm) -> bool {
    match algorithm {
        Conv2dAlgorithm::DirectBroadcast => gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8,
        Conv2dAlgorithm::Direct | Conv2dAlgorithm::Depthwise | Conv2dAlgorithm::Tiled | Conv2dAlgorithm::Im2col => true,
        _ => false,
    }
}

/// A convolution with a 1x1 weight of 1 shows what its padding reads, across and down.
fn conv2d(gpu: &Gpu, mode: PaddingMode, algorithm: Conv2dAlgorithm) -> Outcome {
    let gpu = gpu.with_conv2d(algorithm);
    let weight = gpu.upload(&Array4::<f32>::ones((1, 1, 1, 1)))?;
    let mut computed = 0;
    for extent in 1..=7 {
        for (plane, across) in [(distinct(2, extent), true), (distinct(extent, 2), false)] {
            let input = gpu.upload(&plane)?;
            for before in 0..=most(mode, extent) {
                for after in 0..=most(mode, extent) {
                    let padding = if across {
                        Padding2d::new(before, after, 0, 0)
                    } else {
                        Padding2d::new(0, 0, before, after)
                    };
                    let op = Conv2d::new().padding(padding).padding_mode(mode);
                    let output = match gpu.conv2d(&input, &weight, None, &op) {
                        Err(Error::Unsupported { .. }) => continue,
                        output => output?,
                    };
                    if padding != Padding2d::NONE {
                        computed += 1;
                    }
                    compare_exact(&output.read::<f32>()?, &padded(mode, &plane, padding))
                        .map_err(|error| format!("{extent}, {padding}: {error}"))?;
                }
            }
        }
    }
    if applies(&gpu, algorithm) && computed == 0 {
        return Err(format!("{algorithm:?} computed no padded convolution").into());
    }
    Ok(())
}

/// Padding inside the convolution gives the bits of padding first and then convolving without. The same algorithm sees
/// the same output extents, so it takes the same blocks and the same order of summation.
fn fused(gpu: &Gpu, mode: PaddingMode, algorithm: Conv2dAlgorithm) -> Outcome {
    let gpu = gpu.with_conv2d(algorithm);
    let plain = Conv2d::new();
    let cases = [
        (plain, [2, 3, 6, 9], [5, 3, 3, 3], Padding2d::new(1, 1, 1, 1)),
        (plain.groups(2), [1, 4, 5, 8], [6, 2, 3, 2], Padding2d::new(3, 0, 1, 4)),
        (plain.stride([2, 3]), [1, 2, 7, 11], [9, 2, 2, 3], Padding2d::new(0, 5, 2, 1)),
        (
            plain.dilation([2, 1]).groups(3),
            [2, 3, 8, 6],
            [3, 1, 3, 4],
            Padding2d::new(2, 3, 1, 0),
        ),
        (plain, [2, 2, 7, 12], [3, 2, 3, 3], Padding2d::new(2, 4, 3, 1)),
        (
            plain.groups(2).stride([1, 2]),
            [1, 2, 7, 9],
            [4, 1, 1, 3],
            Padding2d::new(1, 2, 0, 5),
        ),
    ];
    let mut computed = 0;
    for (seed, (op, input, weight, padding)) in cases.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        let bias = gpu.upload(&random.reals(&weight[..1]))?;
        let (input, weight) = (gpu.upload(&random.reals(&input))?, gpu.upload(&random.reals(&weight))?);
        let fused = match gpu.conv2d(&input, &weight, Some(&bias), &op.padding(padding).padding_mode(mode)) {
            Err(Error::Unsupported { .. }) => continue,
            output => output?.read::<f32>()?,
        };
        let apart = gpu.conv2d(
            &gpu.pad2d(&input, &Pad2d::new(padding).mode(mode))?,
            &weight,
            Some(&bias),
            &op,
        )?;
        compare_exact(&fused, &apart.read::<f32>()?).map_err(|error| format!("case {seed}, {padding}: {error}"))?;
        computed += 1;
    }
    // Two of the cases have one input channel a group, and two are Winograd's.
    let is_winograd = matches!(algorithm, Conv2dAlgorithm::Winograd | Conv2dAlgorithm::WinogradLarge);
    if (applies(&gpu, algorithm) || is_winograd) && computed < 2 {
        return Err(format!("{algorithm:?} computed {computed} padded convolutions").into());
    }
    Ok(())
}
