//! Layers of a size that is cut into tiles, bands and blocks, which random ones are too small for.

use convoke::cpu::Cpu;
use convoke::ops::{AvgPool2d, Conv2d, ConvTranspose2d, Fused, FusedBase, Linear, MatMul, MaxPool2d, Op, Unary};
use convoke::testing::Random;
use convoke::{Padding2d, PaddingMode};
use libtest_mimic::Trial;

use crate::device::{Outcome, check, check_exact};
use crate::trial;

pub(crate) fn trials(cpu: &Cpu) -> Vec<Trial> {
    let all = layers().into_iter().chain(padded());
    all.map(|(name, op, shapes)| trial(format!("layer/{name}"), cpu, move |cpu| layer(cpu, &op, &shapes)))
        .collect()
}

/// Whole numbers with the reference's bits, reals within its bounds; on one thread too, which shares the work otherwise.
fn layer(cpu: &Cpu, op: &Op, shapes: &[Vec<usize>]) -> Outcome {
    let mut random = Random::new(21);
    let exact = !matches!(op, Op::AvgPool(_));
    let integers: Vec<_> = shapes.iter().map(|shape| random.integers(shape)).collect();
    let reals: Vec<_> = shapes.iter().map(|shape| random.reals(shape)).collect();
    for cpu in [cpu, &Cpu::builder().threads(1).build()?] {
        if exact {
            check_exact(cpu, op, &integers)?;
        }
        check(cpu, op, &reals)?;
    }
    Ok(())
}

type Layer = (&'static str, Op, Vec<Vec<usize>>);

fn shapes(shapes: &[&[usize]]) -> Vec<Vec<usize>> {
    shapes.iter().map(|shape| shape.to_vec()).collect()
}

fn layers() -> Vec<Layer> {
    let plain = Conv2d::new();
    let mirrored = plain.padding(Padding2d::new(2, 1, 1, 3)).padding_mode(PaddingMode::Reflect);
    let fused = |base: FusedBase| Fused::new(base).residual(true).activation(Unary::Relu);
    vec![
        // Two blocks of the inner extent, several tiles, panels of every width.
        ("tiles", mirrored.into(), shapes(&[&[2, 41, 19, 23], &[27, 41, 3, 3], &[27]])),
        (
            "tiles/strided",
            mirrored.stride([2, 3]).into(),
            shapes(&[&[1, 41, 29, 41], &[27, 41, 3, 3]]),
        ),
        (
            "tiles/dilated",
            mirrored.dilation([2, 1]).into(),
            shapes(&[&[1, 13, 29, 41], &[27, 13, 3, 3]]),
        ),
        (
            "tiles/groups",
            mirrored.groups(2).into(),
            shapes(&[&[1, 30, 17, 21], &[26, 15, 3, 3], &[26]]),
        ),
        (
            "tiles/fused",
            fused(FusedBase::Conv(plain.padding(1))).into(),
            shapes(&[&[1, 12, 21, 33], &[20, 12, 3, 3], &[20], &[1, 20, 21, 33]]),
        ),
        // Few positions: each thread has rows.
        ("rows", mirrored.into(), shapes(&[&[2, 50, 7, 5], &[130, 50, 3, 3], &[130]])),
        (
            "rows/fused",
            fused(FusedBase::Conv(plain)).into(),
            shapes(&[&[1, 400, 7, 7], &[130, 400, 1, 1], &[130], &[1, 130, 7, 7]]),
        ),
        // Few channels: several bands.
        (
            "direct/picture",
            mirrored.into(),
            shapes(&[&[1, 1, 190, 230], &[1, 1, 3, 3], &[1]]),
        ),
        (
            "direct/strided",
            mirrored.stride([3, 2]).into(),
            shapes(&[&[1, 2, 150, 231], &[3, 2, 3, 5]]),
        ),
        (
            "direct/depthwise",
            plain.padding(1).groups(5).into(),
            shapes(&[&[2, 5, 60, 83], &[5, 1, 3, 3], &[5]]),
        ),
        (
            "direct/groups",
            plain.padding(1).groups(3).into(),
            shapes(&[&[1, 12, 40, 51], &[15, 4, 3, 3]]),
        ),
        (
            "direct/fused",
            fused(FusedBase::Conv(plain.padding(1).stride(2).groups(6))).into(),
            shapes(&[&[1, 6, 81, 83], &[6, 1, 3, 3], &[6], &[1, 6, 41, 42]]),
        ),
        (
            "conv_transpose2d",
            ConvTranspose2d::new().stride(2).padding(1).output_padding(1).into(),
            shapes(&[&[1, 30, 21, 33], &[30, 9, 3, 3], &[9]]),
        ),
        (
            "conv_transpose2d/tiles",
            ConvTranspose2d::new().stride([3, 2]).into(),
            shapes(&[&[2, 5, 90, 120], &[5, 2, 4, 5], &[2]]),
        ),
        ("linear", Linear.into(), shapes(&[&[37, 700], &[150, 700], &[150]])),
        ("linear/few_rows", Linear.into(), shapes(&[&[3, 700], &[650, 700], &[650]])),
        ("matmul", MatMul.into(), shapes(&[&[2, 45, 350], &[350, 290]])),
        (
            "max_pool2d",
            MaxPool2d::new(3).stride(2).padding(1).into(),
            shapes(&[&[1, 4, 121, 130]]),
        ),
        (
            "avg_pool2d",
            AvgPool2d::new([2, 3]).stride([1, 3]).into(),
            shapes(&[&[1, 4, 121, 130]]),
        ),
    ]
}

/// Taps that meet nothing but padding at some places, or at all.
fn padded() -> Vec<Layer> {
    let plain = Conv2d::new();
    vec![
        (
            "tiles/apart",
            plain.padding([2, 3]).dilation([2, 3]).into(),
            shapes(&[&[1, 33, 15, 26], &[70, 33, 3, 3], &[70]]),
        ),
        (
            "tiles/far_apart",
            plain.padding([12, 8]).dilation([12, 8]).into(),
            shapes(&[&[2, 40, 9, 14], &[130, 40, 3, 3], &[130]]),
        ),
        (
            "tiles/padded",
            plain.padding(1).into(),
            shapes(&[&[1, 64, 14, 14], &[130, 64, 3, 3], &[130]]),
        ),
        (
            "rows/padded",
            plain.padding(2).into(),
            shapes(&[&[2, 48, 3, 5], &[64, 48, 5, 5], &[64]]),
        ),
    ]
}
