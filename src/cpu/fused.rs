//! A convolution or linear layer with what follows it, in the product's own tiles.

use super::base::Prepared;
use super::base::base;
use super::blocked::Layout;
use super::epilogue::Epilogue;
use super::operand::Operand;
use crate::error::{Error, Result};
use crate::ops::{Fused, FusedBase, Op};

/// A convolution, plain or transposed, or a linear layer, alone or fused with what follows it.
pub(super) fn run(op: &Op, inputs: &[Operand<'_>], prepared: Option<&Prepared>, output: (&mut [f32], Layout)) -> Result<()> {
    let fused = match op {
        Op::Conv(op) => Fused::new(FusedBase::Conv(*op)),
        Op::ConvTranspose(op) => Fused::new(FusedBase::ConvTranspose(*op)),
        Op::Linear(op) => Fused::new(FusedBase::Linear(*op)),
        Op::Fused(fused) => *fused,
        other => return Err(Error::Internal(format!("{} begins nothing that is fused", other.name()))),
    };
    let (own, residual) = fused.split(inputs);
    let epilogue = Epilogue {
        bias: own.get(2).map(|bias| bias.data),
        residual: residual.map(|residual| residual.data),
        activation: fused.activation,
        ..Epilogue::default()
    };
    base(fused.base, own, prepared, &epilogue, output)
}
