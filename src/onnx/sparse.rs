//! Sparse tensors, written out: ONNX stores what is not 0, and where it stands.

use prost::bytes::Bytes;

use super::budget::Budget;
use super::element;
use super::proto::{SparseTensorProto, TensorProto};
use super::tensor;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The tensor with all its elements, under the name of its values.
pub(super) fn dense(what: &str, sparse: SparseTensorProto, budget: &mut Budget) -> Result<TensorProto> {
    let bad = |message: String| Error::Onnx(format!("{what}: {message}"));
    let shape = tensor::extents(what, &sparse.dims)?;
    let values = sparse
        .values
        .ok_or_else(|| bad("a sparse tensor without values".to_owned()))?;
    let kind = values.data_type;
    // Elements of less than a byte lie across each other's bytes.
    let size = element::type_bits(kind)
        .filter(|bits| bits % 8 == 0)
        .map(|bits| bits / 8)
        .ok_or_else(|| Error::unsupported("onnx", format!("{what} is sparse {}", element::type_name(kind))))?;
    let [count] = tensor::check(what, &values)?[..] else {
        return Err(bad(format!(
            "values of shape {:?}, but they must have 1 dimension",
            values.dims
        )));
    };
    let indices = match &sparse.indices {
        Some(indices) => tensor::decode(&format!("{what}: its indices"), indices, budget)?,
        None => Tensor::from(ndarray::Array1::<i64>::zeros(0)),
    };
    let elements = tensor::element_count(what, &shape)?;
    let places = places(&indices, &shape, count).map_err(bad)?;
    budget.charge(what, elements, size as u64)?;
    let mut raw = vec![0; elements * size];
    for (place, value) in places.into_iter().zip(little_endian(&values, size).chunks_exact(size)) {
        raw[place * size..][..size].copy_from_slice(value);
    }
    Ok(TensorProto {
        dims: sparse.dims,
        data_type: kind,
        name: values.name,
        raw_data: Some(raw.into()),
        ..Default::default()
    })
}

/// Where each value stands among all elements: the indices are places among them, or coordinates, a row each.
fn places(indices: &Tensor, shape: &[usize], count: usize) -> Result<Vec<usize>, String> {
    let unfit = || {
        let shape = indices.shape();
        format!("indices {} of shape {shape:?} for {count} values", indices.dtype())
    };
    let Tensor::I64(array) = indices else {
        return Err(unfit());
    };
    let elements: usize = shape.iter().product();
    let coordinate = |index: i64, extent: usize| {
        let place = usize::try_from(index).ok().filter(|&place| place < extent);
        place.ok_or_else(|| format!("index {index} of {extent} elements in a tensor of shape {shape:?}"))
    };
    match *array.shape() {
        [rows] if rows == count => array.iter().map(|&index| coordinate(index, elements)).collect(),
        [rows, rank] if rows == count && rank == shape.len() => (array.rows().into_iter())
            .map(|row| {
                row.iter()
                    .zip(shape)
                    .try_fold(0, |place, (&index, &extent)| Ok(place * extent + coordinate(index, extent)?))
            })
            .collect(),
        _ => Err(unfit()),
    }
}

/// The elements as `raw_data` has them.
fn little_endian(values: &TensorProto, size: usize) -> Bytes {
    if let Some(raw) = &values.raw_data {
        return raw.clone();
    }
    let bytes: Vec<u8> = match values.data_type {
        element::FLOAT => values.float_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        element::DOUBLE => values.double_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        element::INT64 => values.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
        element::UINT32 | element::UINT64 => (values.uint64_data.iter())
            .flat_map(|value| value.to_le_bytes().into_iter().take(size))
            .collect(),
        _ => (values.int32_data.iter())
            .flat_map(|value| value.to_le_bytes().into_iter().take(size))
            .collect(),
    };
    bytes.into()
}
