//! Other sizes: to the byte as Pillow makes them (and so torchvision's `Resize` of a picture), or OpenCV.

use std::borrow::Cow;

use crate::error::Result;
use crate::linear;
use crate::passes::{Windows, columns, rows};
use crate::picture::{Picture, check};

/// How levels between pixels are made. All but [`Filter::Nearest`] and [`Filter::Linear`] widen when shrinking (antialias).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// The level of the nearest pixel: Pillow's `NEAREST`.
    Nearest,
    /// The mean of the pixels below: Pillow's `BOX`.
    Box,
    /// Pillow's `BILINEAR`, torchvision's `InterpolationMode.BILINEAR`.
    #[default]
    Bilinear,
    /// Pillow's `BICUBIC` (Keys' with `a = -0.5`), torchvision's `InterpolationMode.BICUBIC`.
    Bicubic,
    /// Pillow's `LANCZOS`, of three lobes.
    Lanczos,
    /// Of two pixels each way, whatever the scale: OpenCV's `INTER_LINEAR`, which ultralytics' `LetterBox` uses.
    Linear,
}

impl Filter {
    /// How far it reaches, in pixels of the smaller picture.
    fn support(self) -> f64 {
        match self {
            Self::Box => 0.5,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
            _ => 1.0,
        }
    }

    /// The weight of what is so far away.
    fn weight(self, x: f64) -> f64 {
        match self {
            Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bicubic => bicubic(x.abs()),
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
            _ => (1.0 - x.abs()).max(0.0),
        }
    }
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

fn sinc(x: f64) -> f64 {
    let angle = x * std::f64::consts::PI;
    if angle == 0.0 { 1.0 } else { angle.sin() / angle }
}

impl Picture {
    /// Another size: along rows and along columns, rounded to whole levels after each; a side that stays is left.
    ///
    /// Errors: sides of 0, or longer than [`LONGEST`](crate::LONGEST).
    pub fn resized(&self, height: usize, width: usize, filter: Filter) -> Result<Self> {
        check(height, width)?;
        let (from_height, from_width, channels) = (self.height(), self.width(), self.channels());
        if (height, width) == (from_height, from_width) {
            return Ok(self.clone());
        }
        let levels = match filter {
            Filter::Nearest => nearest(self, height, width),
            Filter::Linear => linear::resized(self, height, width),
            _ => {
                let of = |length, target| Windows::new(length, target, filter.support(), |x| filter.weight(x));
                let along_rows = |levels: Cow<'_, [u8]>| {
                    if width == from_width {
                        return levels.into_owned();
                    }
                    rows(&levels, from_width, channels, &of(from_width, width))
                };
                let along_columns = |levels: Cow<'_, [u8]>, width: usize| {
                    if height == from_height {
                        return levels.into_owned();
                    }
                    columns(&levels, width * channels, &of(from_height, height))
                };
                let levels = Cow::Borrowed(self.levels());
                if columns_first((from_height, from_width), (height, width)) {
                    along_rows(along_columns(levels, from_width).into())
                } else {
                    along_columns(along_rows(levels).into(), width)
                }
            }
        };
        Ok(Self::of(height, width, channels, levels))
    }
}

/// Whether columns go before rows: as Pillow 13 does it (seen in what it makes of random pictures of 584 pairs of sizes), where the
/// height shrinks by more than twice what the width does. Pillow 11 and older always take rows first.
fn columns_first((from_height, from_width): (usize, usize), (height, width): (usize, usize)) -> bool {
    height < from_height && (from_height - height) as i64 > 2 * (from_width as i64 - width as i64)
}

/// Of the nearest pixels, whose places are summed up as Pillow does it.
fn nearest(picture: &Picture, height: usize, width: usize) -> Vec<u8> {
    let places = |length: usize, target: usize| {
        let scale = length as f64 / target as f64;
        let mut place = scale * 0.5;
        let next = move |_| {
            let index = (place as usize).min(length - 1);
            place += scale;
            index
        };
        (0..target).map(next).collect::<Vec<_>>()
    };
    let (channels, row) = (picture.channels(), picture.width() * picture.channels());
    let across = places(picture.width(), width);
    let mut levels = Vec::with_capacity(height * width * channels);
    for y in places(picture.height(), height) {
        let row = &picture.levels()[y * row..][..row];
        for &x in &across {
            levels.extend_from_slice(&row[x * channels..][..channels]);
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_stays_leaves_the_picture() {
        let picture = Picture::new(4, 6, 3, (0..72).map(|level| level * 3).collect()).unwrap();
        for filter in [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Linear] {
            assert_eq!(picture.resized(4, 6, filter).unwrap(), picture);
        }
        let higher = picture.resized(8, 6, Filter::Bilinear).unwrap();
        assert_eq!(higher.levels()[..18], picture.levels()[..18]);
        let error = picture.resized(0, 4, Filter::Box).unwrap_err().to_string();
        assert_eq!(error, "a picture cannot be 4x0: 1 to 8192 each way");
    }

    #[test]
    fn one_colour_stays_itself() {
        let picture = Picture::filled(19, 31, &[0, 128, 255]).unwrap();
        for filter in [
            Filter::Nearest,
            Filter::Box,
            Filter::Bilinear,
            Filter::Bicubic,
            Filter::Lanczos,
            Filter::Linear,
        ] {
            for (height, width) in [(1, 1), (7, 5), (40, 64), (19, 3)] {
                let resized = picture.resized(height, width, filter).unwrap();
                assert_eq!(resized, Picture::filled(height, width, &[0, 128, 255]).unwrap(), "{filter:?}");
            }
        }
    }
}
