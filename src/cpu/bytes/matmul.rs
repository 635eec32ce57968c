//! The matrix product of bytes: the left matrix by rows without a sign, the right one by columns with one.

use rayon::prelude::*;

use super::dot::{ROWS, RowWords, Vectors};
use super::input::{Bytes, word};
use super::product::{Product, Rule, Run, Source, run};
use super::weights::Packed;
use crate::cpu::product::COLUMNS;

/// Matrices `[inner, columns]` as the product wants them.
#[derive(Clone, Debug)]
pub(crate) struct MatMulWeights {
    matrices: Vec<Packed<COLUMNS>>,
    inner: usize,
    columns: usize,
}

impl MatMulWeights {
    /// Packs matrices that lie one after another. None where some numbers of a column are too far from one another for bytes.
    pub(crate) fn new(right: &[i32], [inner, columns]: [usize; 2]) -> Option<Self> {
        let pack = |matrix| {
            Packed::new(matrix, [columns, inner.div_ceil(4)], |column, step, place| {
                let row = 4 * step + place;
                (row < inner).then_some(row * columns + column)
            })
        };
        let matrices = right.chunks_exact((inner * columns).max(1)).map(pack);
        Some(Self {
            matrices: matrices.collect::<Option<_>>()?,
            inner,
            columns,
        })
    }
}

/// The left side of a product.
struct Left {
    words: Vec<RowWords>,
    /// For each row, the sum of its bytes.
    sums: Vec<i32>,
}

impl Left {
    /// Packs rows of so many bytes.
    fn new(rows: &[u8], flip: u8, inner: usize) -> Self {
        let steps = inner.div_ceil(4);
        let panels = (rows.len() / inner).div_ceil(ROWS);
        let mut words = vec![[0; ROWS]; panels * steps];
        let flips = word([flip; 4]);
        let pieces = words.par_chunks_mut(steps).zip(rows.par_chunks(ROWS * inner));
        pieces.for_each(|(panel, rows)| {
            for (place, row) in rows.chunks_exact(inner).enumerate() {
                let (whole, rest) = row.as_chunks();
                for (words, &bytes) in panel.iter_mut().zip(whole) {
                    words[place] = word(bytes) ^ flips;
                }
                if let (Some(words), false) = (panel.last_mut(), rest.is_empty()) {
                    let mut last = [flip; 4];
                    last[..rest.len()].copy_from_slice(rest);
                    words[place] = word(last) ^ flips;
                }
            }
        });
        let sum = |row: &[u8]| row.iter().map(|&byte| i32::from(byte ^ flip)).fold(0, i32::wrapping_add);
        let sums = rows.par_chunks_exact(inner).map(sum).collect();
        Self { words, sums }
    }
}

/// The sums, from which `finish` makes the output's elements from this place on. `places` has for each product of matrices which of the
/// left and which of the right it is of.
pub(crate) fn matmul<O: Send>(
    vectors: Vectors,
    (left, rows): (&Bytes<'_>, usize),
    weights: &MatMulWeights,
    places: &[[usize; 2]],
    output: &mut [O],
    finish: impl Fn(usize, &mut [i32], &mut [O]) + Sync,
) {
    let (inner, columns) = (weights.inner, weights.columns);
    let lefts: Vec<Left> = (left.data().chunks_exact(rows * inner))
        .map(|rows| Left::new(rows, left.flip(), inner))
        .collect();
    let products = output.chunks_exact_mut(rows * columns).enumerate().map(|(index, output)| {
        let [left, right] = places[index];
        Product {
            rows: &lefts[left].words,
            steps: weights.matrices[right].steps,
            columns: Source::Packed(&weights.matrices[right].words),
            length: columns,
            ones: None,
            index,
            output,
        }
    });
    let rule = Rule {
        vectors,
        signed_rows: false,
        start: |at: &Run<'_>, sums: &mut [i32]| {
            let [own, right] = places[at.product];
            let right = &weights.matrices[right];
            let row_sum = lefts[own].sums[at.row];
            let own = at.column..at.column + sums.len();
            for ((sum, &of_column), &offset) in sums.iter_mut().zip(&right.sums[own.clone()]).zip(&right.offsets[own]) {
                *sum = left
                    .offset()
                    .wrapping_mul(of_column)
                    .wrapping_add(offset.wrapping_mul(row_sum));
            }
        },
        finish: |at: &Run<'_>, sums: &mut [i32], output: &mut [O]| {
            finish((at.product * rows + at.row) * columns + at.column, sums, output);
        },
    };
    run(products.collect(), &rule);
}
