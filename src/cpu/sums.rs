//! Sums of products of whole numbers, by bytes where the numbers are such, else by floats.

use rayon::prelude::*;

use super::base::Prepared;
use super::bytes::{self, Bytes, ConvWeights, MatMulWeights, Vectors};
use super::chain::Output;
use super::conv_integer::conv_integer;
use super::matmul::places;
use super::matmul_integer::matmul_integer;
use super::whole_sums::numbers;
use crate::error::{Error, Result};
use crate::ops::{MatMul, Op};
use crate::tensor::TensorView;

/// Elements that are worth a task of their own.
const GRAIN: usize = 1 << 14;

/// The two operands of an operator of sums.
pub(super) struct Operands<'a, 'b> {
    pub(super) left: &'a TensorView<'b>,
    /// What is subtracted from each number on the left.
    pub(super) zero_point: i32,
    pub(super) right: &'a TensorView<'b>,
    /// What was made of the right one.
    pub(super) prepared: Option<&'a Prepared>,
}

/// Packs a constant right operand. None where its numbers are none for bytes.
pub(super) fn prepare(op: &Op, right: &TensorView<'_>) -> Result<Option<Prepared>> {
    let numbers = numbers(right)?;
    let shape = right.shape();
    Ok(match op {
        Op::ConvInteger(op) => ConvWeights::new(&op.conv, &numbers, shape).map(Prepared::Conv),
        Op::MatMulInteger(_) => {
            let [inner, columns] = match *shape {
                [.., inner, columns] => [inner, columns],
                [inner] => [inner, 1],
                [] => return Ok(None),
            };
            MatMulWeights::new(&numbers, [inner, columns]).map(Prepared::MatMul)
        }
        _ => None,
    })
}

/// The sums, from which `finish` makes the output's elements from this place on.
pub(super) fn sums<O: Output>(
    op: &Op,
    operands: &Operands<'_, '_>,
    output: &mut [O],
    finish: impl Fn(usize, &[i32], &mut [O]) + Sync,
) -> Result<()> {
    let Operands {
        left,
        zero_point,
        right,
        prepared,
    } = *operands;
    let own;
    let prepared = if prepared.is_some() {
        prepared
    } else {
        own = prepare(op, right)?;
        own.as_ref()
    };
    let finish = |place: usize, sums: &mut [i32], output: &mut [O]| finish(place, sums, output);
    match (op, Bytes::new(left, zero_point)?, prepared) {
        (Op::ConvInteger(op), Some(input), Some(Prepared::Conv(weights))) => {
            return bytes::conv(Vectors::best(), &op.conv, (&input, left.shape()), weights, output, finish);
        }
        (Op::MatMulInteger(_), Some(input), Some(Prepared::MatMul(weights))) => {
            let extents = MatMul::extents(left.shape(), right.shape())?;
            if !output.is_empty() && extents.inner > 0 {
                let places = places(&extents)?;
                bytes::matmul(Vectors::best(), (&input, extents.rows), weights, &places, output, finish);
                return Ok(());
            }
        }
        _ => {}
    }
    let mut total = large(op, operands)?;
    let pieces = output.par_chunks_mut(GRAIN).zip(total.par_chunks_mut(GRAIN)).enumerate();
    pieces.for_each(|(index, (output, sums))| finish(index * GRAIN, sums, output));
    Ok(())
}

/// Sums of numbers of any size.
fn large(op: &Op, operands: &Operands<'_, '_>) -> Result<Vec<i32>> {
    let (mut left, right) = (numbers(operands.left)?, numbers(operands.right)?);
    for number in &mut left {
        *number = number.wrapping_sub(operands.zero_point);
    }
    let left = (left.as_slice(), operands.left.shape());
    let right = (right.as_slice(), operands.right.shape());
    match op {
        Op::ConvInteger(op) => conv_integer(*op, left, right),
        Op::MatMulInteger(_) => matmul_integer(left, right),
        _ => Err(Error::Internal(format!("sums of {}", op.name()))),
    }
}
