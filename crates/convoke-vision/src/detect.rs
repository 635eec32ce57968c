//! Boxes from what detectors leave to their caller.

use ndarray::{ArrayView2, ArrayViewD, Axis, Ix2};

use crate::boxes::{Detection, Rect, nms, nms_by_class};
use crate::classify::softmax;
use crate::error::{Result, invalid};

/// Which boxes are kept. The defaults are those of ultralytics' `non_max_suppression`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// Only scores above this.
    pub score: f32,
    /// Of boxes that overlap by a larger IoU, the better one.
    pub iou: f32,
    /// So many of the best that were left.
    pub most: usize,
    /// Boxes of other classes are suppressed too.
    pub agnostic: bool,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            score: 0.25,
            iou: 0.45,
            most: 300,
            agnostic: false,
        }
    }
}

/// Boxes that compete, at most; the best ones, as in ultralytics.
const COMPETING: usize = 30_000;

impl Keep {
    /// The best of these by non-maximum suppression, the best first.
    pub fn of(&self, mut found: Vec<Detection>) -> Vec<Detection> {
        found.retain(|detection| detection.score > self.score);
        found.sort_by(|left, right| right.score.total_cmp(&left.score));
        found.truncate(COMPETING);
        let kept = if self.agnostic {
            nms(&found, self.iou)
        } else {
            nms_by_class(&found, self.iou)
        };
        kept.into_iter().take(self.most).map(|index| found[index]).collect()
    }

    /// The best of these, where the model suppressed itself.
    fn best(&self, mut found: Vec<Detection>) -> Vec<Detection> {
        found.retain(|detection| detection.score > self.score);
        found.sort_by(|left, right| right.score.total_cmp(&left.score));
        found.truncate(self.most);
        found
    }
}

/// What a detector's outputs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Head {
    /// YOLOv8, YOLO11 and their like as ultralytics exports them: `[N, 4 + C, A]`, of `A` boxes their middles and sizes in pixels
    /// and a score for each class.
    Yolo,
    /// YOLOv5 and its like: `[N, A, 5 + C]`, a score for the box and one for each class, which are multiplied.
    YoloV5,
    /// Models that suppress by themselves (YOLOv10, YOLO26): `[N, A, 6]`, corners in pixels, score and class.
    Final,
    /// DETR: logits `[N, Q, C + 1]`, of which the last is for nothing, and middles and sizes `[N, Q, 4]` as parts of the picture.
    Detr,
    /// RT-DETR and deformable DETR: logits `[N, Q, C]`, each for itself by a sigmoid, and middles and sizes likewise. A box may
    /// be there once for each class.
    RtDetr,
}

