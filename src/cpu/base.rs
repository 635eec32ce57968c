//! Convolution and linear layers: packed weights, and which kernel computes them.

use std::borrow::Cow;

use super::blocked::{self, Layout};
use super::bytes::{ConvWeights, MatMulWeights};
use super::epilogue::Epilogue;
use super::operand::{Operand, operand};
use super::product::PackedRows;
use super::{conv, conv_transpose, linear, sums};
use crate::error::Result;
use crate::ops::{Conv, Fused, FusedBase, Op};
use crate::tensor::TensorView;

/// What is made of an operator's constant inputs once.
#[derive(Clone, Debug)]
pub(crate) enum Prepared {
    /// Weights of floats, of each group.
    Floats(Vec<PackedRows>),
    /// Weights of a convolution on blocks of channels.
    Blocked(blocked::Weights),
    /// A linear layer's.
    Linear(blocked::Products),
    /// Weights of bytes.
    Conv(ConvWeights),
    MatMul(MatMulWeights),
}

/// Packs the weights of an operator that has any to pack.
pub(crate) fn prepare(op: &Op, weight: &TensorView<'_>) -> Option<Prepared> {
    if matches!(op, Op::ConvInteger(_) | Op::MatMulInteger(_)) {
        return sums::prepare(op, weight).ok().flatten();
    }
    let weight = operand(weight)?;
    match op {
        Op::Conv(op)
        | Op::Fused(Fused {
            base: FusedBase::Conv(op),
            ..
        }) => Some(prepare_conv(op, &weight)),
        Op::ConvTranspose(op)
        | Op::Fused(Fused {
            base: FusedBase::ConvTranspose(op),
            ..
        }) => Some(Prepared::Floats(conv_transpose::pack(op, &weight))),
        Op::Linear(_) => Some(Prepared::Linear(blocked::Products::of_matrix(&weight))),
        _ => None,
    }
}

/// Packs what inputs of this shape take, where that is known only with it. Without it the first run does.
pub(crate) fn ready(op: &Op, input: &[usize], weight: &TensorView<'_>, prepared: &Prepared) {
    if let (Op::Conv(op), Prepared::Blocked(weights), Some(weight)) = (op, prepared, operand(weight)) {
        weights.ready(op, input, &weight);
    }
}

fn prepare_conv(op: &Conv, weight: &Operand<'_>) -> Prepared {
    if blocked::fits(op, weight.shape) {
        Prepared::Blocked(blocked::Weights::new(op, weight))
    } else {
        Prepared::Floats(conv::pack(op, weight))
    }
}

/// What computes an operator with inputs of these shapes on this thread's device.
pub(crate) fn kernel(op: &Op, inputs: &[&[usize]], prepared: Option<&Prepared>) -> &'static str {
    match op {
        Op::ConvInteger(_) | Op::MatMulInteger(_) => match prepared {
            Some(Prepared::Conv(weights)) => weights.name(),
            Some(Prepared::MatMul(_)) => "product of bytes",
            _ => op.name(),
        },
        Op::Conv(op)
        | Op::Fused(Fused {
            base: FusedBase::Conv(op),
            ..
        }) => conv::kernel(op, inputs[0], inputs[1]),
        Op::ConvTranspose(_)
        | Op::Fused(Fused {
            base: FusedBase::ConvTranspose(_),
            ..
        }) => "product",
        other => other.name(),
    }
}

/// Convolution, plain or transposed, or linear, with what follows it. Only a convolution with weights for blocks can have its output in
/// these.
pub(super) fn base(
    op: FusedBase,
    inputs: &[Operand<'_>],
    prepared: Option<&Prepared>,
    epilogue: &Epilogue<'_>,
    (output, layout): (&mut [f32], Layout),
) -> Result<()> {
    let (input, weight) = (&inputs[0], &inputs[1]);
    let packed = |pack: &dyn Fn() -> Vec<PackedRows>| match prepared {
        Some(Prepared::Floats(packed)) => Cow::Borrowed(&packed[..]),
        _ => Cow::Owned(pack()),
    };
    match op {
        FusedBase::Conv(op) => {
            // Only where the plan has found that it is possible, its output is in blocks.
            let is_possible = || blocked::fits(&op, weight.shape) && blocked::is_possible(&op, input.shape, weight.shape);
            if layout == Layout::Blocked || is_possible() {
                let weights = match prepared {
                    Some(Prepared::Blocked(weights)) => Cow::Borrowed(weights),
                    _ => Cow::Owned(blocked::Weights::new(&op, weight)),
                };
                return blocked::conv(&op, input, weight, &weights, epilogue, (output, layout));
            }
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
            let packed = match prepared {
                Some(Prepared::Linear(packed)) => Some(packed),
                _ => None,
            };
            linear::linear(input.data, weight, packed, &epilogue, output);
            Ok(())
        }
    }
}
