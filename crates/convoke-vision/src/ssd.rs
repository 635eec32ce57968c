//! SSD as torchvision has it: default boxes, the coder of boxes, and what is kept.

use ndarray::ArrayView2;

use crate::boxes::{Detection, Rect, nms_by_class};
use crate::classify::softmax;
use crate::error::{Result, invalid};

/// What torchvision's coder of SSD divides by: of middles, and of logarithms of sizes.
pub const WEIGHTS: [f32; 4] = [10.0, 10.0, 5.0, 5.0];

/// The largest logarithm of how much a box may grow: of 1000 / 16.
const LARGEST: f32 = 4.135_166_6;

/// A box that is moved and scaled by what a network said of it: torchvision's `BoxCoder.decode`.
pub fn decode(anchor: Rect, deltas: [f32; 4], weights: [f32; 4]) -> Rect {
    let (width, height) = (anchor.right - anchor.left, anchor.bottom - anchor.top);
    let [x, y, wide, high] = [0, 1, 2, 3].map(|index| deltas[index] / weights[index]);
    let size = |by: f32, side: f32| by.min(LARGEST).exp() * side;
    Rect::centred(
        x * width + (anchor.left + 0.5 * width),
        y * height + (anchor.top + 0.5 * height),
        size(wide, width),
        size(high, height),
    )
}

/// The default boxes of one map of features: torchvision's `DefaultBoxGenerator`.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultBoxes<'a> {
    /// Rows and columns of the map.
    pub grid: (usize, usize),
    /// Side of a box by that of the picture.
    pub scale: f32,
    /// That of the next map.
    pub next_scale: f32,
    /// Besides 1: each with its reciprocal.
    pub ratios: &'a [f32],
    /// Pixels of the picture for one step on the map; without it as many as the map has.
    pub step: Option<usize>,
}

impl DefaultBoxes<'_> {
    /// The boxes in pixels of a picture, for each place on the map all kinds.
    pub fn rects(&self, (height, width): (usize, usize)) -> Vec<Rect> {
        let (height, width) = (height as f32, width as f32);
        let between = (self.scale * self.next_scale).sqrt();
        let mut kinds = vec![(self.scale, self.scale), (between, between)];
        for ratio in self.ratios {
            let root = ratio.sqrt();
            let (wide, high) = (self.scale * root, self.scale / root);
            kinds.extend([(wide, high), (high, wide)]);
        }
        let steps = match self.step {
            Some(step) => (height / step as f32, width / step as f32),
            None => (self.grid.0 as f32, self.grid.1 as f32),
        };
        let mut rects = Vec::with_capacity(self.grid.0 * self.grid.1 * kinds.len());
        for y in 0..self.grid.0 {
            for x in 0..self.grid.1 {
                let (y, x) = ((y as f32 + 0.5) / steps.0, (x as f32 + 0.5) / steps.1);
                let rect = |&(wide, high): &(f32, f32)| {
                    Rect::centred(x, y, wide.clamp(0.0, 1.0), high.clamp(0.0, 1.0)).scaled(width, height)
                };
                rects.extend(kinds.iter().map(rect));
            }
        }
        rects
    }
}

/// Which boxes of an SSD are kept. The defaults are torchvision's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// Only scores above this.
    pub score: f32,
    /// Of boxes of a class that overlap by a larger IoU, the better one.
    pub iou: f32,
    /// So many of each class compete.
    pub of_class: usize,
    /// So many of the best that were left.
    pub most: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            score: 0.01,
            iou: 0.45,
            of_class: 400,
            most: 200,
        }
    }
}

/// What the heads of an SSD found: logits `[A, C]`, of which the first is for nothing, deltas `[A, 4]`, and as many default boxes,
/// in a picture that is so high and wide. torchvision's `postprocess_detections`.
///
/// Errors: shapes that do not fit together.
pub fn detections(
    logits: &ArrayView2<'_, f32>,
    deltas: &ArrayView2<'_, f32>,
    anchors: &[Rect],
    (height, width): (usize, usize),
    keep: &Keep,
) -> Result<Vec<Detection>> {
    if logits.nrows() != anchors.len() || logits.ncols() < 2 || deltas.shape() != [anchors.len(), 4] {
        return invalid(format!(
            "logits [boxes, classes] and deltas [boxes, 4] are expected for {} boxes, but {:?} and {:?} came",
            anchors.len(),
            logits.shape(),
            deltas.shape()
        ));
    }
    let mut found = vec![Vec::new(); logits.ncols()];
    for ((logits, deltas), &anchor) in logits.rows().into_iter().zip(deltas.rows()).zip(anchors) {
        let deltas = [deltas[0], deltas[1], deltas[2], deltas[3]];
        let rect = decode(anchor, deltas, WEIGHTS).clipped(height as f32, width as f32);
        let scores = softmax(&logits).into_iter().enumerate().skip(1);
        for (class, score) in scores.filter(|&(_, score)| score > keep.score) {
            found[class].push(Detection { rect, class, score });
        }
    }
    for of_class in &mut found {
        of_class.sort_by(|left, right| right.score.total_cmp(&left.score));
        of_class.truncate(keep.of_class);
    }
    let found: Vec<Detection> = found.into_iter().flatten().collect();
    let kept = nms_by_class(&found, keep.iou);
    Ok(kept.into_iter().take(keep.most).map(|index| found[index]).collect())
}
