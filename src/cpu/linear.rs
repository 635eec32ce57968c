//! The fully connected layer: dot products for a few rows, panels of packed weights for more.

use std::borrow::Cow;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::blocked::{self, Products};
use super::epilogue::Epilogue;
use super::operand::Operand;
use super::parallel;
use super::vectors::dispatch;

/// The most rows that are computed by dot products: each reads all weights from memory once.
const FEW_ROWS: usize = 4;

/// The most terms of a sum that are added up in single precision.
const PART: usize = 1 << 15;

/// Whether so many rows are computed by dot products, with weights as they are.
pub(super) fn has_few_rows(rows: usize) -> bool {
    rows <= FEW_ROWS
}

/// `[rows, in]` with a weight `[out, in]`, which may have been packed; the bias is one for each column.
pub(super) fn linear(input: &[f32], weight: &Operand<'_>, packed: Option<&Products>, epilogue: &Epilogue<'_>, output: &mut [f32]) {
    let (columns, inner) = (weight.shape[0], weight.shape[1]);
    let rows = input.len() / inner;
    if rows == 0 {
        return;
    }
    if has_few_rows(rows) {
        few_rows(input, weight.data, (rows, inner, columns), epilogue, output);
        return;
    }
    let packed = packed.map_or_else(|| Cow::Owned(Products::of_matrix(weight)), Cow::Borrowed);
    blocked::linear(&packed, input, (rows, columns), epilogue, output);
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
    parallel::for_each(parts.into_par_iter().enumerate(), |(part, mut own)| {
        let first = part * share;
        for (row, (own, input)) in own.iter_mut().zip(input.chunks_exact(inner)).enumerate() {
            dispatch(Dots {
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

/// Partial sums of a dot product, whatever the vectors' width.
const SUMS: usize = 64;

/// The same bits by vectors of any width.
#[inline(always)]
fn dot<S: Simd>(simd: S, left: &[f32], right: &[f32]) -> f32 {
    match S::F32_LANES {
        16 => dot_of::<S, 4>(simd, left, right),
        8 => dot_of::<S, 8>(simd, left, right),
        4 => dot_of::<S, 16>(simd, left, right),
        2 => dot_of::<S, 32>(simd, left, right),
        _ => dot_of::<S, SUMS>(simd, left, right),
    }
}

#[inline(always)]
fn dot_of<S: Simd, const VECTORS: usize>(simd: S, left: &[f32], right: &[f32]) -> f32 {
    let (left, left_rest) = left.as_chunks::<SUMS>();
    let (right, right_rest) = right.as_chunks::<SUMS>();
    let mut sums = [simd.splat_f32s(0.0); VECTORS];
    for (left, right) in left.iter().zip(right) {
        let (left, right) = (S::as_simd_f32s(left).0, S::as_simd_f32s(right).0);
        for i in 0..VECTORS {
            sums[i] = simd.mul_add_e_f32s(left[i], right[i], sums[i]);
        }
    }
    let mut all = [0.0; SUMS];
    let (vectors, _) = S::as_mut_simd_f32s(&mut all);
    vectors.copy_from_slice(&sums);
    for (sum, (left, right)) in all.iter_mut().zip(left_rest.iter().zip(right_rest)) {
        *sum += left * right;
    }
    let mut length = SUMS / 2;
    while length > 0 {
        let (low, high) = all.split_at_mut(length);
        for (low, &high) in low.iter_mut().zip(&*high) {
            *low += high;
        }
        length /= 2;
    }
    all[0]
}
