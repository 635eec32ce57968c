//! The matrix product of whole numbers.

use super::matmul::matmul;
use super::operand::{Operand, array};
use super::whole_sums::{add, digits, most_terms, numbers};
use crate::error::Result;
use crate::ops::MatMul;
use crate::shape::element_count;
use crate::tensor::{Tensor, TensorView};

pub(super) fn matmul_integer(left: &TensorView<'_>, right: &TensorView<'_>, shape: &[usize]) -> Result<Tensor> {
    let extents = MatMul::extents(left.shape(), right.shape())?;
    let mut total = vec![0; element_count("matmul_integer", shape)?];
    let mut part = vec![0.0; total.len()];
    let (left_digits, right_digits) = (digits(&numbers(left)?, 8), digits(&numbers(right)?, 8));
    for left_digits in &left_digits {
        for right_digits in &right_digits {
            let most = most_terms(left_digits, right_digits);
            for first in (0..extents.inner).step_by(most) {
                let terms = most.min(extents.inner - first);
                // Parts of rows on the left, whole rows on the right.
                let left_part = parts(&left_digits.values, extents.inner, first, terms);
                let right_part = parts(
                    &right_digits.values,
                    extents.inner * extents.columns,
                    first * extents.columns,
                    terms * extents.columns,
                );
                let (mut left_shape, mut right_shape) = (left.shape().to_vec(), right.shape().to_vec());
                let (last, row) = (left_shape.len() - 1, right_shape.len().saturating_sub(2));
                left_shape[last] = terms;
                right_shape[row] = terms;
                let operand = |shape, data| Operand { shape, data };
                matmul(
                    &operand(&left_shape, &left_part),
                    &operand(&right_shape, &right_part),
                    &mut part,
                )?;
                add(&mut total, &part, left_digits.shift + right_digits.shift);
            }
        }
    }
    array("matmul_integer", total, shape)
}

/// The same range of every piece of so many elements.
pub(super) fn parts(data: &[f32], piece: usize, first: usize, length: usize) -> Vec<f32> {
    let pieces = data.chunks_exact(piece.max(1));
    pieces.flat_map(|piece| &piece[first..first + length]).copied().collect()
}
