//! Elements along an axis, each by an index of its own.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Slice};

use super::gather::place;
use super::whole::whole;
use crate::error::{Error, Result};
use crate::ops::GatherElements;
use crate::shape;
use crate::tensor::{Element, TensorView};

const NAME: &str = "gather";

pub(super) fn gather_elements<T: Element>(
    op: GatherElements,
    data: &ArrayViewD<'_, T>,
    indices: &TensorView<'_>,
) -> Result<ArrayD<T>> {
    let axis = Axis(shape::axis(NAME, op.axis, data.ndim())?);
    let indices = places(NAME, indices, data.shape()[axis.0])?;
    let mut data = data.view();
    data.slice_each_axis_inplace(|other| beside(other.axis, axis, indices.shape()));
    let mut output = ArrayD::default(indices.raw_dim());
    let lines = data.lanes(axis).into_iter().zip(indices.lanes(axis));
    for (mut chosen, (line, places)) in output.lanes_mut(axis).into_iter().zip(lines) {
        for (element, &place) in chosen.iter_mut().zip(places) {
            *element = line[place];
        }
    }
    Ok(output)
}

/// The place along the axis that each index names.
pub(super) fn places(operator: &'static str, indices: &TensorView<'_>, extent: usize) -> Result<ArrayD<usize>> {
    let places: Result<Vec<usize>> = whole(indices)
        .into_iter()
        .map(|index| place(operator, index, extent))
        .collect();
    let misshapen = |error: ndarray::ShapeError| Error::Internal(format!("{operator} by {:?}: {error}", indices.shape()));
    ArrayD::from_shape_vec(IxDyn(indices.shape()), places?).map_err(misshapen)
}

/// What of the data has indices beside it: all along the axis, and as far as they go along another.
pub(super) fn beside(other: Axis, axis: Axis, indices: &[usize]) -> Slice {
    if other == axis {
        Slice::from(..)
    } else {
        Slice::from(..indices[other.0])
    }
}
