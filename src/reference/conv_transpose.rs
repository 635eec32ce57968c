//! Transposed convolution by its definition: every input element writes a scaled copy of the kernel.

use std::array::from_fn;

use ndarray::{Array5, Ix1};

use super::answer::Answer;
use super::number::Sum;
use super::volume::{AXES, axes, finish, of_volume, places, volume};
use crate::error::Result;
use crate::ops::ConvTranspose;
use crate::padding::Sides;

pub(super) fn conv_transpose(op: &ConvTranspose, input: &Answer, weight: &Answer, bias: Option<&Answer>) -> Result<Answer> {
    let spatial = axes(input);
    let (input, weight) = (volume(input)?, volume(weight)?);
    let bias = bias.map(Answer::view::<Ix1>).transpose()?;
    let (batch, in_channels, depth, height, width) = input.dim();
    let (_, group_channels, kernel_depth, kernel_height, kernel_width) = weight.dim();
    let (extents, kernel) = ([depth, height, width], [kernel_depth, kernel_height, kernel_width]);
    let (stride, dilation) = (of_volume(op.stride, spatial, 1), of_volume(op.dilation, spatial, 1));
    let sides = of_volume(op.padding, spatial, Sides::NONE);
    let output_padding = of_volume(op.output_padding, spatial, 0);

    // Everything that is written, padding included; then what the padding leaves of it.
    let full: [usize; AXES] = from_fn(|axis| {
        let written = (0..extents[axis]).map(|place| place * stride[axis] + (kernel[axis] - 1) * dilation[axis]);
        written.max().unwrap_or(0) + 1 + output_padding[axis]
    });
    let out_channels = group_channels * op.groups;
    let mut sums = Array5::from_elem((batch, out_channels, full[0], full[1], full[2]), Sum::default());
    for n in 0..batch {
        for c in 0..in_channels {
            let group = c / (in_channels / op.groups);
            for place in places(extents) {
                for o in 0..group_channels {
                    for tap in places(kernel) {
                        let target: [usize; AXES] = from_fn(|axis| place[axis] * stride[axis] + tap[axis] * dilation[axis]);
                        sums[[n, group * group_channels + o, target[0], target[1], target[2]]].add_product(
                            input.at([n, c, place[0], place[1], place[2]]),
                            weight.at([c, o, tap[0], tap[1], tap[2]]),
                        );
                    }
                }
            }
        }
    }
    let first: [usize; AXES] = from_fn(|axis| sides[axis].before as usize);
    let kept: [usize; AXES] = from_fn(|axis| full[axis] - first[axis] - sides[axis].after as usize);
    let output = Array5::from_shape_fn((batch, out_channels, kept[0], kept[1], kept[2]), |(n, o, z, y, x)| {
        let mut sum = sums[[n, o, z + first[0], y + first[1], x + first[2]]];
        if let Some(bias) = &bias {
            sum.add(bias.at(o));
        }
        sum.total()
    });
    Ok(finish(output, spatial))
}
