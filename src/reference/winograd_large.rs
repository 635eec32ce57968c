//! The bound of 3x3 convolutions that an implementation may compute by Winograd's F(4x4, 3x3).
//!
//! An output is made of all 6x6 pixels of its tile, by way of sums that cancel, and rounding errors are relative to the
//! magnitudes of those. So the bound follows the transforms, with magnitudes for numbers: tiles begin at every fourth output.

use super::number::{Number, Rounding, SMALLEST, depth_of_products};

/// Outputs of a tile, and pixels that they are made of, across and down.
pub(super) const TILE: usize = 4;
pub(super) const PATCH: usize = 6;

/// Magnitudes of a transformed tile or kernel.
pub(super) type Magnitudes = [[f64; PATCH]; PATCH];

/// Magnitudes in the transforms of pixels, weights and products: polynomials at 0, 1/2, -1/2, 2, -2 and infinity.
const PIXELS: [[f64; PATCH]; PATCH] = [
    [1.0, 0.0, 4.25, 0.0, 1.0, 0.0],
    [0.0, 2.0, 4.0, 0.5, 1.0, 0.0],
    [0.0, 2.0, 4.0, 0.5, 1.0, 0.0],
    [0.0, 0.5, 0.25, 2.0, 1.0, 0.0],
    [0.0, 0.5, 0.25, 2.0, 1.0, 0.0],
    [0.0, 1.0, 0.0, 4.25, 0.0, 1.0],
];
const WEIGHTS: [[f64; 3]; PATCH] = [
    [1.0, 0.0, 0.0],
    [8.0 / 15.0, 4.0 / 15.0, 2.0 / 15.0],
    [8.0 / 15.0, 4.0 / 15.0, 2.0 / 15.0],
    [1.0 / 30.0, 2.0 / 30.0, 4.0 / 30.0],
    [1.0 / 30.0, 2.0 / 30.0, 4.0 / 30.0],
    [0.0, 0.0, 1.0],
];
const OUTPUTS: [[f64; PATCH]; TILE] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
    [0.0, 0.5, 0.5, 2.0, 2.0, 0.0],
    [0.0, 0.25, 0.25, 4.0, 4.0, 0.0],
    [0.0, 0.125, 0.125, 8.0, 8.0, 1.0],
];

/// Roundings between an input and an output, besides those that sum over the input channels. In each direction 3 of pixels; 4
/// of weights, that of the constant among them; 3 of outputs; a product; and 2 to spare for the products of errors.
const DEPTH: usize = 2 * (3 + 4 + 3) + 1 + 2;

/// `rows` times the magnitudes times `rows` transposed. What no row counts adds nothing, be it infinite.
fn transformed<const N: usize, const P: usize>(rows: &[[f64; N]; P], numbers: &[[Number; N]; N]) -> [[f64; P]; P] {
    let mut sums = [[0.0; P]; P];
    for (p, down) in rows.iter().enumerate() {
        for (q, across) in rows.iter().enumerate() {
            for (i, &vertical) in down.iter().enumerate().filter(|(_, part)| **part > 0.0) {
                for (j, &horizontal) in across.iter().enumerate().filter(|(_, part)| **part > 0.0) {
                    sums[p][q] += vertical * horizontal * numbers[i][j].largest();
                }
            }
        }
    }
    sums
}

/// Those of one channel's tile.
pub(super) fn of_tile(tile: &[[Number; PATCH]; PATCH]) -> Magnitudes {
    transformed(&PIXELS, tile)
}

/// Those of one channel's kernel.
pub(super) fn of_kernel(kernel: &[[Number; 3]; 3]) -> Magnitudes {
    transformed(&WEIGHTS, kernel)
}

/// The rounding error of one output, a running sum over input channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct LargeTileSum {
    /// The output's place in its tile, down and across.
    place: [usize; 2],
    channels: usize,
    magnitude: f64,
    flushed: f64,
}

impl LargeTileSum {
    /// For an output of these coordinates.
    pub(super) fn new(y: usize, x: usize) -> Self {
        Self {
            place: [y % TILE, x % TILE],
            channels: 0,
            magnitude: 0.0,
            flushed: 0.0,
        }
    }

    pub(super) fn add(&mut self, tile: &Magnitudes, kernel: &Magnitudes) {
        self.channels += 1;
        let [y, x] = self.place;
        for (p, &vertical) in OUTPUTS[y].iter().enumerate().filter(|(_, part)| **part > 0.0) {
            for (q, &horizontal) in OUTPUTS[x].iter().enumerate().filter(|(_, part)| **part > 0.0) {
                let part = vertical * horizontal;
                self.magnitude += part * tile[p][q] * kernel[p][q];
                // A transformed pixel is off by less than 128 flushed numbers (its rows come to at most 7.5, over flushed
                // inputs and 6 flushed results in each direction), a transformed weight by less than 16; and a product
                // and a partial sum.
                self.flushed += SMALLEST * part * (128.0 * kernel[p][q] + 16.0 * tile[p][q] + 2.0);
            }
        }
    }