impl Head {
    /// What a batch's outputs found, for each picture, the best first; in pixels of the input, which is so high and wide.
    ///
    /// Errors: outputs that are not what the head has.
    pub fn detections(self, outputs: &[ArrayViewD<'_, f32>], size: (usize, usize), keep: &Keep) -> Result<Vec<Vec<Detection>>> {
        let wanted = if matches!(self, Self::Detr | Self::RtDetr) { 2 } else { 1 };
        if outputs.len() < wanted || outputs.iter().take(wanted).any(|output| output.ndim() != 3) {
            let shapes: Vec<&[usize]> = outputs.iter().map(ArrayViewD::shape).collect();
            return invalid(format!("{self:?} takes {wanted} outputs of three axes, but {shapes:?} came"));
        }
        let batch = outputs[0].shape()[0];
        if outputs.iter().take(wanted).any(|output| output.shape()[0] != batch) {
            return invalid(format!("{self:?} takes outputs of one batch, but {batch} and others came"));
        }
        let of = |output: usize, index: usize| {
            let view = outputs[output].index_axis(Axis(0), index);
            view.into_dimensionality::<Ix2>().or_else(|error| invalid(error.to_string()))
        };
        let one = |index: usize| match self {
            Self::Yolo => yolo(&of(0, index)?, keep),
            Self::YoloV5 => yolo_v5(&of(0, index)?, keep),
            Self::Final => ready(&of(0, index)?, keep),
            Self::Detr => detr(&of(0, index)?, &of(1, index)?, size, keep),
            Self::RtDetr => rt_detr(&of(0, index)?, &of(1, index)?, size, keep),
        };
        (0..batch).map(one).collect()
    }
}

/// The largest of some scores, the first of equals.
fn largest(scores: impl Iterator<Item = f32>) -> Option<(usize, f32)> {
    let better = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
    scores.enumerate().reduce(better)
}

/// [`Head::Yolo`] of one picture, `[4 + C, A]`.
///
/// Errors: fewer than five rows.
pub fn yolo(head: &ArrayView2<'_, f32>, keep: &Keep) -> Result<Vec<Detection>> {
    if head.nrows() < 5 {
        return invalid(format!("[4 + classes, boxes] is expected, but {:?} came", head.shape()));
    }
    let mut found = Vec::new();
    for column in head.columns() {
        if let Some((class, score)) = largest(column.iter().skip(4).copied()).filter(|best| best.1 > keep.score) {
            let rect = Rect::centred(column[0], column[1], column[2], column[3]);
            found.push(Detection { rect, class, score });
        }
    }
    Ok(keep.of(found))
}

/// [`Head::YoloV5`] of one picture, `[A, 5 + C]`.
///
/// Errors: fewer than six columns.
pub fn yolo_v5(head: &ArrayView2<'_, f32>, keep: &Keep) -> Result<Vec<Detection>> {
    if head.ncols() < 6 {
        return invalid(format!("[boxes, 5 + classes] is expected, but {:?} came", head.shape()));
    }
    let mut found = Vec::new();
    for row in head.rows() {
        if row[4] > keep.score
            && let Some((class, score)) = largest(row.iter().skip(5).map(|score| score * row[4]))
        {
            let rect = Rect::centred(row[0], row[1], row[2], row[3]);
            found.push(Detection { rect, class, score });
        }
    }
    Ok(keep.of(found))
}

/// [`Head::Final`] of one picture, `[A, 6]`.
///
/// Errors: another number of columns.
pub fn ready(head: &ArrayView2<'_, f32>, keep: &Keep) -> Result<Vec<Detection>> {
    if head.ncols() != 6 {
        return invalid(format!("[boxes, 6] is expected, but {:?} came", head.shape()));
    }
    let detection = |row: ndarray::ArrayView1<'_, f32>| Detection {
        rect: Rect::new(row[0], row[1], row[2], row[3]),
        class: row[5].max(0.0) as usize,
        score: row[4],
    };
    Ok(keep.best(head.rows().into_iter().map(detection).collect()))
}

/// [`Head::Detr`] of one picture: logits `[Q, C + 1]`, boxes `[Q, 4]`. Only [`Keep`]'s score and number count.
///
/// Errors: other shapes.
pub fn detr(
    logits: &ArrayView2<'_, f32>,
    boxes: &ArrayView2<'_, f32>,
    size: (usize, usize),
    keep: &Keep,
) -> Result<Vec<Detection>> {
    check_queries(logits, boxes, 2)?;
    let mut found = Vec::new();
    for (logits, place) in logits.rows().into_iter().zip(boxes.rows()) {
        let scores = softmax(&logits);
        if let Some((class, score)) = largest(scores.iter().take(scores.len() - 1).copied()) {
            let rect = relative(&place, size);
            found.push(Detection { rect, class, score });
        }
    }
    Ok(keep.best(found))
}

