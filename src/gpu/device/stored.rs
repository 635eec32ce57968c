//! How a tensor's elements lie in a buffer: floats in the session's precision, everything else in four bytes.

use bytemuck::{cast_slice, pod_collect_to_vec};
use half::f16;
use ndarray::{ArrayD, ArrayViewD, IxDyn};

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::precision::{Precision, from_halves, to_halves};
use crate::tensor::{Tensor, TensorView};

/// The precision that elements of a type are stored in, in a session of this one: whole numbers, bools and what the host has as 16-bit
/// floats take four bytes.
pub(crate) fn stored_precision(dtype: DType, precision: Precision) -> Precision {
    if dtype == DType::F32 { precision } else { Precision::F32 }
}

/// The bytes of a tensor, in whole words: what a copy moves.
pub(crate) fn stored_bytes(shape: &[usize], precision: Precision) -> u64 {
    (shape.iter().product::<usize>() * precision.bytes()).next_multiple_of(4) as u64
}

/// Does something with a tensor's elements in row-major order, as they are stored. `precision` is that of floats.
///
/// Errors: `Unsupported` for an `i64` that an `i32` cannot hold.
pub(crate) fn with_bytes<T>(tensor: &TensorView<'_>, precision: Precision, then: impl FnOnce(&[u8]) -> T) -> Result<T> {
    match tensor {
        TensorView::F32(array) => {
            let standard = array.as_standard_layout();
            let elements = standard.as_slice().unwrap_or_default();
            Ok(match precision {
                Precision::F32 => then(cast_slice(elements)),
                Precision::F16 => then(cast_slice(&to_halves(elements))),
            })
        }
        TensorView::F16(array) => Ok(then(cast_slice(&words(array, f32::from)))),
        TensorView::I64(array) => {
            let narrow = |value: &i64| i32::try_from(*value).map_err(|_| too_large(*value));
            let elements = array.iter().map(narrow).collect::<Result<Vec<i32>>>()?;
            Ok(then(cast_slice(&elements)))
        }
        TensorView::I32(array) => Ok(then(cast_slice(&words(array, i32::from)))),
        TensorView::U8(array) => Ok(then(cast_slice(&words(array, i32::from)))),
        TensorView::I8(array) => Ok(then(cast_slice(&words(array, i32::from)))),
        TensorView::Bool(array) => Ok(then(cast_slice(&words(array, i32::from)))),
    }
}

fn words<T: Copy, W>(array: &ArrayViewD<'_, T>, widen: impl Fn(T) -> W) -> Vec<W> {
    array.iter().map(|&element| widen(element)).collect()
}

fn too_large(value: i64) -> Error {
    Error::unsupported(
        "tensor",
        format!("the whole number {value} on a GPU, where they have 32 bits; the CPU has 64"),
    )
}

/// A tensor of elements that were stored so.
pub(crate) fn from_stored(dtype: DType, shape: &[usize], bytes: &[u8], precision: Precision) -> Result<Tensor> {
    let precision = stored_precision(dtype, precision);
    let bytes = &bytes[..shape.iter().product::<usize>() * precision.bytes()];
    let whole = || pod_collect_to_vec::<u8, i32>(bytes).into_iter();
    Ok(match (dtype, precision) {
        (DType::F32, Precision::F16) => arranged(shape, from_halves(&pod_collect_to_vec::<u8, u16>(bytes)))?.into(),
        (DType::F32, Precision::F32) => arranged(shape, pod_collect_to_vec::<u8, f32>(bytes))?.into(),
        (DType::F16, _) => {
            let numbers = pod_collect_to_vec::<u8, f32>(bytes).into_iter();
            arranged(shape, numbers.map(f16::from_f32).collect())?.into()
        }
        (DType::I64, _) => arranged(shape, whole().map(i64::from).collect())?.into(),
        (DType::I32, _) => arranged(shape, whole().collect())?.into(),
        (DType::U8, _) => arranged(shape, whole().map(|value| value as u8).collect())?.into(),
        (DType::I8, _) => arranged(shape, whole().map(|value| value as i8).collect())?.into(),
        (DType::Bool, _) => arranged(shape, whole().map(|value| value != 0).collect())?.into(),
    })
}

fn arranged<T>(shape: &[usize], elements: Vec<T>) -> Result<ArrayD<T>> {
    ArrayD::from_shape_vec(IxDyn(shape), elements).map_err(|error| Error::Internal(format!("reading back: {error}")))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn every_type_comes_back_and_what_32_bits_cannot_hold_is_refused() {
        let tensors: [Tensor; 7] = [
            array![1.5_f32, -2.0].into(),
            array![f16::from_f32(0.25), f16::NEG_INFINITY].into(),
            array![i64::from(i32::MIN), -1, i64::from(i32::MAX)].into(),
            array![i32::MIN, 7].into(),
            array![0_u8, 255].into(),
            array![-128_i8, 127].into(),
            array![true, false].into(),
        ];
        for tensor in tensors {
            let back = with_bytes(&tensor.view(), Precision::F32, |bytes| {
                from_stored(tensor.dtype(), tensor.shape(), bytes, Precision::F32)
            });
            assert_eq!(back.unwrap().unwrap(), tensor);
        }
        let large = Tensor::from(array![1_i64 << 31]);
        let message = with_bytes(&large.view(), Precision::F32, |_| ()).unwrap_err().to_string();
        assert!(message.contains("2147483648"), "{message}");
    }
}
