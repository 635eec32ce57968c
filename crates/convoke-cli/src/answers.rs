//! What a model's outputs say of pictures, as JSON and drawn.

use clap::ValueEnum;
use convoke_vision::{Detection, Head, Keep, Labels, Picture, Placement, colour, mask, softmax, top_k};
use ndarray::{ArrayD, ArrayView1, ArrayViewD, Axis, Ix3};
use serde_json::{Value, json};

/// What outputs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Decode {
    /// A score for each class, [N, C]; made probabilities by softmax where they are none.
    Classes,
    /// Scores for each class and pixel, [N, C, H, W].
    Mask,
    /// `YOLOv8`, YOLO11 and their like as ultralytics exports them, [N, 4 + C, boxes].
    Yolo,
    /// `YOLOv5` and its like, [N, boxes, 5 + C].
    Yolov5,
    /// Corners, score and class, [N, boxes, 6]: `YOLOv10`, YOLO26.
    Boxes,
    /// DETR: logits [N, Q, C + 1] and boxes [N, Q, 4].
    Detr,
    /// RT-DETR and deformable DETR: logits [N, Q, C] and boxes [N, Q, 4].
    RtDetr,
}

/// What was said of one picture.
pub(super) enum Answer {
    Classes(Vec<convoke_vision::Ranked>),
    Boxes(Vec<Detection>),
    Mask(ndarray::Array2<u16>),
}

impl Decode {
    /// By the shape of the first output, where it tells.
    ///
    /// Errors: where it does not.
    fn of(outputs: &[ArrayD<f32>]) -> Result<Self, String> {
        match outputs.first().map(ArrayD::ndim) {
            Some(2) => Ok(Self::Classes),
            Some(4) => Ok(Self::Mask),
            _ => {
                let shapes: Vec<&[usize]> = outputs.iter().map(ndarray::ArrayBase::shape).collect();
                Err(format!(
                    "outputs {shapes:?} do not say what they mean: --decode yolo, detr or another is needed"
                ))
            }
        }
    }

    /// What a batch's outputs say of each picture, in its own pixels; inputs are so high and wide.
    ///
    /// Errors: outputs that are of another kind.
    pub(super) fn read(
        given: Option<Self>,
        outputs: &[ArrayD<f32>],
        size: (usize, usize),
        placements: &[Placement],
        keep: &Keep,
        top: usize,
    ) -> Result<Vec<Answer>, String> {
        let kind = given.map_or_else(|| Self::of(outputs), Ok)?;
        let batch = placements.len();
        if let Some(other) = outputs.iter().find(|output| output.shape().first() != Some(&batch)) {
            let shape = other.shape();
            return Err(format!(
                "outputs of {batch} pictures are expected, but {shape:?} came; --batch 1 takes them one by one"
            ));
        }
        let said = |error: convoke_vision::Error| error.to_string();
        let head = match kind {
            Self::Classes => return Ok(outputs[0].axis_iter(Axis(0)).map(|scores| classes(&scores, top)).collect()),
            Self::Mask => {
                return outputs[0]
                    .axis_iter(Axis(0))
                    .zip(placements)
                    .map(|(scores, place)| masked(&scores, size, place))
                    .collect();
            }
            Self::Yolo => Head::Yolo,
            Self::Yolov5 => Head::YoloV5,
            Self::Boxes => Head::Final,
            Self::Detr => Head::Detr,
            Self::RtDetr => Head::RtDetr,
        };
        let views: Vec<ArrayViewD<'_, f32>> = outputs.iter().map(|output| output.view()).collect();
        let found = head.detections(&views, size, keep).map_err(said)?;
        let back = |(found, placement): (Vec<Detection>, &Placement)| {
            let in_picture = |detection: Detection| Detection {
                rect: placement.back(detection.rect),
                ..detection
            };
            Answer::Boxes(found.into_iter().map(in_picture).collect())
        };
        Ok(found.into_iter().zip(placements).map(back).collect())
    }
}

fn classes(scores: &ArrayViewD<'_, f32>, top: usize) -> Answer {
    let flat: Vec<f32> = scores.iter().copied().collect();
    let is_probability = flat.iter().all(|score| (0.0..=1.0).contains(score)) && (flat.iter().sum::<f32>() - 1.0).abs() < 1e-3;
    let scores = if is_probability {
        flat
    } else {
        softmax(&ArrayView1::from(&flat))
    };
    Answer::Classes(top_k(scores, top))
}

fn masked(scores: &ArrayViewD<'_, f32>, size: (usize, usize), placement: &Placement) -> Result<Answer, String> {
    let shape = scores.shape().to_vec();
    let planes = scores.view().into_dimensionality::<Ix3>();
    let planes = planes.map_err(|_| format!("a mask takes scores [N, C, H, W], but {shape:?} came for a picture"))?;
    let mask = mask::argmax(&planes).and_then(|mask| mask::back(&mask, size, placement));
    mask.map(Answer::Mask).map_err(|error| error.to_string())
}

impl Answer {
    /// The name of the list, and the list.
    pub(super) fn json(&self, labels: &Labels) -> (&'static str, Value) {
        let named = |class: usize, mut value: Value| {
            value["class"] = class.into();
            if let Some(name) = labels.name(class) {
                value["label"] = name.into();
            }
            value
        };
        match self {
            Self::Classes(ranked) => {
                let one = |ranked: &convoke_vision::Ranked| named(ranked.class, json!({"score": ranked.score}));
                ("classes", ranked.iter().map(one).collect())
            }
            Self::Boxes(found) => {
                let one = |found: &Detection| {
                    let rect = found.rect;
                    let sides = [rect.left, rect.top, rect.right, rect.bottom];
                    named(found.class, json!({"score": found.score, "box": sides}))
                };
                ("boxes", found.iter().map(one).collect())
            }
            Self::Mask(mask) => {
                let mut pixels = std::collections::BTreeMap::new();
                mask.iter().for_each(|&class| *pixels.entry(class).or_insert(0_usize) += 1);
                let one = |(class, pixels): (u16, usize)| named(class.into(), json!({"pixels": pixels}));
                ("mask", pixels.into_iter().map(one).collect())
            }
        }
    }

    /// Draws it, boxes with the names of their classes and their scores: the first class of a mask is the ground and stays.
    ///
    /// Errors: classes, which lie nowhere.
    pub(super) fn draw(&self, picture: &mut Picture, labels: &Labels) -> Result<(), String> {
        let said = |error: convoke_vision::Error| error.to_string();
        match self {
            Self::Classes(_) => Err("--draw is for boxes and masks, but the model gives classes".to_owned()),
            Self::Mask(mask) => picture.draw_mask(mask, Some(0)).map_err(said),
            Self::Boxes(found) => {
                let thickness = 1 + picture.height().min(picture.width()) / 200;
                // The best on top.
                let mut worst_first = found.iter().rev();
                worst_first.try_for_each(|found| {
                    let colour = colour(found.class);
                    let name = labels
                        .name(found.class)
                        .map_or_else(|| found.class.to_string(), ToOwned::to_owned);
                    picture.draw_rect(found.rect, colour, thickness).map_err(said)?;
                    picture
                        .draw_label(found.rect, &format!("{name} {:.2}", found.score), colour)
                        .map_err(said)
                })
            }
        }
    }
}
