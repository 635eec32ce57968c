//! Arrays of numpy as tensors, and tensors as arrays of numpy.

use convoke::{Error, Tensor, TensorView};
use half::f16;
use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn};
use pyo3::prelude::*;

use crate::error::to_python;

macro_rules! arrays {
    ($($kind:ident($element:ty)),+) => {
        /// An array of numpy whose elements have a type of convoke's. It is read where it lies, whatever its strides.
        pub(crate) enum Array<'py> {
            $($kind(PyReadonlyArrayDyn<'py, $element>)),+
        }

        impl Array<'_> {
            pub(crate) fn view(&self) -> TensorView<'_> {
                match self {
                    $(Self::$kind(array) => array.as_array().into()),+
                }
            }
        }

        impl<'py> FromPyObject<'_, 'py> for Array<'py> {
            type Error = PyErr;

            fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
                $(
                    if let Ok(array) = object.cast::<PyArrayDyn<$element>>() {
                        return Ok(Self::$kind(array.try_readonly().map_err(PyErr::from)?));
                    }
                )+
                let got = object.getattr("dtype").map_or_else(|_| object.get_type().to_string(), |dtype| dtype.to_string());
                let expected = "float32, float16, int64, int32, uint8, int8 or bool";
                Err(to_python(Error::invalid("array", format!("expected a numpy array of {expected}, but got {got}"))))
            }
        }

        /// An array of numpy that takes a tensor's memory over.
        pub(crate) fn to_numpy(py: Python<'_>, tensor: Tensor) -> PyResult<Bound<'_, PyAny>> {
            match tensor {
                $(Tensor::$kind(array) => Ok(array.into_owned().into_pyarray(py).into_any()),)+
                other => {
                    let message = format!("numpy arrays of {}", other.dtype());
                    Err(to_python(Error::unsupported("array", message)))
                }
            }
        }
    };
}
arrays!(F32(f32), I64(i64), I32(i32), U8(u8), Bool(bool), F16(f16), I8(i8));

/// The views of several arrays.
pub(crate) fn views<'a>(arrays: &'a [Array<'_>]) -> Vec<TensorView<'a>> {
    arrays.iter().map(Array::view).collect()
}

/// Several tensors as a list of arrays.
pub(crate) fn to_list(py: Python<'_>, tensors: Vec<Tensor>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    tensors.into_iter().map(|tensor| to_numpy(py, tensor)).collect()
}
