//! Lowering: each operator becomes kernel calls in a recording. Plain data; no GPU here.

mod activation;
mod batch_norm;
mod binary;
mod block;
#[cfg(any(test, all(feature = "tune", not(target_family = "wasm"))))]
mod candidates;
#[cfg(not(target_family = "wasm"))]
mod ceiling;
mod choice;
mod conv2d;
mod conv2d_tiled;
mod epilogue;
mod gemm_tiled;
mod im2col;
mod instance_norm;
mod interpolate;
mod kernel_choice;
mod linear;
mod local_response_norm;
mod long_sums;
mod lp_pool2d;
mod matmul;
mod pad2d;
mod pool2d;
mod reduce;
mod signature;
mod softmax;
mod strided_copy;
mod strips;
mod tiles;
mod winograd;

#[cfg(not(target_family = "wasm"))]
#[cfg(not(target_family = "wasm"))]
pub(super) use ceiling::{MultiplyAdds, copy as ceiling_copy};
pub use conv2d::Conv2dAlgorithm;
pub use kernel_choice::KernelChoice;
pub use signature::LayerSignature;

use super::recording::{DType, Recording, SlotId, Value};
use crate::error::{Error, Result, ensure};
use crate::ops::{Fused, FusedBase, Op};
use epilogue::Operands;

/// Declares a kernel's uniform parameters: the host's twin of the `Params` struct in its WGSL. Tests compare the layouts.
macro_rules! parameters {
    ($name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        #[repr(C)]
        #[derive(Clone, Copy, Debug, bytemuck::NoUninit)]
        pub(super) struct $name {
            $(pub(super) $field: $type,)+
        }

        #[cfg(test)]
        impl $name {
            /// Name and offset of each field.
            pub(in crate::gpu) const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),+];
        }
    };
}
use parameters;

/// Largest extent of a padded plane: leaves room for the coordinates past its end that whole blocks compute along.
const LARGEST_EXTENT: usize = 1 << 26;

/// Invocations of a workgroup for kernels that take one element or one small block each.
const LANES: u32 = 64;

