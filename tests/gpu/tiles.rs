//! Products by tiles in workgroup memory, as on real GPUs: around the edges of the tiles, with sums split over workgroups, and
//! by the rules of other classes of devices than the adapter's own.

use convoke::gpu::{Conv2dAlgorithm, DeviceClass};
use convoke::ops::{Conv2d, Fused, FusedBase, Linear, MatMul, Op, Unary};
use convoke::testing::{Random, compare_exact};
use convoke::{Gpu, Padding2d, PaddingMode};
use ndarray::ArrayD;

use crate::check::{check, check_exact};
use crate::dispatch::limited_device;
use crate::goldens::run;
use crate::{Named, Outcome, trial};

/// An operator with the shapes of its inputs.
type Case = (Op, Vec<Vec<usize>>);

const GPUS: [DeviceClass; 2] = [DeviceClass::Integrated, DeviceClass::Discrete];

pub(crate) fn trials() -> Vec<Named> {
    vec![
        trial("tiles/edges/conv2d", |gpu| {
            edges(&gpu.with_conv2d(Conv2dAlgorithm::Tiled), &|channels, [height, width]| {
                let image = vec![1, 2, height + 1, width];
                (Conv2d::new().into(), vec![image, vec![channels, 2, 2, 1], vec![channels]])
            })
        }),
        trial("tiles/edges/pointwise", |gpu| {
            edges(&gpu.with_conv2d(Conv2dAlgorithm::GemmTiled), &|channels, [height, width]| {
                let image = vec![1, 9, height, width];
                (Conv2d::new().into(), vec![image, vec![channels, 9, 1, 1]])
            })
        }),
        trial("tiles/edges/linear", |gpu| {
            edges(&gpu.with_device_class(DeviceClass::Discrete), &|channels, [height, width]| {
                (Linear.into(), vec![vec![height, width, 9], vec![channels, 9], vec![channels]])
            })
        }),
        trial("tiles/matmul", matmul),
        trial("tiles/slices", slices),
        trial("tiles/splits", splits),
        trial("tiles/modes", modes),
        trial("tiles/special_numbers", special_numbers),
        trial("tiles/few_workgroups", few_workgroups),
    ]
}

fn both(gpu: &Gpu, (op, shapes): &Case, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let integers: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.integers(shape)).collect();
    check_exact(gpu, op, &integers)?;
    let reals: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.reals(shape)).collect();
    check(gpu, op, &reals)
}

/// One channel or position less than a tile has, as many, and one more; planes of whole vectors among them. With many
/// positions the large tiles are taken.
fn edges(gpu: &Gpu, case: &dyn Fn(usize, [usize; 2]) -> Case) -> Outcome {
    let few = [[1, 31], [4, 8], [3, 11], [7, 9], [8, 8], [5, 13], [1, 127], [2, 64], [3, 43]];
    for channels in [31, 32, 33, 63, 64, 65] {
        for plane in few {
            both(gpu, &case(channels, plane), channels as u64)?;
        }
    }
    for channels in [127, 128, 129] {
        for plane in [[7, 73], [16, 32], [27, 19]] {
            both(gpu, &case(channels, plane), channels as u64)?;
        }
    }
    // A batch of four large tiles by one channel, and of few channels by many positions.
    both(gpu, &case(30, [31, 33]), 1)?;
    Ok(())
}

/// Matrices one by one, several by one, and what stays with the plain kernel; a special number stays in its row or column.
fn matmul(gpu: &Gpu) -> Outcome {
    let gpu = gpu.with_device_class(DeviceClass::Discrete);
    for (seed, (left, right)) in [
        (vec![33, 40], vec![40, 35]),
        (vec![2, 3, 33, 300], vec![2, 3, 300, 36]),
        (vec![2, 3, 32, 33], vec![33, 47]),
        (vec![1, 65, 32], vec![1, 1, 32, 64]),
        (vec![33, 40], vec![2, 40, 35]),
        (vec![2, 1, 33, 40], vec![2, 40, 35]),
        (vec![40, 33], vec![33]),
    ]
    .into_iter()
    .enumerate()
    {
        let mut random = Random::new(seed as u64);
        let mut inputs = [random.integers(&left), random.integers(&right)];
        both(&gpu, &(MatMul.into(), vec![left, right]), seed as u64)?;
        for (input, special) in inputs.iter_mut().zip([f32::NAN, f32::INFINITY]) {
            if let Some([.., last]) = input.as_slice_mut() {
                *last = special;
            }
        }
        check_exact(&gpu, &MatMul.into(), &inputs)?;
    }
    Ok(())
}

/// Sums of one term less than a slice has, as many, and one more, over taps and channels in every proportion.
fn slices(gpu: &Gpu) -> Outcome {
    let gpu = gpu.with_conv2d(Conv2dAlgorithm::Tiled);
    for ins in [1, 2, 3, 5, 7, 8, 9, 15, 16, 17] {
        for kernel in [[1, 1], [1, 3], [2, 2], [3, 5]] {
            let shapes = vec![vec![2, ins, 5, 6], vec![5, ins, kernel[0], kernel[1]]];
            let op = Conv2d::new().padding([1, 2]).padding_mode(PaddingMode::Replicate);
            both(&gpu, &(op.into(), shapes), ins as u64)?;
        }
    }
    Ok(())
}

