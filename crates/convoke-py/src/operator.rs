//! Operators with their parameters, as PyTorch names them.

use convoke::ops::{self, ConvPadding, Op};
use convoke::{Error, Padding, Padding2d, PaddingMode, PerAxis, Result, Sides};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::to_python;

/// An operator, ready for inputs.
#[pyclass(frozen, module = "convoke._convoke")]
pub(crate) struct Operator(pub(crate) Op);

/// What was expected and what came: Python's own messages name neither.
fn expected(what: &str, got: Borrowed<'_, '_, PyAny>) -> PyErr {
    let got = got.repr().map_or_else(|error| error.to_string(), |got| got.to_string());
    PyTypeError::new_err(format!("expected {what}, but got {got}"))
}

/// How many of something.
pub(crate) struct Count(usize);

impl<'py> FromPyObject<'_, 'py> for Count {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let count = object.extract().map_err(|_| expected("a whole number from 0", object))?;
        Ok(Self(count))
    }
}

/// A number for all axes, or one for each.
pub(crate) enum Extents {
    All(usize),
    Each(Vec<usize>),
}

impl<'py> FromPyObject<'_, 'py> for Extents {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let all = object.extract().map(Self::All);
        all.or_else(|_| object.extract().map(Self::Each))
            .map_err(|_| expected("a whole number from 0, or one for each axis", object))
    }
}

impl Extents {
    fn get(&self) -> Result<PerAxis> {
        match self {
            Self::All(extent) => Ok((*extent).into()),
            Self::Each(extents) => extents.as_slice().try_into(),
        }
    }

    /// As much before each axis as behind it.
    fn padding(&self) -> Result<Padding> {
        let both = |extent: usize| {
            let side = isize::try_from(extent).map_err(|_| Error::invalid("padding", format!("{extent} is too large")))?;
            Ok(Sides::new(side, side))
        };
        match self {
            Self::All(extent) => Ok(Padding::All(both(*extent)?)),
            Self::Each(extents) => {
                let sides: Vec<Sides> = extents.iter().map(|&extent| both(extent)).collect::<Result<_>>()?;
                sides.as_slice().try_into()
            }
        }
    }
}

/// The padding of a convolution: `same`, `valid`, or extents.
pub(crate) enum Around {
    Named(String),
    Extents(Extents),
}

impl<'py> FromPyObject<'_, 'py> for Around {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.extract() {
            Ok(name) => Ok(Self::Named(name)),
            Err(_) => Extents::extract(object).map(Self::Extents),
        }
    }
}

impl Around {
    fn get(&self) -> Result<ConvPadding> {
        match self {
            Self::Named(name) if name == "same" => Ok(ConvPadding::Same),
            Self::Named(name) if name == "valid" => Ok(ConvPadding::Valid),
            Self::Named(name) => {
                let message = format!("padding: expected \"same\", \"valid\" or numbers, but got {name:?}");
                Err(Error::invalid("conv2d", message))
            }
            Self::Extents(extents) => Ok(extents.padding()?.into()),
        }
    }
}

/// A result of the library's as one of Python's.
fn made(op: Result<impl Into<Op>>) -> PyResult<Operator> {
    op.map(|op| Operator(op.into())).map_err(to_python)
}

#[pymethods]
impl Operator {
    #[staticmethod]
    fn conv(stride: Extents, padding: Around, padding_mode: &str, dilation: Extents, groups: Count) -> PyResult<Self> {
        let op = || {
            Ok(ops::Conv::new()
                .stride(stride.get()?)
                .padding(padding.get()?)
                .padding_mode(padding_mode.parse()?)
                .dilation(dilation.get()?)
                .groups(groups.0))
        };
        made(op())
    }

    #[staticmethod]
    fn conv_transpose(
        stride: Extents,
        padding: Extents,
        output_padding: Extents,
        dilation: Extents,
        groups: Count,
    ) -> PyResult<Self> {
        let op = || {
            Ok(ops::ConvTranspose::new()
                .stride(stride.get()?)
                .padding(padding.padding()?)
                .output_padding(output_padding.get()?)
                .dilation(dilation.get()?)
                .groups(groups.0))
        };
        made(op())
    }