/// Records an operator. The inputs' shapes are checked first, whatever the backend.
pub(crate) fn lower(op: &Op, inputs: &[Value], recording: &mut Recording) -> Result<Vec<Value>> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|value| value.shape.as_slice()).collect();
    let output_shapes = op.output_shapes(&shapes)?;
    let is_reshape = matches!(op, Op::Reshape(_) | Op::Flatten(_));
    for value in inputs {
        ensure!(
            value.dtype == DType::F32 || is_reshape,
            op.name(),
            "inputs must be f32 tensors, but got {:?}",
            value.dtype
        );
    }
    if is_reshape || strided_copy::is_view(op, &shapes, &output_shapes[0])? {
        return Ok(output_shapes
            .into_iter()
            .map(|shape| Value {
                slot: inputs[0].slot,
                shape,
                dtype: inputs[0].dtype,
            })
            .collect());
    }
    let outputs = output_shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| recording.output(op.name(), shape, if index == 0 { DType::F32 } else { DType::U32 }))
        .collect::<Result<Vec<_>>>()?;
    if outputs[0].slot.is_none() {
        return Ok(outputs);
    }
    match op {
        Op::Conv2d(op) => conv2d::lower(op, &Operands::plain(inputs), &outputs[0], recording)?,
        Op::ConvTranspose2d(op) => conv2d::lower_transposed(op, &Operands::plain(inputs), &outputs[0], recording)?,
        Op::Fused(op) => lower_fused(op, inputs, &outputs[0], recording)?,
        Op::Interpolate(op) => interpolate::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Pad2d(op) => pad2d::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::MaxPool2d(op) => pool2d::lower_max(op, &inputs[0], &outputs, recording)?,
        Op::AvgPool2d(op) => pool2d::lower_average(op, &inputs[0], &outputs[0], recording)?,
        Op::LpPool2d(op) => lp_pool2d::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::AdaptiveAvgPool2d(_) => pool2d::lower_adaptive(false, &inputs[0], &outputs, recording)?,
        Op::AdaptiveMaxPool2d(_) => pool2d::lower_adaptive(true, &inputs[0], &outputs, recording)?,
        Op::Activation(op) => activation::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::PRelu(_) => activation::lower_prelu(&inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::Softmax(op) => softmax::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Linear(_) => linear::lower(&Operands::plain(inputs), &outputs[0], recording)?,
        Op::MatMul(_) => matmul::lower(&inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::BatchNorm(op) => batch_norm::lower(*op, inputs, &outputs[0], recording)?,
        Op::InstanceNorm(op) => instance_norm::lower(*op, inputs, &outputs[0], recording)?,
        Op::LocalResponseNorm(op) => local_response_norm::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Binary(op) => binary::lower(*op, &inputs[0], &inputs[1], &outputs[0], recording)?,
        Op::Concat(_) | Op::Slice(_) | Op::Transpose(_) | Op::Expand(_) => strided_copy::lower(op, inputs, &outputs[0], recording)?,
        Op::Reduce(op) => reduce::lower(op, &inputs[0], &outputs[0], recording)?,
        Op::Reshape(_) | Op::Flatten(_) => {}
    }
    Ok(outputs)
}

/// One dispatch where the activation is cheap, else one for it after the rest.
fn lower_fused(op: &Fused, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let (own, residual) = op.split(inputs);
    let dear = op.activation.filter(|activation| !epilogue::is_cheap(activation));
    let target = match dear {
        Some(_) => recording.inner(op.base.name(), &output.shape)?,
        None => output.clone(),
    };
    let operands = Operands {
        residual,
        activation: op.activation.filter(epilogue::is_cheap),
        ..Operands::plain(own)
    };
    match &op.base {
        FusedBase::Conv2d(base) => conv2d::lower(base, &operands, &target, recording)?,
        FusedBase::ConvTranspose2d(base) => conv2d::lower_transposed(base, &operands, &target, recording)?,
        FusedBase::Linear(_) => linear::lower(&operands, &target, recording)?,
    }
    match dear {
        Some(activation) => activation::lower(&activation, &target, output, recording),
        None => Ok(()),
    }
}

/// The buffer of a tensor that has elements: its operator's output has some.
fn slot(value: &Value) -> Result<SlotId> {
    value.slot.ok_or_else(|| {
        Error::Gpu(format!(
            "a tensor of shape {:?} without a buffer reached a kernel",
            value.shape
        ))
    })
}

/// Whether a value may change from run to run.
fn varies(value: &Value, recording: &Recording) -> bool {
    value.slot.is_some_and(|slot| !recording.slots[slot.0].constant)
}

fn elements(value: &Value) -> usize {
    value.shape.iter().product()
}

/// Checks that a padded extent can be computed with in a kernel's 32-bit coordinates.
fn check_extent(operator: &'static str, extent: usize, before: isize, after: isize) -> Result<()> {
    let padded = (extent as u64)
        .saturating_add(before.unsigned_abs() as u64)
        .saturating_add(after.unsigned_abs() as u64);
    if padded > LARGEST_EXTENT as u64 {
        return Err(Error::LimitExceeded {
            operator,
            what: "the padded extent",
            needed: padded,
            limit: LARGEST_EXTENT as u64,
        });
    }
    Ok(())
}

/// A step (stride or dilation) as a kernel gets it; one that is never taken may be any number and becomes 1.
fn step(step: usize, count: usize) -> u32 {
    if count > 1 { step as u32 } else { 1 }
}

#[cfg(test)]
pub(in crate::gpu) mod layouts {
    //! Every kernel's host parameters, for the test that compares them with the WGSL.
    use super::*;
    use crate::gpu::shader::Kernel;

    pub(in crate::gpu) type Layout = (Kernel, usize, &'static [(&'static str, usize)]);

    macro_rules! layout {
        ($kernel:ident, $parameters:ty) => {
            (Kernel::$kernel, size_of::<$parameters>(), <$parameters>::FIELDS)
        };
    }

    pub(in crate::gpu) fn all() -> Vec<Layout> {
        vec![
            layout!(Activation, activation::ActivationParameters),
            layout!(BatchNorm, batch_norm::BatchNormParameters),
            layout!(Binary, binary::BinaryParameters),
            layout!(CeilingCopy, ceiling::CopyParameters),
            layout!(CeilingMultiplyAdd, ceiling::MultiplyAddParameters),
            layout!(Conv2dDepthwise, conv2d::DepthwiseParameters),
            layout!(Conv2dDepthwiseQuads, conv2d::DepthwiseParameters),
            layout!(Conv2dDirect, conv2d::DirectParameters),
            layout!(Conv2dDirectBroadcast, conv2d::DirectParameters),
            layout!(Conv2dTiled, conv2d_tiled::Conv2dTiledParameters),
            layout!(Conv2dTiledQuads, conv2d_tiled::Conv2dTiledParameters),
            layout!(Fill, reduce::FillParameters),
            layout!(Gemm, linear::GemmParameters),
            layout!(GemmBroadcast, linear::GemmParameters),
            layout!(GemmFew, linear::GemmParameters),
            layout!(GemmPadded, linear::GemmParameters),
            layout!(GemmQuads, linear::GemmParameters),
            layout!(GemmTiled, gemm_tiled::GemmTiledParameters),
            layout!(GemmTiledColumns, gemm_tiled::GemmTiledParameters),
            layout!(GemmTiledQuads, gemm_tiled::GemmTiledParameters),
            layout!(Gemv, linear::GemmParameters),
            layout!(GemvRows, gemm_tiled::GemvRowsParameters),
            layout!(GemvRowsQuads, gemm_tiled::GemvRowsParameters),
            layout!(Im2col, im2col::AnyParameters),
            layout!(Im2colStrips, im2col::StripParameters),
            layout!(InstanceNorm, instance_norm::InstanceNormParameters),
            layout!(InstanceNormApply, instance_norm::InstanceNormApplyParameters),
            layout!(Interpolate, interpolate::InterpolateParameters),
            layout!(InterpolateNearest, interpolate::NearestParameters),
            layout!(LocalResponseNorm, local_response_norm::LocalResponseNormParameters),
            layout!(LpPool2d, lp_pool2d::LpPoolParameters),
            layout!(MatMul, matmul::MatMulParameters),
            layout!(PRelu, activation::PReluParameters),
            layout!(PackWeights, block::PackParameters),
            layout!(Pad2d, pad2d::PadParameters),
            layout!(Pool2dAny, pool2d::AnyParameters),
            layout!(Pool2dAnyIndices, pool2d::AnyParameters),
            layout!(Pool2dLong, pool2d::AnyParameters),
            layout!(Pool2dLongIndices, pool2d::AnyParameters),
            layout!(Pool2dWindow, pool2d::WindowParameters),
            layout!(Pool2dWindowQuads, pool2d::WindowParameters),
            layout!(Reduce, reduce::ReduceParameters),
            layout!(ReduceRows, reduce::ReduceParameters),
            layout!(ReduceRowsQuads, reduce::ReduceParameters),
            layout!(Softmax, softmax::SoftmaxParameters),
            layout!(SoftmaxApply, softmax::SoftmaxApplyParameters),
            layout!(SoftmaxApplyQuads, softmax::SoftmaxApplyParameters),
            layout!(StridedCopy, strided_copy::StridedCopyParameters),
            layout!(StridedCopyQuads, strided_copy::StridedCopyParameters),
            layout!(SumSplits, tiles::SumSplitsParameters),
            layout!(WinogradInput, winograd::InputParameters),
            layout!(WinogradInputLarge, winograd::InputParameters),
            layout!(WinogradOutput, winograd::OutputParameters),
            layout!(WinogradOutputLarge, winograd::OutputParameters),
            layout!(WinogradWeight, winograd::WeightParameters),
            layout!(WinogradWeightLarge, winograd::WeightParameters),
        ]
    }
}
