//! Tensors of a file: their type, shape and length, checked before anything is allocated, and their decoding.

use half::{bf16, f16};
use ndarray::{ArrayD, IxDyn};

use super::budget::Budget;
use super::element::{self, type_bits, type_name};
use super::proto::TensorProto;
use super::small_float;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::{Element, SharedArray, Tensor};

/// The most dimensions of a tensor. ONNX has no limit; networks have five at most.
pub(super) const MOST_DIMENSIONS: usize = 8;

/// Whole numbers in one dimension.
pub(super) fn list(values: Vec<i64>) -> Tensor {
    ndarray::Array1::from_vec(values).into()
}

/// One number.
pub(super) fn scalar<T: Element>(value: T) -> Tensor {
    ndarray::arr0(value).into()
}

/// Whole numbers of any type; `None` of reals and bools.
pub(super) fn whole(tensor: &Tensor) -> Option<SharedArray<i64>> {
    Some(match tensor {
        Tensor::I64(array) => array.clone(),
        Tensor::I32(array) => array.mapv(i64::from).into_shared(),
        Tensor::U8(array) => array.mapv(i64::from).into_shared(),
        Tensor::I8(array) => array.mapv(i64::from).into_shared(),
        Tensor::F32(_) | Tensor::F16(_) | Tensor::Bool(_) => return None,
    })
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
    let Some(bits) = type_bits(tensor.data_type) else {
        return Ok(shape);
    };
    let elements = element_count(what, &shape)?;
    let (unit, wanted, found) = match &tensor.raw_data {
        Some(raw) => ("bytes", byte_count(elements, bits), raw.len()),
        None if bits < 8 => ("bytes of elements", byte_count(elements, bits), typed_length(tensor)),
        None => ("elements", elements, typed_length(tensor)),
    };
    if wanted != found {
        return Err(Error::Onnx(format!(
            "{what} is {} of shape {shape:?}, which is {wanted} {unit}, but it has {found}",
            type_name(tensor.data_type),
        )));
    }
    Ok(shape)
}

/// The bytes of so many elements, as [`element_count`] has counted them, of so many bits each.
pub(super) fn byte_count(elements: usize, bits: usize) -> usize {
    if bits < 8 {
        elements.div_ceil(8 / bits)
    } else {
        elements.saturating_mul(bits / 8)
    }
}

fn typed_length(tensor: &TensorProto) -> usize {
    match tensor.data_type {
        element::FLOAT => tensor.float_data.len(),
        element::INT64 => tensor.int64_data.len(),
        element::DOUBLE => tensor.double_data.len(),
        element::UINT32 | element::UINT64 => tensor.uint64_data.len(),
        _ => tensor.int32_data.len(),
    }
}

/// Decodes a tensor: reals as `f32`, whole numbers in their own type or the next wider one.
///
/// Errors: `Unsupported` for types that are not read.
pub(super) fn decode(what: &str, tensor: &TensorProto, budget: &mut Budget) -> Result<Tensor> {
    let shape = check(what, tensor)?;
    let kind = tensor.data_type;
    let dtype = element::dtype(kind);
    let dtype = dtype.ok_or_else(|| Error::unsupported("onnx", format!("{what} is {}", type_name(kind))))?;
    budget.charge(what, element_count(what, &shape)?, dtype.bytes() as u64)?;
    let short = Short { what, tensor };
    match kind {
        element::UINT8 => array(what, &shape, short.numbers(u8::from_le_bytes)?),
        element::UINT4 | element::UINT2 => array(what, &shape, short.packed(shape.iter().product())?),
        element::INT4 | element::INT2 => {
            let (bits, numbers) = (type_bits(kind).unwrap_or(8), short.packed(shape.iter().product())?);
            // The sign goes to the top, and the shift back copies it.
            let signed = |number: u8| ((number << (8 - bits)) as i8) >> (8 - bits);
            array(what, &shape, numbers.into_iter().map(signed).collect())
        }
        element::INT8 => array(what, &shape, short.numbers(i8::from_le_bytes)?),
        element::INT32 => array(what, &shape, short.numbers(i32::from_le_bytes)?),
        element::BOOL => {
            let bytes = short.numbers(|[byte]| u8::from(byte != 0))?;
            array(what, &shape, bytes.into_iter().map(|byte| byte != 0).collect())
        }
        element::UINT16 => array(what, &shape, widened(&short.numbers(u16::from_le_bytes)?)),
        element::INT16 => array(what, &shape, widened(&short.numbers(i16::from_le_bytes)?)),
        element::FLOAT16 => {
            let bits = short.numbers(u16::from_le_bytes)?;
            array(what, &shape, bits.iter().map(|&bits| f16::from_bits(bits).to_f32()).collect())
        }
        element::BFLOAT16 => {
            let bits = short.numbers(u16::from_le_bytes)?;
            array(
                what,
                &shape,
                bits.iter().map(|&bits| bf16::from_bits(bits).to_f32()).collect(),
            )
        }
        element::FLOAT | element::DOUBLE => array(what, &shape, floats(tensor)),
        _ if dtype == DType::F32 => {
            let codes = short.packed(shape.iter().product())?;
            let value = |code: u8| small_float::value(kind, code);
            array(what, &shape, codes.into_iter().map(value).collect())
        }
        _ => array(what, &shape, long_integers(what, tensor)?),
    }
}