/// [`Head::RtDetr`] of one picture: logits `[Q, C]`, boxes `[Q, 4]`. Of all queries and classes so many as there are queries are
/// looked at, as in its authors' code, and of those [`Keep`]'s score and number count.
///
/// Errors: other shapes.
pub fn rt_detr(
    logits: &ArrayView2<'_, f32>,
    boxes: &ArrayView2<'_, f32>,
    size: (usize, usize),
    keep: &Keep,
) -> Result<Vec<Detection>> {
    check_queries(logits, boxes, 1)?;
    let mut found = Vec::new();
    for (logits, place) in logits.rows().into_iter().zip(boxes.rows()) {
        let rect = relative(&place, size);
        let score = |logit: f32| 1.0 / (1.0 + (-logit).exp());
        let each = logits.iter().enumerate();
        found.extend(each.map(|(class, &logit)| Detection {
            rect,
            class,
            score: score(logit),
        }));
    }
    found.sort_by(|left, right| right.score.total_cmp(&left.score));
    found.truncate(boxes.nrows());
    Ok(keep.best(found))
}

fn check_queries(logits: &ArrayView2<'_, f32>, boxes: &ArrayView2<'_, f32>, classes: usize) -> Result<()> {
    if logits.nrows() == boxes.nrows() && boxes.ncols() == 4 && logits.ncols() >= classes {
        return Ok(());
    }
    let (logits, boxes) = (logits.shape(), boxes.shape());
    invalid(format!(
        "logits [queries, classes] and boxes [queries, 4] are expected, but {logits:?} and {boxes:?} came"
    ))
}

/// Middle and size as parts of a picture, in its pixels.
fn relative(place: &ndarray::ArrayView1<'_, f32>, (height, width): (usize, usize)) -> Rect {
    Rect::centred(place[0], place[1], place[2], place[3]).scaled(width as f32, height as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, arr2};

    #[test]
    fn heads_of_other_shapes_are_refused_with_theirs() {
        let said = |head: Head, shapes: &[[usize; 3]]| {
            let outputs: Vec<_> = shapes.iter().map(|&shape| Array3::zeros(shape).into_dyn()).collect();
            let views: Vec<_> = outputs.iter().map(|output: &ndarray::ArrayD<f32>| output.view()).collect();
            head.detections(&views, (8, 8), &Keep::default()).unwrap_err().to_string()
        };
        assert_eq!(
            said(Head::Yolo, &[[1, 4, 9]]),
            "[4 + classes, boxes] is expected, but [4, 9] came"
        );
        assert_eq!(
            said(Head::YoloV5, &[[1, 9, 5]]),
            "[boxes, 5 + classes] is expected, but [9, 5] came"
        );
        assert_eq!(said(Head::Final, &[[1, 9, 5]]), "[boxes, 6] is expected, but [9, 5] came");
        assert!(said(Head::Detr, &[[1, 9, 5]]).contains("2 outputs of three axes"));
        assert!(said(Head::RtDetr, &[[1, 9, 5], [1, 8, 4]]).contains("[9, 5] and [8, 4] came"));
        assert!(said(Head::Yolo, &[]).contains("1 outputs of three axes, but [] came"));
    }

    #[test]
    fn models_that_suppress_by_themselves_are_read_as_they_are() {
        let head = arr2(&[
            [0.0, 1.0, 4.0, 5.0, 0.3, 2.0],
            [0.0, 1.0, 4.0, 5.0, 0.9, 2.0],
            [0.0, 0.0, 1.0, 1.0, 0.2, 1.0],
        ]);
        let found = ready(&head.view(), &Keep::default()).unwrap();
        assert_eq!(found.iter().map(|found| found.score).collect::<Vec<_>>(), [0.9, 0.3]);
        assert_eq!((found[0].class, found[0].rect), (2, Rect::new(0.0, 1.0, 4.0, 5.0)));
    }

    #[test]
    fn nan_finds_nothing() {
        let head = ndarray::Array2::from_elem((7, 20), f32::NAN);
        assert_eq!(yolo(&head.view(), &Keep::default()), Ok(vec![]));
        assert_eq!(yolo_v5(&head.view(), &Keep::default()), Ok(vec![]));
        assert_eq!(
            detr(&head.view(), &head.slice(ndarray::s![.., ..4]), (9, 9), &Keep::default()),
            Ok(vec![])
        );
    }
}
