//! Parts along an axis, by indices.

use ndarray::{ArrayD, ArrayViewD};

use crate::error::{Error, Result};
use crate::ops::Gather;
use crate::tensor::{Element, TensorView};

pub(super) fn gather<T: Element>(
    op: Gather,
    data: &ArrayViewD<'_, T>,
    indices: &TensorView<'_>,
    shape: &[usize],
) -> Result<ArrayD<T>> {
    let [outer, extent, inner] = op.extents(data.shape())?;
    let places: Vec<usize> = match indices {
        TensorView::I64(indices) => indices
            .iter()
            .map(|&index| Gather::place(index, extent))
            .collect::<Result<_>>()?,
        TensorView::I32(indices) => {
            let places = indices.iter().map(|&index| Gather::place(index.into(), extent));
            places.collect::<Result<_>>()?
        }
        other => return Err(Error::Internal(format!("indices of {}", other.dtype()))),
    };
    let all = data
        .as_slice()
        .ok_or_else(|| Error::Internal("data in another order".to_owned()))?;
    let mut output = Vec::with_capacity(outer * places.len() * inner);
    for whole in 0..outer {
        for place in &places {
            output.extend_from_slice(&all[(whole * extent + place) * inner..][..inner]);
        }
    }
    let misshapen = |error: ndarray::ShapeError| Error::Internal(format!("index_select to {shape:?}: {error}"));
    ArrayD::from_shape_vec(shape, output).map_err(misshapen)
}
