//! Convolution and linear layers: packed weights, and which kernel computes them.

use std::borrow::Cow;

use super::epilogue::Epilogue;
use super::operand::Operand;
use super::product::PackedRows;
use super::{conv_transpose2d, conv2d, linear};
use crate::error::Result;
use crate::ops::{Fused, FusedBase, Op};

/// What is made of an operator's constant inputs once.
#[derive(Clone, Debug)]
pub(crate) struct Prepared(Vec<PackedRows>);

/// Packs the weights of an operator that has any to pack.
pub(crate) fn prepare(op: &Op, weight: Option<Operand<'_>>) -> Option<Prepared> {
    let weight = weight?;
    match op {
        Op::Conv2d(op)
        | Op::Fused(Fused {
            base: FusedBase::Conv2d(op),
            ..
        }) => Some(Prepared(conv2d::pack(op, &weight))),
        Op::ConvTranspose2d(op)
        | Op::Fused(Fused {
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
        | Op::Fused(Fused {
            base: FusedBase::Conv2d(conv2d),
            ..
        }) => conv2d::kernel(conv2d, inputs[1]),
        Op::ConvTranspose2d(_)
        | Op::Fused(Fused {
            base: FusedBase::ConvTranspose2d(_),
            ..
        }) => "product",
        _ => op.name(),
    }
}

/// Convolution, plain or transposed, or linear, with what follows it.
pub(super) fn base(
    op: FusedBase,
    inputs: &[Operand<'_>],
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
