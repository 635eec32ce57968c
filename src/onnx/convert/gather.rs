//! Elements and parts by indices that may be computed while the network runs.

use ndarray::{ArrayD, IxDyn};

use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::fold::wrapped;
use crate::onnx::tensor;
use crate::ops::{Binary, Cast, Gather, GatherElements, Slice, Ternary};

pub(super) fn gather_elements(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (data, indices) = (node.input(0)?, node.input(1)?);
    let axis = node.int("axis", 0)? as isize;
    node.emit_one(GatherElements::new(axis), &[&data, &indices])
}

/// Parts of data by the places of their first axes, which are the last dimension of the indices.
pub(super) fn gather_nd(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (data, indices) = (node.input(0)?, node.input(1)?);
    let batch = usize::try_from(node.int("batch_dims", 0)?).unwrap_or(usize::MAX);
    let rows = Rows::new(node, data.shape(), &indices, batch)?;
    let table = node.reshape(&data, &signed(&[rows.count, rows.length]))?;
    let chosen = node.emit(Gather::new(0), &[&table, &rows.places])?;
    let shape = [
        &indices.shape()[..indices.shape().len() - 1],
        &data.shape()[batch + rows.depth..],
    ];
    tensor::element_count("the output", &shape.concat())?;
    Ok(vec![node.reshape(&chosen, &signed(&shape.concat()))?])
}

/// Data as rows, which indices name by their places along the first axes.
pub(super) struct Rows {
    /// How many there are.
    pub(super) count: usize,
    /// The elements of each.
    pub(super) length: usize,
    /// How many axes the indices are of.
    pub(super) depth: usize,
    /// The row of each index, in one dimension; the number of all rows where an index is out of range.
    pub(super) places: Value,
}

impl Rows {
    /// The first `batch` dimensions are those that data and indices have in common.
    pub(super) fn new(node: &mut Node<'_, '_>, data: &[usize], indices: &Value, batch: usize) -> Result<Self> {
        let named = indices.shape();
        let depth = named.last().copied().unwrap_or_default();
        let has_batch = batch < named.len() && batch < data.len() && named[..batch] == data[..batch];
        if !has_batch || depth == 0 || depth > data.len() - batch {
            return Err(Error::Onnx(format!(
                "indices of shape {named:?} for data of shape {data:?} with {batch} dimensions in common"
            )));
        }
        let count: usize = data[..batch + depth].iter().product();
        let total = named[..named.len() - 1].iter().product::<usize>();
        let indices = as_i64(node, indices)?;
        let places = if depth == 1 && batch == 0 {
            indices
        } else {
            row_places(node, data, &indices, batch)?
        };
        Ok(Self {
            count,
            length: data[batch + depth..].iter().product(),
            depth,
            places: node.reshape(&places, &signed(&[total]))?,
        })
    }
}

/// The row of each index, from its places along the axes.
fn row_places(node: &mut Node<'_, '_>, data: &[usize], indices: &Value, batch: usize) -> Result<Value> {
    let axis = indices.shape().len() - 1;
    let depth = indices.shape()[axis];
    let extents = &data[batch..batch + depth];
    let mut place = batch_starts(node, &data[..batch], axis + 1, extents.iter().product())?;
    let mut is_within = None;
    let mut stride: usize = extents.iter().product();
    for (at, &extent) in extents.iter().enumerate() {
        stride = stride.checked_div(extent).unwrap_or_default();
        let part = Slice::new([at as isize], [at as isize + 1]).axes([axis as isize]);
        let part = node.emit(part, &[indices])?;
        let (part, is_part) = counted(node, &part, extent)?;
        let step = node.emit(Binary::Mul, &[&part, &whole(stride)])?;
        place = node.emit(Binary::Add, &[&place, &step])?;
        is_within = Some(match is_within {
            None => is_part,
            Some(others) => node.emit(Binary::And, &[&others, &is_part])?,
        });
    }
    let is_within = is_within.ok_or_else(|| Error::Onnx("indices of no axes".to_owned()))?;
    // No such row, so that a part out of range is not taken for one of the next.
    let none = whole(data[..batch + depth].iter().product());
    node.emit(Ternary::Where, &[&is_within, &place, &none])
}

/// The first row of each batch, in a shape that broadcasts with indices of a rank.
fn batch_starts(node: &mut Node<'_, '_>, batch: &[usize], rank: usize, rows: usize) -> Result<Value> {
    let mut shape = vec![1; rank];
    shape[..batch.len()].copy_from_slice(batch);
    let count = tensor::element_count("the batches", batch)?;
    constant(node, &shape, (0..count).map(|number| number * rows))
}

/// An index counted from the start, and whether there is such a place among so many.
fn counted(node: &mut Node<'_, '_>, index: &Value, extent: usize) -> Result<(Value, Value)> {
    let is_negative = node.emit(Binary::Less, &[index, &whole(0)])?;
    let from_end = node.emit(Binary::Add, &[index, &whole(extent)])?;
    let place = node.emit(Ternary::Where, &[&is_negative, &from_end, index])?;
    let is_not_before = node.emit(Binary::GreaterOrEqual, &[&place, &whole(0)])?;
    let is_not_after = node.emit(Binary::Less, &[&place, &whole(extent)])?;
    let is_within = node.emit(Binary::And, &[&is_not_before, &is_not_after])?;
    Ok((place, is_within))
}

// What index arithmetic is made of.

/// Indices as those that are computed with; reals without their fraction.
pub(super) fn as_i64(node: &mut Node<'_, '_>, indices: &Value) -> Result<Value> {
    if indices.dtype() == Some(DType::I64) {
        return Ok(indices.clone());
    }
    node.emit(Cast::new(DType::I64), &[indices])
}

/// An extent or place.
pub(super) fn whole(value: usize) -> Value {
    Value::Host(tensor::scalar(value as i64))
}

/// One number of a type.
pub(super) fn number_of(dtype: DType, value: i64) -> Value {
    Value::Host(wrapped(ArrayD::from_elem(IxDyn(&[]), value), dtype))
}

/// Known places.
pub(super) fn constant(node: &mut Node<'_, '_>, shape: &[usize], places: impl ExactSizeIterator<Item = usize>) -> Result<Value> {
    node.budget().charge("the places", places.len(), 8)?;
    let array = ArrayD::from_shape_vec(IxDyn(shape), places.map(|place| place as i64).collect());
    Ok(Value::Host(array.map_err(|error| Error::Onnx(error.to_string()))?.into()))
}

/// The numbers 0, 1, ... along an axis, with extents of 1 along the others.
pub(super) fn counting(node: &mut Node<'_, '_>, rank: usize, axis: usize, extent: usize) -> Result<Value> {
    let mut shape = vec![1; rank];
    shape[axis] = extent;
    tensor::element_count("the places", &shape)?;
    constant(node, &shape, 0..extent)
}

/// The type of a tensor's elements.
pub(super) fn dtype_of(value: &Value) -> Result<DType> {
    value.dtype().ok_or_else(|| unsupported("a sequence of tensors"))
}
