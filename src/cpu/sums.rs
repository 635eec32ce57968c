//! Sums of products of whole numbers, by bytes where the numbers are such, else by floats.

use rayon::prelude::*;

use super::base::Prepared;
use super::blocked::{Layout, rearranged};
use super::bytes::{self, Bytes, ConvWeights, MatMulWeights, Vectors};
use super::chain::Output;
use super::conv_integer::conv_integer;
use super::matmul::places;
use super::matmul_integer::matmul_integer;
use super::whole_sums::numbers;
use crate::error::{Error, Result};
use crate::ops::{ConvInteger, MatMul, Op};
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
    /// The left one's shape and how it lies.
    pub(super) shape: &'a [usize],
    pub(super) layout: Layout,
}

/// Whether the sums of a convolution with this constant right operand are computed on blocks of channels.
pub(super) fn is_on_blocks(op: &ConvInteger, right: &TensorView<'_>) -> bool {
    numbers(right).is_ok_and(|numbers| bytes::is_on_blocks(&op.conv, &numbers, right.shape()))
}

/// Packs a constant right operand. None where its numbers are none for bytes.
pub(super) fn prepare(op: &Op, right: &TensorView<'_>) -> Result<Option<Prepared>> {
    let numbers = numbers(right)?;
    let shape = right.shape();
    Ok(match op {
        Op::ConvInteger(op) => ConvWeights::new(Vectors::best(), &op.conv, &numbers, shape).map(Prepared::Conv),
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
    (output, output_layout): (&mut [O], Layout),
    finish: impl Fn(usize, &[i32], &mut [O]) + Sync,
) -> Result<()> {
    let Operands {
        left,
        zero_point,
        right,
        prepared,
        shape,
        layout,
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
            let input = bytes::Input {
                bytes: &input,
                shape,
                layout,
            };
            return bytes::conv(Vectors::best(), &op.conv, input, weights, (output, output_layout), finish);
        }
        (Op::MatMulInteger(_), Some(input), Some(Prepared::MatMul(weights))) => {
            let extents = MatMul::extents(shape, right.shape())?;
            if !output.is_empty() && extents.inner > 0 {
                let places = places(&extents)?;
                bytes::matmul(Vectors::best(), (&input, extents.rows), weights, &places, output, finish);
                return Ok(());
            }
        }
        _ => {}
    }
    let mut total = large(op, operands)?;
    if let (Op::ConvInteger(op), Layout::Blocked) = (op, output_layout) {
        let shape = op.conv.geometry(shape, right.shape(), None)?.output_shape();
        total = rearranged(&shape, Layout::Blocked, &total);
    }
    let pieces = output.par_chunks_mut(GRAIN).zip(total.par_chunks_mut(GRAIN)).enumerate();
    pieces.for_each(|(index, (output, sums))| finish(index * GRAIN, sums, output));
    Ok(())
}

/// Sums of numbers of any size, in row-major order.
fn large(op: &Op, operands: &Operands<'_, '_>) -> Result<Vec<i32>> {
    let (mut left, right) = (numbers(operands.left)?, numbers(operands.right)?);
    if operands.layout == Layout::Blocked {
        left = rearranged(operands.shape, Layout::Plain, &left).into();
    }
    for number in left.to_mut() {
        *number = number.wrapping_sub(operands.zero_point);
    }
    let left = (&*left, operands.shape);
    let right = (&*right, operands.right.shape());
    match op {
        Op::ConvInteger(op) => conv_integer(*op, left, right),
        Op::MatMulInteger(_) => matmul_integer(left, right),
        _ => Err(Error::Internal(format!("sums of {}", op.name()))),
    }
}
