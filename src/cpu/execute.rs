//! Any operator on the CPU.

use ndarray::{ArrayD, ArrayViewD};

use super::base::{Prepared, base};
use super::device::Cpu;
use super::epilogue::Epilogue;
use super::tensor::{Tensor, array, tensor};
use super::{
    activation, batch_norm, binary, concat, expand, fused, instance_norm, interpolate, local_response_norm, lp_pool2d, matmul,
    pad2d, pool2d, reduce, slice, softmax, transpose,
};
use crate::error::Result;
use crate::ops::{FusedBase, Op};
use crate::shape;

/// Runs one operator on the default [`Cpu`]. The inputs stand in the operator's order (see [`Op`]). Indices of maxima come
/// as whole numbers.
///
/// Errors: what [`Op::output_shapes`] refuses.
pub fn run(op: &Op, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
    Cpu::default().run(op, inputs)
}

/// Runs any operator into outputs of the right shapes. `prepared` is what [`prepare`] made of its weight, if anything.
pub(super) fn execute(
    op: &Op,
    inputs: &[Tensor<'_>],
    prepared: Option<&Prepared>,
    shapes: &[Vec<usize>],
    outputs: &mut [&mut [f32]],
) -> Result<()> {
    let [shape, ..] = shapes else { return Ok(()) };
    let input = &inputs[0];
    let epilogue = Epilogue {
        bias: inputs.get(2).map(|bias| bias.data),
        ..Epilogue::default()
    };
    match op {
        Op::MaxPool2d(op) => return pool2d::max_pool2d(op, input, outputs),
        Op::AdaptiveMaxPool2d(op) => return pool2d::adaptive_max_pool2d(op, input, outputs),
        _ => {}
    }
    let output = &mut *outputs[0];
    match op {
        Op::MaxPool2d(_) | Op::AdaptiveMaxPool2d(_) => {}
        Op::Conv2d(op) => base(FusedBase::Conv2d(*op), inputs, prepared, &epilogue, output)?,
        Op::ConvTranspose2d(op) => base(FusedBase::ConvTranspose2d(*op), inputs, prepared, &epilogue, output)?,
        Op::Linear(op) => base(FusedBase::Linear(*op), inputs, prepared, &epilogue, output)?,
        Op::Fused(op) => fused::fused(op, inputs, prepared, output)?,
        Op::Interpolate(op) => interpolate::interpolate(op, input, output)?,
        Op::Pad2d(op) => pad2d::pad2d(op, input, shape, output)?,
        Op::AvgPool2d(op) => pool2d::avg_pool2d(op, input, output)?,
        Op::LpPool2d(op) => lp_pool2d::lp_pool2d(op, input, output)?,
        Op::AdaptiveAvgPool2d(op) => pool2d::adaptive_avg_pool2d(op, input, output)?,
        Op::Activation(op) => activation::activation(*op, input.data, output),
        Op::PRelu(_) => activation::prelu(input.shape, input.data, inputs[1].data, output),
        Op::Softmax(op) => softmax::softmax(*op, input, output)?,
        Op::MatMul(_) => matmul::matmul(input, &inputs[1], output)?,
        Op::BatchNorm(op) => batch_norm::batch_norm(*op, inputs, output),
        Op::InstanceNorm(op) => instance_norm::instance_norm(*op, input, inputs[1].data, inputs[2].data, output),
        Op::LocalResponseNorm(op) => local_response_norm::local_response_norm(op, input, output),
        Op::Binary(op) => binary::binary(*op, input, &inputs[1], shape, output),
        Op::Reshape(_) | Op::Flatten(_) => output.copy_from_slice(input.data),
        Op::Concat(op) => concat::concat(*op, inputs, output)?,
        Op::Slice(op) => slice::slice(op, input, shape, output)?,
        Op::Transpose(op) => transpose::transpose(op, input, shape, output)?,
        Op::Expand(_) => expand::expand(input, shape, output),
        Op::Reduce(op) => reduce::reduce(op, input, output)?,
    }
    Ok(())
}

impl Cpu {
    /// Runs one operator. The inputs stand in the operator's order (see [`Op`]). Indices of maxima come as whole numbers.
    ///
    /// Errors: what [`Op::output_shapes`] refuses.
    pub fn run(&self, op: &Op, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        let input_shapes: Vec<&[usize]> = inputs.iter().map(ArrayViewD::shape).collect();
        let shapes = op.output_shapes(&input_shapes)?;
        let arrays: Vec<_> = inputs.iter().map(|input| input.as_standard_layout()).collect();
        let tensors: Vec<Tensor<'_>> = arrays.iter().filter_map(tensor).collect();
        let mut outputs = shapes
            .iter()
            .map(|shape| Ok(vec![0.0; shape::element_count(op.name(), shape)?]))
            .collect::<Result<Vec<Vec<f32>>>>()?;
        let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.install(|| execute(op, &tensors, None, &shapes, &mut slices))?;
        outputs
            .into_iter()
            .zip(&shapes)
            .map(|(output, shape)| array(op.name(), output, shape))
            .collect()
    }
}
