//! Broadcasting a tensor to a shape.

use super::binary::broadcast_strides;
use super::strided::copy;
use super::tensor::Tensor;

pub(super) fn expand(input: &Tensor<'_>, shape: &[usize], output: &mut [f32]) {
    copy(input.data, 0, shape, broadcast_strides(input.shape, shape), output);
}
