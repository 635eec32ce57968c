//! 2-D convolution by its definition: every output is a sum of products over a window.

use std::array::from_fn;

use ndarray::{Array2, Array4, Ix1, Ix4};

use super::answer::Answer;
use super::number::{Number, Sum};
use super::pad2d::padded;
use super::winograd::{self, WinogradSum};
use super::winograd_large::{self, LargeTileSum, PATCH, TILE};
use crate::error::Result;
use crate::ops::Winograd;
use crate::ops::{Conv2d, ConvPadding};
use crate::padding::Padding2d;

pub(super) fn conv2d(op: &Conv2d, input: &Answer, weight: &Answer, bias: Option<&Answer>, allowed: Winograd) -> Result<Answer> {
    let input = input.view::<Ix4>()?;
    let weight = weight.view::<Ix4>()?;
    let bias = bias.map(Answer::view::<Ix1>).transpose()?;
    let (batch, _, height, width) = input.dim();
    let (out_channels, group_channels, kernel_height, kernel_width) = weight.dim();
    let (stride, dilation) = (op.stride, op.dilation);

    let padding = match op.padding {
        ConvPadding::Explicit(padding) => padding,
        ConvPadding::Valid => Padding2d::NONE,
        ConvPadding::Same => {
            let (top, bottom) = same(kernel_height, dilation.height);
            let (left, right) = same(kernel_width, dilation.width);
            Padding2d::new(left, right, top, bottom)
        }
    };
    let rows = padded(op.padding_mode, height, padding.top, padding.bottom);
    let columns = padded(op.padding_mode, width, padding.left, padding.right);
    let out_height = windows(rows.len(), kernel_height, stride.height, dilation.height);
    let out_width = windows(columns.len(), kernel_width, stride.width, dilation.width);

    let pixel = |n: usize, c: usize, row: usize, column: usize| match (rows[row], columns[column]) {
        (Some(row), Some(column)) => input.at([n, c, row, column]),
        _ => Number::ZERO,
    };

    // Convolutions that may be computed by Winograd's algorithm have its bound where that is the larger.
    let once = |step: usize, extent: usize| step == 1 || extent == 1;
    let may_be_winograd = (kernel_height, kernel_width, op.groups) == (3, 3, 1)
        && (dilation.height, dilation.width) == (1, 1)
        && once(stride.height, out_height)
        && once(stride.width, out_width);
    let kernel = |o, c| from_fn(|i| from_fn(|j| weight.at([o, c, i, j])));
    let (windows, kernels) = if may_be_winograd {
        let window = |n, c, y, x| from_fn(|i| from_fn(|j| pixel(n, c, y + i, x + j)));
        let windows = Array4::from_shape_fn((batch, out_height, out_width, group_channels), |(n, y, x, c)| {
            winograd::of_window(&window(n, c, y, x))
        });
        let kernels = Array2::from_shape_fn((out_channels, group_channels), |(o, c)| winograd::of_kernel(&kernel(o, c)));
        (windows, kernels)
    } else {
        (Array4::default((0, 0, 0, 0)), Array2::default((0, 0)))
    };
    let may_be_large = may_be_winograd && allowed == Winograd::Large;
    let (tiles, large_kernels) = if may_be_large {
        // Pixels beyond the padding are 0 for all outputs of a tile.
        let beyond = |row, column| row >= rows.len() || column >= columns.len();
        let at = |n, c, row, column| {
            if beyond(row, column) {
                Number::ZERO
            } else {
                pixel(n, c, row, column)
            }
        };
        let tile = |n, c, y, x| -> [[Number; PATCH]; PATCH] { from_fn(|i| from_fn(|j| at(n, c, TILE * y + i, TILE * x + j))) };
        let shape = (batch, out_height.div_ceil(TILE), out_width.div_ceil(TILE), group_channels);
        let tiles = Array4::from_shape_fn(shape, |(n, y, x, c)| winograd_large::of_tile(&tile(n, c, y, x)));
        let kernels = Array2::from_shape_fn((out_channels, group_channels), |(o, c)| {
            winograd_large::of_kernel(&kernel(o, c))
        });
        (tiles, kernels)
    } else {
        (Array4::default((0, 0, 0, 0)), Array2::default((0, 0)))
    };

    let output = Array4::from_shape_fn((batch, out_channels, out_height, out_width), |(n, o, y, x)| {
        let group = o / (out_channels / op.groups);
        let mut sum = Sum::default();
        let mut winograd = WinogradSum::default();
        let mut large = LargeTileSum::new(y, x);
        for c in 0..group_channels {
            for i in 0..kernel_height {
                for j in 0..kernel_width {
                    let row = y * stride.height + i * dilation.height;
                    let column = x * stride.width + j * dilation.width;
                    let pixel = pixel(n, group * group_channels + c, row, column);
                    sum.add_product(pixel, weight.at([o, c, i, j]));
                }
            }
            if may_be_winograd {
                winograd.add(&windows[[n, y, x, c]], &kernels[[o, c]]);
            }
            if may_be_large {
                large.add(&tiles[[n, y / TILE, x / TILE, c]], &large_kernels[[o, c]]);
            }
        }
        let bias = bias.as_ref().map(|bias| bias.at(o));
        if let Some(bias) = bias {
            sum.add(bias);
        }
        match (may_be_winograd, may_be_large) {
            (false, _) => sum.total(),
            (true, false) => sum.total_or(winograd.rounding(bias)),
            (true, true) => sum.total_or(winograd.rounding(bias).max(large.rounding(bias))),
        }
    });
    Ok(output.into())
}

/// `same` padding (before, after), dealt out one element at a time; the first goes after.
fn same(kernel: usize, dilation: usize) -> (isize, isize) {
    let (mut before, mut after) = (0, 0);
    for element in 0..dilation * (kernel - 1) {
        if element % 2 == 0 {
            after += 1;
        } else {
            before += 1;
        }
    }
    (before, after)
}

/// Counts the windows whose last tap is inside the padded extent.
fn windows(padded: usize, kernel: usize, stride: usize, dilation: usize) -> usize {
    // A stride may be as large as it likes: there is then only the first window.
    let last_tap = |window: usize| window.saturating_mul(stride).saturating_add((kernel - 1) * dilation);
    (0..padded).take_while(|&window| last_tap(window) < padded).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted() {
        assert_eq!(windows(5, 3, 1, 1), 3);
        assert_eq!(windows(6, 3, 2, 1), 2);
        assert_eq!(windows(7, 3, 2, 3), 1);
        assert_eq!(windows(5, 6, 1, 1), 0);
        assert_eq!(windows(5, 3, usize::MAX, 1), 1);
    }

    #[test]
    fn same_deals_the_odd_extra_after() {
        assert_eq!(same(3, 1), (1, 1));
        assert_eq!(same(4, 1), (1, 2));
        assert_eq!(same(2, 3), (1, 2));
        assert_eq!(same(1, 5), (0, 0));
    }
}
