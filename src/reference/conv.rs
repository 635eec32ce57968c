//! Convolution by its definition: every output is a sum of products over a window.

use std::array::from_fn;

use ndarray::{Array2, Array4, Array5, Ix1, Ix5};

use super::answer::{Answer, View};
use super::number::{Number, Sum};
use super::pad::padded;
use super::volume::{AXES, axes, finish, of_volume, places, volume};
use super::winograd::{self, WinogradSum};
use super::winograd_large::{self, LargeTileSum, PATCH, TILE};
use crate::error::Result;
use crate::ops::Winograd;
use crate::ops::{Conv, ConvPadding};
use crate::padding::{Padding, Sides};

pub(super) fn conv(op: &Conv, input: &Answer, weight: &Answer, bias: Option<&Answer>, allowed: Winograd) -> Result<Answer> {
    let spatial = axes(input);
    let (input, weight) = (volume(input)?, volume(weight)?);
    let bias = bias.map(Answer::view::<Ix1>).transpose()?;
    let (batch, _, depth, height, width) = input.dim();
    let (out_channels, group_channels, kernel_depth, kernel_height, kernel_width) = weight.dim();
    let kernel = [kernel_depth, kernel_height, kernel_width];
    let Windows {
        stride,
        dilation,
        padded,
        output,
    } = Windows::new(op, spatial, [depth, height, width], kernel);
    let picture = Padded { input, places: padded };

    // Convolutions that may be computed by Winograd's algorithm have its bound where that is the larger.
    let may_be_winograd =
        spatial == 2 && (kernel, op.groups) == ([1, 3, 3], 1) && (0..AXES).all(|axis| stride[axis] == 1 || output[axis] == 1);
    let winograd_terms = may_be_winograd.then(|| WinogradTerms::new(&picture, &weight, dilation, output));
    let may_be_large = may_be_winograd && dilation == [1; AXES] && allowed == Winograd::Large;
    let large_terms = may_be_large.then(|| LargeTerms::new(&picture, &weight, output));

    let shape = (batch, out_channels, output[0], output[1], output[2]);
    let output = Array5::from_shape_fn(shape, |(n, o, z, y, x)| {
        let group = o / (out_channels / op.groups);
        let window = [z, y, x];
        let mut sum = Sum::default();
        let mut winograd = WinogradSum::default();
        let mut large = LargeTileSum::new(y, x);
        for c in 0..group_channels {
            for tap in places(kernel) {
                let place = from_fn(|axis| window[axis] * stride[axis] + tap[axis] * dilation[axis]);
                let pixel = picture.at(n, group * group_channels + c, place);
                sum.add_product(pixel, weight.at([o, c, tap[0], tap[1], tap[2]]));
            }
            if let Some(terms) = &winograd_terms {
                winograd.add(&terms.windows[[n, y, x, c]], &terms.kernels[[o, c]]);
            }
            if let Some(terms) = &large_terms {
                large.add(&terms.tiles[[n, y / TILE, x / TILE, c]], &terms.kernels[[o, c]]);
            }
        }
        let bias = bias.as_ref().map(|bias| bias.at(o));
        if let Some(bias) = bias {
            sum.add(bias);
        }
        match (may_be_winograd, may_be_large) {
            (false, _) => sum.total(),
            (true, false) => sum.total_or(winograd.rounding(bias)),
            (true, true) => sum.total_or(winograd.rounding(bias).or(large.rounding(bias))),
        }
    });
    Ok(finish(output, spatial))
}

/// The windows of a convolution along each axis.
pub(super) struct Windows {
    pub(super) stride: [usize; AXES],
    pub(super) dilation: [usize; AXES],
    /// For each coordinate of a padded axis what of the input stands there.
    pub(super) padded: [Vec<Option<usize>>; AXES],
    /// How many there are.
    pub(super) output: [usize; AXES],
}

