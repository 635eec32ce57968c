//! Masks: a class for each pixel.

use ndarray::{Array2, ArrayView3};

use crate::boxes::Rect;
use crate::error::{Result, invalid};
use crate::place::Placement;

/// The class of each pixel, `[H, W]`, of scores `[C, H, W]`: where the largest is, the first of equals; a NaN is never it.
///
/// Errors: no class, or more than 65,536.
pub fn argmax(scores: &ArrayView3<'_, f32>) -> Result<Array2<u16>> {
    let (classes, height, width) = scores.dim();
    if !(1..=1 << 16).contains(&classes) {
        return invalid(format!("1 to 65536 classes are expected, but {:?} came", scores.shape()));
    }
    let mut best = Array2::from_elem((height, width), f32::NEG_INFINITY);
    let mut mask = Array2::zeros((height, width));
    for (class, plane) in scores.outer_iter().enumerate() {
        for ((best, mask), &score) in best.iter_mut().zip(&mut mask).zip(&plane) {
            if score > *best {
                (*best, *mask) = (score, class as u16);
            }
        }
    }
    Ok(mask)
}

/// A mask of a network's output in the size of the picture that its input, so high and wide, was prepared from: for each pixel the
/// class of the nearest. Outside of a crop it is the nearest within.
///
/// Errors: a mask of nothing.
pub fn back(mask: &Array2<u16>, input: (usize, usize), placement: &Placement) -> Result<Array2<u16>> {
    let (height, width) = mask.dim();
    if height.min(width).min(input.0).min(input.1) == 0 {
        return invalid(format!("a mask of nothing: {:?} for an input of {input:?}", mask.shape()));
    }
    let places = |from: usize, scale: f32, offset: f32, input: usize, length: usize| {
        let place = move |index: usize| ((index as f32 + 0.5) * scale + offset) * (length as f32 / input as f32);
        (0..from)
            .map(|index| (place(index).max(0.0) as usize).min(length - 1))
            .collect::<Vec<_>>()
    };
    let down = places(placement.from.0, placement.scale.0, placement.offset.0, input.0, height);
    let across = places(placement.from.1, placement.scale.1, placement.offset.1, input.1, width);
    Ok(Array2::from_shape_fn(placement.from, |(y, x)| mask[[down[y], across[x]]]))
}

/// Around each connected part of a class, over edges and corners, from the top: what its rows and columns are.
pub fn regions(mask: &Array2<u16>, class: u16) -> Vec<Rect> {
    let (height, width) = mask.dim();
    let mut is_seen = mask.mapv(|pixel| pixel != class);
    let mut regions = Vec::new();
    for start in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        if std::mem::replace(&mut is_seen[start], true) {
            continue;
        }
        let mut waiting = vec![start];
        let (mut least, mut most) = (start, start);
        while let Some((y, x)) = waiting.pop() {
            least = (least.0.min(y), least.1.min(x));
            most = (most.0.max(y), most.1.max(x));
            for y in y.saturating_sub(1)..(y + 2).min(height) {
                for x in x.saturating_sub(1)..(x + 2).min(width) {
                    if !std::mem::replace(&mut is_seen[(y, x)], true) {
                        waiting.push((y, x));
                    }
                }
            }
        }
        let side = |place: usize| place as f32;
        regions.push(Rect::new(side(least.1), side(least.0), side(most.1 + 1), side(most.0 + 1)));
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr2, arr3};

    #[test]
    fn the_largest_score_of_a_pixel_is_its_class() {
        let scores = arr3(&[[[0.0, 1.0, f32::NAN]], [[0.0, 2.0, 1.0]], [[-1.0, 3.0, f32::NAN]]]);
        assert_eq!(argmax(&scores.view()), Ok(arr2(&[[0, 2, 1]])));
        let nothing = ndarray::Array3::zeros((0, 2, 2));
        assert_eq!(
            argmax(&nothing.view()).unwrap_err().to_string(),
            "1 to 65536 classes are expected, but [0, 2, 2] came"
        );
    }

    #[test]
    fn masks_lead_back_through_letterboxes() {
        let mask = arr2(&[[9, 9, 9, 9], [1, 1, 2, 2], [9, 9, 9, 9]]);
        // A picture of 2 x 8 in the middle of 6 x 8, whose mask is half as large.
        let placement = Placement::stretched((2, 8), (2, 8)).moved(2.0, 0.0);
        let whole = back(&mask, (6, 8), &placement).unwrap();
        assert_eq!(whole, arr2(&[[1, 1, 1, 1, 2, 2, 2, 2], [1, 1, 1, 1, 2, 2, 2, 2]]));
        assert!(back(&Array2::zeros((0, 4)), (6, 8), &placement).is_err());
    }

    #[test]
    fn regions_touch_by_corners_too() {
        let mask = arr2(&[[1, 0, 0, 0, 1], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]]);
        let expected = [(0, 0, 2, 2), (4, 0, 5, 2), (0, 3, 4, 4)]
            .map(|(left, top, right, bottom): (u8, u8, u8, u8)| Rect::new(left.into(), top.into(), right.into(), bottom.into()));
        assert_eq!(regions(&mask, 1), expected);
        assert_eq!(regions(&mask, 7), []);
    }
}
