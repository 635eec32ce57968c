//! Tensors between JavaScript's typed arrays and the library's.

use convoke::{DType, Error, Tensor};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use js_sys::{Array, BigInt64Array, Float32Array, Int8Array, Int32Array, Uint8Array, Uint16Array, Uint32Array};
use ndarray::{ArrayD, IxDyn};
use wasm_bindgen::prelude::*;

use crate::error::{Result, thrown};

#[wasm_bindgen]
extern "C" {
    /// The package's `Tensor`.
    pub type JsTensor;

    #[wasm_bindgen(method, getter, js_name = type)]
    fn element_type(this: &JsTensor) -> String;

    #[wasm_bindgen(method, getter)]
    fn dims(this: &JsTensor) -> Vec<f64>;

    #[wasm_bindgen(method, getter)]
    fn data(this: &JsTensor) -> JsValue;
}

/// Names of element types as `onnxruntime-web` has them.
const NAMES: [(DType, &str); 7] = [
    (DType::F32, "float32"),
    (DType::F16, "float16"),
    (DType::I64, "int64"),
    (DType::I32, "int32"),
    (DType::U8, "uint8"),
    (DType::I8, "int8"),
    (DType::Bool, "bool"),
];

/// JavaScript's name of a type; nothing for one that it has no name for.
pub(crate) fn type_name(dtype: DType) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == dtype).map_or("", |(_, name)| name)
}

/// Copies of tensors of JavaScript's, each as [`read`].
pub(crate) fn read_all(tensors: &[JsTensor]) -> Result<Vec<Tensor>> {
    tensors.iter().map(read).collect()
}

/// A copy of a tensor of JavaScript's, whose constructor has seen to it that the array is of the type and as long as the shape says.
pub(crate) fn read(tensor: &JsTensor) -> Result<Tensor> {
    let name = tensor.element_type();
    let dtype = NAMES.iter().find(|(_, known)| *known == name).map(|(dtype, _)| *dtype);
    let shape: Vec<usize> = tensor.dims().into_iter().map(|extent| extent as usize).collect();
    let data = tensor.data();
    let mismatch = |error: ndarray::ShapeError| thrown(&Error::invalid("tensor", error.to_string()));
    macro_rules! array {
        ($elements:expr) => {
            ArrayD::from_shape_vec(IxDyn(&shape), $elements)
                .map_err(mismatch)?
                .into()
        };
    }
    Ok(match dtype {
        Some(DType::F32) => array!(Float32Array::unchecked_from_js(data).to_vec()),
        // As bits: whether the browser has `Float16Array` or not.
        Some(DType::F16) => array!(
            Uint16Array::unchecked_from_js(data)
                .to_vec()
                .reinterpret_cast::<f16>()
                .to_vec()
        ),
        Some(DType::I64) => array!(BigInt64Array::unchecked_from_js(data).to_vec()),
        Some(DType::I32) => array!(Int32Array::unchecked_from_js(data).to_vec()),
        Some(DType::U8) => array!(Uint8Array::unchecked_from_js(data).to_vec()),
        Some(DType::I8) => array!(Int8Array::unchecked_from_js(data).to_vec()),
        Some(DType::Bool) => array!(
            Uint8Array::unchecked_from_js(data)
                .to_vec()
                .into_iter()
                .map(|byte| byte != 0)
                .collect::<Vec<bool>>()
        ),
        _ => {
            let known = NAMES.map(|(_, name)| name).join(", ");
            let message = format!("expected elements of one of the types {known}, but got {name:?}");
            return Err(thrown(&Error::invalid("tensor", message)));
        }
    })
}

/// What the package's `Tensor` is made of: type, typed array, extents.
pub(crate) fn written(tensor: Tensor) -> Result<JsValue> {
    let dims: Uint32Array = tensor.shape().iter().map(|&extent| extent as u32).collect::<Vec<_>>()[..].into();
    let name = type_name(tensor.dtype());
    macro_rules! elements {
        ($array:expr) => {
            // An array of a session's has its elements in order.
            $array.as_standard_layout().as_slice().unwrap_or_default()
        };
    }
    let data: JsValue = match &tensor {
        Tensor::F32(array) => Float32Array::from(elements!(array)).into(),
        Tensor::F16(array) => Uint16Array::from(elements!(array).reinterpret_cast()).into(),
        Tensor::I64(array) => BigInt64Array::from(elements!(array)).into(),
        Tensor::I32(array) => Int32Array::from(elements!(array)).into(),
        Tensor::U8(array) => Uint8Array::from(elements!(array)).into(),
        Tensor::I8(array) => Int8Array::from(elements!(array)).into(),
        Tensor::Bool(array) => Uint8Array::from(&array.iter().map(|&is| u8::from(is)).collect::<Vec<_>>()[..]).into(),
        other => {
            let message = format!("JavaScript has no array of elements of type {}", other.dtype());
            return Err(thrown(&Error::unsupported("tensor", message)));
        }
    };
    Ok(Array::of3(&name.into(), &data, &dims).into())
}
