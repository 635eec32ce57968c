//! Padding: each coordinate of a padded axis stands for a coordinate of the input, found by walking.

use std::array::from_fn;

use ndarray::Array5;

use super::answer::Answer;
use super::number::Number;
use super::volume::{AXES, axes, finish, of_volume, volume};
use crate::error::Result;
use crate::ops::Pad;
use crate::padding::{PaddingMode, Sides};

pub(super) fn pad(op: &Pad, input: &Answer) -> Result<Answer> {
    let spatial = axes(input);
    let input = volume(input)?;
    let (batch, channels, depth, height, width) = input.dim();
    let (extents, sides) = ([depth, height, width], of_volume(op.padding, spatial, Sides::NONE));
    let [slices, rows, columns]: [_; AXES] = from_fn(|axis| padded(op.mode, extents[axis], sides[axis].before, sides[axis].after));
    let shape = (batch, channels, slices.len(), rows.len(), columns.len());
    let output = Array5::from_shape_fn(shape, |(n, c, z, y, x)| match (slices[z], rows[y], columns[x]) {
        (Some(slice), Some(row), Some(column)) => input.at([n, c, slice, row, column]),
        _ => Number::exact(f64::from(op.value)),
    });
    Ok(finish(output, spatial))
}

/// For each coordinate of the padded extent, the coordinate of the input that stands there; `None` is the constant.
/// Negative padding crops.
pub(super) fn padded(mode: PaddingMode, extent: usize, before: isize, after: isize) -> Vec<Option<usize>> {
    (-before..extent as isize + after)
        .map(|coordinate| source(mode, coordinate, extent))
        .collect()
}

/// Walks from the first element to the coordinate, one step at a time, doing at the edges what the mode says.
fn source(mode: PaddingMode, coordinate: isize, extent: usize) -> Option<usize> {
    let steps = coordinate.unsigned_abs();
    let backwards = coordinate < 0;
    let last = extent - 1;
    let mut place = 0;
    match mode {
        PaddingMode::Zeros => return (!backwards && steps < extent).then_some(steps),
        PaddingMode::Replicate => {
            for _ in 0..steps {
                if !backwards && place < last {
                    place += 1;
                }
            }
        }
        PaddingMode::Circular => {
            for _ in 0..steps {
                place = match (backwards, place) {
                    (true, 0) => last,
                    (true, _) => place - 1,
                    (false, _) if place == last => 0,
                    (false, _) => place + 1,
                };
            }
        }
        // The first element is a mirror: so many steps to either side show the same.
        PaddingMode::Reflect => {
            let mut forwards = true;
            for _ in 0..steps {
                if place == last {
                    forwards = false;
                } else if place == 0 {
                    forwards = true;
                }
                place = if forwards { place + 1 } else { place - 1 };
            }
        }
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_as_its_picture() {
        let picture = |mode, before, after| {
            padded(mode, 4, before, after)
                .into_iter()
                .map(|place| place.map_or('.', |place| ['a', 'b', 'c', 'd'][place]))
                .collect::<String>()
        };
        assert_eq!(picture(PaddingMode::Zeros, 2, 1), "..abcd.");
        assert_eq!(picture(PaddingMode::Zeros, -1, -2), "b");
        assert_eq!(picture(PaddingMode::Zeros, -1, 2), "bcd..");
        assert_eq!(picture(PaddingMode::Replicate, 3, 2), "aaaabcddd");
        assert_eq!(picture(PaddingMode::Reflect, 3, 3), "dcbabcdcba");
        assert_eq!(picture(PaddingMode::Circular, 4, 4), "abcdabcdabcd");
        assert_eq!(picture(PaddingMode::Circular, 1, 0), "dabcd");
    }
}
