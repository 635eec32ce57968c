//! Any operator on the CPU.

use super::base::Prepared;
use super::blocked::Layout;
use super::operand::Operand;
use super::{
    attention, batch_norm, binary, concat, cumulative, custom, expand, fused, grid_sample, instance_norm, interpolate, layer_norm,
    local_response_norm, lp_pool, matmul, pad, pool, prelu, recurrent, reduce, resample, roi_align, slice, softmax, ternary,
    transpose, unary,
};
use crate::error::{Error, Result};
use crate::ops::Op;

/// Runs any operator whose inputs and output are `f32`, into an output of the right shape. `prepared` is what [`prepare`] made of its weight, if anything.
pub(super) fn execute(
    op: &Op,
    inputs: &[Operand<'_>],
    prepared: Option<&Prepared>,
    shape: &[usize],
    output: &mut [f32],
) -> Result<()> {
    let input = &inputs[0];
    match op {
        Op::MaxPool(op) => pool::max_pool(op, input, output, None)?,
        Op::AdaptiveMaxPool(op) => pool::adaptive_max_pool(op, input, output, None)?,
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) | Op::Fused(_) => {
            fused::run(op, inputs, prepared, (output, Layout::Plain))?;
        }
        Op::Interpolate(op) => interpolate::interpolate(op, input, shape, output)?,
        Op::Pad(op) => pad::pad(op, input, shape, output)?,
        Op::AvgPool(op) => pool::avg_pool(op, input, output)?,
        Op::LpPool(op) => lp_pool::lp_pool(op, input, output)?,
        Op::AdaptiveAvgPool(op) => pool::adaptive_avg_pool(op, input, output)?,
        Op::Unary(op) => unary::unary(*op, input.data, output),
        Op::PRelu(_) => prelu::prelu(input.shape, input.data, inputs[1].data, output),
        Op::Softmax(op) => softmax::softmax(*op, input, output)?,
        Op::MatMul(_) => matmul::matmul(input, &inputs[1], output)?,
        Op::ScaledDotProductAttention(op) => attention::attention(*op, inputs, output)?,
        Op::BatchNorm(op) => batch_norm::batch_norm(*op, inputs, output),
        Op::InstanceNorm(op) => instance_norm::instance_norm(*op, input, inputs[1].data, inputs[2].data, output),
        Op::LayerNorm(op) => layer_norm::layer_norm(*op, input, inputs[1].data, inputs.get(2).map(|bias| bias.data), output),
        Op::LocalResponseNorm(op) => local_response_norm::local_response_norm(op, input, output),
        Op::Binary(op) => binary::binary(*op, input, &inputs[1], shape, output),
        Op::Ternary(op) => ternary::ternary(*op, [input, &inputs[1], &inputs[2]], shape, output),
        Op::Reshape(_) | Op::Flatten(_) | Op::Cast(_) => output.copy_from_slice(input.data),
        Op::Concat(op) => concat::concat(*op, inputs, output)?,
        Op::Slice(op) => slice::slice(op, input, shape, output)?,
        Op::Transpose(op) => transpose::transpose(op, input, shape, output)?,
        Op::Expand(_) => expand::expand(input, shape, output),
        Op::MatMulInteger(_) | Op::ConvInteger(_) => return Err(Error::Internal("whole numbers are no f32".to_owned())),
        Op::Gather(_) | Op::GatherElements(_) | Op::ScatterElements(_) | Op::ArgReduce(_) | Op::TopK(_) => {
            return Err(Error::Internal("indices are no f32".to_owned()));
        }
        Op::GridSample(op) => grid_sample::grid_sample(*op, input, &inputs[1], output)?,
        Op::Recurrent(op) => {
            recurrent::recurrent(*op, inputs, output);
        }
        Op::Cumulative(op) => cumulative::of_floats(*op, input, output)?,
        Op::Reduce(op) => reduce::reduce(op, input, output)?,
        Op::RoiAlign(op) => roi_align::roi_align(*op, input, &inputs[1], output)?,
        Op::Resample(op) => resample::resample(op, input, output)?,
        Op::CustomOp(op) => custom::of_floats(op, inputs, shape, output)?,
    }
    Ok(())
}
