//! Boxes, masks and text in pictures.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};
use ndarray::Array2;

use crate::boxes::Rect;
use crate::error::{Result, invalid};
use crate::picture::Picture;

/// The pixels of a letter's side.
const LETTER: usize = 8;

/// A colour for each class, told apart by its neighbours: around the circle of hues by golden angles.
pub fn colour(class: usize) -> [u8; 3] {
    let hue = (class as f32 * 0.618_034 + 0.02).fract() * 6.0;
    let channel = |offset: f32| {
        let place = (hue + offset).rem_euclid(6.0);
        let level = (place.min(4.0 - place)).clamp(0.0, 1.0);
        (40.0 + level * 215.0) as u8
    };
    [channel(2.0), channel(0.0), channel(4.0)]
}

impl Picture {
    /// Draws the sides of a rectangle, so many pixels wide towards its inside; what lies outside of the picture is left out.
    ///
    /// Errors: a picture that is not red, green and blue.
    pub fn draw_rect(&mut self, rect: Rect, colour: [u8; 3], thickness: usize) -> Result<()> {
        self.check_colours()?;
        let (height, width) = (self.height(), self.width());
        let side = |place: f32, most: usize| (place.round().max(0.0) as usize).min(most);
        let (left, right) = (side(rect.left, width), side(rect.right, width));
        let (top, bottom) = (side(rect.top, height), side(rect.bottom, height));
        for y in top..bottom {
            for x in left..right {
                let is_inner = (left + thickness..right.saturating_sub(thickness)).contains(&x)
                    && (top + thickness..bottom.saturating_sub(thickness)).contains(&y);
                if !is_inner {
                    self.levels_mut()[(y * width + x) * 3..][..3].copy_from_slice(&colour);
                }
            }
        }
        Ok(())
    }

    /// Writes a text on this colour along the top of a rectangle, above it where there is room, in letters of 8 x 8 pixels or, in pictures
    /// of more than 400 pixels, a multiple of that. A letter that is not ASCII or Latin-1 becomes a question mark.
    ///
    /// Errors: a picture that is not red, green and blue.
    pub fn draw_label(&mut self, rect: Rect, text: &str, colour: [u8; 3]) -> Result<()> {
        self.check_colours()?;
        let scale = 1 + self.height().min(self.width()) / 400;
        let glyphs: Vec<[u8; LETTER]> = text.chars().map(glyph).collect();
        let (height, width) = ((LETTER + 2) * scale, (LETTER * glyphs.len() + 2) * scale);
        let corner = |place: f32| place.round().max(0.0) as usize;
        let below = corner(rect.top);
        let top = below.checked_sub(height).unwrap_or(below);
        let left = corner(rect.left).min(self.width().saturating_sub(width));
        let [r, g, b] = colour.map(u32::from);
        let ink = if 2 * r + 5 * g + b > 8 * 127 { [0; 3] } else { [255; 3] };
        for y in top..(top + height).min(self.height()) {
            for x in left..(left + width).min(self.width()) {
                let [row, column] = [(y - top) / scale, (x - left) / scale];
                // A pixel is left on all sides.
                let is_ink = (1..=LETTER).contains(&row)
                    && column > 0
                    && (glyphs.get((column - 1) / LETTER)).is_some_and(|glyph| glyph[row - 1] >> ((column - 1) % LETTER) & 1 == 1);
                let place = (y * self.width() + x) * 3;
                self.levels_mut()[place..][..3].copy_from_slice(if is_ink { &ink } else { &colour });
            }
        }
        Ok(())
    }

    /// Tints each pixel half in the colour of its class, but for one class, such as the ground.
    ///
    /// Errors: a picture that is not red, green and blue, or a mask of another size.
    pub fn draw_mask(&mut self, mask: &Array2<u16>, except: Option<u16>) -> Result<()> {
        self.check_colours()?;
        if mask.dim() != (self.height(), self.width()) {
            let (mask, size) = (mask.shape(), (self.height(), self.width()));
            return invalid(format!("a mask of {size:?} is expected, but {mask:?} came"));
        }
        for (pixel, &class) in self.levels_mut().chunks_exact_mut(3).zip(mask) {
            if Some(class) != except {
                for (level, tint) in pixel.iter_mut().zip(colour(class.into())) {
                    *level = u8::midpoint(*level, tint);
                }
            }
        }
        Ok(())
    }

