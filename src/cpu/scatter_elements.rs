//! A tensor with elements updated, each at a place that an index names.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};

use super::binary;
use super::gather_elements::{beside, places};
use super::whole::{from_whole, whole};
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::ops::{Binary, ScatterElements};
use crate::shape;
use crate::tensor::{Element, Tensor, TensorView, each};

const NAME: &str = "scatter";

pub(super) fn scatter_elements(op: ScatterElements, inputs: &[TensorView<'_>], output: &TensorType) -> Result<Tensor> {
    let [data, indices, updates] = [&inputs[0], &inputs[1], &inputs[2]];
    let axis = Axis(shape::axis(NAME, op.axis, output.shape.len())?);
    let places = places(NAME, indices, output.shape[axis.0])?;
    let Some(function) = op.reduction.function() else {
        return each!(TensorView, data, data => {
            let updates = updates.array()?;
            Ok(updated(data.to_owned(), axis, &places, &updates, |_, update| update).into())
        });
    };
    if output.dtype == DType::F32 {
        let data = data.array::<f32>()?.to_owned();
        let function = of_floats(function)?;
        return Ok(updated(data, axis, &places, &updates.array()?, function).into());
    }
    let [data, updates] = [data, updates].map(|input| ArrayD::from_shape_vec(IxDyn(input.shape()), whole(input)));
    let misshapen = |error: ndarray::ShapeError| Error::Internal(format!("{NAME}: {error}"));
    let (data, updates) = (data.map_err(misshapen)?, updates.map_err(misshapen)?);
    // All of these functions are of whole numbers.
    let combine = |element, update| binary::of_whole(function, element, update).unwrap_or(element);
    let results = updated(data, axis, &places, &updates.view(), combine);
    from_whole(NAME, results.iter().copied().collect(), output)
}

/// The function of an element and an update.
fn of_floats(function: Binary) -> Result<fn(f32, f32) -> f32> {
    Ok(match function {
        Binary::Add => |element, update| element + update,
        Binary::Mul => |element, update| element * update,
        Binary::Max => |element, update| {
            if element > update || element.is_nan() {
                element
            } else {
                update
            }
        },
        Binary::Min => |element, update| {
            if element < update || element.is_nan() {
                element
            } else {
                update
            }
        },
        other => return Err(Error::Internal(format!("{NAME} by {}", other.name()))),
    })
}

/// The data with each update combined with the element that it goes to, in the order of the updates along the axis.
fn updated<T: Element>(
    mut data: ArrayD<T>,
    axis: Axis,
    places: &ArrayD<usize>,
    updates: &ArrayViewD<'_, T>,
    combine: impl Fn(T, T) -> T,
) -> ArrayD<T> {
    let mut named = data.slice_each_axis_mut(|other| beside(other.axis, axis, places.shape()));
    let lines = places.lanes(axis).into_iter().zip(updates.lanes(axis));
    for (mut line, (places, updates)) in named.lanes_mut(axis).into_iter().zip(lines) {
        for (&place, &update) in places.iter().zip(updates) {
            line[place] = combine(line[place], update);
        }
    }
    data
}
