//! Axes in another order.

use super::operand::Operand;
use super::strided::{copy, row_major};
use crate::error::Result;
use crate::ops::Transpose;

pub(super) fn transpose(op: &Transpose, input: &Operand<'_>, shape: &[usize], output: &mut [f32]) -> Result<()> {
    let own = row_major(input.shape);
    let strides = op.resolved(input.shape.len())?.into_iter().map(|axis| own[axis]).collect();
    copy(input.data, 0, shape, strides, output);
    Ok(())
}
