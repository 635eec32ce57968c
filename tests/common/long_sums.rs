//! Long sums, maxima and rows, on both sides of where an adapter that ends loops after 65,535 rounds gives wrong answers in
//! silence: a loop, two loops or three over the elements, and sums that are cut in two. Whole numbers, so that a term that is
//! missing cannot hide in a bound, and real ones.

use convoke::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Conv2d, ConvTranspose2d, InstanceNorm, LayerNorm, Linear, LpPool2d, MatMul,
    MaxPool2d, Op, Reduce, Softmax,
};
use convoke::testing::Random;
use ndarray::ArrayD;

use crate::device::{Device, Outcome, check, check_exact};

/// An operator with the shapes of its inputs.
pub(crate) type Case = (Op, Vec<Vec<usize>>);

/// On both sides of a third, a half, all and twice the rounds.
pub(crate) const LENGTHS: [usize; 8] = [21_845, 21_846, 32_767, 32_768, 65_535, 65_536, 131_071, 131_072];

/// Every operator that sums, or goes through rows, of so many elements; its name first. Whole numbers are exact but where the
/// flag says no.
#[expect(clippy::too_many_lines, reason = "a table, one entry an operator")]
pub(crate) fn cases(n: usize) -> Vec<(&'static str, bool, Case)> {
    let window = [1, n];
    vec![
        ("softmax", false, (Softmax::new(-1).into(), vec![vec![2, n]])),
        ("softmax/apart", false, (Softmax::new(1).into(), vec![vec![1, n, 3]])),
        ("log_softmax", false, (Softmax::log(-1).into(), vec![vec![1, n]])),
        ("sum", true, (Reduce::sum([1]).into(), vec![vec![3, n]])),
        ("sum/apart", true, (Reduce::sum([0]).into(), vec![vec![n, 3]])),
        ("mean", false, (Reduce::mean([1]).into(), vec![vec![3, n]])),
        ("max", true, (Reduce::max([1]).into(), vec![vec![3, n]])),
        ("max/apart", true, (Reduce::max([1]).into(), vec![vec![1, n, 2]])),
        (
            "adaptive_avg_pool2d",
            false,
            (AdaptiveAvgPool2d::new(1).into(), vec![vec![1, 2, 1, n]]),
        ),
        (
            "adaptive_avg_pool2d/parts",
            false,
            (AdaptiveAvgPool2d::new([2, 1]).into(), vec![vec![1, 1, 3, n]]),
        ),
        (
            "adaptive_max_pool2d",
            true,
            (AdaptiveMaxPool2d::new(1).into(), vec![vec![1, 2, 1, n]]),
        ),
        (
            "adaptive_max_pool2d/indices",
            true,
            (AdaptiveMaxPool2d::new(1).return_indices(true).into(), vec![vec![1, 2, 1, n]]),
        ),
        (
            "avg_pool2d",
            false,
            (AvgPool2d::new(window).stride(1).into(), vec![vec![1, 2, 1, n + 2]]),
        ),
        (
            "max_pool2d",
            true,
            (MaxPool2d::new(window).stride(1).into(), vec![vec![1, 2, 1, n + 2]]),
        ),
        (
            "max_pool2d/indices",
            true,
            (
                MaxPool2d::new(window).stride(1).return_indices(true).into(),
                vec![vec![1, 2, 1, n + 2]],
            ),
        ),
        (
            "lp_pool2d/1",
            true,
            (LpPool2d::new(1, window).stride(1).into(), vec![vec![1, 2, 1, n + 1]]),
        ),
        (
            "lp_pool2d/2",
            false,
            (LpPool2d::new(2, window).stride(1).into(), vec![vec![1, 1, 1, n + 1]]),
        ),
        (
            "lp_pool2d/3",
            false,
            (LpPool2d::new(3, window).stride(1).into(), vec![vec![1, 1, 1, n + 1]]),
        ),
        (
            "instance_norm",
            false,
            (InstanceNorm::new().into(), vec![vec![1, 2, 1, n], vec![2], vec![2]]),
        ),
        (
            "layer_norm",
            false,
            (LayerNorm::new(-1).into(), vec![vec![2, n], vec![n], vec![n]]),
        ),
        ("rms_norm", false, (LayerNorm::rms(-1).into(), vec![vec![2, n], vec![n]])),
        (
            "conv2d/channels",
            true,
            (Conv2d::new().into(), vec![vec![1, n, 1, 2], vec![3, n, 1, 1], vec![3]]),
        ),
        (
            "conv2d/channels/many",
            true,
            (Conv2d::new().into(), vec![vec![1, n, 1, 5], vec![17, n, 1, 1], vec![17]]),
        ),
        (
            "conv2d/taps",
            true,
            (Conv2d::new().into(), vec![vec![1, 1, 1, n + 3], vec![2, 1, 1, n]]),
        ),
        (
            "conv2d/taps/groups",
            true,
            (Conv2d::new().groups(2).into(), vec![vec![1, 2, 1, n + 3], vec![2, 1, 1, n]]),
        ),
        (
            "conv2d/3x3",
            true,
            (
                Conv2d::new().padding(1).into(),
                vec![vec![1, n / 9, 2, 3], vec![2, n / 9, 3, 3], vec![2]],
            ),
        ),
        (
            "conv_transpose2d/channels",
            true,
            (
                ConvTranspose2d::new().into(),
                vec![vec![1, n, 1, 2], vec![n, 2, 1, 2], vec![2]],
            ),
        ),
        (
            "conv_transpose2d/windows",
            true,
            (
                ConvTranspose2d::new().into(),
                vec![vec![1, n / 4, 2, 2], vec![n / 4, 1, 2, 2]],
            ),
        ),
        ("linear/1", true, (Linear.into(), vec![vec![1, n], vec![3, n], vec![3]])),
        ("linear/8", true, (Linear.into(), vec![vec![8, n], vec![5, n], vec![5]])),
        ("linear/20", true, (Linear.into(), vec![vec![20, n], vec![12, n]])),
        ("matmul", true, (MatMul.into(), vec![vec![2, n], vec![n, 3]])),
        ("matmul/large", true, (MatMul.into(), vec![vec![33, n], vec![n, 32]])),
        (
            "matmul/broadcast",
            true,
            (MatMul.into(), vec![vec![2, 1, 1, n], vec![2, n, 2]]),
        ),
    ]
}

/// Inputs of these shapes, the last elements the largest: they are what a loop that ends too soon leaves out.
pub(crate) fn reals(shapes: &[Vec<usize>], seed: u64) -> Vec<ArrayD<f32>> {
    let mut random = Random::new(seed);
    let mut inputs: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.reals(shape)).collect();
    for input in &mut inputs {
        let last = input.len() - 1;
        for (index, x) in input.iter_mut().enumerate() {
            if index + 7 > last {
                *x = 5.0 + (index % 7) as f32;
            }
        }
    }
    inputs
}

/// Every operator at one length.
pub(crate) fn at(device: &dyn Device, n: usize) -> Outcome {
    for (name, is_exact, (op, shapes)) in cases(n) {
        let mut random = Random::new(n as u64);
        let integers: Vec<ArrayD<f32>> = shapes.iter().map(|shape| random.integers(shape)).collect();
        let checked = if is_exact { check_exact } else { check };
        checked(device, &op, &integers).map_err(|error| format!("{name} of {n}: {error}"))?;
        check(device, &op, &reals(&shapes, n as u64)).map_err(|error| format!("{name} of {n}: {error}"))?;
    }
    Ok(())
}
