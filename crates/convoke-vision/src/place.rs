//! Where a prepared picture came from, and letterboxes.

use crate::boxes::Rect;
use crate::error::Result;
use crate::picture::{Picture, check};
use crate::resize::Filter;

/// The grey that ultralytics fills letterboxes with.
pub const LETTERBOX_GREY: u8 = 114;

/// How a picture was made from another: scaled, then moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Height and width of the picture that it was made from.
    pub from: (usize, usize),
    /// Pixels here for each there, down and across.
    pub scale: (f32, f32),
    /// Where the upper left corner of the other picture came to lie, down and across; negative after a crop.
    pub offset: (f32, f32),
}

impl Placement {
    /// Stretched from one size, height and width, to another.
    pub fn stretched(from: (usize, usize), to: (usize, usize)) -> Self {
        Self {
            from,
            scale: (to.0 as f32 / from.0 as f32, to.1 as f32 / from.1 as f32),
            offset: (0.0, 0.0),
        }
    }

    /// And then moved: a crop's top and left are negative.
    pub fn moved(mut self, down: f32, across: f32) -> Self {
        self.offset = (self.offset.0 + down, self.offset.1 + across);
        self
    }

    /// A rectangle of the prepared picture in pixels of the picture that it came from, and no larger than that.
    pub fn back(&self, rect: Rect) -> Rect {
        let (height, width) = (self.from.0 as f32, self.from.1 as f32);
        let down = |y: f32| ((y - self.offset.0) / self.scale.0).clamp(0.0, height);
        let across = |x: f32| ((x - self.offset.1) / self.scale.1).clamp(0.0, width);
        Rect {
            left: across(rect.left),
            top: down(rect.top),
            right: across(rect.right),
            bottom: down(rect.bottom),
        }
    }
}

impl Picture {
    /// As large as fits into a size, in proportion, in the middle of one grey: ultralytics' `LetterBox(auto=False)`, with
    /// [`Filter::Linear`] and [`LETTERBOX_GREY`] to the byte. Of an odd margin the larger part is below and to the right.
    ///
    /// Errors: sides of 0, or longer than [`LONGEST`](crate::LONGEST).
    pub fn letterboxed(&self, height: usize, width: usize, filter: Filter, grey: u8) -> Result<(Self, Placement)> {
        check(height, width)?;
        let gain = (height as f64 / self.height() as f64).min(width as f64 / self.width() as f64);
        let side = |from: usize, most: usize| ((from as f64 * gain).round_ties_even() as usize).clamp(1, most);
        let (inner_height, inner_width) = (side(self.height(), height), side(self.width(), width));
        let inner = self.resized(inner_height, inner_width, filter)?;
        let (top, left) = ((height - inner_height) / 2, (width - inner_width) / 2);
        let channels = self.channels();
        let mut levels = vec![grey; height * width * channels];
        let rows = levels.chunks_exact_mut(width * channels).skip(top);
        for (to, from) in rows.zip(inner.levels().chunks_exact(inner_width * channels)) {
            to[left * channels..][..from.len()].copy_from_slice(from);
        }
        let placement = Placement {
            from: (self.height(), self.width()),
            scale: (
                inner_height as f32 / self.height() as f32,
                inner_width as f32 / self.width() as f32,
            ),
            offset: (top as f32, left as f32),
        };
        Ok((Self::of(height, width, channels, levels), placement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letterbox_keeps_proportions_and_leads_back() {
        let picture = Picture::filled(30, 60, &[9]).unwrap();
        let (boxed, placement) = picture.letterboxed(25, 20, Filter::Linear, 7).unwrap();
        // 10 rows of 20 columns, 7 above and 8 below.
        let is_inner = |row: usize| (7..17).contains(&row);
        for (row, levels) in boxed.levels().chunks_exact(20).enumerate() {
            assert_eq!(levels, if is_inner(row) { [9; 20] } else { [7; 20] }, "row {row}");
        }
        let all = placement.back(Rect::new(-5.0, 7.0, 20.0, 17.0));
        assert_eq!(all, Rect::new(0.0, 0.0, 60.0, 30.0));
        assert_eq!(
            placement.back(Rect::new(5.0, 8.0, 10.0, 9.0)),
            Rect::new(15.0, 3.0, 30.0, 6.0)
        );
    }

    #[test]
    fn a_crop_leads_back_as_well() {
        let placement = Placement::stretched((100, 50), (200, 150)).moved(-20.0, -30.0);
        assert_eq!(
            placement.back(Rect::new(0.0, 0.0, 30.0, 20.0)),
            Rect::new(10.0, 10.0, 20.0, 20.0)
        );
    }
}
