//! The fast CPU backend: every operator in `f32` on all cores, vectors found at run time, no `unsafe`.
//!
//! Convolution is a matrix product over tiles of output positions: a tile's windows are copied into panels as the product
//! wants them, so that neither a padded input nor an im2col buffer is ever in memory, and bias, residual sum and activation
//! follow while the tile is in cache. Where a group has few channels the definition itself is computed, on rows that were
//! copied with their padding. Answers are within the bounds of [`mod@crate::reference`], NaN and infinities included.
//!
//! ```
//! use convoke::{cpu, ops::MaxPool2d};
//! use ndarray::Array4;
//! let image = Array4::from_shape_fn((1, 1, 2, 4), |(_, _, y, x)| (4 * y + x) as f32).into_dyn();
//! let outputs = cpu::run(&MaxPool2d::new(2).into(), &[image.view()])?;
//! assert_eq!(outputs[0], ndarray::array![[[[5.0, 7.0]]]].into_dyn());
//! # Ok::<(), convoke::Error>(())
//! ```

#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a dispatch is compiled for the baseline's vectors"
)]

mod activation;
mod batch_norm;
mod binary;
mod ceilings;
mod columns;
mod concat;
mod constants;
mod conv2d;
mod conv_transpose2d;
mod device;
mod direct;
mod epilogue;
mod expand;
mod fused;
mod gemm;
mod instance_norm;
mod interpolate;
mod linear;
mod local_response_norm;
mod lp_pool2d;
mod math;
mod matmul;
mod pad2d;
mod parallel;
mod pool2d;
mod product;
mod reduce;
mod slice;
mod softmax;
mod strided;
mod transpose;

use std::borrow::Cow;

use ndarray::{ArrayD, ArrayViewD, IxDyn};

pub use device::{Cpu, CpuBuilder};

use crate::error::{Error, Result};
use crate::ops::{FusedBase, Op};
use crate::shape;
use epilogue::Epilogue;
use product::PackedRows;

/// A tensor in row-major order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tensor<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) data: &'a [f32],
}

/// What is made of an operator's constant inputs once.
#[derive(Clone, Debug)]
pub(crate) struct Prepared(Vec<PackedRows>);

/// Runs one operator on the default [`Cpu`]. The inputs stand in the operator's order (see [`Op`]). Indices of maxima come
/// as whole numbers.
///
/// Errors: what [`Op::output_shapes`] refuses.
pub fn run(op: &Op, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
    Cpu::default().run(op, inputs)
}

/// Packs the weights of an operator that has any to pack.
pub(crate) fn prepare(op: &Op, weight: Option<Tensor<'_>>) -> Option<Prepared> {
    let weight = weight?;
    match op {
        Op::Conv2d(op)
        | Op::Fused(crate::ops::Fused {
            base: FusedBase::Conv2d(op),
            ..
        }) => Some(Prepared(conv2d::pack(op, &weight))),
        Op::ConvTranspose2d(op)
        | Op::Fused(crate::ops::Fused {
            base: FusedBase::ConvTranspose2d(op),
            ..
        }) => Some(Prepared(conv_transpose2d::pack(op, &weight))),
        _ => None,
    }
}

/// What computes an operator with inputs of these shapes.
pub(crate) fn kernel(op: &Op, inputs: &[&[usize]]) -> &'static str {
    match op {
        Op::Conv2d(conv2d)
        | Op::Fused(crate::ops::Fused {
            base: FusedBase::Conv2d(conv2d),
            ..
        }) => conv2d::kernel(conv2d, inputs[1]),
        Op::ConvTranspose2d(_)
        | Op::Fused(crate::ops::Fused {
            base: FusedBase::ConvTranspose2d(_),
            ..
        }) => "product",
        _ => op.name(),
    }
}

/// Runs any operator into outputs of the right shapes. `prepared` is what [`prepare`] made of its weight, if anything.
pub(crate) fn execute(
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

/// Convolution, plain or transposed, or linear, with what follows it.
fn base(
    op: FusedBase,
    inputs: &[Tensor<'_>],
    prepared: Option<&Prepared>,
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) -> Result<()> {
    let (input, weight) = (&inputs[0], &inputs[1]);
    let packed = |pack: &dyn Fn() -> Vec<PackedRows>| match prepared {
        Some(Prepared(packed)) => Cow::Borrowed(&packed[..]),
        None => Cow::Owned(pack()),
    };
    match op {
        FusedBase::Conv2d(op) => {
            let packed = packed(&|| conv2d::pack(&op, weight));
            conv2d::conv2d(&op, input, weight, &packed, epilogue, output)
        }
        FusedBase::ConvTranspose2d(op) => {
            let packed = packed(&|| conv_transpose2d::pack(&op, weight));
            conv_transpose2d::conv_transpose2d(&op, input, weight, &packed, epilogue, output)
        }
        FusedBase::Linear(_) => {
            let epilogue = Epilogue {
                by_column: true,
                ..epilogue.clone()
            };
            linear::linear(input.data, weight, &epilogue, output);
            Ok(())
        }
    }
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

/// A tensor of an array in row-major order.
pub(crate) fn tensor<S>(array: &ndarray::ArrayBase<S, IxDyn>) -> Option<Tensor<'_>>
where
    S: ndarray::Data<Elem = f32>,
{
    array.as_slice().map(|data| Tensor {
        shape: array.shape(),
        data,
    })
}

/// An array of elements that are as many as the shape has.
pub(crate) fn array(operator: &'static str, data: Vec<f32>, shape: &[usize]) -> Result<ArrayD<f32>> {
    ArrayD::from_shape_vec(IxDyn(shape), data).map_err(|error| Error::invalid(operator, format!("output of {shape:?}: {error}")))
}
