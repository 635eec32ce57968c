//! Lowering: each operator becomes kernel calls in a recording. Plain data; no GPU here.

mod attention;
pub(crate) mod common;
mod conv;
mod custom;
mod decide;
pub(crate) mod elementwise;
mod matmul;
mod movement;
pub(crate) mod picture;
mod recurrent;
pub(crate) mod roofline;
mod rows;
mod window;

use crate::dtype::TensorType;
use crate::error::Result;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::plan::recording::{Recording, Value};
use crate::gpu::wgsl::kernel::Kernel;
use crate::graph::exact_sums::ExactSums;
use crate::ops::{Fused, FusedBase, Op};

/// Records an operator. The inputs' shapes are checked first, whatever the backend.
pub(crate) fn lower(op: &Op, inputs: &[Value], recording: &mut Recording) -> Result<Vec<Value>> {
    lower_with(op, inputs, None, recording)
}

/// The same of which a graph tells how sums of whole numbers are exact in floats.
pub(crate) fn lower_with(op: &Op, inputs: &[Value], exact: Option<&ExactSums>, recording: &mut Recording) -> Result<Vec<Value>> {
    let types: Vec<TensorType> = (inputs.iter())
        .map(|value| TensorType::new(value.dtype, value.shape.as_slice()))
        .collect();
    let output_types = op.infer(&types.iter().collect::<Vec<_>>())?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|value| value.shape.as_slice()).collect();
    let is_reshape = matches!(op, Op::Reshape(_) | Op::Flatten(_));
    if is_reshape || movement::strided_copy::is_view(op, &shapes, &output_types[0].shape)? {
        let views = output_types.into_iter().map(|output| Value {
            slot: inputs[0].slot,
            shape: output.shape,
            dtype: output.dtype,
        });
        return Ok(views.collect());
    }
    let outputs = output_types
        .iter()
        .map(|output| recording.output(op.name(), &output.shape, output.dtype));
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    if outputs[0].slot.is_none() {
        return Ok(outputs);
    }
    match op {
        Op::Conv(op) => conv::direct::lower(op, &Operands::plain(inputs), &outputs[0], recording)?,
        Op::ConvTranspose(op) => conv::direct::lower_transposed(op, &Operands::plain(inputs), &outputs[0], recording)?,
        Op::Fused(op) => lower_fused(op, inputs, &outputs[0], recording)?,
        Op::Interpolate(op) => movement::interpolate::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Pad(op) => movement::pad2d::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::MaxPool(op) => window::pool2d::lower_max(op, &inputs[0], &outputs, recording)?,
        Op::AvgPool(op) => window::pool2d::lower_average(op, &inputs[0], &outputs[0], recording)?,
        Op::LpPool(op) => window::lp_pool2d::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::AdaptiveAvgPool(_) => window::pool2d::lower_adaptive(false, &inputs[0], &outputs, recording)?,
        Op::AdaptiveMaxPool(_) => window::pool2d::lower_adaptive(true, &inputs[0], &outputs, recording)?,
        Op::Unary(op) => elementwise::unary::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::PRelu(_) => elementwise::prelu::lower(&inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::Softmax(op) => rows::softmax::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Linear(_) => matmul::gemm::lower(&Operands::plain(inputs), &outputs[0], recording)?,
        Op::MatMulInteger(_) => matmul::two_operands::lower_integer(&inputs[0], &inputs[1], exact, &outputs[0], recording)?,
        Op::ConvInteger(op) => conv::integer::lower(op, [&inputs[0], &inputs[1]], exact, &outputs[0], recording)?,
        Op::MatMul(_) => matmul::two_operands::lower(&inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::ScaledDotProductAttention(op) => attention::lower(*op, inputs, &outputs[0], recording)?,
        Op::BatchNorm(op) => elementwise::batch_norm::lower(*op, inputs, &outputs[0], recording)?,
        Op::InstanceNorm(op) => rows::instance_norm::lower(*op, inputs, &outputs[0], recording)?,
        Op::LayerNorm(op) => rows::layer_norm::lower(*op, inputs, &outputs[0], recording)?,
        Op::LocalResponseNorm(op) => rows::local_response_norm::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Cast(_) => elementwise::cast::lower(&inputs[0], &outputs[0], recording)?,
        Op::Binary(op) => {
            let inputs = [&inputs[0], &inputs[1]];
            elementwise::broadcast::lower(Kernel::Binary, (*op).into(), inputs, &outputs[0], recording)?;
        }
        Op::Ternary(op) => {
            let inputs = [&inputs[0], &inputs[1], &inputs[2]];
            elementwise::broadcast::lower(Kernel::Ternary, (*op).into(), inputs, &outputs[0], recording)?;
        }
        Op::Concat(_) | Op::Slice(_) | Op::Transpose(_) | Op::Expand(_) => {
            movement::strided_copy::lower(op, inputs, &outputs[0], recording)?;
        }
        Op::Gather(op) => movement::gather::lower(*op, &inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::GridSample(op) => movement::grid_sample::lower(*op, &inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::GatherElements(op) => movement::gather_elements::lower(*op, &inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::ScatterElements(op) => movement::scatter_elements::lower(*op, inputs, &outputs[0], recording)?,
        Op::Recurrent(op) => recurrent::lower(*op, inputs, &outputs, recording)?,
        Op::Reduce(op) => rows::reduce::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::ArgReduce(op) => rows::arg_reduce::lower(*op, &inputs[0], &outputs[0], recording)?,
        Op::TopK(op) => rows::top_k::lower(*op, &inputs[0], &outputs, recording)?,
        Op::Cumulative(op) => rows::cumulative::lower(*op, &inputs[0], &outputs[0], recording)?,
        Op::RoiAlign(op) => movement::roi_align::lower(*op, &inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::Resample(op) => movement::resample::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::CustomOp(op) => custom::lower(op, (inputs, &types), (&outputs, &output_types), recording)?,
        Op::Reshape(_) | Op::Flatten(_) => {}
    }
    Ok(outputs)
}

/// One dispatch where the activation is cheap, else one for it after the rest.
fn lower_fused(op: &Fused, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let (own, residual) = op.split(inputs);
    let dear = op.activation.filter(|activation| !matmul::epilogue::is_cheap(activation));
    let target = match dear {
        Some(_) => recording.inner(op.base.name(), &output.shape)?,
        None => output.clone(),
    };
    let operands = Operands {
        residual,
        activation: op.activation.filter(matmul::epilogue::is_cheap),
        ..Operands::plain(own)
    };
    match &op.base {
        FusedBase::Conv(base) => conv::direct::lower(base, &operands, &target, recording)?,
        FusedBase::ConvTranspose(base) => conv::direct::lower_transposed(base, &operands, &target, recording)?,
        FusedBase::Linear(_) => matmul::gemm::lower(&operands, &target, recording)?,
    }
    match dear {
        Some(activation) => elementwise::unary::lower(&activation, &target, output, recording),
        None => Ok(()),
    }
}
