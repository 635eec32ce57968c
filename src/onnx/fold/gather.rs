//! Elements of known values by their places.

use ndarray::{ArrayD, Axis, Dimension, IxDyn};

use super::known::{charge, host, place, whole, wrong};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::shape;
use crate::tensor::{SharedArray, Tensor, each};

/// Parts along an axis.
pub(super) fn gather(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let data = node.host(0)?;
    let indices = whole("indices", &node.host(1)?)?;
    let axis = shape::axis("onnx", node.int("axis", 0)? as isize, data.shape().len())?;
    let extent = data.shape()[axis];
    let places: Vec<usize> = indices.iter().map(|&index| place(index, extent)).collect::<Result<_>>()?;
    let shape = [&data.shape()[..axis], indices.shape(), &data.shape()[axis + 1..]].concat();
    charge(node, &shape)?;
    Ok(each!(Tensor, data, array => {
        let chosen = array.select(Axis(axis), &places);
        host(ArrayD::from_shape_vec(IxDyn(&shape), chosen.iter().copied().collect()).map_err(wrong)?)
    }))
}

/// One element for each index, which stands at the element's place but for an axis.
pub(super) fn gather_elements(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let data = node.host(0)?;
    let indices = whole("indices", &node.host(1)?)?;
    let places = element_places(data.shape(), &indices, node.int("axis", 0)?)?;
    charge(node, data.shape())?;
    charge(node, indices.shape())?;
    Ok(each!(Tensor, data, array => {
        let array = array.as_standard_layout();
        let all = array.as_slice().unwrap_or_default();
        let elements = places.iter().map(|&place| all[place]);
        host(ArrayD::from_shape_vec(indices.raw_dim(), elements.collect()).map_err(wrong)?)
    }))
}

/// The element that each index of `GatherElements` and `ScatterElements` means, in the order of all elements.
pub(super) fn element_places(shape: &[usize], indices: &SharedArray<i64>, axis: i64) -> Result<Vec<usize>> {
    let axis = shape::axis("onnx", axis as isize, shape.len())?;
    let fits = |(at, (&count, &extent)): (usize, (&usize, &usize))| at == axis || count <= extent;
    if indices.ndim() != shape.len() || !indices.shape().iter().zip(shape).enumerate().all(fits) {
        return Err(Error::Onnx(format!(
            "indices of shape {:?} for data of shape {shape:?}",
            indices.shape()
        )));
    }
    let places = indices.indexed_iter().map(|(mut at, &index)| {
        at[axis] = place(index, shape[axis])?;
        Ok(at
            .slice()
            .iter()
            .zip(shape)
            .fold(0, |place, (&at, &extent)| place * extent + at))
    });
    places.collect()
}

/// Parts by the places of their first axes, which are the last dimension of the indices.
pub(super) fn gather_nd(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let data = node.host(0)?;
    let (parts, shape) = named_parts(node, data.shape())?;
    charge(node, data.shape())?;
    charge(node, &shape)?;
    Ok(each!(Tensor, data, array => {
        let array = array.as_standard_layout();
        let all = array.as_slice().unwrap_or_default();
        let chosen = parts.starts.iter().flat_map(|&start| &all[start..start + parts.length]);
        host(ArrayD::from_shape_vec(IxDyn(&shape), chosen.copied().collect()).map_err(wrong)?)
    }))
}

/// The parts that a `GatherND` names of data of a shape, and the shape of all together.
pub(in crate::onnx) fn named_parts(node: &Node<'_, '_>, data: &[usize]) -> Result<(Parts, Vec<usize>)> {
    let indices = whole("indices", &node.host(1)?)?;
    let batch = usize::try_from(node.int("batch_dims", 0)?).ok();
    let batch = batch.filter(|&batch| batch < data.len().min(indices.ndim()));
    let batch = batch.ok_or_else(|| Error::Onnx("batch_dims must be less than the dimensions of data and indices".to_owned()))?;
    if data[..batch] != indices.shape()[..batch] {
        return Err(Error::Onnx(format!(
            "data of shape {data:?} and indices of shape {:?} differ in the first {batch} dimensions",
            indices.shape()
        )));
    }
    let parts = parts(&data[batch..], &indices, batch)?;
    let shape = [&indices.shape()[..indices.ndim() - 1], &data[batch + parts.depth..]].concat();
    Ok((parts, shape))
}

/// The elements that the known indices of a `ScatterElements` name, in the order of all elements.
pub(in crate::onnx) fn named_elements(node: &Node<'_, '_>, data: &[usize], axis: i64) -> Result<Vec<usize>> {
    element_places(data, &whole("indices", &node.host(1)?)?, axis)
}

/// The rows that the known indices of a `ScatterND` name, and how many elements each has, which is not none.
pub(in crate::onnx) fn named_rows(node: &Node<'_, '_>, data: &[usize]) -> Result<(usize, Vec<usize>)> {
    let parts = parts(data, &whole("indices", &node.host(1)?)?, 0)?;
    let rows = parts.starts.iter().map(|start| start / parts.length.max(1));
    Ok((parts.length, rows.collect()))
}

/// Parts of a tensor that indices of places name, as ranges of its elements in their order.
pub(in crate::onnx) struct Parts {
    /// How many axes a place counts.
    pub(super) depth: usize,
    /// The elements of a part.
    pub(in crate::onnx) length: usize,
    pub(in crate::onnx) starts: Vec<usize>,
}

/// `shape` is the data's without the `batch` dimensions that it has in common with the indices.
pub(super) fn parts(shape: &[usize], indices: &SharedArray<i64>, batch: usize) -> Result<Parts> {
    let depth = indices.shape().last().copied().unwrap_or_default();
    if indices.ndim() == 0 || depth == 0 || depth > shape.len() {
        return Err(Error::Onnx(format!(
            "indices of shape {:?} for data of shape {shape:?}",
            indices.shape()
        )));
    }
    let length: usize = shape[depth..].iter().product();
    let each_batch: usize = shape.iter().product();
    let per_batch: usize = indices.shape()[batch..indices.ndim() - 1].iter().product();
    let mut starts = Vec::new();
    for (number, lane) in indices.lanes(Axis(indices.ndim() - 1)).into_iter().enumerate() {
        let mut start = 0;
        for (&index, &extent) in lane.iter().zip(shape) {
            start = start * extent + place(index, extent)?;
        }
        starts.push(number / per_batch * each_batch + start * length);
    }
    Ok(Parts { depth, length, starts })
}
