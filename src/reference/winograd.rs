//! The bound of 3x3 convolutions that an implementation may compute by Winograd's F(2x2, 3x3); `winograd_large` has that of
//! F(4x4, 3x3).
//!
//! In one dimension the two outputs of a tile d0 d1 d2 d3 with the kernel g0 g1 g2 are
//!
//! ```text
//! (d0 - d2) g0 + (d1 + d2) (g0 + g1 + g2) / 2 + (d2 - d1) (g0 - g1 + g2) / 2
//!                (d1 + d2) (g0 + g1 + g2) / 2 - (d2 - d1) (g0 - g1 + g2) / 2 - (d1 - d3) g2
//! ```
//!
//! Each is made of its own window alone, but by way of sums that cancel, and rounding errors are relative to those. With
//! the window's magnitudes w0 w1 w2 they come to no more than
//!
//! ```text
//! (w0 + w2) max(g0, g2) + max(w0 + w1, w1 + w2) (g0 + g1 + g2)
//! ```
//!
//! whichever of the two an output is: one term for the tile's ends, one for its middle. In two dimensions ends and middles
//! multiply: four terms.

use super::number::{Number, Rounding, SMALLEST, depth_of_products};

/// Additions and products that an implementation may do between an input and an output, besides those that sum over the
/// input channels: 2 in the transform of the tile, 4 in the kernel's (a half is exact), a product, 4 in the transform of
/// the products, and 2 to spare for the products of errors, as in every sum.
const DEPTH: usize = 2 + 4 + 1 + 4 + 2;

/// Magnitudes of a transformed window or kernel: ends and middles, down and across.
pub(super) type Magnitudes = [f64; 4];

/// Those of one channel's window: sums of four.
pub(super) fn of_window(window: &[[Number; 3]; 3]) -> Magnitudes {
    let at = |i: usize, j: usize| window[i][j].largest();
    let ends = |i: usize| at(i, 0) + at(i, 2);
    // A middle's neighbour is on either side.
    let middles = |i: usize| [at(i, 0) + at(i, 1), at(i, 1) + at(i, 2)];
    let pair = |i: usize, j: usize, side: usize| middles(i)[side] + middles(j)[side];
    let largest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    [
        ends(0) + ends(2),
        largest(&[pair(0, 2, 0), pair(0, 2, 1)]),
        largest(&[ends(0) + ends(1), ends(1) + ends(2)]),
        largest(&[pair(0, 1, 0), pair(0, 1, 1), pair(1, 2, 0), pair(1, 2, 1)]),
    ]
}

/// Those of one channel's kernel.
pub(super) fn of_kernel(kernel: &[[Number; 3]; 3]) -> Magnitudes {
    let at = |i: usize, j: usize| kernel[i][j].largest();
    let row = |i: usize| at(i, 0) + at(i, 1) + at(i, 2);
    let column = |j: usize| at(0, j) + at(1, j) + at(2, j);
    [
        at(0, 0).max(at(0, 2)).max(at(2, 0)).max(at(2, 2)),
        row(0).max(row(2)),
        column(0).max(column(2)),
        row(0) + row(1) + row(2),
    ]
}

/// The rounding error of a running sum over input channels.
#[derive(Clone, Copy, Default)]
pub(super) struct WinogradSum {
    channels: usize,
    magnitude: f64,
    flushed: f64,
}

impl WinogradSum {
    pub(super) fn add(&mut self, window: &Magnitudes, kernel: &Magnitudes) {
        self.channels += 1;
        for (window, kernel) in window.iter().zip(kernel) {
            self.magnitude += window * kernel;
            // A transformed pixel is off by 4 flushed inputs, 2 flushed sums and itself, a transformed weight by less than
            // 16 of them. There are at most 4 of the one and 1 of the other of each magnitude.
            self.flushed += SMALLEST * (7.0 * kernel + 16.0 * 4.0 * window);
        }
        // 9 products and as many partial sums.
        self.flushed += SMALLEST * 18.0;
    }

    /// The error of the sum and of adding a bias to it.
    pub(super) fn rounding(self, bias: Option<Number>) -> Rounding {
        let terms = depth_of_products(self.channels) + (DEPTH + usize::from(bias.is_some())) as f64;
        let magnitude = self.magnitude + bias.map_or(0.0, Number::largest);
        // Besides the sums over channels, at most 16 sums of the output's transform and the bias's may be flushed.
        Rounding::of_sum(terms, magnitude, self.flushed + 18.0 * SMALLEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(values: [[f64; 3]; 3]) -> [[Number; 3]; 3] {
        values.map(|row| row.map(Number::exact))
    }

    /// The magnitudes of the 16 products as the transforms have them, for each of a tile's four outputs.
    #[test]
    fn four_terms_are_no_less_than_sixteen_products() {
        let input = [
            [1.0, -7.0, 2.0, 5.0],
            [3.0, 0.5, -4.0, 1.0],
            [-6.0, 2.0, 8.0, -3.0],
            [0.0, 9.0, -1.0, 4.0],
        ];
        let kernel = [[2.0, -1.0, 3.0], [0.5, 4.0, -2.0], [-5.0, 1.0, 6.0]];
        let tile_terms: [&[usize]; 4] = [&[0, 2], &[1, 2], &[1, 2], &[1, 3]];
        let kernel_terms: [(&[usize], f64); 4] = [(&[0], 1.0), (&[0, 1, 2], 0.5), (&[0, 1, 2], 0.5), (&[2], 1.0)];
        let used: [&[usize]; 2] = [&[0, 1, 2], &[1, 2, 3]];
        let mut tightest = f64::INFINITY;
        for (y, rows) in used.iter().enumerate() {
            for (x, columns) in used.iter().enumerate() {
                let mut products = 0.0;
                for &p in *rows {
                    for &q in *columns {
                        let pixels = |i: &usize| tile_terms[q].iter().map(|&j| f64::abs(input[*i][j])).sum::<f64>();
                        let weights = |i: &usize| kernel_terms[q].0.iter().map(|&j| f64::abs(kernel[*i][j])).sum::<f64>();
                        let halves = kernel_terms[p].1 * kernel_terms[q].1;
                        let pixels: f64 = tile_terms[p].iter().map(pixels).sum();
                        products += pixels * halves * kernel_terms[p].0.iter().map(weights).sum::<f64>();
                    }
                }
                let window = std::array::from_fn(|i| std::array::from_fn(|j| input[y + i][x + j]));
                let mut sum = WinogradSum::default();
                sum.add(&of_window(&grid(window)), &of_kernel(&grid(kernel)));
                assert!(sum.magnitude >= products, "{} < {products}", sum.magnitude);
                tightest = tightest.min(sum.magnitude / products);
            }
        }
        assert!(tightest < 1.5, "{tightest}");
    }

    /// Of ones there are 64 instead of the definition's 9.
    #[test]
    fn ones_cost_sixty_four() {
        let ones = grid([[1.0; 3]; 3]);
        let mut sum = WinogradSum::default();
        sum.add(&of_window(&ones), &of_kernel(&ones));
        assert_eq!(sum.magnitude.to_bits(), 64.0_f64.to_bits());
    }
}
