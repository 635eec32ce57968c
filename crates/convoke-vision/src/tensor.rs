//! Levels as numbers for a network.

use ndarray::{Array4, ArrayViewMut3};

use crate::error::{Result, invalid};
use crate::picture::Picture;

/// ImageNet's means, red first.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// ImageNet's standard deviations, red first.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Where channels stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// `[N, C, H, W]`.
    #[default]
    Nchw,
    /// `[N, H, W, C]`.
    Nhwc,
}

/// What levels become: scaled to a range, then less a mean and divided by a standard deviation, each channel by its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    range: (f32, f32),
    mean: Vec<f32>,
    std: Vec<f32>,
    reversed: bool,
}

impl Default for Scaling {
    /// 0 to 1: torchvision's `ToTensor`.
    fn default() -> Self {
        Self {
            range: (0.0, 1.0),
            mean: vec![0.0],
            std: vec![1.0],
            reversed: false,
        }
    }
}

impl Scaling {
    /// 0 to 1, with ImageNet's means and standard deviations.
    pub fn imagenet() -> Self {
        Self::default().mean(&IMAGENET_MEAN).std(&IMAGENET_STD)
    }

    /// What black and white become, before mean and standard deviation.
    pub fn range(mut self, black: f32, white: f32) -> Self {
        self.range = (black, white);
        self
    }

    /// What is subtracted, one for each channel of the picture (red first) or one for all.
    pub fn mean(mut self, mean: &[f32]) -> Self {
        self.mean = mean.to_vec();
        self
    }

    /// What is divided by, likewise.
    pub fn std(mut self, std: &[f32]) -> Self {
        self.std = std.to_vec();
        self
    }

    /// Blue first (BGR), as OpenCV has it.
    pub fn reversed(mut self, reversed: bool) -> Self {
        self.reversed = reversed;
        self
    }

    /// Pictures of one size as one batch, `[N, C, H, W]` or `[N, H, W, C]`.
    ///
    /// Errors: none, pictures of several sizes, or means and standard deviations for other channels.
    pub fn batch(&self, pictures: &[Picture], layout: Layout) -> Result<Array4<f32>> {
        let Some(first) = pictures.first() else {
            return invalid("a batch of no pictures");
        };
        let size = |picture: &Picture| (picture.height(), picture.width(), picture.channels());
        if let Some(other) = pictures.iter().find(|picture| size(picture) != size(first)) {
            return invalid(format!(
                "pictures of one size are expected, but {:?} and {:?} came",
                size(first),
                size(other)
            ));
        }
        let (height, width, channels) = size(first);
        let tables = self.tables(channels)?;
        let mut batch = match layout {
            Layout::Nchw => Array4::zeros((pictures.len(), channels, height, width)),
            Layout::Nhwc => Array4::zeros((pictures.len(), height, width, channels)),
        };
        for (picture, mut into) in pictures.iter().zip(batch.outer_iter_mut()) {
            match layout {
                Layout::Nchw => self.planes(picture, &tables, &mut into),
                Layout::Nhwc => self.pixels(picture, &tables, &mut into),
            }
        }
        Ok(batch)
    }

    /// What each level becomes, channel by channel.
    fn tables(&self, channels: usize) -> Result<Vec<[f32; 256]>> {
        let each = |name: &str, values: &[f32]| match values {
            [one] => Ok(vec![*one; channels]),
            _ if values.len() == channels => Ok(values.to_vec()),
            _ => invalid(format!(
                "{name} has {} numbers, but there are {channels} channels",
                values.len()
            )),
        };
        let (mean, std) = (each("mean", &self.mean)?, each("std", &self.std)?);
        let (black, white) = self.range;
        let table = |(mean, std): (f32, f32)| {
            let value = |level: usize| {
                let level = level as f32;
                // Exact for 0..1 and for 0..255.
                let value = if (black, white) == (0.0, 255.0) {
                    level
                } else {
                    level / 255.0 * (white - black) + black
                };
                (value - mean) / std
            };
            std::array::from_fn(value)
        };
        Ok(mean.into_iter().zip(std).map(table).collect())
    }

    fn planes(&self, picture: &Picture, tables: &[[f32; 256]], into: &mut ArrayViewMut3<'_, f32>) {
        let channels = tables.len();
        for (place, mut plane) in into.outer_iter_mut().enumerate() {
            let channel = if self.reversed { channels - 1 - place } else { place };
            let levels = picture.levels().iter().skip(channel).step_by(channels);
            for (to, &level) in plane.iter_mut().zip(levels) {
                *to = tables[channel][usize::from(level)];
            }
        }
    }

    fn pixels(&self, picture: &Picture, tables: &[[f32; 256]], into: &mut ArrayViewMut3<'_, f32>) {
        let channels = tables.len();
        for (place, to) in into.iter_mut().enumerate() {
            let (pixel, place) = (place / channels, place % channels);
            let channel = if self.reversed { channels - 1 - place } else { place };
            *to = tables[channel][usize::from(picture.levels()[pixel * channels + channel])];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(scaling: &Scaling, layout: Layout) -> Vec<f32> {
        let picture = Picture::new(1, 2, 3, vec![0, 10, 20, 51, 102, 255]).unwrap();
        scaling.batch(&[picture], layout).unwrap().into_iter().collect()
    }

    #[test]
    fn levels_are_scaled_and_normalised_channel_by_channel() {
        let levels = Scaling::default().range(0.0, 255.0);
        assert_eq!(numbers(&levels, Layout::Nchw), [0.0, 51.0, 10.0, 102.0, 20.0, 255.0]);
        assert_eq!(numbers(&levels, Layout::Nhwc), [0.0, 10.0, 20.0, 51.0, 102.0, 255.0]);
        let moved = levels.clone().mean(&[0.0, 1.0, 2.0]).std(&[1.0, 2.0, 4.0]);
        assert_eq!(numbers(&moved, Layout::Nchw), [0.0, 51.0, 4.5, 50.5, 4.5, 63.25]);
        // Means stay with their colours.
        let blue_first = moved.reversed(true);
        assert_eq!(numbers(&blue_first, Layout::Nchw), [4.5, 63.25, 4.5, 50.5, 0.0, 51.0]);
        assert_eq!(numbers(&blue_first, Layout::Nhwc), [4.5, 4.5, 0.0, 63.25, 50.5, 51.0]);
        assert_eq!(numbers(&Scaling::default(), Layout::Nhwc)[3..], [0.2, 0.4, 1.0]);
        let white = numbers(&Scaling::imagenet(), Layout::Nchw)[5];
        assert!((white - (1.0 - 0.406) / 0.225).abs() < 1e-6, "{white}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let [one, other] = [3, 4].map(|width| Picture::filled(2, width, &[1, 2, 3]).unwrap());
        let said = |scaling: Scaling, pictures: &[Picture]| scaling.batch(pictures, Layout::Nchw).unwrap_err().to_string();
        assert_eq!(said(Scaling::default(), &[]), "a batch of no pictures");
        let sizes = "pictures of one size are expected, but (2, 3, 3) and (2, 4, 3) came";
        assert_eq!(said(Scaling::default(), &[one.clone(), other]), sizes);
        let mean = "mean has 2 numbers, but there are 3 channels";
        assert_eq!(said(Scaling::default().mean(&[1.0, 2.0]), &[one]), mean);
    }
}
