//! Any operator on the reference.

use super::answer::Answer;
use super::{
    arg_reduce, attention, batch_norm, binary, cast, concat, conv, conv_integer, conv_transpose, cumulative, custom, expand, fused,
    gather, gather_elements, grid_sample, instance_norm, interpolate, layer_norm, linear, local_response_norm, lp_pool, matmul,
    matmul_integer, pad, pool, prelu, recurrent, reduce, resample, reshape, roi_align, scatter_elements, slice, softmax, ternary,
    top_k, transpose, unary,
};
use crate::dtype::TensorType;
use crate::error::{Result, ensure};
use crate::ops::{Op, Winograd};

/// Runs any operator. The inputs stand in the operator's order (see [`Op`]); there is one answer for each output.
///
/// Bad arguments are refused as by [`Op::infer`]. Indices of maxima are those of the exact values: where an
/// input has a bound, another implementation may rightly find another maximum.
pub fn run(op: &Op, inputs: &[&Answer]) -> Result<Vec<Answer>> {
    run_allowing(op, inputs, Winograd::Small)
}

/// As [`run`], with the bounds of an implementation that may compute convolutions by this algorithm.
pub fn run_allowing(op: &Op, inputs: &[&Answer], winograd: Winograd) -> Result<Vec<Answer>> {
    for input in inputs {
        ensure!(
            input.bound.shape() == input.shape(),
            "reference",
            "values of shape {:?} have bounds of shape {:?}",
            input.shape(),
            input.bound.shape()
        );
    }
    let types: Vec<TensorType> = (inputs.iter())
        .map(|input| TensorType::new(input.dtype, input.shape()))
        .collect();
    // For its refusals and the types: the shapes that it gives are among the things to be checked.
    let types = op.infer(&types.iter().collect::<Vec<_>>())?;
    let answers = answers(op, inputs, winograd)?;
    let answers = answers.into_iter().zip(types);
    Ok(answers.map(|(answer, known)| answer.typed(known.dtype)).collect())
}

fn answers(op: &Op, inputs: &[&Answer], winograd: Winograd) -> Result<Vec<Answer>> {
    let input = inputs[0];
    let bias = inputs.get(2).copied();
    match op {
        Op::Conv(op) => Ok(vec![conv::conv(op, input, inputs[1], bias, winograd)?]),
        Op::ConvTranspose(op) => Ok(vec![conv_transpose::conv_transpose(op, input, inputs[1], bias)?]),
        Op::Fused(op) => Ok(vec![fused::fused(op, inputs, winograd)?]),
        Op::Interpolate(op) => Ok(vec![interpolate::interpolate(op, input)?]),
        Op::Pad(op) => Ok(vec![pad::pad(op, input)?]),
        Op::MaxPool(op) => pool::max_pool(op, input),
        Op::AvgPool(op) => Ok(vec![pool::avg_pool(op, input)?]),
        Op::LpPool(op) => Ok(vec![lp_pool::lp_pool(op, input)?]),
        Op::AdaptiveAvgPool(op) => Ok(vec![pool::adaptive_avg_pool(op, input)?]),
        Op::AdaptiveMaxPool(op) => pool::adaptive_max_pool(op, input),
        Op::Unary(op) => Ok(vec![unary::unary(*op, input)?]),
        Op::PRelu(_) => Ok(vec![prelu::prelu(input, inputs[1])?]),
        Op::Softmax(op) => Ok(vec![softmax::softmax(*op, input)]),
        Op::Linear(_) => Ok(vec![linear::linear(input, inputs[1], bias)?]),
        Op::MatMulInteger(_) => Ok(vec![matmul_integer::matmul_integer(input, inputs[1])?]),
        Op::ConvInteger(op) => Ok(vec![conv_integer::conv_integer(op, input, inputs[1])?]),
        Op::MatMul(_) => Ok(vec![matmul::matmul(input, inputs[1])?]),
        Op::ScaledDotProductAttention(op) => Ok(vec![attention::attention(*op, inputs)?]),
        Op::BatchNorm(op) => Ok(vec![batch_norm::batch_norm(*op, input, &inputs[1..])?]),
        Op::InstanceNorm(op) => Ok(vec![instance_norm::instance_norm(*op, input, inputs[1], inputs[2])?]),
        Op::LayerNorm(op) => Ok(vec![layer_norm::layer_norm(*op, input, inputs[1], bias)?]),
        Op::LocalResponseNorm(op) => Ok(vec![local_response_norm::local_response_norm(op, input)]),
        Op::Cast(op) => Ok(vec![cast::cast(*op, input)]),
        Op::Binary(op) => Ok(vec![binary::binary(*op, input, inputs[1])?]),
        Op::Ternary(op) => Ok(vec![ternary::ternary(*op, [input, inputs[1], inputs[2]])?]),
        Op::Reshape(op) => Ok(vec![reshape::reshape(op, input)?]),
        Op::Flatten(op) => Ok(vec![reshape::flatten(*op, input)?]),
        Op::Concat(op) => Ok(vec![concat::concat(*op, inputs)]),
        Op::Slice(op) => Ok(vec![slice::slice(op, input)]),
        Op::Transpose(op) => Ok(vec![transpose::transpose(op, input)]),
        Op::Expand(op) => Ok(vec![expand::expand(op, input)?]),
        Op::Gather(op) => Ok(vec![gather::gather(*op, input, inputs[1])?]),
        Op::GridSample(op) => Ok(vec![grid_sample::grid_sample(*op, input, inputs[1])]),
        Op::GatherElements(op) => Ok(vec![gather_elements::gather_elements(*op, input, inputs[1])?]),
        Op::ScatterElements(op) => Ok(vec![scatter_elements::scatter_elements(*op, input, inputs[1], inputs[2])?]),
        Op::Recurrent(op) => recurrent::recurrent(*op, inputs),
        Op::Reduce(op) => Ok(vec![reduce::reduce(op, input)?]),
        Op::ArgReduce(op) => Ok(vec![arg_reduce::arg_reduce(*op, input)]),
        Op::TopK(op) => Ok(top_k::top_k(*op, input)),
        Op::Cumulative(op) => Ok(vec![cumulative::cumulative(*op, input)]),
        Op::RoiAlign(op) => Ok(vec![roi_align::roi_align(*op, input, inputs[1])?]),
        Op::Resample(op) => Ok(vec![resample::resample(op, input)]),
        Op::CustomOp(op) => custom::custom(op, inputs),
    }
}