/// Few outputs of long sums, with all that may follow them: the parts are added in one order, so that bits are the same in
/// every run.
fn splits(gpu: &Gpu) -> Outcome {
    let follows = |base| Fused::new(base).residual(true).activation(Unary::Relu);
    let conv = Conv2d::new().padding(1);
    let cases: Vec<Case> = vec![
        (conv.into(), vec![vec![1, 150, 7, 7], vec![33, 150, 3, 3], vec![33]]),
        (
            follows(FusedBase::Conv(conv)).into(),
            vec![vec![2, 65, 6, 6], vec![20, 65, 3, 3], vec![20], vec![2, 20, 6, 6]],
        ),
        (conv.groups(2).into(), vec![vec![1, 200, 5, 4], vec![24, 100, 3, 3], vec![24]]),
        (Conv2d::new().into(), vec![vec![3, 700, 3, 3], vec![40, 700, 1, 1]]),
        (Conv2d::new().into(), vec![vec![1, 700, 4, 5], vec![40, 700, 1, 1]]),
        (
            follows(FusedBase::Linear(Linear)).into(),
            vec![vec![20, 999], vec![50, 999], vec![50], vec![20, 50]],
        ),
        // By rows of the weight.
        (
            follows(FusedBase::Linear(Linear)).into(),
            vec![vec![5, 999], vec![50, 999], vec![50], vec![5, 50]],
        ),
        (Linear.into(), vec![vec![1, 1000], vec![50, 1000]]),
        (
            Conv2d::new().groups(2).into(),
            vec![vec![3, 40, 1, 1], vec![26, 20, 1, 1], vec![26]],
        ),
    ];
    for class in GPUS {
        let gpu = gpu.with_device_class(class);
        for (seed, case) in cases.iter().enumerate() {
            both(&gpu, case, seed as u64)?;
            let mut random = Random::new(seed as u64);
            let inputs: Vec<ArrayD<f32>> = case.1.iter().map(|shape| random.reals(shape)).collect();
            let inputs: Vec<&ArrayD<f32>> = inputs.iter().collect();
            let (first, second) = (run(&gpu, &case.0, &inputs)?, run(&gpu, &case.0, &inputs)?);
            compare_exact(&first[0], &second[0])?;
        }
    }
    Ok(())
}

/// All padding modes with stride, dilation and groups, by tiles.
fn modes(gpu: &Gpu) -> Outcome {
    let gpu = gpu.with_conv2d(Conv2dAlgorithm::Tiled);
    for (seed, mode) in PaddingMode::ALL.into_iter().enumerate() {
        let op = Conv2d::new().padding(Padding2d::new(2, 3, 1, 4)).padding_mode(mode).groups(2);
        let shapes = vec![vec![2, 6, 9, 11], vec![70, 3, 3, 2], vec![70]];
        both(&gpu, &(op.stride([2, 1]).dilation([2, 3]).into(), shapes), seed as u64)?;
    }
    Ok(())
}

/// A special number reaches the outputs that read it, through splits and rows too, and no idle lane carries it further.
fn special_numbers(gpu: &Gpu) -> Outcome {
    let cases: [Case; 4] = [
        (Conv2d::new().padding(1).into(), vec![vec![2, 100, 4, 5], vec![33, 100, 3, 3]]),
        (Conv2d::new().into(), vec![vec![2, 300, 3, 5], vec![33, 300, 1, 1]]),
        (Linear.into(), vec![vec![20, 301], vec![33, 301]]),
        (Linear.into(), vec![vec![3, 301], vec![33, 301]]),
    ];
    let gpu = gpu.with_device_class(DeviceClass::Discrete);
    for (seed, (op, shapes)) in cases.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut inputs: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.integers(shape)).collect();
            for input in &mut inputs {
                // At the start and the end of the last row, image or kernel: padded slices of the one before it and idle lanes
                // are next to them.
                let row = input.len() / input.shape()[0];
                if let Some([first, .., last]) = input.as_slice_mut().map(|slice| slice.split_at_mut(slice.len() - row).1) {
                    (*first, *last) = (special, special);
                }
            }
            check_exact(&gpu, &op, &inputs)?;
        }
    }
    Ok(())
}

/// Workgroups folded into two dimensions, some of them past the end.
fn few_workgroups(gpu: &Gpu) -> Outcome {
    let gpu = limited_device(gpu, |limits| limits.max_compute_workgroups_per_dimension = 11)?;
    let tiled = gpu.with_conv2d(Conv2dAlgorithm::Tiled);
    for height in [40, 71, 100] {
        let shapes = vec![vec![1, 1, height, 13], vec![10, 1, 1, 2]];
        both(&tiled, &(Conv2d::new().into(), shapes), 1)?;
    }
    for rows in [3, 5, 8] {
        let shapes = vec![vec![rows, 40], vec![47, 40]];
        both(&gpu.with_device_class(DeviceClass::Discrete), &(Linear.into(), shapes), 1)?;
    }
    Ok(())
}
