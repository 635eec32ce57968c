//! Convolution and linear layers: packed weights, and which kernel computes them.

use std::borrow::Cow;

use super::epilogue::Epilogue;
use super::operand::Operand;
use super::product::PackedRows;
use super::{conv, conv_transpose, linear};
use crate::error::Result;
use crate::ops::{Fused, FusedBase, Op};

/// What is made of an operator's constant inputs once.
#[derive(Clone, Debug)]
pub(crate) struct Prepared(Vec<PackedRows>);

/// Packs the weights of an operator that has any to pack.
pub(crate) fn prepare(op: &Op, weight: Option<Operand<'_>>) -> Option<Prepared> {
    let weight = weight?;
    match op {
        Op::Conv(op)
        | Op::Fused(Fused {
            base: FusedBase::Conv(op),
            ..
        }) => Some(Prepared(conv::pack(op, &weight))),
        Op::ConvTranspose(op)
        | Op::Fused(Fused {
            base: FusedBase::ConvTranspose(op),
            ..
        }) => Some(Prepared(conv_transpose::pack(op, &weight))),
        _ => None,
    }
}

/// What computes an operator with inputs of these shapes.
pub(crate) fn kernel(op: &Op, inputs: &[&[usize]]) -> &'static str {
    match op {
        Op::Conv(op)
        | Op::Fused(Fused {
            base: FusedBase::Conv(op),
            ..
        }) => conv::kernel(op, inputs[1]),
        Op::ConvTranspose(_)
        | Op::Fused(Fused {
            base: FusedBase::ConvTranspose(_),
            ..
        }) => "product",
        other => other.name(),
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
        FusedBase::Conv(op) => {
            let packed = packed(&|| conv::pack(&op, weight));
            conv::conv(&op, input, weight, &packed, epilogue, output)
        }
        FusedBase::ConvTranspose(op) => {
            let packed = packed(&|| conv_transpose::pack(&op, weight));
            conv_transpose::conv_transpose(&op, input, weight, &packed, epilogue, output)
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
