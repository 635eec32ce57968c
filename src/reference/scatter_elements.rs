//! A tensor with elements updated, each at a place that an index names.

use super::answer::Answer;
use super::binary::of_two;
use super::gather_elements::{named, unsure};
use crate::error::Result;
use crate::ops::ScatterElements;

pub(super) fn scatter_elements(op: ScatterElements, data: &Answer, indices: &Answer, updates: &Answer) -> Result<Answer> {
    let mut numbers = data.numbers();
    let named = named("scatter", op.axis, data, indices)?;
    // In the order of all updates, which along the axis is that of its places.
    for (place, &update) in named.iter().zip(&updates.numbers()) {
        let element = &mut numbers[place.as_slice()];
        *element = match op.reduction.function() {
            None => update,
            Some(function) => of_two(function, data.dtype, *element, update)?,
        };
    }
    if indices.bound.iter().any(|&bound| bound > 0.0) {
        numbers.mapv_inplace(unsure);
    }
    Ok(numbers.into())
}
