//! The matrix product of whole numbers.

use super::blocked::Layout;
use super::matmul::matmul;
use super::operand::Operand;
use super::whole_sums::{Numbers, add, digits, most_terms};
use crate::error::Result;
use crate::ops::{MatMul, MatMulInteger};
use crate::shape::element_count;

pub(super) fn matmul_integer((left, left_shape): Numbers<'_>, (right, right_shape): Numbers<'_>) -> Result<Vec<i32>> {
    let extents = MatMul::extents(left_shape, right_shape)?;
    let shape = MatMulInteger.output_shape(left_shape, right_shape)?;
    let mut total = vec![0; element_count("matmul_integer", &shape)?];
    let mut part = vec![0.0; total.len()];
    let (left_digits, right_digits) = (digits(left, 8), digits(right, 8));
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
                let (mut left_shape, mut right_shape) = (left_shape.to_vec(), right_shape.to_vec());
                let (last, row) = (left_shape.len() - 1, right_shape.len().saturating_sub(2));
                left_shape[last] = terms;
                right_shape[row] = terms;
                let operand = |shape, data| Operand {
                    shape,
                    data,
                    layout: Layout::Plain,
                };
                matmul(
                    &operand(&left_shape, &left_part),
                    &operand(&right_shape, &right_part),
                    &mut part,
                )?;
                add(&mut total, &part, left_digits.shift + right_digits.shift);
            }
        }
    }
    Ok(total)
}

/// The same range of every piece of so many elements.
pub(super) fn parts(data: &[f32], piece: usize, first: usize, length: usize) -> Vec<f32> {
    let pieces = data.chunks_exact(piece.max(1));
    pieces.flat_map(|piece| &piece[first..first + length]).copied().collect()
}
