//! Convolution by its definition: every output is a sum of products over a window.

use std::array::from_fn;

use ndarray::{Array2, Array4, Array5, Ix1, Ix5, s};

use super::answer::{Answer, View};
use super::number::{Number, Rounding, Sum};
use super::pad::padded;
use super::volume::{AXES, Place, axes, finish, of_volume, places, volume};
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
    let windows = Windows::new(op, spatial, &input, &weight);

    // Convolutions that may be computed by Winograd's algorithm have its bound where that is the larger.
    let may_be_winograd = spatial == 2
        && (windows.kernel, op.groups) == ([1, 3, 3], 1)
        && (0..AXES).all(|axis| windows.stride[axis] == 1 || windows.output[axis] == 1);
    let winograd_terms = may_be_winograd.then(|| WinogradTerms::new(&windows, &weight));
    let may_be_large = may_be_winograd && windows.dilation == [1; AXES] && allowed == Winograd::Large;
    let large_terms = may_be_large.then(|| LargeTerms::new(&windows, &weight));

    let output = windows.map(&weight, op.groups, |[n, o, _, y, x], pixels, weights| {
        let mut sum = Sum::of_products(pixels, weights);
        let bias = bias.as_ref().map(|bias| bias.at(o));
        if let Some(bias) = bias {
            sum.add(bias);
        }
        let rounding = match (&winograd_terms, &large_terms) {
            (None, _) => return sum.total(),
            (Some(terms), None) => terms.rounding([n, o, y, x], bias),
            (Some(terms), Some(large)) => terms.rounding([n, o, y, x], bias).or(large.rounding([n, o, y, x], bias)),
        };
        sum.total_or(rounding)
    });
    Ok(finish(output, spatial))
}

/// The windows of a convolution over a padded input.
pub(super) struct Windows {
    stride: Place,
    dilation: Place,
    kernel: Place,
    /// How many there are along each axis.
    output: Place,
    /// For each coordinate of a padded axis what of the input stands there.
    places: [Vec<Option<usize>>; AXES],
    /// The shape of the input, and its numbers in order.
    input: [usize; 2 + AXES],
    pixels: Vec<Number>,
}

impl Windows {
    pub(super) fn new(op: &Conv, spatial: usize, input: &View<'_, Ix5>, weight: &View<'_, Ix5>) -> Self {
        let shape = <[usize; 2 + AXES]>::from(input.dim());
        let (extents, kernel) = ([shape[2], shape[3], shape[4]], weight.dim());
        let kernel = [kernel.2, kernel.3, kernel.4];
        let (stride, dilation) = (of_volume(op.stride, spatial, 1), of_volume(op.dilation, spatial, 1));
        let sides = match op.padding {
            ConvPadding::Explicit(padding) => of_volume(padding, spatial, Sides::NONE),
            ConvPadding::Valid => of_volume(Padding::NONE, spatial, Sides::NONE),
            ConvPadding::Same => from_fn(|axis| same(kernel[axis], dilation[axis])),
        };
        let places: [_; AXES] = from_fn(|axis| padded(op.padding_mode, extents[axis], sides[axis].before, sides[axis].after));
        Self {
            output: from_fn(|axis| windows(places[axis].len(), kernel[axis], stride[axis], dilation[axis])),
            stride,
            dilation,
            kernel,
            places,
            input: shape,
            pixels: input.numbers(),
        }
    }

