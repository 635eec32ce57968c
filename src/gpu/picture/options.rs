//! How a picture becomes planes: where it lies in them, how it is resized, and what its levels become.

use std::ops::Range;

use super::NAME;
use super::layout::PictureLayout;
use crate::error::{Error, Result, ensure};
use crate::gpu::lower::picture::Conversion;

/// By which filter a picture is resized. Where pixels become fewer it is widened (antialias). Whole levels come out after the rows
/// and again after the columns, to the byte as of Pillow's `Image.resize` before version 13, which takes the columns of some pictures
/// first; that makes a difference of one level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Pillow's `BILINEAR`: a triangle.
    #[default]
    Bilinear,
    /// Pillow's `BICUBIC`: cubic convolution with a = -0.5.
    Bicubic,
}

impl Filter {
    /// How far a pixel reaches, in pixels of the larger of both pictures.
    pub(super) const fn reach(self) -> f64 {
        match self {
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
        }
    }

    pub(super) fn weight(self, distance: f64) -> f64 {
        const A: f64 = -0.5;
        let x = distance.abs();
        match self {
            Self::Bilinear => (1.0 - x).max(0.0),
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Bicubic => 0.0,
        }
    }
}

/// How colours are made of luma and chroma. Every two by two pixels have the chroma that is stored for them, without interpolation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LumaChroma {
    /// ITU-R BT.601 with luma from 16 to 235: most cameras and video of up to 576 rows.
    #[default]
    Bt601,
    /// The same with all 256 levels, as JPEG has it.
    Bt601Full,
    /// ITU-R BT.709 with luma from 16 to 235: most video of more rows.
    Bt709,
    /// The same with all 256 levels.
    Bt709Full,
}

impl LumaChroma {
    pub(super) fn conversion(self) -> Conversion {
        let (red, blue) = match self {
            Self::Bt601 | Self::Bt601Full => (0.299, 0.114),
            Self::Bt709 | Self::Bt709Full => (0.2126, 0.0722),
        };
        let (black, of_luma, of_chroma) = match self {
            Self::Bt601 | Self::Bt709 => (16, 255.0 / 219.0, 255.0 / 224.0),
            Self::Bt601Full | Self::Bt709Full => (0, 1.0, 1.0),
        };
        let green = 1.0 - red - blue;
        let (red_of_red, blue_of_blue) = (2.0 * (1.0 - red) * of_chroma, 2.0 * (1.0 - blue) * of_chroma);
        Conversion {
            black,
            of_luma,
            red_of_red,
            green_of_blue: -blue_of_blue * blue / green,
            green_of_red: -red_of_red * red / green,
            blue_of_blue,
        }
    }
}

/// Where a picture lies in what a network takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Placement {
    /// All over it, whatever its proportions.
    #[default]
    Stretch,
    /// All of it in the middle, in its own proportions, and this level around it: as ultralytics places pictures for YOLO.
    Letterbox {
        /// 114 for YOLO.
        level: u8,
    },
    /// Its shorter side made so long, the longer one rounded down, and of that the middle: torchvision's `Resize` and `CenterCrop`.
    CenterCrop {
        /// 256 for most classifiers of 224 x 224.
        shorter: usize,
    },
}

/// The part of a resized picture that is wanted along an axis, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// The length of the whole resized picture.
    pub(super) resized: usize,
    pub(super) wanted: Range<usize>,
    pub(super) at: usize,
}

impl Placement {
    /// Where a picture lies in planes, down and across.
    pub(super) fn sides(self, picture: &PictureLayout, planes: [usize; 2]) -> Result<[Side; 2]> {
        let size = [picture.height, picture.width];
        let whole = |resized: usize, at: usize| Side {
            resized,
            wanted: 0..resized,
            at,
        };
        match self {
            Self::Stretch => Ok(planes.map(|length| whole(length, 0))),
            Self::Letterbox { .. } => {
                let [by_height, by_width] = [0, 1].map(|axis| planes[axis] as f64 / size[axis] as f64);
                let scale = by_height.min(by_width);
                Ok([0, 1].map(|axis| {
                    let resized = (size[axis] as f64 * scale).round_ties_even() as usize;
                    let resized = resized.clamp(1, planes[axis]);
                    // A pixel that is over goes below and to the right.
                    let at = ((planes[axis] - resized) as f64 / 2.0 - 0.1).round_ties_even();
                    whole(resized, at.max(0.0) as usize)
                }))
            }
            Self::CenterCrop { shorter } => {
                let least = size[0].min(size[1]);
                let resized = size.map(|side| (side as u128 * shorter as u128 / least as u128) as usize);
                ensure!(
                    planes[0] <= resized[0] && planes[1] <= resized[1] && resized[0].max(resized[1]) <= 1 << 24,
                    NAME,
                    "a picture of {} x {} whose shorter side is made {shorter} long is {} x {}: expected at least the network's {} x {}",
                    size[1],
                    size[0],
                    resized[1],
                    resized[0],
                    planes[1],
                    planes[0]
                );
                Ok([0, 1].map(|axis| {
                    // Of two middles the even one, as Python rounds.
                    let surplus = resized[axis] - planes[axis];
                    let first = surplus / 2 + usize::from(surplus % 4 == 3);
                    Side {
                        resized: resized[axis],
                        wanted: first..first + planes[axis],
                        at: 0,
                    }
                }))
            }
        }
    }
}

