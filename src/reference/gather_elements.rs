//! Elements along an axis, each by an index of its own.

use ndarray::{ArrayD, Dimension, IxDyn};

use super::answer::Answer;
use super::number::Number;
use crate::error::{Error, Result};
use crate::ops::GatherElements;

pub(super) fn gather_elements(op: GatherElements, data: &Answer, indices: &Answer) -> Result<Answer> {
    let named = named("gather", op.axis, data, indices)?;
    let numbers = data.numbers();
    let is_sure = indices.bound.iter().all(|&bound| bound == 0.0);
    let elements = named.iter().map(|place| {
        let element = numbers[place.as_slice()];
        if is_sure { element } else { unsure(element) }
    });
    Ok(shaped(indices.shape(), elements.collect())?.into())
}

/// The place in the data that each index names.
pub(super) fn named(operator: &'static str, axis: isize, data: &Answer, indices: &Answer) -> Result<Vec<Vec<usize>>> {
    let rank = data.shape().len() as isize;
    let axis = if axis < 0 { axis + rank } else { axis } as usize;
    let extent = data.shape()[axis] as f64;
    let places = indices.values.indexed_iter().map(|(place, &index)| {
        if !(-extent <= index && index < extent) {
            let message = format!("index {index} of {extent} elements along axis {axis} of {:?}", data.shape());
            return Err(Error::invalid(operator, message));
        }
        let mut place = place.slice().to_vec();
        place[axis] = (if index < 0.0 { index + extent } else { index }) as usize;
        Ok(place)
    });
    places.collect()
}

/// Any number: where an index is not sure, another element may be named.
pub(super) fn unsure(element: Number) -> Number {
    Number {
        bound: f64::INFINITY,
        ..element
    }
}

fn shaped(shape: &[usize], numbers: Vec<Number>) -> Result<ArrayD<Number>> {
    let misshapen = |error: ndarray::ShapeError| Error::Internal(format!("gather to {shape:?}: {error}"));
    ArrayD::from_shape_vec(IxDyn(shape), numbers).map_err(misshapen)
}