    /// An output for every window and output channel, from its place, the window's pixels over the input channels of its group, and
    /// the weights for them.
    pub(super) fn map(
        &self,
        weight: &View<'_, Ix5>,
        groups: usize,
        output: impl Fn([usize; 2 + AXES], &[Number], &[Number]) -> Number,
    ) -> Array5<Number> {
        let (out_channels, group_channels, ..) = weight.dim();
        let weights = weight.numbers();
        let (own, terms) = (out_channels / groups, weights.len() / out_channels.max(1));
        let [depth, height, width] = self.output;
        let mut outputs = Array5::from_elem((self.input[0], out_channels, depth, height, width), Number::ZERO);
        let mut pixels = Vec::with_capacity(terms);
        for (n, group) in (0..self.input[0]).flat_map(|n| (0..groups).map(move |group| (n, group))) {
            for [z, y, x] in places(self.output) {
                pixels.clear();
                for c in group * group_channels..(group + 1) * group_channels {
                    let place = |tap: Place| from_fn(|axis| [z, y, x][axis] * self.stride[axis] + tap[axis] * self.dilation[axis]);
                    pixels.extend(places(self.kernel).map(|tap| self.pixel(n, c, place(tap))));
                }
                for o in group * own..(group + 1) * own {
                    outputs[[n, o, z, y, x]] = output([n, o, z, y, x], &pixels, &weights[o * terms..][..terms]);
                }
            }
        }
        outputs
    }

    /// What stands at a place of the padded input.
    fn pixel(&self, n: usize, c: usize, [z, y, x]: Place) -> Number {
        let [_, channels, depth, height, width] = self.input;
        match (self.places[0][z], self.places[1][y], self.places[2][x]) {
            (Some(slice), Some(row), Some(column)) => {
                self.pixels[(((n * channels + c) * depth + slice) * height + row) * width + column]
            }
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
    fn new(windows: &Windows, weight: &View<'_, Ix5>) -> Self {
        let [batch, channels, ..] = windows.input;
        let ([_, height, width], [_, down, across]) = (windows.output, windows.dilation);
        let window = |n, c, y, x| from_fn(|i| from_fn(|j| windows.pixel(n, c, [0, y + i * down, x + j * across])));
        Self {
            windows: Array4::from_shape_fn((batch, height, width, channels), |(n, y, x, c)| {
                winograd::of_window(&window(n, c, y, x))
            }),
            kernels: kernels(weight, winograd::of_kernel),
        }
    }

    /// The rounding of the output at this place.
    fn rounding(&self, [n, o, y, x]: [usize; 4], bias: Option<Number>) -> Rounding {
        let mut sum = WinogradSum::default();
        let windows = self.windows.slice(s![n, y, x, ..]);
        for (window, kernel) in windows.iter().zip(self.kernels.row(o)) {
            sum.add(window, kernel);
        }
        sum.rounding(bias)
    }
}

/// The same by larger tiles.
struct LargeTerms {
    tiles: Array4<winograd_large::Magnitudes>,
    kernels: Array2<winograd_large::Magnitudes>,
}

impl LargeTerms {
    fn new(windows: &Windows, weight: &View<'_, Ix5>) -> Self {
        let [batch, channels, ..] = windows.input;
        let ([_, height, width], [_, rows, columns]) = (windows.output, &windows.places);
        let at = |n, c, row, column| {
            // Pixels beyond the padding are 0 for all outputs of a tile.
            if row >= rows.len() || column >= columns.len() {
                Number::ZERO
            } else {
                windows.pixel(n, c, [0, row, column])
            }
        };
        let tile = |n, c, y, x| -> [[Number; PATCH]; PATCH] { from_fn(|i| from_fn(|j| at(n, c, TILE * y + i, TILE * x + j))) };
        let shape = (batch, height.div_ceil(TILE), width.div_ceil(TILE), channels);
        Self {
            tiles: Array4::from_shape_fn(shape, |(n, y, x, c)| winograd_large::of_tile(&tile(n, c, y, x))),
            kernels: kernels(weight, winograd_large::of_kernel),
        }
    }

    /// The rounding of the output at this place.
    fn rounding(&self, [n, o, y, x]: [usize; 4], bias: Option<Number>) -> Rounding {
        let mut sum = LargeTileSum::new(y, x);
        let tiles = self.tiles.slice(s![n, y / TILE, x / TILE, ..]);
        for (tile, kernel) in tiles.iter().zip(self.kernels.row(o)) {
            sum.add(tile, kernel);
        }
        sum.rounding(bias)
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
