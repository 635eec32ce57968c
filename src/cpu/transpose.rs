//! Axes in another order.

use super::strided::{copy, row_major};
use super::tensor::Tensor;
use crate::error::Result;
use crate::ops::Transpose;

pub(super) fn transpose(op: &Transpose, input: &Tensor<'_>, shape: &[usize], output: &mut [f32]) -> Result<()> {
    let own = row_major(input.shape);
    let strides = op.resolved(input.shape.len())?.into_iter().map(|axis| own[axis]).collect();
    copy(input.data, 0, shape, strides, output);
    Ok(())
}