    /// The error of the sum and of adding a bias to it; 0 where what is summed is not finite: then an implementation is to sum
    /// by the definition.
    pub(super) fn rounding(self, bias: Option<Number>) -> Rounding {
        let terms = depth_of_products(self.channels) + (DEPTH + usize::from(bias.is_some())) as f64;
        let magnitude = self.magnitude + bias.map_or(0.0, Number::largest);
        // Besides the sums over channels, the output's transform flushes: 8 at most of each of 7 results in each direction,
        // the first of which count 17.25 times at most.
        let rounding = Rounding::of_sum(terms, magnitude, self.flushed + 2048.0 * SMALLEST);
        if rounding.bound.is_finite() {
            rounding
        } else {
            Rounding::NONE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ones there are 484 at most instead of the definition's 9, and F(2x2, 3x3)'s 64.
    #[test]
    fn ones_cost_at_most_484() {
        let tile = of_tile(&[[Number::exact(1.0); PATCH]; PATCH]);
        let kernel = of_kernel(&[[Number::exact(1.0); 3]; 3]);
        let magnitude = |y, x| {
            let mut sum = LargeTileSum::new(y, x);
            sum.add(&tile, &kernel);
            sum.magnitude
        };
        let all: Vec<f64> = (0..16).map(|place| magnitude(place / 4, place % 4)).collect();
        let largest = all.iter().copied().fold(0.0, f64::max);
        assert!((largest - 484.0).abs() < 1e-9, "{all:?}");
        assert!(all.iter().all(|&magnitude| magnitude > 64.0), "{all:?}");
    }

    /// Transforms with these magnitudes and the right signs give a convolution.
    #[test]
    fn the_transforms_convolve() {
        const PIXEL_SIGNS: [[f64; PATCH]; PATCH] = [
            [1.0, 0.0, -1.0, 0.0, 1.0, 0.0],
            [0.0, -1.0, -1.0, 1.0, 1.0, 0.0],
            [0.0, 1.0, -1.0, -1.0, 1.0, 0.0],
            [0.0, -1.0, -1.0, 1.0, 1.0, 0.0],
            [0.0, 1.0, -1.0, -1.0, 1.0, 0.0],
            [0.0, 1.0, 0.0, -1.0, 0.0, 1.0],
        ];
        const WEIGHT_SIGNS: [[f64; 3]; PATCH] = [
            [1.0, 0.0, 0.0],
            [-1.0, -1.0, -1.0],
            [-1.0, 1.0, -1.0],
            [1.0, 1.0, 1.0],
            [1.0, -1.0, 1.0],
            [0.0, 0.0, 1.0],
        ];
        const OUTPUT_SIGNS: [f64; PATCH] = [1.0, 1.0, -1.0, 1.0, -1.0, 1.0];
        let (pixels, weights) = ([3.0, -1.0, 4.0, 1.5, -9.0, 2.0], [2.0, -7.0, 0.5]);
        for output in 0..TILE {
            let mut sum = 0.0;
            for place in 0..PATCH {
                let dot = |parts: &[f64], signs: &[f64], numbers: &[f64]| -> f64 {
                    let terms = parts.iter().zip(signs).zip(numbers);
                    terms.map(|((part, sign), number)| part * sign * number).sum()
                };
                let sign = if output % 2 == 1 { OUTPUT_SIGNS[place] } else { 1.0 };
                sum += OUTPUTS[output][place]
                    * sign
                    * dot(&PIXELS[place], &PIXEL_SIGNS[place], &pixels)
                    * dot(&WEIGHTS[place], &WEIGHT_SIGNS[place], &weights);
            }
            let want: f64 = (0..3).map(|tap| pixels[output + tap] * weights[tap]).sum();
            assert!((sum - want).abs() < 1e-12, "output {output}: {sum} for {want}");
        }
    }

    #[test]
    fn what_is_not_finite_has_the_definitions_bound() {
        let mut tile = [[Number::exact(1.0); PATCH]; PATCH];
        tile[0][0] = Number::exact(f64::INFINITY);
        let kernel = of_kernel(&[[Number::exact(1.0); 3]; 3]);
        let rounding = |y, x| {
            let mut sum = LargeTileSum::new(y, x);
            sum.add(&of_tile(&tile), &kernel);
            sum.rounding(None)
        };
        assert_eq!(rounding(0, 0).bound.to_bits(), 0.0_f64.to_bits());
        // An output that the pixel is no part of.
        assert!(rounding(1, 1).bound > 0.0);
    }
}
