//! Tensors on the host, of any element type.

use std::fmt;

use half::f16;
use ndarray::{ArcArray, Array, ArrayBase, ArrayD, ArrayView, ArrayViewD, Data, Dimension, IxDyn};

use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};

/// A type that a tensor's elements may have.
pub trait Element: Copy + fmt::Debug + fmt::Display + PartialEq + Default + Send + Sync + 'static + sealed::Sealed {
    /// Its name at run time.
    const DTYPE: DType;
}

mod sealed {
    use ndarray::ArrayViewD;

    use super::{SharedArray, Tensor, TensorView};

    pub trait Sealed: Sized {
        fn wrap(array: SharedArray<Self>) -> Tensor;
        fn unwrap(tensor: Tensor) -> Result<SharedArray<Self>, Tensor>;
        fn array(tensor: &Tensor) -> Option<&SharedArray<Self>>;
        fn view(array: ArrayViewD<'_, Self>) -> TensorView<'_>;
        fn viewed<'a>(view: &TensorView<'a>) -> Option<ArrayViewD<'a, Self>>;
    }
}

/// An array of any rank whose clones share their elements, and copy them where one of them is written.
pub type SharedArray<T> = ArcArray<T, IxDyn>;

/// A tensor of any element type and rank. Made from an array of one of its types by `into`; clones share their elements.
///
/// ```
/// use convoke::{DType, Tensor};
/// let tensor = Tensor::from(ndarray::array![[1_i64, 2], [3, 4]]);
/// assert_eq!((tensor.dtype(), tensor.shape()), (DType::I64, &[2, 2][..]));
/// assert_eq!(tensor.array::<i64>()?[[1, 0]], 3);
/// assert!(tensor.array::<f32>().unwrap_err().to_string().contains("i64"));
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is an array of the type that it is named after")]
pub enum Tensor {
    F32(SharedArray<f32>),
    F16(SharedArray<f16>),
    I64(SharedArray<i64>),
    I32(SharedArray<i32>),
    U8(SharedArray<u8>),
    I8(SharedArray<i8>),
    Bool(SharedArray<bool>),
}

