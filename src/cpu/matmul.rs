//! The matrix product of two tensors, one product for each matrix of the output.

use super::columns::Matrix;
use super::epilogue::Epilogue;
use super::gemm::{self, Product};
use super::operand::Operand;
use super::product::PackedRows;
use crate::error::Result;
use crate::ops::{MatMul, MatMulExtents};
use crate::shape::{self, element_count};

pub(super) fn matmul(left: &Operand<'_>, right: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let extents = MatMul::extents(left.shape, right.shape)?;
    let MatMulExtents {
        rows, inner, columns, ..
    } = extents;
    // Of no products the sum is 0.
    if output.is_empty() || inner == 0 {
        output.fill(0.0);
        return Ok(());
    }
    let places = places(&extents)?;
    let packed: Vec<PackedRows> = left
        .data
        .chunks_exact(rows * inner)
        .map(|matrix| PackedRows::new(matrix, rows, inner, inner, 1))
        .collect();
    let products = output
        .chunks_exact_mut(rows * columns)
        .zip(places)
        .map(|(output, [left_place, right_place])| Product {
            weights: &packed[left_place],
            columns: Matrix {
                data: &right.data[right_place * inner * columns..][..inner * columns],
                inner_stride: columns,
                column_stride: 1,
            },
            epilogue: Epilogue::default(),
            output,
            length: columns,
        });
    gemm::run(products.collect());
    Ok(())
}

/// For each matrix of the output, which ones of the operands it is the product of.
pub(super) fn places(extents: &MatMulExtents<'_>) -> Result<Vec<[usize; 2]>> {
    let operands = [extents.left_batch, extents.right_batch];
    let batch = shape::broadcast("matmul", operands[0], operands[1])?;
    let count = element_count("matmul", &batch)?;
    Ok((0..count)
        .map(|index| operands.map(|own| place(index, &batch, own)))
        .collect())
}

/// Which of an operand's matrices the output's matrix number `index` has: where an extent is 1, its one serves all.
fn place(mut index: usize, batch: &[usize], own: &[usize]) -> usize {
    let mut place = 0;
    let mut stride = 1;
    for (axis, &extent) in batch.iter().enumerate().rev() {
        let coordinate = index % extent;
        index /= extent;
        if let Some(axis) = (axis + own.len()).checked_sub(batch.len()) {
            if own[axis] > 1 {
                place += coordinate * stride;
            }
            stride *= own[axis];
        }
    }
    place
}