fn array<T: Element>(what: &str, shape: &[usize], values: Vec<T>) -> Result<Tensor> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), values);
    Ok(array.map_err(|error| Error::Onnx(format!("{what}: {error}")))?.into())
}

fn widened<T: Copy + Into<i32>>(values: &[T]) -> Vec<i32> {
    values.iter().map(|&value| value.into()).collect()
}

/// A tensor of a type of 32 bits or fewer: `raw_data` has its elements in their own width, `int32_data` in four bytes each.
struct Short<'a> {
    what: &'a str,
    tensor: &'a TensorProto,
}

impl Short<'_> {
    fn numbers<const N: usize, T: TryFrom<i32>>(&self, value: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        if let Some(raw) = &self.tensor.raw_data {
            return Ok(chunks(raw, value));
        }
        let number = |&number: &i32| {
            let name = type_name(self.tensor.data_type);
            T::try_from(number).map_err(|_| Error::Onnx(format!("{} has an element {number}, which is no {name}", self.what)))
        };
        self.tensor.int32_data.iter().map(number).collect()
    }
}

impl Short<'_> {
    /// Elements of at most eight bits, the first one in the lowest of each byte.
    fn packed(&self, elements: usize) -> Result<Vec<u8>> {
        let bits = type_bits(self.tensor.data_type).unwrap_or(8);
        let bytes = self.numbers(u8::from_le_bytes)?;
        if bits == 8 {
            return Ok(bytes);
        }
        let parts = |byte: u8| (0..8).step_by(bits).map(move |shift| (byte >> shift) & ((1 << bits) - 1));
        Ok(bytes.into_iter().flat_map(parts).take(elements).collect())
    }
}

/// Doubles are rounded to `f32`.
fn floats(tensor: &TensorProto) -> Vec<f32> {
    match (&tensor.raw_data, tensor.data_type) {
        (Some(raw), element::FLOAT) => chunks(raw, f32::from_le_bytes),
        (Some(raw), _) => chunks(raw, |bytes| f64::from_le_bytes(bytes) as f32),
        (None, element::FLOAT) => tensor.float_data.clone(),
        (None, _) => tensor.double_data.iter().map(|&value| value as f32).collect(),
    }
}

/// Of 64 bits, or of 32 without a sign.
fn long_integers(what: &str, tensor: &TensorProto) -> Result<Vec<i64>> {
    let too_large = || Error::Onnx(format!("{what} has an element over the largest 64-bit integer"));
    let unsigned = |value: u64| i64::try_from(value).map_err(|_| too_large());
    match (&tensor.raw_data, tensor.data_type) {
        (None, element::INT64) => Ok(tensor.int64_data.clone()),
        (None, _) => tensor.uint64_data.iter().map(|&value| unsigned(value)).collect(),
        (Some(raw), element::UINT32) => Ok(chunks(raw, |bytes| u32::from_le_bytes(bytes).into())),
        (Some(raw), element::UINT64) => chunks(raw, |bytes| unsigned(u64::from_le_bytes(bytes))).into_iter().collect(),
        (Some(raw), _) => Ok(chunks(raw, i64::from_le_bytes)),
    }
}

fn chunks<const N: usize, T>(raw: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|&bytes| value(bytes)).collect()
}