/// A tensor that belongs to another. Made from a view of an array, or from a reference to a [`Tensor`], by `into`.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is a view of the type that it is named after")]
pub enum TensorView<'a> {
    F32(ArrayViewD<'a, f32>),
    F16(ArrayViewD<'a, f16>),
    I64(ArrayViewD<'a, i64>),
    I32(ArrayViewD<'a, i32>),
    U8(ArrayViewD<'a, u8>),
    I8(ArrayViewD<'a, i8>),
    Bool(ArrayViewD<'a, bool>),
}

/// The same expression for an array of whatever type.
macro_rules! each {
    ($kind:ident, $tensor:expr, $array:ident => $result:expr) => {
        match $tensor {
            $kind::F32($array) => $result,
            $kind::F16($array) => $result,
            $kind::I64($array) => $result,
            $kind::I32($array) => $result,
            $kind::U8($array) => $result,
            $kind::I8($array) => $result,
            $kind::Bool($array) => $result,
        }
    };
}
pub(crate) use each;

macro_rules! elements {
    ($($kind:ident($element:ty)),+) => {
        $(
            impl Element for $element {
                const DTYPE: DType = DType::$kind;
            }

            impl sealed::Sealed for $element {
                fn wrap(array: SharedArray<Self>) -> Tensor {
                    Tensor::$kind(array)
                }

                fn unwrap(tensor: Tensor) -> Result<SharedArray<Self>, Tensor> {
                    match tensor {
                        Tensor::$kind(array) => Ok(array),
                        other => Err(other),
                    }
                }

                fn array(tensor: &Tensor) -> Option<&SharedArray<Self>> {
                    match tensor {
                        Tensor::$kind(array) => Some(array),
                        _ => None,
                    }
                }

                fn view(array: ArrayViewD<'_, Self>) -> TensorView<'_> {
                    TensorView::$kind(array)
                }

                fn viewed<'a>(view: &TensorView<'a>) -> Option<ArrayViewD<'a, Self>> {
                    match view {
                        TensorView::$kind(array) => Some(array.clone()),
                        _ => None,
                    }
                }
            }
        )+
    };
}
elements!(F32(f32), F16(f16), I64(i64), I32(i32), U8(u8), I8(i8), Bool(bool));

impl Tensor {
    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.view().dtype()
    }

    /// Its extents.
    pub fn shape(&self) -> &[usize] {
        each!(Self, self, array => array.shape())
    }

    /// What it is, without its elements.
    pub fn tensor_type(&self) -> TensorType {
        TensorType::new(self.dtype(), self.shape())
    }

    /// Its elements.
    pub fn view(&self) -> TensorView<'_> {
        each!(Self, self, array => array.view().into())
    }

    /// Its elements as `f32`: whole numbers rounded, bools as 0 and 1.
    pub fn to_f32(&self) -> ArrayD<f32> {
        match self {
            Self::F32(array) => array.to_owned(),
            Self::F16(array) => array.mapv(f32::from),
            Self::I64(array) => array.mapv(|value| value as f32),
            Self::I32(array) => array.mapv(|value| value as f32),
            Self::U8(array) => array.mapv(f32::from),
            Self::I8(array) => array.mapv(f32::from),
            Self::Bool(array) => array.mapv(|value| f32::from(u8::from(value))),
        }
    }

    /// These numbers as elements of a type: rounded to floats, and to the nearest whole numbers that the type has towards zero.
    pub(crate) fn of_f64(values: &ArrayD<f64>, dtype: DType) -> Self {
        match dtype {
            DType::F32 => values.mapv(|value| value as f32).into(),
            DType::F16 => values.mapv(f16::from_f64).into(),
            DType::I64 => values.mapv(|value| value as i64).into(),
            DType::I32 => values.mapv(|value| value as i32).into(),
            DType::U8 => values.mapv(|value| value as u8).into(),
            DType::I8 => values.mapv(|value| value as i8).into(),
            DType::Bool => values.mapv(|value| value != 0.0).into(),
        }
    }

    /// Its elements as an array of their type.
    ///
    /// Errors: another type.
    pub fn array<T: Element>(&self) -> Result<&SharedArray<T>> {
        T::array(self).ok_or_else(|| mistaken::<T>(self.dtype()))
    }

    /// Its elements as an array of their type; copied only where a clone has them, too.
    ///
    /// Errors: another type.
    pub fn into_array<T: Element>(self) -> Result<ArrayD<T>> {
        match T::unwrap(self) {
            Ok(array) => Ok(array.into_owned()),
            Err(tensor) => Err(mistaken::<T>(tensor.dtype())),
        }
    }
}

impl fmt::Display for Tensor {
    /// Its elements, as `ndarray` writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each!(Self, self, array => array.fmt(f))
    }
}

fn mistaken<T: Element>(dtype: DType) -> Error {
    Error::invalid("tensor", format!("expected elements of type {}, but got {dtype}", T::DTYPE))
}

impl<'a> TensorView<'a> {
    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        match self {
            Self::F32(_) => DType::F32,
            Self::F16(_) => DType::F16,
            Self::I64(_) => DType::I64,
            Self::I32(_) => DType::I32,
            Self::U8(_) => DType::U8,
            Self::I8(_) => DType::I8,
            Self::Bool(_) => DType::Bool,
        }
    }

    /// Its extents.
    pub fn shape(&self) -> &[usize] {
        each!(Self, self, array => array.shape())
    }

    /// What it is, without its elements.
    pub fn tensor_type(&self) -> TensorType {
        TensorType::new(self.dtype(), self.shape())
    }

    /// Its elements as `f64`: those of `i64` beyond 2^53 rounded, bools as 0 and 1.
    pub(crate) fn to_f64(&self) -> ArrayD<f64> {
        match self {
            Self::F32(array) => array.mapv(f64::from),
            Self::F16(array) => array.mapv(f64::from),
            Self::I64(array) => array.mapv(|value| value as f64),
            Self::I32(array) => array.mapv(f64::from),
            Self::U8(array) => array.mapv(f64::from),
            Self::I8(array) => array.mapv(f64::from),
            Self::Bool(array) => array.mapv(|value| f64::from(u8::from(value))),
        }
    }

    /// A copy of its own.
    pub fn to_tensor(&self) -> Tensor {
        each!(Self, self, array => array.to_owned().into())
    }

    /// Its elements as an array of their type.
    ///
    /// Errors: another type.
    pub fn array<T: Element>(&self) -> Result<ArrayViewD<'a, T>> {
        T::viewed(self).ok_or_else(|| mistaken::<T>(self.dtype()))
    }
}

impl<T: Element, D: Dimension> From<Array<T, D>> for Tensor {
    fn from(array: Array<T, D>) -> Self {
        T::wrap(array.into_dyn().into_shared())
    }
}

impl<T: Element> From<SharedArray<T>> for Tensor {
    fn from(array: SharedArray<T>) -> Self {
        T::wrap(array)
    }
}

impl<'a, T: Element, D: Dimension> From<ArrayView<'a, T, D>> for TensorView<'a> {
    fn from(array: ArrayView<'a, T, D>) -> Self {
        T::view(array.into_dyn())
    }
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for TensorView<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Self {
        array.view().into()
    }
}

impl<'a> From<&'a Tensor> for TensorView<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        tensor.view()
    }
}

impl<'a> From<&TensorView<'a>> for TensorView<'a> {
    fn from(view: &TensorView<'a>) -> Self {
        view.clone()
    }
}