impl Windows {
    pub(super) fn new(op: &Conv, spatial: usize, extents: [usize; AXES], kernel: [usize; AXES]) -> Self {
        let (stride, dilation) = (of_volume(op.stride, spatial, 1), of_volume(op.dilation, spatial, 1));
        let sides = match op.padding {
            ConvPadding::Explicit(padding) => of_volume(padding, spatial, Sides::NONE),
            ConvPadding::Valid => of_volume(Padding::NONE, spatial, Sides::NONE),
            ConvPadding::Same => from_fn(|axis| same(kernel[axis], dilation[axis])),
        };
        let padded: [_; AXES] = from_fn(|axis| padded(op.padding_mode, extents[axis], sides[axis].before, sides[axis].after));
        Self {
            output: from_fn(|axis| windows(padded[axis].len(), kernel[axis], stride[axis], dilation[axis])),
            stride,
            dilation,
            padded,
        }
    }
}

/// An input and, for each coordinate of a padded axis, what of the input stands there.
pub(super) struct Padded<'a> {
    pub(super) input: View<'a, Ix5>,
    pub(super) places: [Vec<Option<usize>>; AXES],
}

impl Padded<'_> {
    pub(super) fn at(&self, n: usize, c: usize, [z, y, x]: [usize; AXES]) -> Number {
        match (self.places[0][z], self.places[1][y], self.places[2][x]) {
            (Some(slice), Some(row), Some(column)) => self.input.at([n, c, slice, row, column]),
            _ => Number::ZERO,
        }
    }
}

/// What Winograd's algorithm multiplies, for an image.
struct WinogradTerms {
    windows: Array4<winograd::Magnitudes>,
    kernels: Array2<winograd::Magnitudes>,
}

impl WinogradTerms {
    fn new(
        picture: &Padded<'_>,
        weight: &View<'_, Ix5>,
        [_, down, across]: [usize; AXES],
        [_, height, width]: [usize; AXES],
    ) -> Self {
        let (batch, channels, ..) = picture.input.dim();
        let window = |n, c, y, x| from_fn(|i| from_fn(|j| picture.at(n, c, [0, y + i * down, x + j * across])));
        Self {
            windows: Array4::from_shape_fn((batch, height, width, channels), |(n, y, x, c)| {
                winograd::of_window(&window(n, c, y, x))
            }),
            kernels: kernels(weight, winograd::of_kernel),
        }
    }
}

/// The same by larger tiles.
struct LargeTerms {
    tiles: Array4<winograd_large::Magnitudes>,
    kernels: Array2<winograd_large::Magnitudes>,
}

impl LargeTerms {
    fn new(picture: &Padded<'_>, weight: &View<'_, Ix5>, [_, height, width]: [usize; AXES]) -> Self {
        let (batch, channels, ..) = picture.input.dim();
        let [_, rows, columns] = &picture.places;
        let at = |n, c, row, column| {
            // Pixels beyond the padding are 0 for all outputs of a tile.
            if row >= rows.len() || column >= columns.len() {
                Number::ZERO
            } else {
                picture.at(n, c, [0, row, column])
            }
        };
        let tile = |n, c, y, x| -> [[Number; PATCH]; PATCH] { from_fn(|i| from_fn(|j| at(n, c, TILE * y + i, TILE * x + j))) };
        let shape = (batch, height.div_ceil(TILE), width.div_ceil(TILE), channels);
        Self {
            tiles: Array4::from_shape_fn(shape, |(n, y, x, c)| winograd_large::of_tile(&tile(n, c, y, x))),
            kernels: kernels(weight, winograd_large::of_kernel),
        }
    }
}

/// Every 3x3 kernel as an algorithm has it.
fn kernels<T>(weight: &View<'_, Ix5>, transformed: impl Fn(&[[Number; 3]; 3]) -> T) -> Array2<T> {
    let (out_channels, in_channels, ..) = weight.dim();
    Array2::from_shape_fn((out_channels, in_channels), |(o, c)| {
        transformed(&from_fn(|i| from_fn(|j| weight.at([o, c, 0, i, j]))))
    })
}

/// `same` padding, dealt out one element at a time; the first goes after.
fn same(kernel: usize, dilation: usize) -> Sides {
    let (mut before, mut after) = (0, 0);
    for element in 0..dilation * (kernel - 1) {
        if element % 2 == 0 {
            after += 1;
        } else {
            before += 1;
        }
    }
    Sides { before, after }
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
        assert_eq!(same(3, 1), Sides::new(1, 1));
        assert_eq!(same(4, 1), Sides::new(1, 2));
        assert_eq!(same(2, 3), Sides::new(1, 2));
        assert_eq!(same(1, 5), Sides::new(0, 0));
    }
}
