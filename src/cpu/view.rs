//! What the kernels ask of a view of a tensor.

use crate::tensor::each;
use crate::{Error, Result, Tensor, TensorView};

impl TensorView<'_> {
    /// The same view for a shorter time.
    pub(super) fn reborrow(&self) -> TensorView<'_> {
        each!(Self, self, array => array.view().into())
    }

    /// A copy in row-major order, where its elements lie otherwise.
    pub(super) fn rearranged(&self) -> Option<Tensor> {
        each!(Self, self, array => (!array.is_standard_layout()).then(|| array.as_standard_layout().into_owned().into()))
    }

    /// The same elements, which lie in row-major order, under another shape of as many.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Result<Self> {
        let mistaken = |error: ndarray::ShapeError| Error::Internal(format!("elements under the shape {shape:?}: {error}"));
        each!(Self, self, array => Ok(array.clone().into_shape_with_order(shape).map_err(mistaken)?.into()))
    }
}
