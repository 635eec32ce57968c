//! Bilinear resizing that widens its filter when shrinking (antialias), to the last bit as Pillow does it, and so
//! torchvision's `Resize` of a picture.

/// A picture as levels of 0 to 255, row by row, its channels side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Levels of a pixel.
    pub channels: usize,
    /// All levels, row by row.
    pub levels: Vec<u8>,
}

/// Fraction bits of Pillow's weights for 8-bit levels: sums of products with 255 stay within 32 bits.
const FRACTION: u32 = 22;

impl Picture {
    /// The level of a channel of a pixel.
    pub(crate) fn level(&self, y: usize, x: usize, channel: usize) -> u8 {
        self.levels[(y * self.width + x) * self.channels + channel]
    }

    /// Another size: first along rows, then along columns, rounded to whole levels after each; a side that stays is left.
    pub(crate) fn resized(self, height: usize, width: usize) -> Self {
        let (rows, row) = (self.height, self.width * self.channels);
        let wide = if width == self.width {
            self.levels
        } else {
            // Each row is `width` groups of channels.
            along(&self.levels, rows, self.width, width, self.channels)
        };
        let levels = if height == self.height {
            wide
        } else {
            // The whole is `height` groups of a row.
            along(&wide, 1, rows, height, row / self.width * width)
        };
        Self {
            height,
            width,
            channels: self.channels,
            levels,
        }
    }

    /// The middle of the picture; of two middles the even one, as Python rounds.
    ///
    /// Errors: more than there is.
    pub(crate) fn cropped(self, height: usize, width: usize) -> Result<Self, String> {
        if height > self.height || width > self.width {
            return Err(format!(
                "{width}x{height} cannot be cropped from {}x{}",
                self.width, self.height
            ));
        }
        let middle = |surplus: usize| surplus / 2 + usize::from(surplus % 4 == 3);
        let (top, left) = (middle(self.height - height), middle(self.width - width));
        let levels = (top..top + height).flat_map(|y| {
            let start = (y * self.width + left) * self.channels;
            self.levels[start..start + width * self.channels].iter().copied()
        });
        Ok(Self {
            height,
            width,
            channels: self.channels,
            levels: levels.collect(),
        })
    }
}

/// Resamples the middle axis of `[outer, length, inner]` to `[outer, target, inner]`.
fn along(levels: &[u8], outer: usize, length: usize, target: usize, inner: usize) -> Vec<u8> {
    let windows: Vec<(usize, Vec<i32>)> = (0..target).map(|index| window(index, length, target)).collect();
    let mut result = Vec::with_capacity(outer * target * inner);
    for block in levels.chunks_exact(length * inner).take(outer) {
        for (first, weights) in &windows {
            for offset in 0..inner {
                let mut sum = 1_i32 << (FRACTION - 1);
                for (step, weight) in weights.iter().enumerate() {
                    sum += weight * i32::from(block[(first + step) * inner + offset]);
                }
                result.push((sum >> FRACTION).clamp(0, 255) as u8);
            }
        }
    }
    result
}

/// Where the source of a target element begins, and the weights of its elements.
fn window(target: usize, length: usize, targets: usize) -> (usize, Vec<i32>) {
    let scale = length as f64 / targets as f64;
    let reach = scale.max(1.0);
    let centre = (target as f64 + 0.5) * scale;
    let first = (centre - reach + 0.5).max(0.0) as usize;
    let end = ((centre + reach + 0.5) as usize).min(length);
    let weight = |source: usize| (1.0 - ((source as f64 - centre + 0.5) * (1.0 / reach)).abs()).max(0.0);
    let total: f64 = (first..end).map(weight).sum();
    let one = f64::from(1_u32 << FRACTION);
    let weights = (first..end).map(|source| (0.5 + weight(source) / total * one) as i32);
    (first, weights.collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A picture that is not symmetric; the figures below were made from the same formula.
    pub(crate) fn sample(height: usize, width: usize) -> Picture {
        let channel = |y: usize, x: usize| [37 * x + 11 * y, 7 * x * x + 5 * y, 90 + 23 * x + 256 * 31 - 31 * y];
        let levels = (0..height).flat_map(|y| (0..width).flat_map(move |x| channel(y, x).map(|level| (level % 256) as u8)));
        Picture {
            height,
            width,
            channels: 3,
            levels: levels.collect(),
        }
    }

    fn channel(picture: &Picture, channel: usize) -> Vec<u8> {
        picture.levels.iter().copied().skip(channel).step_by(3).collect()
    }

    #[test]
    fn resizing_is_pillows() {
        // Pillow 13.0, through torchvision 0.29's Resize(4) and Resize(8).
        let small = sample(7, 10).resized(4, 5);
        let expected: [[u8; 20]; 3] = [
            [
                32, 99, 173, 119, 57, 49, 116, 190, 136, 74, 69, 136, 187, 87, 94, 86, 153, 195, 77, 111,
            ],
            [
                10, 52, 134, 130, 121, 17, 59, 125, 87, 128, 27, 69, 135, 97, 138, 34, 76, 142, 104, 145,
            ],
            [
                90, 132, 178, 207, 102, 72, 84, 130, 176, 195, 181, 69, 72, 118, 159, 191, 169, 91, 70, 111,
            ],
        ];
        for (index, expected) in expected.iter().enumerate() {
            assert_eq!(channel(&small, index), expected);
        }
        let large = sample(5, 3).resized(13, 8);
        assert_eq!((large.levels.len(), large.height, large.width), (13 * 8 * 3, 13, 8));
        let blue = channel(&large, 2);
        // Rows 0, 7 and 12.
        assert_eq!(blue[..8], [90, 91, 100, 109, 117, 126, 135, 136]);
        assert_eq!(blue[56..64], [115, 109, 81, 54, 43, 52, 61, 62]);
        assert_eq!(blue[96..], [222, 223, 232, 241, 201, 114, 27, 12]);
    }

    #[test]
    fn a_size_that_stays_leaves_the_picture() {
        assert_eq!(sample(4, 6).resized(4, 6), sample(4, 6));
        let higher = sample(4, 6).resized(8, 6);
        assert_eq!(higher.resized(8, 6).levels[..18], sample(4, 6).levels[..18]);
    }

    #[test]
    fn the_middle_is_torchvisions() {
        let picture = Picture {
            height: 12,
            width: 9,
            channels: 1,
            levels: (0..108).collect(),
        };
        // The first level of torchvision's CenterCrop.
        for ((height, width), first) in [((5, 4), 38), ((4, 5), 38), ((7, 7), 19), ((12, 9), 0), ((3, 2), 40)] {
            let crop = picture.clone().cropped(height, width).unwrap();
            assert_eq!(
                (crop.levels[0], crop.levels.len()),
                (first, height * width),
                "{height}x{width}"
            );
            assert_eq!(
                crop.levels[crop.levels.len() - 1],
                first + 9 * (height as u8 - 1) + width as u8 - 1
            );
        }
        let error = picture.cropped(13, 9).unwrap_err();
        assert_eq!(error, "9x13 cannot be cropped from 9x12");
    }
}
