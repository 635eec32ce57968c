//! Boxes and masks in pictures.

use ndarray::Array2;

use crate::boxes::Rect;
use crate::error::{Result, invalid};
use crate::picture::Picture;

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
