//! A fused operator is its parts one after another.

use super::answer::Answer;
use super::{binary, conv, conv_transpose, linear, unary};
use crate::error::Result;
use crate::ops::Winograd;
use crate::ops::{Binary, Fused, FusedBase};

pub(super) fn fused(op: &Fused, inputs: &[&Answer], allowed: Winograd) -> Result<Answer> {
    let (own, residual) = op.split(inputs);
    let bias = own.get(2).copied();
    let mut answer = match &op.base {
        FusedBase::Conv(base) => conv::conv(base, own[0], own[1], bias, allowed)?,
        FusedBase::ConvTranspose(base) => conv_transpose::conv_transpose(base, own[0], own[1], bias)?,
        FusedBase::Linear(_) => linear::linear(own[0], own[1], bias)?,
    };
    if let Some(residual) = residual {
        answer = binary::binary(Binary::Add, &answer, residual)?;
    }
    if let Some(function) = op.activation {
        answer = unary::unary(function, &answer)?;
    }
    Ok(answer)
}