/// How a picture becomes planes of numbers. Without anything said it is stretched, levels 0 to 255 become 0 to 1, and planes are red,
/// green and blue, or one of gray, each image `[C, H, W]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureOptions {
    pub(super) placement: Placement,
    pub(super) filter: Filter,
    range: [f32; 2],
    mean: Vec<f32>,
    std: Vec<f32>,
    pub(super) blue_first: bool,
    pub(super) channels_last: bool,
    pub(super) luma_chroma: LumaChroma,
}

impl Default for PictureOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl PictureOptions {
    /// As the type says.
    pub fn new() -> Self {
        Self {
            placement: Placement::Stretch,
            filter: Filter::Bilinear,
            range: [0.0, 1.0],
            mean: Vec::new(),
            std: Vec::new(),
            blue_first: false,
            channels_last: false,
            luma_chroma: LumaChroma::Bt601,
        }
    }

    /// For classifiers of torchvision: the middle of a picture whose shorter side is 256 long, normalised with the mean and standard
    /// deviation of `ImageNet`.
    pub fn imagenet() -> Self {
        Self::new()
            .placement(Placement::CenterCrop { shorter: 256 })
            .normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    }

    /// Where the picture lies.
    #[must_use]
    pub fn placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// By which filter it is resized.
    #[must_use]
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// What levels 0 and 255 become, before [`normalize`](Self::normalize).
    #[must_use]
    pub fn range(self, black: f32, white: f32) -> Self {
        Self {
            range: [black, white],
            ..self
        }
    }

    /// What is subtracted then, and what it is divided by: a number for each plane, or one for all. torchvision's `Normalize`.
    #[must_use]
    pub fn normalize(self, mean: impl Into<Vec<f32>>, std: impl Into<Vec<f32>>) -> Self {
        Self {
            mean: mean.into(),
            std: std.into(),
            ..self
        }
    }

    /// How colours are made of luma and chroma, where a picture has these.
    #[must_use]
    pub fn luma_chroma(self, luma_chroma: LumaChroma) -> Self {
        Self { luma_chroma, ..self }
    }

    /// Planes in the order blue, green, red.
    #[must_use]
    pub fn bgr(self) -> Self {
        Self {
            blue_first: true,
            ..self
        }
    }

    /// Each image `[H, W, C]`.
    #[must_use]
    pub fn channels_last(self) -> Self {
        Self {
            channels_last: true,
            ..self
        }
    }

    /// What each of 256 levels becomes, plane after plane, in the arithmetic of torchvision's transforms.
    pub(super) fn levels(&self, planes: usize) -> Result<Vec<f32>> {
        let (mean, std) = (each("mean", &self.mean, planes, 0.0)?, each("std", &self.std, planes, 1.0)?);
        let [black, white] = self.range;
        ensure!(
            std.iter().all(|&std| std != 0.0),
            NAME,
            "expected standard deviations other than 0, but got {std:?}"
        );
        let value = |level: u8| {
            if self.range == [0.0, 255.0] {
                f32::from(level)
            } else {
                f32::from(level) / 255.0 * (white - black) + black
            }
        };
        let planes = mean.iter().zip(&std);
        Ok(planes
            .flat_map(|(mean, std)| (0..=255).map(move |level| (value(level) - mean) / std))
            .collect())
    }
}

/// A number for each plane.
fn each(name: &str, given: &[f32], planes: usize, none: f32) -> Result<Vec<f32>> {
    match given {
        [] => Ok(vec![none; planes]),
        [one] => Ok(vec![*one; planes]),
        all if all.len() == planes => Ok(all.to_vec()),
        all => Err(Error::invalid(
            NAME,
            format!("expected 1 or {planes} numbers as {name}, one a plane, but got {}", all.len()),
        )),
    }
}
