//! Images: resizing, padding and pooling.

use convoke::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Conv2d, CoordinateMode, IndexOrder, Interpolate, InterpolateMode, LpPool2d,
    MaxPool2d, NearestRounding, Op, Pad2d,
};
use convoke::{Padding2d, PaddingMode};
use proptest::prelude::*;

use super::convolutions::{fused_over, within};
use super::{Case, modes};

/// Every mode, with the scales that follow from the size, with others near them, and with some that have nothing to do
/// with it.
pub(crate) fn interpolations(images: impl Strategy<Value = Vec<usize>>, most: usize) -> impl Strategy<Value = Case> {
    use NearestRounding::{Ceil, Floor, PreferCeil, PreferFloor};
    let nearest = [Floor, Ceil, PreferFloor, PreferCeil].map(|rounding| InterpolateMode::Nearest { rounding });
    let modes = [nearest.to_vec(), vec![InterpolateMode::Linear; 4]].concat();
    let coordinates = prop::sample::select(vec![
        CoordinateMode::HalfPixel,
        CoordinateMode::PytorchHalfPixel,
        CoordinateMode::AlignCorners,
        CoordinateMode::Asymmetric,
    ]);
    let scales = (0..3u8, prop::sample::select(vec![0.3_f32, 0.5, 1.0, 1.7, 2.0, 3.0]));
    let mode = prop::sample::select(modes);
    (images, [1..=20usize, 1..=most], mode, coordinates, (scales, any::<u64>())).prop_map(
        |(image, size, mode, coordinates, ((given, other), seed))| {
            let scales = match given {
                0 => None,
                1 => Some([0, 1].map(|axis| size[axis] as f32 / image[2 + axis] as f32)),
                _ => Some([other, size[1] as f32 / image[3] as f32]),
            };
            let op = Interpolate::new(size, mode, coordinates);
            let op = scales.map_or(op, |scales: [f32; 2]| op.scales(scales));
            Case::new(op, vec![image], seed)
        },
    )
}

/// Images whose rows are long.
pub(crate) fn rows() -> impl Strategy<Value = Vec<usize>> {
    (1..=5usize, 1..=400usize).prop_map(|(height, width)| vec![1, 1, height, width])
}

pub(crate) fn images() -> impl Strategy<Value = Vec<usize>> {
    (1..=3usize, 1..=4usize, 1..=9usize, 1..=13usize).prop_map(|(n, c, h, w)| vec![n, c, h, w])
}

pub(crate) fn pads() -> impl Strategy<Value = Case> {
    let sides = prop::array::uniform4(-4..=5isize);
    (images(), sides, modes(), -3..=3i8, any::<u64>()).prop_map(|(image, sides, mode, value, seed)| {
        let op = if mode == PaddingMode::Zeros {
            let [left, right, top, bottom] = sides;
            Pad2d::new(Padding2d::new(left, right, top, bottom)).value(f32::from(value))
        } else {
            Pad2d::new(within(mode, sides.map(isize::unsigned_abs), image[2], image[3])).mode(mode)
        };
        Case::new(op, vec![image], seed)
    })
}

/// Windows small and large, the latter over planes that hold them.
pub(crate) fn windows(is_max: bool) -> impl Strategy<Value = Case> {
    let sizes = ([1..=4usize, 1..=3usize], [1..=3usize, 1..=4usize], [1..=2usize, 1..=3usize]);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(prop::sample::select(vec![1isize, -3, 7])),
    );
    let sides = prop::array::uniform4(0..=9usize);
    (images(), sizes, sides, flags, prop::bool::weighted(0.2), any::<u64>()).prop_map(
        move |(mut image, (mut kernel, stride, dilation), sides, (ceil_mode, flag, divisor), large, seed)| {
            if large {
                kernel = [kernel[0] + 11, kernel[1] + 10];
                image[2] += 14;
                image[3] += 14;
            }
            let dilation = if is_max && !large { dilation } else { [1, 1] };
            // At most half of the dilated kernel.
            let half = [0, 1].map(|i| 1 + (dilation[i] * (kernel[i] - 1)).div_ceil(2));
            let [left, right, top, bottom] = sides.map(|side| side as isize);
            let (vertical, horizontal) = (half[0] as isize, half[1] as isize);
            let padding = Padding2d::new(left % horizontal, right % horizontal, top % vertical, bottom % vertical);
            let op: Op = if is_max {
                let op = MaxPool2d::new(kernel).stride(stride).padding(padding).dilation(dilation);
                let orders = [IndexOrder::Plane, IndexOrder::Tensor, IndexOrder::TensorByColumns];
                let op = op.index_order(orders[seed as usize % 3]);
                op.ceil_mode(ceil_mode).return_indices(flag).into()
            } else {
                let op = AvgPool2d::new(kernel).stride(stride).padding(padding).ceil_mode(ceil_mode);
                op.count_include_pad(flag).divisor_override(divisor).into()
            };
            Case::new(op, vec![image], seed)
        },
    )
}

