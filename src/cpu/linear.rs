//! The fully connected layer: dot products for a few rows, a product of matrices for more.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::columns::Matrix;
use super::epilogue::Epilogue;
use super::gemm::{self, Product};
use super::operand::Operand;
use super::product::PackedRows;
use super::vectors::arch;

/// The most rows that are computed by dot products: each reads all weights from memory once.
const FEW_ROWS: usize = 4;

/// The most terms of a sum that are added up in single precision.
const PART: usize = 1 << 15;

/// `[rows, in]` with a weight `[out, in]`; the bias is one for each column.
pub(super) fn linear(input: &[f32], weight: &Operand<'_>, epilogue: &Epilogue<'_>, output: &mut [f32]) {
    let (columns, inner) = (weight.shape[0], weight.shape[1]);
    let rows = input.len() / inner;
    if rows == 0 {
        return;
    }
    if rows <= FEW_ROWS {
        few_rows(input, weight.data, (rows, inner, columns), epilogue, output);
        return;
    }
    let packed = PackedRows::new(input, rows, inner, inner, 1);
    gemm::run(vec![Product {
        weights: &packed,
        columns: Matrix {
            data: weight.data,
            inner_stride: 1,
            column_stride: inner,
        },
        epilogue: epilogue.clone(),
        output,
        length: columns,
    }]);
}

fn few_rows(
    input: &[f32],
    weight: &[f32],
    (rows, inner, columns): (usize, usize, usize),
    epilogue: &Epilogue<'_>,
    output: &mut [f32],
) {
    /// Multiplications that are worth a task.
    const GRAIN: usize = 1 << 16;
    let share = (GRAIN / (rows * inner)).max(8).min(columns);
    let parts: Vec<Vec<&mut [f32]>> = {
        let mut parts: Vec<Vec<&mut [f32]>> = (0..columns.div_ceil(share)).map(|_| Vec::new()).collect();
        for row in output.chunks_exact_mut(columns) {
            for (part, own) in parts.iter_mut().zip(row.chunks_mut(share)) {
                part.push(own);
            }
        }
        parts
    };
    parts.into_par_iter().enumerate().for_each(|(part, mut own)| {
        let first = part * share;
        for (row, (own, input)) in own.iter_mut().zip(input.chunks_exact(inner)).enumerate() {
            arch().dispatch(Dots {
                input,
                weight: &weight[first * inner..(first + own.len()) * inner],
                output: own,
            });
            epilogue.apply(row * columns + first, first, own);
        }
    });
}

/// One row's dot products with each row of a weight.
struct Dots<'a> {
    input: &'a [f32],
    weight: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = self.weight.chunks_exact(self.input.len());
        for (output, row) in self.output.iter_mut().zip(rows) {
            // Long sums in parts, which are added up with more digits.
            let parts = self.input.chunks(PART).zip(row.chunks(PART));
            *output = if row.len() <= PART {
                dot(simd, self.input, row)
            } else {
                parts.map(|(input, row)| f64::from(dot(simd, input, row))).sum::<f64>() as f32
            };
        }
    }
}

#[inline(always)]
fn dot<S: Simd>(simd: S, left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = S::as_simd_f32s(left);
    let (right, right_rest) = S::as_simd_f32s(right);
    let (left_quads, left_tail) = left.as_chunks::<4>();
    let (right_quads, right_tail) = right.as_chunks::<4>();
    let mut sums = [simd.splat_f32s(0.0); 4];
    for (left, right) in left_quads.iter().zip(right_quads) {
        for i in 0..4 {
            sums[i] = simd.mul_add_e_f32s(left[i], right[i], sums[i]);
        }
    }
    for (&left, &right) in left_tail.iter().zip(right_tail) {
        sums[0] = simd.mul_add_e_f32s(left, right, sums[0]);
    }
    let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
    let rest = left_rest.iter().zip(right_rest).map(|(left, right)| left * right);
    simd.reduce_sum_f32s(sum) + rest.sum::<f32>()
}
