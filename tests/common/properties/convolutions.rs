//! Convolutions and linear layers, with what may follow them.

use std::ops::RangeInclusive;

use convoke::ops::{Conv2d, ConvPadding, ConvTranspose2d, Fused, FusedBase, Linear, Op, Unary};
use convoke::{Padding2d, PaddingMode};
use proptest::prelude::*;

use super::elementwise::linears;
use super::{Case, modes};

/// The sides within the mode's limits.
pub(crate) fn within(mode: PaddingMode, sides: [usize; 4], height: usize, width: usize) -> Padding2d {
    let most = |extent: usize| match mode {
        PaddingMode::Reflect => extent - 1,
        PaddingMode::Circular => extent,
        _ => usize::MAX,
    };
    let [left, right, top, bottom] = sides;
    let (left, right) = (left.min(most(width)), right.min(most(width)));
    let (top, bottom) = (top.min(most(height)), bottom.min(most(height)));
    Padding2d::new(left as isize, right as isize, top as isize, bottom as isize)
}

/// Plain and grouped ones, then pointwise, then depthwise. Few output rows: the blocks of rows, and so the pipelines,
/// stay few.
pub(crate) fn convolutions() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=3usize, 1..=3usize, 1..=10usize);
    let image = (1..=7usize, 1..=13usize);
    let window = ([1..=3usize, 1..=4usize], [1..=2usize, 1..=3usize], [1..=2usize, 1..=3usize]);
    let padding = (modes(), prop::array::uniform4(0..=3usize), prop::bool::weighted(0.2));
    (channels, image, window, padding, 0..3u8, any::<(bool, u64)>()).prop_map(
        |((batch, groups, ins, outs), (height, width), (kernel, stride, dilation), (mode, sides, same), family, (bias, seed))| {
            let (mut op, mut ins, mut outs, mut kernel) = (Conv2d::new().groups(groups), ins, outs, kernel);
            match family {
                0 => {
                    op = op.stride(stride).dilation(dilation).padding_mode(mode);
                    op = op.padding(within(mode, sides, height, width));
                    let fits = kernel[0] * dilation[0] <= height && kernel[1] * dilation[1] <= width;
                    if same && stride == [1, 1] && fits {
                        op = op.padding(ConvPadding::Same);
                    }
                }
                1 => kernel = [1, 1],
                _ => {
                    (ins, outs) = (1, outs.min(2));
                    op = op.stride([stride[0], 1]).padding_mode(mode);
                    op = op.padding(within(mode, sides, height, width));
                }
            }
            let mut shapes = vec![
                vec![batch, groups * ins, height, width],
                vec![groups * outs, ins, kernel[0], kernel[1]],
            ];
            if bias {
                shapes.push(vec![groups * outs]);
            }
            Case::new(op, shapes, seed)
        },
    )
}

pub(crate) fn transposed_convolutions() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=3usize, 1..=3usize, 1..=10usize);
    let image = (1..=5usize, 1..=7usize);
    let window = ([1..=3usize, 1..=4usize], [1..=3usize, 1..=3usize], [1..=2usize, 1..=3usize]);
    let sides = (prop::array::uniform4(0..=2isize), [0..=2usize, 0..=2usize]);
    (channels, image, window, sides, any::<(bool, u64)>()).prop_map(
        |((batch, groups, ins, outs), (height, width), (kernel, stride, dilation), (sides, extra), (bias, seed))| {
            let [left, right, top, bottom] = sides;
            let extra = [0, 1].map(|i| extra[i] % stride[i].max(dilation[i]));
            let op = ConvTranspose2d::new()
                .groups(groups)
                .stride(stride)
                .dilation(dilation)
                .output_padding(extra);
            let op = op.padding(Padding2d::new(left, right, top, bottom));
            let weight = vec![groups * ins, outs, kernel[0], kernel[1]];
            let mut shapes = vec![vec![batch, groups * ins, height, width], weight];
            if bias {
                shapes.push(vec![groups * outs]);
            }
            Case::new(op, shapes, seed)
        },
    )
}

/// Convolutions of every kind and linear layers, with what may follow them.
pub(crate) fn fused() -> impl Strategy<Value = Case> {
    fused_over(prop_oneof![convolutions(), transposed_convolutions(), linears()])
}

/// Pointwise ones whose planes are whole vectors, over more channels and pixels than one block has.
pub(crate) fn pointwise() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=2usize, 1..=9usize, 1..=70usize);
    let convolution = (channels, 1..=19usize, 1..=5usize, any::<(bool, u64)>());
    fused_over(
        convolution.prop_map(|((batch, groups, ins, outs), height, quads, (bias, seed))| {
            let mut shapes = vec![vec![batch, groups * ins, height, 4 * quads], vec![groups * outs, ins, 1, 1]];
            shapes.extend(bias.then(|| vec![groups * outs]));
            Case::new(Conv2d::new().groups(groups), shapes, seed)
        }),
    )
}

