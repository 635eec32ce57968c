//! Tensors as operators see them.

use ndarray::{ArrayD, IxDyn};

use crate::error::{Error, Result};

/// A tensor in row-major order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) data: &'a [f32],
}

/// A tensor of an array in row-major order.
pub(crate) fn tensor<S>(array: &ndarray::ArrayBase<S, IxDyn>) -> Option<Tensor<'_>>
where
    S: ndarray::Data<Elem = f32>,
{
    array.as_slice().map(|data| Tensor {
        shape: array.shape(),
        data,
    })
}

/// An array of elements that are as many as the shape has.
pub(crate) fn array(operator: &'static str, data: Vec<f32>, shape: &[usize]) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(IxDyn(shape), data).map_err(|error| Error::invalid(operator, format!("output of {shape:?}: {error}")))
}