/// Windows over rows of whole vectors, few columns past either end and in all padding modes, on planes tall enough for several
/// segments: convolution with few channels in a group and what may follow it, and pooling.
pub(crate) fn strips() -> impl Strategy<Value = Case> {
    prop_oneof![fused_over(strips_of(&["conv2d"])), strips_of(&["max_pool2d", "avg_pool2d"])]
}

fn strips_of(operators: &'static [&'static str]) -> impl Strategy<Value = Case> {
    let sizes = ([1..=4usize, 1..=4usize], [1..=2usize, 1..=2usize], [1..=2usize, 1..=2usize]);
    let image = (1..=2usize, 1..=3usize, 1..=40usize, 1..=6usize);
    let padding = (modes(), prop::array::uniform2(0..=3usize));
    let kind = (prop::sample::select(operators), [1..=4usize, 1..=4usize]);
    (image, sizes, padding, kind, any::<u64>()).prop_map(
        |((batch, channels, height, strips), (kernel, stride, dilation), (mode, [left, top]), (operator, few), seed)| {
            let image = vec![batch, channels, height, 4 * strips * stride[1]];
            let dilation = if operator == "avg_pool2d" { [1, 1] } else { dilation };
            // As many columns and rows as there are steps.
            let past = [0, 1].map(|axis| dilation[axis] * (kernel[axis] - 1));
            let (top, left) = (top.min(past[0]), left.min(past[1]));
            let padding = within(mode, [left, past[1] - left, top, past[0] - top], height, image[3]);
            match operator {
                "conv2d" => {
                    // As many groups as there are channels otherwise.
                    let (ins, outs) = if seed.is_multiple_of(2) { (1, 1) } else { (few[0], few[1]) };
                    let op = Conv2d::new().stride(stride).dilation(dilation).groups(channels);
                    let image = vec![batch, channels * ins, height, image[3]];
                    let weight = vec![channels * outs, ins, kernel[0], kernel[1]];
                    Case::new(op.padding(padding).padding_mode(mode), vec![image, weight], seed)
                }
                "max_pool2d" => {
                    let op = MaxPool2d::new(kernel).stride(stride).dilation(dilation);
                    Case::new(op.padding(padding), vec![image], seed)
                }
                _ => Case::new(AvgPool2d::new(kernel).stride(stride).padding(padding), vec![image], seed),
            }
        },
    )
}

/// Windows with every small power, and one that only squaring reaches.
pub(crate) fn lp_windows() -> impl Strategy<Value = Case> {
    let sizes = ([1..=4usize, 1..=5usize], [1..=3usize, 1..=4usize], [1..=2usize, 1..=3usize]);
    let powers = prop::sample::select(vec![1, 2, 3, 4, 5, 50]);
    let sides = prop::array::uniform4(0..=9usize);
    (images(), sizes, sides, powers, any::<(bool, u64)>()).prop_map(
        |(image, (kernel, stride, dilation), sides, p, (ceil_mode, seed))| {
            // At most half of the dilated kernel.
            let half = [0, 1].map(|i| 1 + (dilation[i] * (kernel[i] - 1)).div_ceil(2));
            let [left, right, top, bottom] = sides;
            let sides = [left % half[1], right % half[1], top % half[0], bottom % half[0]];
            let [left, right, top, bottom] = sides.map(|side| side as isize);
            let op = LpPool2d::new(p, kernel)
                .stride(stride)
                .dilation(dilation)
                .ceil_mode(ceil_mode);
            Case::new(op.padding(Padding2d::new(left, right, top, bottom)), vec![image], seed)
        },
    )
}

pub(crate) fn adaptive() -> impl Strategy<Value = Case> {
    let output = [1..=11usize, 1..=9usize];
    (images(), output, any::<(bool, bool, u64)>()).prop_map(|(image, output, (is_max, indices, seed))| {
        let op: Op = if is_max {
            AdaptiveMaxPool2d::new(output).return_indices(indices).into()
        } else {
            AdaptiveAvgPool2d::new(output).into()
        };
        Case::new(op, vec![image], seed)
    })
}