/// What Winograd's algorithm computes, over a few rows and columns of quads of tiles and past their edges.
pub(crate) fn threes() -> impl Strategy<Value = Case> {
    threes_of((1..=9, 1..=40), 1)
}

/// The same of so many channels into so many, and with taps up to so far apart.
pub(crate) fn threes_of(
    (ins, outs): (RangeInclusive<usize>, RangeInclusive<usize>),
    most_dilation: usize,
) -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, ins, outs);
    let padding = (modes(), prop::array::uniform4(0..=3usize));
    let dilation = prop::array::uniform2(1..=most_dilation);
    let image = (1..=37usize, 1..=21usize);
    (channels, image, padding, dilation, any::<(bool, u64)>()).prop_map(
        |((batch, ins, outs), (height, width), (mode, sides), dilation, (bias, seed))| {
            let padding = within(mode, sides, height, width);
            let op = Conv2d::new().padding_mode(mode).padding(padding).dilation(dilation);
            let mut shapes = vec![vec![batch, ins, height, width], vec![outs, ins, 3, 3]];
            shapes.extend(bias.then(|| vec![outs]));
            Case::new(op, shapes, seed)
        },
    )
}

/// Windows over planes of more positions than one block has, half of them with rows of whole vectors that windows move over by
/// whole vectors, as many outputs across as inputs or half as many.
pub(crate) fn larger_planes() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=2usize, 1..=4usize, 1..=40usize);
    let image = (1..=19usize, 1..=5usize, 0..=3usize);
    let window = ([1..=3usize, 1..=7usize], [1..=2usize, 1..=2usize], [1..=2usize, 1..=2usize]);
    (channels, image, window, modes(), any::<(bool, bool, u64)>()).prop_map(
        |((batch, groups, ins, outs), (height, quads, more), (kernel, stride, dilation), mode, (whole, bias, seed))| {
            let width = if whole { 8 * quads } else { 4 * quads + more };
            let around = |extent: usize, axis: usize| ((kernel[axis] - 1) * dilation[axis] / 2).min(extent - 1) as isize;
            let op = Conv2d::new()
                .groups(groups)
                .stride(stride)
                .dilation(dilation)
                .padding([around(height, 0), around(width, 1)])
                .padding_mode(mode);
            let mut shapes = vec![
                vec![batch, groups * ins, height, width],
                vec![groups * outs, ins, kernel[0], kernel[1]],
            ];
            shapes.extend(bias.then(|| vec![groups * outs]));
            Case::new(op, shapes, seed)
        },
    )
}

/// Linear layers over a few rows and pointwise convolutions over a few pixels, with more channels than one block has.
pub(crate) fn few_positions() -> impl Strategy<Value = Case> {
    let convolution = (1..=2usize, 1..=2usize, 1..=4usize, 1..=4usize);
    let channels = (1..=19usize, 1..=70usize, 1..=7usize);
    let case = (any::<bool>(), convolution, channels, any::<(bool, u64)>());
    fused_over(
        case.prop_map(|(linear, (batch, groups, height, width), (ins, outs, rows), (bias, seed))| {
            let (op, mut shapes): (Op, _) = if linear {
                (Linear.into(), vec![vec![rows, ins], vec![outs, ins]])
            } else {
                let image = vec![batch, groups * ins, height, width];
                (
                    Conv2d::new().groups(groups).into(),
                    vec![image, vec![groups * outs, ins, 1, 1]],
                )
            };
            let channels = shapes[1][0];
            shapes.extend(bias.then(|| vec![channels]));
            Case::new(op, shapes, seed)
        }),
    )
}

pub(crate) fn fused_over(base: impl Strategy<Value = Case>) -> impl Strategy<Value = Case> {
    let activation = prop::sample::select(vec![
        None,
        Some(Unary::Relu),
        Some(Unary::LeakyRelu { negative_slope: 0.25 }),
        Some(Unary::Clamp { min: -20.0, max: 30.0 }),
        Some(Unary::Silu),
    ]);
    (base, any::<bool>(), activation).prop_map(|(case, residual, activation)| {
        let base = match case.op {
            Op::Conv(op) => FusedBase::Conv(op),
            Op::ConvTranspose(op) => FusedBase::ConvTranspose(op),
            _ => FusedBase::Linear(Linear),
        };
        let mut shapes = case.shapes.clone();
        let operands: Vec<&[usize]> = case.shapes.iter().map(Vec::as_slice).collect();
        // Refused bases stay as they are and are filtered out.
        if let (true, Ok(output)) = (residual, case.op.output_shapes(&operands)) {
            shapes.extend(output);
        }
        Case::new(Fused::new(base).residual(residual).activation(activation), shapes, case.seed)
    })
}
