//! Rectangles, and which of many that overlap are kept.

/// A rectangle in pixels; a corner is where pixels meet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Least x.
    pub left: f32,
    /// Least y.
    pub top: f32,
    /// Largest x.
    pub right: f32,
    /// Largest y.
    pub bottom: f32,
}

impl Rect {
    /// By its corners: `xyxy`.
    pub fn new(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    /// By its middle and size: `cxcywh`.
    pub fn centred(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self::new(x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0)
    }

    /// Each coordinate times a factor of its direction.
    pub fn scaled(self, across: f32, down: f32) -> Self {
        Self::new(self.left * across, self.top * down, self.right * across, self.bottom * down)
    }

    /// No further than the corners of a picture.
    pub fn clipped(self, height: f32, width: f32) -> Self {
        Self::new(
            self.left.clamp(0.0, width),
            self.top.clamp(0.0, height),
            self.right.clamp(0.0, width),
            self.bottom.clamp(0.0, height),
        )
    }

    /// Width times height.
    pub fn area(&self) -> f32 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// What two have in common, by what they cover together: torchvision's `box_iou`.
    pub fn iou(&self, other: &Self) -> f32 {
        let width = (self.right.min(other.right) - self.left.max(other.left)).max(0.0);
        let height = (self.bottom.min(other.bottom) - self.top.max(other.top)).max(0.0);
        let common = width * height;
        common / (self.area() + other.area() - common)
    }
}

/// What was found in a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Where.
    pub rect: Rect,
    /// What.
    pub class: usize,
    /// How surely, 0 to 1.
    pub score: f32,
}

/// Which are kept, the best first: of those whose IoU with a better one that is kept is above `threshold`, none. torchvision's `nms`.
pub fn nms(found: &[Detection], threshold: f32) -> Vec<usize> {
    suppressed(found, threshold, |_, _| true)
}

/// As [`nms`], but only those of one class suppress one another: torchvision's `batched_nms`.
pub fn nms_by_class(found: &[Detection], threshold: f32) -> Vec<usize> {
    suppressed(found, threshold, |left, right| left.class == right.class)
}

fn suppressed(found: &[Detection], threshold: f32, rivals: impl Fn(&Detection, &Detection) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(|&left, &right| found[right].score.total_cmp(&found[left].score));
    let mut kept: Vec<usize> = Vec::new();
    for candidate in order {
        let own = &found[candidate];
        let beaten = |&other: &usize| rivals(own, &found[other]) && own.rect.iou(&found[other].rect) > threshold;
        if !kept.iter().any(beaten) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_those_of_the_definition() {
        let rect = Rect::new(0.0, 0.0, 4.0, 2.0);
        assert_eq!(rect.iou(&rect), 1.0);
        assert_eq!(rect.iou(&Rect::new(2.0, 0.0, 6.0, 2.0)), 1.0 / 3.0);
        assert_eq!(rect.iou(&Rect::new(4.0, 0.0, 6.0, 2.0)), 0.0);
        assert_eq!(Rect::centred(2.0, 1.0, 4.0, 2.0), rect);
        assert!(
            Rect::default().iou(&Rect::default()).is_nan(),
            "two of nothing suppress nothing"
        );
    }

    #[test]
    fn an_overlap_of_just_the_threshold_is_kept() {
        let detection = |left, score, class| Detection {
            rect: Rect::new(left, 0.0, left + 4.0, 2.0),
            class,
            score,
        };
        let found = [detection(2.0, 0.5, 0), detection(0.0, 0.9, 1), detection(0.0, 0.9, 0)];
        assert_eq!(nms(&found, 1.0 / 3.0), [1, 0]);
        assert_eq!(nms(&found, 0.3), [1]);
        assert_eq!(nms_by_class(&found, 0.3), [1, 2]);
        assert_eq!(nms(&[], 0.3), [0; 0]);
    }
}
