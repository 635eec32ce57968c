//! Transposed convolution by its definition: every input element writes a scaled copy of the kernel.

use ndarray::{Array4, Ix1, Ix4};

use super::answer::Answer;
use super::number::Sum;
use crate::error::Result;
use crate::ops::ConvTranspose2d;

pub(super) fn conv_transpose2d(op: &ConvTranspose2d, input: &Answer, weight: &Answer, bias: Option<&Answer>) -> Result<Answer> {
    let input = input.view::<Ix4>()?;
    let weight = weight.view::<Ix4>()?;
    let bias = bias.map(Answer::view::<Ix1>).transpose()?;
    let (batch, in_channels, height, width) = input.dim();
    let (_, group_channels, kernel_height, kernel_width) = weight.dim();
    let (stride, dilation, padding) = (op.stride, op.dilation, op.padding);

    // Everything that is written, padding included; then what the padding leaves of it.
    let full = |input: usize, stride: usize, dilation: usize, kernel: usize, extra: usize| {
        let last = (0..input).map(|y| y * stride + (kernel - 1) * dilation).max().unwrap_or(0);
        last + 1 + extra
    };
    let full_height = full(
        height,
        stride.height,
        dilation.height,
        kernel_height,
        op.output_padding.height,
    );
    let full_width = full(width, stride.width, dilation.width, kernel_width, op.output_padding.width);
    let mut sums = Array4::from_elem((batch, group_channels * op.groups, full_height, full_width), Sum::default());
    for n in 0..batch {
        for c in 0..in_channels {
            let group = c / (in_channels / op.groups);
            for y in 0..height {
                for x in 0..width {
                    for o in 0..group_channels {
                        for i in 0..kernel_height {
                            for j in 0..kernel_width {
                                let target = [
                                    n,
                                    group * group_channels + o,
                                    y * stride.height + i * dilation.height,
                                    x * stride.width + j * dilation.width,
                                ];
                                sums[target].add_product(input.at([n, c, y, x]), weight.at([c, o, i, j]));
                            }
                        }
                    }
                }
            }
        }
    }
    let kept_height = full_height - (padding.top + padding.bottom) as usize;
    let kept_width = full_width - (padding.left + padding.right) as usize;
    let output = Array4::from_shape_fn(
        (batch, group_channels * op.groups, kept_height, kept_width),
        |(n, o, y, x)| {
            let mut sum = sums[[n, o, y + padding.top as usize, x + padding.left as usize]];
            if let Some(bias) = &bias {
                sum.add(bias.at(o));
            }
            sum.total()
        },
    );
    Ok(output.into())
}
