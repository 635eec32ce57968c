//! Broadcasting a tensor to a shape.

use super::broadcast::broadcast_strides;
use super::operand::Operand;
use super::strided::copy;

pub(super) fn expand(input: &Operand<'_>, shape: &[usize], output: &mut [f32]) {
    copy(input.data, 0, shape, broadcast_strides(input.shape, shape), output);
}