    fn check_colours(&self) -> Result<()> {
        match self.channels() {
            3 => Ok(()),
            other => invalid(format!("a picture of 3 channels is drawn in, but it has {other}")),
        }
    }
}

/// The rows of a letter, the lowest bit on the left.
fn glyph(letter: char) -> [u8; LETTER] {
    let known = BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter));
    known.or_else(|| BASIC_FONTS.get('?')).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_drawn_and_the_inside_is_left() {
        let mut picture = Picture::filled(6, 7, &[0; 3]).unwrap();
        picture.draw_rect(Rect::new(1.2, 0.6, 5.9, 99.0), [1, 2, 3], 2).unwrap();
        let drawn: String = picture
            .levels()
            .chunks_exact(3)
            .map(|pixel| if pixel == [1, 2, 3] { '#' } else { '.' })
            .collect();
        assert_eq!(
            drawn,
            ".......\
                           .#####.\
                           .#####.\
                           .##.##.\
                           .#####.\
                           .#####."
        );
        let mut grey = Picture::filled(2, 2, &[0]).unwrap();
        let error = grey.draw_rect(Rect::default(), [0; 3], 1).unwrap_err();
        assert_eq!(error.to_string(), "a picture of 3 channels is drawn in, but it has 1");
    }

    #[test]
    fn labels_are_written_above_a_rectangle_or_along_its_top() {
        let written = |top: f32, text: &str| {
            let mut picture = Picture::filled(14, 20, &[9; 3]).unwrap();
            let rect = Rect::new(2.0, top, 19.0, 13.0);
            picture.draw_label(rect, text, [200, 200, 0]).unwrap();
            picture
        };
        let pixel = |picture: &Picture, y: usize, x: usize| picture.levels()[(y * 20 + x) * 3..][..3].to_vec();
        for (top, first) in [(12.0, 2), (3.0, 3)] {
            let picture = written(top, "T");
            let rows: Vec<String> = (first..first + 10)
                .map(|y| {
                    let letter = |x| match pixel(&picture, y, x)[..] {
                        [0, 0, 0] => '#',
                        [200, 200, 0] => '.',
                        _ => ' ',
                    };
                    (1..13).map(letter).collect()
                })
                .collect();
            let letter = [
                " .......... ",
                " .######... ",
                " .#.##.#... ",
                " ...##..... ",
                " ...##..... ",
                " ...##..... ",
                " ...##..... ",
                " ..####.... ",
                " .......... ",
                " .......... ",
            ];
            assert_eq!(rows, letter, "{top}");
            assert_eq!(pixel(&picture, first - 1, 5), [9; 3]);
        }
        // What is too long ends with the picture, whatever stands there.
        let long = written(12.0, "a long text with \u{e9} and \u{4e2d}");
        assert_eq!(pixel(&long, 2, 0), [200, 200, 0]);
        assert!(
            Picture::filled(2, 2, &[0])
                .unwrap()
                .draw_label(Rect::default(), "a", [0; 3])
                .is_err()
        );
    }

    #[test]
    fn masks_tint_all_but_the_ground() {
        let mut picture = Picture::filled(1, 2, &[10, 20, 30]).unwrap();
        picture.draw_mask(&ndarray::arr2(&[[0, 3]]), Some(0)).unwrap();
        let tint = colour(3);
        assert_eq!(picture.levels()[..3], [10, 20, 30]);
        assert_eq!(
            picture.levels()[3..],
            [10, 20, 30]
                .iter()
                .zip(tint)
                .map(|(&level, tint)| u8::midpoint(level, tint))
                .collect::<Vec<_>>()
        );
        assert!(picture.draw_mask(&ndarray::arr2(&[[0]]), None).is_err());
    }

    #[test]
    fn neighbouring_classes_have_colours_far_apart() {
        for class in 0..100 {
            let [one, next] = [class, class + 1].map(colour);
            let distance: u32 = one.iter().zip(next).map(|(&one, next)| u32::from(one.abs_diff(next))).sum();
            assert!(distance > 150, "{class}: {one:?} {next:?}");
        }
    }
}
