//! Transposed convolution by its definition: every input element writes a scaled copy of the kernel.

use std::array::from_fn;

use ndarray::{Array5, Axis, Ix1};

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

    // What the padding leaves of everything that is written.
    let first: [usize; AXES] = from_fn(|axis| sides[axis].before as usize);
    let kept: [usize; AXES] = from_fn(|axis| {
        let last = (extents[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis];
        last + 1 + output_padding[axis] - first[axis] - sides[axis].after as usize
    });
    let out_channels = group_channels * op.groups;
    let mut sums = Array5::from_elem((batch, out_channels, kept[0], kept[1], kept[2]), Sum::default());
    for n in 0..batch {
        for c in 0..in_channels {
            let group = c / (in_channels / op.groups);
            for place in places(extents) {
                for o in 0..group_channels {
                    for tap in places(kernel) {
                        // Before what is kept this wraps around, and is beyond it.
                        let target: [usize; AXES] =
                            from_fn(|axis| (place[axis] * stride[axis] + tap[axis] * dilation[axis]).wrapping_sub(first[axis]));
                        let target = (n, group * group_channels + o, target[0], target[1], target[2]);
                        if let Some(sum) = sums.get_mut(target) {
                            sum.add_product(
                                input.at([n, c, place[0], place[1], place[2]]),
                                weight.at([c, o, tap[0], tap[1], tap[2]]),
                            );
                        }
                    }
                }
            }
        }
    }
    for (o, mut sums) in sums.axis_iter_mut(Axis(1)).enumerate() {
        if let Some(bias) = &bias {
            sums.map_inplace(|sum| sum.add(bias.at(o)));
        }
    }
    let output = sums.mapv(Sum::total);
    Ok(finish(output, spatial))
}