    #[staticmethod]
    fn max_pool(
        kernel_size: Extents,
        stride: Option<Extents>,
        padding: Extents,
        dilation: Extents,
        ceil_mode: bool,
        return_indices: bool,
    ) -> PyResult<Self> {
        let op = || {
            let kernel = kernel_size.get()?;
            let stride = stride.map_or(Ok(kernel), |stride| stride.get())?;
            Ok(ops::MaxPool::new(kernel)
                .stride(stride)
                .padding(padding.padding()?)
                .dilation(dilation.get()?)
                .ceil_mode(ceil_mode)
                .return_indices(return_indices))
        };
        made(op())
    }

    #[staticmethod]
    fn avg_pool(
        kernel_size: Extents,
        stride: Option<Extents>,
        padding: Extents,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor_override: Option<isize>,
    ) -> PyResult<Self> {
        let op = || {
            let kernel = kernel_size.get()?;
            let stride = stride.map_or(Ok(kernel), |stride| stride.get())?;
            Ok(ops::AvgPool::new(kernel)
                .stride(stride)
                .padding(padding.padding()?)
                .ceil_mode(ceil_mode)
                .count_include_pad(count_include_pad)
                .divisor_override(divisor_override))
        };
        made(op())
    }

    #[staticmethod]
    fn adaptive_avg_pool(output_size: Extents) -> PyResult<Self> {
        made(output_size.get().map(ops::AdaptiveAvgPool::new))
    }

    #[staticmethod]
    fn adaptive_max_pool(output_size: Extents, return_indices: bool) -> PyResult<Self> {
        made(
            output_size
                .get()
                .map(|size| ops::AdaptiveMaxPool::new(size).return_indices(return_indices)),
        )
    }

    #[staticmethod]
    fn pad(sides: Vec<isize>, mode: &str, value: f32) -> PyResult<Self> {
        let op = || {
            // PyTorch's word for padding with a value.
            let mode = if mode == "constant" {
                PaddingMode::Zeros
            } else {
                mode.parse()?
            };
            Ok(ops::Pad::new(Padding2d::from_slice(&sides)?).mode(mode).value(value))
        };
        made(op())
    }

    #[staticmethod]
    fn interpolate(size: Extents, mode: &str, align_corners: bool) -> PyResult<Self> {
        let op = || {
            let size = size.get()?;
            match mode {
                "nearest" if align_corners => Err(Error::invalid("interpolate", "align_corners is for mode \"bilinear\"")),
                "nearest" => Ok(ops::Interpolate::nearest(size)),
                "bilinear" => Ok(ops::Interpolate::linear(size, align_corners)),
                _ => {
                    let message = format!("expected mode \"nearest\" or \"bilinear\", but got {mode:?}");
                    Err(Error::invalid("interpolate", message))
                }
            }
        };
        made(op())
    }

    #[staticmethod]
    fn linear() -> Self {
        Self(ops::Linear.into())
    }

    #[staticmethod]
    fn matmul() -> Self {
        Self(ops::MatMul.into())
    }

    #[staticmethod]
    fn relu() -> Self {
        Self(ops::Unary::Relu.into())
    }

    #[staticmethod]
    fn softmax(axis: isize, logarithm: bool) -> Self {
        let op = if logarithm {
            ops::Softmax::log(axis)
        } else {
            ops::Softmax::new(axis)
        };
        Self(op.into())
    }

    #[staticmethod]
    fn batch_norm(eps: f32) -> Self {
        Self(ops::BatchNorm::new().eps(eps).into())
    }

    #[staticmethod]
    fn layer_norm(axis: isize, eps: f32) -> Self {
        Self(ops::LayerNorm::new(axis).eps(eps).into())
    }

    #[staticmethod]
    fn instance_norm(eps: f32) -> Self {
        Self(ops::InstanceNorm::new().eps(eps).into())
    }

    #[staticmethod]
    fn local_response_norm(size: Count, alpha: f32, beta: f32, k: f32) -> Self {
        Self(ops::LocalResponseNorm::new(size.0).alpha(alpha).beta(beta).k(k).into())
    }
}
