//! Tensors of floats as operators see them.

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::blocked::Layout;
use crate::error::{Error, Result};
use crate::tensor::{Tensor, TensorView};

/// A tensor of `f32`, in row-major order unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) data: &'a [f32],
    pub(crate) layout: Layout,
}

/// A tensor in row-major order, where its elements are `f32`.
pub(super) fn operand<'a>(tensor: &'a TensorView<'_>) -> Option<Operand<'a>> {
    match tensor {
        TensorView::F32(array) => Some(Operand {
            shape: array.shape(),
            data: array.as_slice()?,
            layout: Layout::Plain,
        }),
        _ => None,
    }
}

/// The inputs, those that had to be rearranged in their place.
pub(super) fn with_rearranged<'a>(inputs: &'a [TensorView<'_>], rearranged: &'a [Option<Tensor>]) -> Vec<TensorView<'a>> {
    let pairs = inputs.iter().zip(rearranged);
    pairs
        .map(|(input, own)| own.as_ref().map_or_else(|| input.reborrow(), Tensor::view))
        .collect()
}

/// The elements of a tensor that lies in row-major order.
pub(super) fn in_order<'a, T>(array: &'a ArrayViewD<'_, T>) -> Result<&'a [T]> {
    array
        .as_slice()
        .ok_or_else(|| Error::Internal("elements in another order".to_owned()))
}

/// A tensor of elements that are as many as the shape has.
pub(super) fn array<T>(operator: &'static str, data: Vec<T>, shape: &[usize]) -> Result<Tensor>
where
    ArrayD<T>: Into<Tensor>,
{
    let array = ArrayD::from_shape_vec(IxDyn(shape), data);
    let array = array.map_err(|error| Error::Internal(format!("{operator}: output of {shape:?}: {error}")))?;
    Ok(array.into())
}

/// What a function makes of all elements, in row-major order.
pub(super) fn mapped<T: Copy, U>(array: &ArrayViewD<'_, T>, function: impl Fn(T) -> U) -> Vec<U> {
    match array.as_slice() {
        Some(elements) => elements.iter().map(|&element| function(element)).collect(),
        None => array.iter().map(|&element| function(element)).collect(),
    }
}
