//! Tensors of a file: their type, shape and length, checked before anything is allocated, and their decoding.

use ndarray::{ArrayD, IxDyn};

use super::budget::Budget;
use super::element::{FLOAT, is_integer, type_name, type_size};
use super::proto::TensorProto;
use super::types::Tensor;
use crate::error::{Error, Result};
use crate::tensor::SharedArray;

/// The most dimensions of a tensor. ONNX has no limit; networks have five at most.
pub(super) const MOST_DIMENSIONS: usize = 8;

/// A tensor whose elements are known while the graph is built.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Host {
    /// Weights and other real numbers.
    Float(SharedArray<f32>),
    /// Shapes, axes, conditions: every integer type, and bool as 0 and 1.
    Int(SharedArray<i64>),
}

impl Host {
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Float(array) => array.shape(),
            Self::Int(array) => array.shape(),
        }
    }

    /// Whole numbers in one dimension.
    pub(super) fn ints(values: Vec<i64>) -> Self {
        ndarray::Array1::from_vec(values).into_dyn().into()
    }
}

impl From<ArrayD<f32>> for Host {
    fn from(array: ArrayD<f32>) -> Self {
        Self::Float(array.into_shared())
    }
}

impl From<ArrayD<i64>> for Host {
    fn from(array: ArrayD<i64>) -> Self {
        Self::Int(array.into_shared())
    }
}

impl From<&Tensor> for Host {
    fn from(tensor: &Tensor) -> Self {
        match tensor {
            Tensor::Float(array) => array.clone().into(),
            Tensor::Int(array) => array.clone().into(),
        }
    }
}

impl From<Host> for Tensor {
    fn from(host: Host) -> Self {
        match host {
            Host::Float(array) => Self::Float(array.into_owned()),
            Host::Int(array) => Self::Int(array.into_owned()),
        }
    }
}

/// The shape as extents, refusing negative ones, too many, and more elements than can be counted.
pub(super) fn extents(what: &str, dims: &[i64]) -> Result<Vec<usize>> {
    let extents: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let extents = extents.ok_or_else(|| Error::Onnx(format!("{what} has a negative extent: {dims:?}")))?;
    element_count(what, &extents)?;
    Ok(extents)
}

/// The number of elements of at most [`MOST_DIMENSIONS`], with room for any element type's bytes.
pub(super) fn element_count(what: &str, shape: &[usize]) -> Result<usize> {
    if shape.len() > MOST_DIMENSIONS {
        return Err(Error::Onnx(format!(
            "{what} has {} dimensions, but {MOST_DIMENSIONS} are the most",
            shape.len()
        )));
    }
    // Extents of 0 do not make the product of the others harmless: ndarray wants that to fit, too.
    shape
        .iter()
        .filter(|&&extent| extent != 0)
        .try_fold(8_usize, |product, &extent| product.checked_mul(extent))
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .map(|_| shape.iter().product())
        .ok_or_else(|| Error::Onnx(format!("{what} has more elements than can be counted: {shape:?}")))
}

/// Checks that as many elements are there as the shape says. Types that are not read pass: what uses them is refused.
pub(super) fn check(what: &str, tensor: &TensorProto) -> Result<Vec<usize>> {
    let shape = extents(what, &tensor.dims)?;
    if tensor.segment.is_some() {
        return Err(Error::Onnx(format!("{what} is a segment of a tensor")));
    }
    let Some(size) = type_size(tensor.data_type) else {
        return Ok(shape);
    };
    let elements = element_count(what, &shape)?;
    let (unit, wanted, found) = match &tensor.raw_data {
        Some(raw) => ("bytes", elements.checked_mul(size), raw.len()),
        None => ("elements", Some(elements), typed_length(tensor)),
    };
    if wanted != Some(found) {
        return Err(Error::Onnx(format!(
            "{what} is {} of shape {shape:?}, which is {} {unit}, but it has {found}",
            type_name(tensor.data_type),
            wanted.unwrap_or(usize::MAX),
        )));
    }
    Ok(shape)
}

fn typed_length(tensor: &TensorProto) -> usize {
    match tensor.data_type {
        FLOAT => tensor.float_data.len(),
        7 => tensor.int64_data.len(),
        11 => tensor.double_data.len(),
        12 | 13 => tensor.uint64_data.len(),
        _ => tensor.int32_data.len(),
    }
}

/// Decodes a tensor.
///
/// Errors: `Unsupported` for types that are not read.
pub(super) fn decode(what: &str, tensor: &TensorProto, budget: &mut Budget) -> Result<Host> {
    let shape = check(what, tensor)?;
    let elements = element_count(what, &shape)?;
    let wrong = |error: ndarray::ShapeError| Error::Onnx(format!("{what}: {error}"));
    match tensor.data_type {
        FLOAT | 11 => {
            budget.charge(what, elements, 4)?;
            let values = floats(tensor);
            Ok(ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(wrong)?.into())
        }
        kind if is_integer(kind) => {
            budget.charge(what, elements, 8)?;
            let values = integers(what, tensor)?;
            Ok(ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(wrong)?.into())
        }
        kind => Err(Error::unsupported("onnx", format!("{what} is {}", type_name(kind)))),
    }
}

/// Doubles are rounded to `f32`.
fn floats(tensor: &TensorProto) -> Vec<f32> {
    match (&tensor.raw_data, tensor.data_type) {
        (Some(raw), FLOAT) => raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        (Some(raw), _) => raw
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f64::from_le_bytes(bytes) as f32)
            .collect(),
        (None, FLOAT) => tensor.float_data.clone(),
        (None, _) => tensor.double_data.iter().map(|&value| value as f32).collect(),
    }
}

fn integers(what: &str, tensor: &TensorProto) -> Result<Vec<i64>> {
    let too_large = || Error::Onnx(format!("{what} has an element over the largest 64-bit integer"));
    let unsigned = |value: u64| i64::try_from(value).map_err(|_| too_large());
    let Some(raw) = &tensor.raw_data else {
        return match tensor.data_type {
            7 => Ok(tensor.int64_data.clone()),
            12 | 13 => tensor.uint64_data.iter().map(|&value| unsigned(value)).collect(),
            _ => Ok(tensor.int32_data.iter().map(|&value| i64::from(value)).collect()),
        };
    };
    Ok(match tensor.data_type {
        2 => raw.iter().map(|&byte| i64::from(byte)).collect(),
        3 => raw.iter().map(|&byte| i64::from(byte as i8)).collect(),
        9 => raw.iter().map(|&byte| i64::from(byte != 0)).collect(),
        4 => chunks(raw, |bytes| i64::from(u16::from_le_bytes(bytes))),
        5 => chunks(raw, |bytes| i64::from(i16::from_le_bytes(bytes))),
        6 => chunks(raw, |bytes| i64::from(i32::from_le_bytes(bytes))),
        12 => chunks(raw, |bytes| i64::from(u32::from_le_bytes(bytes))),
        13 => return chunks(raw, |bytes| unsigned(u64::from_le_bytes(bytes))).into_iter().collect(),
        _ => chunks(raw, i64::from_le_bytes),
    })
}

fn chunks<const N: usize, T>(raw: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|&bytes| value(bytes)).collect()
}
