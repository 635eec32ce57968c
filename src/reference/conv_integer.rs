//! Convolution of whole numbers by its definition.

use std::array::from_fn;

use ndarray::Array5;

use super::answer::Answer;
use super::conv::{Padded, Windows};
use super::matmul_integer::sum;
use super::volume::{axes, finish, places, volume};
use crate::error::Result;
use crate::ops::ConvInteger;

pub(super) fn conv_integer(op: &ConvInteger, input: &Answer, weight: &Answer) -> Result<Answer> {
    let op = &op.conv;
    let spatial = axes(input);
    let (input, weight) = (volume(input)?, volume(weight)?);
    let (batch, _, depth, height, width) = input.dim();
    let (out_channels, group_channels, kernel_depth, kernel_height, kernel_width) = weight.dim();
    let kernel = [kernel_depth, kernel_height, kernel_width];
    let windows = Windows::new(op, spatial, [depth, height, width], kernel);
    let picture = Padded {
        input,
        places: windows.padded,
    };
    let shape = (batch, out_channels, windows.output[0], windows.output[1], windows.output[2]);
    let output = Array5::from_shape_fn(shape, |(n, o, z, y, x)| {
        let first = o / (out_channels / op.groups) * group_channels;
        let window = [z, y, x];
        let terms = (0..group_channels).flat_map(|c| places(kernel).map(move |tap| (c, tap)));
        sum(&mut terms.map(|(c, tap)| {
            let place = from_fn(|axis| window[axis] * windows.stride[axis] + tap[axis] * windows.dilation[axis]);
            (picture.at(n, first + c, place), weight.at([o, c, tap[0], tap[1], tap[2]]))
        }))
    });
    Ok(finish(output, spatial))
}
