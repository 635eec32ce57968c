//! Operators whose output is in blocks, or whose input is, and is left.

use super::channels_last::{from_last, to_last};
use super::elements::{batch_norm, binary, concat};
use super::layout::Layout;
use crate::cpu::base::Prepared;
use crate::cpu::operand::Operand;
use crate::cpu::{fused, pool, unary};
use crate::error::{Error, Result};
use crate::ops::Op;

/// Runs an operator that [`choose`](super::choose) has found, into blocks.
pub(in crate::cpu) fn run(
    op: &Op,
    inputs: &[Operand<'_>],
    prepared: Option<&Prepared>,
    shape: &[usize],
    output: &mut [f32],
) -> Result<()> {
    let input = &inputs[0];
    match op {
        Op::Conv(_) | Op::Fused(_) => fused::run(op, inputs, prepared, (output, Layout::Blocked))?,
        Op::MaxPool(op) => pool::max_pool(op, input, output, None)?,
        Op::AdaptiveMaxPool(op) => pool::adaptive_max_pool(op, input, output, None)?,
        Op::AvgPool(op) => pool::avg_pool(op, input, output)?,
        Op::AdaptiveAvgPool(op) => pool::adaptive_avg_pool(op, input, output)?,
        Op::Reduce(_) => pool::means_of_planes(input, output),
        Op::Unary(op) => unary::unary(*op, input.data, output),
        Op::Binary(op) => binary(*op, [input, &inputs[1]], shape, output),
        Op::BatchNorm(op) => batch_norm(*op, inputs, output),
        Op::Concat(_) => concat(inputs, shape, output),
        Op::Transpose(_) if input.layout == Layout::Blocked => to_last(input, output),
        Op::Transpose(_) => from_last(input.data, shape, output),
        other => return Err(Error::Internal(format!("{} has no kernel for blocks", other.name()))),
    }
    Ok(())
}
