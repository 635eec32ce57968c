//! Pictures as levels.

use ndarray::ArrayView3;

use crate::error::{Result, invalid};
use crate::resize::Filter;

/// Longest side of a picture: a file of a few bytes can claim any size.
pub const LONGEST: usize = 8192;

/// A picture as levels of 0 to 255, `[height, width, channels]`: row by row, its channels side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    height: usize,
    width: usize,
    channels: usize,
    levels: Vec<u8>,
}

impl Picture {
    /// A picture of levels that are there.
    ///
    /// Errors: sides of less than 1 or more than [`LONGEST`], channels other than 1 to 4, or another number of levels.
    pub fn new(height: usize, width: usize, channels: usize, levels: Vec<u8>) -> Result<Self> {
        check(height, width)?;
        if !(1..=4).contains(&channels) {
            return invalid(format!("a picture has 1 to 4 channels, but {channels} came"));
        }
        let expected = height * width * channels;
        if levels.len() != expected {
            let got = levels.len();
            return invalid(format!("{width}x{height}x{channels} is {expected} levels, but {got} came"));
        }
        Ok(Self {
            height,
            width,
            channels,
            levels,
        })
    }

    /// A picture of one colour, which has as many channels.
    ///
    /// Errors: as [`Picture::new`].
    pub fn filled(height: usize, width: usize, colour: &[u8]) -> Result<Self> {
        check(height, width)?;
        Self::new(height, width, colour.len(), colour.repeat(height * width))
    }

    /// Of sizes that were checked before.
    pub(crate) fn of(height: usize, width: usize, channels: usize, levels: Vec<u8>) -> Self {
        debug_assert_eq!(levels.len(), height * width * channels);
        Self {
            height,
            width,
            channels,
            levels,
        }
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Levels of a pixel: 1 is grey, 3 is red, green, blue.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All levels, `[height, width, channels]`.
    pub fn levels(&self) -> &[u8] {
        &self.levels
    }

    /// All levels, to be changed.
    pub fn levels_mut(&mut self) -> &mut [u8] {
        &mut self.levels
    }

    /// All levels.
    pub fn into_levels(self) -> Vec<u8> {
        self.levels
    }

    /// The levels as an array `[height, width, channels]`.
    ///
    /// Errors: none that a caller can make.
    pub fn view(&self) -> Result<ArrayView3<'_, u8>> {
        let shape = (self.height, self.width, self.channels);
        ArrayView3::from_shape(shape, &self.levels).or_else(|error| invalid(error.to_string()))
    }

    /// The shorter side so long and the other in proportion, rounded down: torchvision's `Resize(side)`.
    ///
    /// Errors: sides of 0, or longer than [`LONGEST`].
    pub fn resized_shorter(&self, side: usize, filter: Filter) -> Result<Self> {
        let (height, width) = if self.height <= self.width {
            (side, side * self.width / self.height)
        } else {
            (side * self.height / self.width, side)
        };
        self.resized(height, width, filter)
    }

    /// The middle of the picture; of two middles the even one, as Python rounds: torchvision's `CenterCrop`.
    ///
    /// Errors: more than there is, or nothing.
    pub fn cropped(&self, height: usize, width: usize) -> Result<Self> {
        if height > self.height || width > self.width {
            return invalid(format!(
                "{width}x{height} cannot be cropped from {}x{}",
                self.width, self.height
            ));
        }
        let middle = |surplus: usize| surplus / 2 + usize::from(surplus % 4 == 3);
        self.part(middle(self.height - height), middle(self.width - width), height, width)
    }

    /// What lies below and to the right of a corner.
    ///
    /// Errors: what reaches beyond the picture, or nothing.
    pub fn part(&self, top: usize, left: usize, height: usize, width: usize) -> Result<Self> {
        check(height, width)?;
        if top.saturating_add(height) > self.height || left.saturating_add(width) > self.width {
            return invalid(format!(
                "{width}x{height} from ({left}, {top}) reach beyond {}x{}",
                self.width, self.height
            ));
        }
        let (row, part) = (self.width * self.channels, width * self.channels);
        let rows = self.levels.chunks_exact(row).skip(top).take(height);
        let levels = rows.flat_map(|row| &row[left * self.channels..][..part]).copied();
        Ok(Self::of(height, width, self.channels, levels.collect()))
    }
}

/// Refuses sizes that no picture should have.
pub(crate) fn check(height: usize, width: usize) -> Result<()> {
    let sides = 1..=LONGEST;
    if sides.contains(&height) && sides.contains(&width) {
        return Ok(());
    }
    invalid(format!("a picture cannot be {width}x{height}: 1 to {LONGEST} each way"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_torchvisions() {
        let picture = Picture::new(12, 9, 1, (0..108).collect()).unwrap();
        // The first level of torchvision's CenterCrop.
        for ((height, width), first) in [((5, 4), 38), ((4, 5), 38), ((7, 7), 19), ((12, 9), 0), ((3, 2), 40)] {
            let crop = picture.cropped(height, width).unwrap();
            let levels = crop.levels();
            assert_eq!((levels[0], levels.len()), (first, height * width), "{height}x{width}");
            assert_eq!(levels[levels.len() - 1], first + 9 * (height as u8 - 1) + width as u8 - 1);
        }
        let error = picture.cropped(13, 9).unwrap_err();
        assert_eq!(error.to_string(), "9x13 cannot be cropped from 9x12");
    }

    #[test]
    fn what_is_no_picture_is_refused_with_numbers() {
        let said = |result: Result<Picture>| result.unwrap_err().to_string();
        assert_eq!(said(Picture::new(2, 3, 1, vec![0; 5])), "3x2x1 is 6 levels, but 5 came");
        assert_eq!(
            said(Picture::new(1, 1, 5, vec![0; 5])),
            "a picture has 1 to 4 channels, but 5 came"
        );
        assert!(said(Picture::filled(0, 4, &[1])).contains("cannot be 4x0"));
        assert!(said(Picture::filled(1, usize::MAX, &[1])).contains("1 to 8192"));
        let picture = Picture::filled(4, 6, &[1, 2, 3]).unwrap();
        assert_eq!(said(picture.part(1, 2, 4, 4)), "4x4 from (2, 1) reach beyond 6x4");
        assert!(picture.part(usize::MAX, 0, 1, 1).is_err());
    }
}
