//! Signals and images as volumes, so that operators along spatial axes are loops over three axes whatever the input has.

use ndarray::{Array5, ArrayD, ArrayView, Axis, Ix5, IxDyn};

use super::answer::{Answer, View};
use super::number::Number;
use crate::error::{Error, Result};
use crate::shape::PerAxis;

/// The spatial axes of a volume.
pub(super) const AXES: usize = 3;

/// A place or an extent: depth, height and width.
pub(super) type Place = [usize; AXES];

/// `[N, C, D, H, W]` of an input or a weight, with an extent of 1 for the axes that it does not have.
pub(super) fn volume(answer: &Answer) -> Result<View<'_, Ix5>> {
    Ok(View {
        values: lifted(answer.values.view())?,
        bound: lifted(answer.bound.view())?,
    })
}

fn lifted(mut array: ArrayView<'_, f64, IxDyn>) -> Result<ArrayView<'_, f64, Ix5>> {
    while array.ndim() < 2 + AXES {
        array = array.insert_axis(Axis(2));
    }
    let shape = array.shape().to_vec();
    array
        .into_dimensionality()
        .map_err(|_| Error::invalid("reference", format!("expected 1 to 3 spatial axes, but got shape {shape:?}")))
}

/// How many spatial axes an answer has.
pub(super) fn axes(answer: &Answer) -> usize {
    answer.shape().len() - 2
}

/// The values of a parameter for the axes of a volume, of which the last `axes` are the input's and the others have the neutral
/// value.
pub(super) fn of_volume<T: Copy>(values: PerAxis<T>, axes: usize, neutral: T) -> [T; AXES] {
    let mut lifted = [neutral; AXES];
    let own = &mut lifted[AXES - axes..];
    match values {
        PerAxis::All(value) => own.fill(value),
        each => own.iter_mut().zip(each.iter()).for_each(|(own, value)| *own = value),
    }
    lifted
}

/// A result with as many spatial axes as the input has.
pub(super) fn finish(volume: Array5<Number>, axes: usize) -> Answer {
    let mut numbers: ArrayD<Number> = volume.into_dyn();
    while numbers.ndim() > 2 + axes {
        numbers = numbers.index_axis_move(Axis(2), 0);
    }
    numbers.into()
}

/// Every place in a box, row by row.
pub(super) fn places([depth, height, width]: Place) -> impl Iterator<Item = Place> {
    (0..depth).flat_map(move |z| (0..height).flat_map(move |y| (0..width).map(move |x| [z, y, x])))
}

/// Every choice of one tap along each axis, row by row.
pub(super) fn taps([slices, rows, columns]: [&[usize]; AXES]) -> impl Iterator<Item = Place> {
    let rows_of = move |z: usize| rows.iter().flat_map(move |&y| columns.iter().map(move |&x| [z, y, x]));
    slices.iter().flat_map(move |&z| rows_of(z))
}
