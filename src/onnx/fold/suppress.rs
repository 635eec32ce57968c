//! Boxes that are left of those that overlap.

use ndarray::{Array2, ArrayView1, ArrayView2, Ix3};

use super::known::{charge, host};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::tensor::{SharedArray, Tensor};

/// `NonMaxSuppression`: for each image and class, boxes from the best score on that do not overlap a better one by more than a
/// share. Rows of image, class and box.
pub(super) fn non_max_suppression(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (boxes, scores) = (reals(node, 0)?, reals(node, 1)?);
    let most = match node.optional_host_ints(2)?.as_deref() {
        None | Some([]) => 0,
        Some(&[most]) => usize::try_from(most).unwrap_or(0),
        Some(other) => return Err(Error::Onnx(format!("max_output_boxes_per_class is {other:?}"))),
    };
    let most_overlap = node.optional_host_float(3)?.unwrap_or(0.0);
    let least_score = node.optional_host_float(4)?;
    let corners = if node.flag("center_point_box", false)? {
        around_centre
    } else {
        between_corners
    };
    let (images, count, numbers) = boxes.dim();
    let (of_scores, classes, scored) = scores.dim();
    if numbers != 4 || (of_scores, scored) != (images, count) {
        let message = format!("boxes of shape {:?} with scores of shape {:?}", boxes.shape(), scores.shape());
        return Err(Error::Onnx(message));
    }
    charge(node, &[images, classes, count.min(most), 3])?;
    charge(node, &[count, 2])?;
    let mut left = Vec::new();
    for image in 0..images {
        let boxes = boxes.index_axis(ndarray::Axis(0), image);
        for class in 0..classes {
            let scores = scores.slice(ndarray::s![image, class, ..]);
            let chosen = choose(&boxes, &scores, most, most_overlap, least_score, corners);
            left.extend(
                chosen
                    .into_iter()
                    .flat_map(|index| [image, class, index].map(|number| number as i64)),
            );
        }
    }
    let rows = Array2::from_shape_vec((left.len() / 3, 3), left).map_err(super::known::wrong)?;
    Ok(host(rows.into_dyn()))
}

fn reals(node: &Node<'_, '_>, index: usize) -> Result<ndarray::ArcArray<f32, Ix3>> {
    let known = node.host(index)?;
    let kind = known.tensor_type();
    let reals = match known {
        Tensor::F32(array) => SharedArray::into_dimensionality::<Ix3>(array).ok(),
        _ => None,
    };
    reals.ok_or_else(|| Error::Onnx(format!("input {index} must be reals in three dimensions, but it is {kind}")))
}

/// The boxes of one class that are left, the best first; of equals the first.
fn choose(
    boxes: &ArrayView2<'_, f32>,
    scores: &ArrayView1<'_, f32>,
    most: usize,
    most_overlap: f32,
    least_score: Option<f32>,
    corners: fn([f32; 4]) -> Rectangle,
) -> Vec<usize> {
    let is_candidate = |index: &usize| least_score.is_none_or(|least| scores[*index] > least);
    let mut candidates: Vec<usize> = (0..scores.len()).filter(is_candidate).collect();
    candidates.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]));
    let mut left: Vec<(usize, Rectangle)> = Vec::new();
    for index in candidates {
        if left.len() >= most {
            break;
        }
        let rectangle = corners([0, 1, 2, 3].map(|number| boxes[[index, number]]));
        if !left.iter().any(|(_, better)| rectangle.overlap(better) > most_overlap) {
            left.push((index, rectangle));
        }
    }
    left.into_iter().map(|(index, _)| index).collect()
}

/// The least and the largest place along each of two axes.
#[derive(Clone, Copy)]
struct Rectangle([[f32; 2]; 2]);

/// Of two corners, in either order.
fn between_corners([y1, x1, y2, x2]: [f32; 4]) -> Rectangle {
    Rectangle([[y1.min(y2), y1.max(y2)], [x1.min(x2), x1.max(x2)]])
}

fn around_centre([x, y, width, height]: [f32; 4]) -> Rectangle {
    let along = |centre: f32, extent: f32| [centre - extent / 2.0, centre + extent / 2.0];
    Rectangle([along(y, height), along(x, width)])
}

impl Rectangle {
    fn area(&self) -> f32 {
        self.0.iter().map(|[least, largest]| largest - least).product()
    }

    /// What both have, as a share of what either has.
    fn overlap(&self, other: &Self) -> f32 {
        let pairs = self.0.iter().zip(&other.0);
        let common: Vec<f32> = pairs
            .map(|(one, other)| one[1].min(other[1]) - one[0].max(other[0]))
            .collect();
        if common.iter().any(|&extent| extent <= 0.0) || self.area() <= 0.0 || other.area() <= 0.0 {
            return f32::NEG_INFINITY;
        }
        let common: f32 = common.iter().product();
        common / (self.area() + other.area() - common)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;

    #[test]
    fn the_best_of_those_that_overlap_is_left() {
        let boxes = arr2(&[
            [0.0, 0.0, 1.0, 1.0],
            [1.0, 1.0, 0.0, 0.1],
            [0.0, 2.0, 1.0, 3.0],
            [0.0, 2.0, 1.0, 3.0],
        ]);
        let scores = arr1(&[0.5, 0.9, 0.3, 0.3]);
        let chosen = |most, overlap, least| choose(&boxes.view(), &scores.view(), most, overlap, least, between_corners);
        assert_eq!(chosen(9, 0.5, None), [1, 2]);
        assert_eq!(chosen(9, 0.95, None), [1, 0, 2]);
        assert_eq!(chosen(9, 1.0, None), [1, 0, 2, 3]);
        assert_eq!(chosen(9, 0.5, Some(0.3)), [1]);
        assert_eq!(chosen(1, 0.5, None), [1]);
        assert_eq!(between_corners([0.0, 1.0, 2.0, 5.0]).0, around_centre([3.0, 1.0, 4.0, 2.0]).0);
    }
}
