//! A convolution or linear layer with what follows it, in the product's own tiles.

use super::base::Prepared;
use super::base::base;
use super::blocked::Layout;
use super::epilogue::Epilogue;
use super::operand::Operand;
use crate::error::Result;
use crate::ops::Fused;

pub(super) fn fused(op: &Fused, inputs: &[Operand<'_>], prepared: Option<&Prepared>, output: (&mut [f32], Layout)) -> Result<()> {
    let (own, residual) = op.split(inputs);
    let epilogue = Epilogue {
        bias: own.get(2).map(|bias| bias.data),
        residual: residual.map(|residual| residual.data),
        activation: op.activation,
        ..Epilogue::default()
    };
    base(op.base, own, prepared, &epilogue, output)
}
