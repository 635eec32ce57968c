//! Functions of the elements of several tensors, broadcast.

use std::array;

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use super::number::Number;
use crate::dtype::DType;
use crate::error::{Error, Result};

/// A function at every place of the output: of floats, or, whatever their type, of whole numbers (bools are 0 and 1). It gives
/// none where it is not of those.
pub(super) fn of_elements<const N: usize>(
    operator: &'static str,
    inputs: [&Answer; N],
    of_floats: impl Fn([Number; N]) -> Option<Number>,
    of_whole: impl Fn([i128; N]) -> Option<i128>,
) -> Result<Answer> {
    // A condition comes before what is chosen.
    let dtype = inputs[N - 1].dtype;
    let shape = broadcast_shape(&inputs.map(Answer::shape));
    let numbers = inputs.map(|input| spread(operator, input, &shape));
    let numbers: Vec<ArrayD<Number>> = numbers.into_iter().collect::<Result<_>>()?;
    let mut outcome = Vec::with_capacity(shape.iter().product());
    for place in ndarray::indices(IxDyn(&shape)) {
        let elements: [Number; N] = array::from_fn(|input| numbers[input][&place]);
        outcome.push(of_one_place(operator, dtype, elements, &of_floats, &of_whole)?);
    }
    let output = ArrayD::from_shape_vec(IxDyn(&shape), outcome);
    let output = output.map_err(|error| Error::Internal(format!("{operator} to {shape:?}: {error}")))?;
    Ok(output.into())
}

/// The function at one place.
pub(super) fn of_one_place<const N: usize>(
    operator: &'static str,
    dtype: DType,
    elements: [Number; N],
    of_floats: &impl Fn([Number; N]) -> Option<Number>,
    of_whole: &impl Fn([i128; N]) -> Option<i128>,
) -> Result<Number> {
    let undefined = || Error::Internal(format!("{operator} of {dtype}"));
    if dtype.is_float() {
        return of_floats(elements).ok_or_else(undefined);
    }
    let value = of_whole(elements.map(|element| element.value as i128)).ok_or_else(undefined)?;
    let is_sure = elements.iter().all(|element| element.bound == 0.0);
    let number = Number::whole(dtype, value);
    let bound = if is_sure { number.bound } else { f64::INFINITY };
    Ok(Number { bound, ..number })
}

/// Whether something is so, of floats that may be off by so much where what decides is this far from its limit. What may be on either
/// side may be true or false.
pub(super) fn truth(is_so: bool, bound: f64, distance: f64) -> Number {
    let is_sure = bound == 0.0 || distance > bound;
    Number::new(f64::from(u8::from(is_so)), if is_sure { 0.0 } else { 1.0 })
}

/// An extent of 1 gives way to any other, even to 0.
fn broadcast_shape(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or_default();
    let extent = |from_end: usize| {
        let own = shapes
            .iter()
            .filter_map(|shape| shape.len().checked_sub(from_end).map(|axis| shape[axis]));
        own.fold(1, |extent, own| if extent == 1 { own } else { extent })
    };
    (1..=rank).rev().map(extent).collect()
}

fn spread(operator: &'static str, input: &Answer, shape: &[usize]) -> Result<ArrayD<Number>> {
    let numbers = input.numbers();
    let spread = numbers.broadcast(IxDyn(shape));
    let disagrees = || Error::invalid(operator, format!("shape {:?} does not broadcast to {shape:?}", input.shape()));
    Ok(spread.ok_or_else(disagrees)?.to_owned())
}
