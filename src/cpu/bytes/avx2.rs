//! Products of bytes by AVX2, which multiplies pairs of 16-bit numbers: the even and the odd bytes of words by themselves. Products of
//! bytes as such (`vpmaddubsw`) would be cut off at 16 bits.

use std::arch::x86_64::__m256i;

use pulp::NullaryFnOnce;
use pulp::x86::V3;

use super::dot::{Block, ROWS, Sums};
use crate::cpu::product::COLUMNS;

/// Vectors of eight words in a panel.
const VECTORS: usize = 2;

/// Adds a block's products to the sums.
pub(super) fn run<const SIGNED_ROWS: bool>(simd: V3, block: &Block<'_>, sums: &mut Sums<'_>) {
    simd.vectorize(Multiply::<SIGNED_ROWS> { simd, block, sums });
}

/// What is compiled for the vectors.
struct Multiply<'a, 'b, 's, const SIGNED_ROWS: bool> {
    simd: V3,
    block: &'a Block<'b>,
    sums: &'a mut Sums<'s>,
}

impl<const SIGNED_ROWS: bool> NullaryFnOnce for Multiply<'_, '_, '_, SIGNED_ROWS> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        multiply::<SIGNED_ROWS>(self.simd, self.block, self.sums);
    }
}

#[inline(always)]
fn multiply<const SIGNED_ROWS: bool>(simd: V3, block: &Block<'_>, sums: &mut Sums<'_>) {
    let avx2 = simd.avx2;
    for (panel, columns) in block.panels().enumerate() {
        let mut own: [[__m256i; VECTORS]; ROWS] = std::array::from_fn(|i| pulp::cast(sums[i][panel]));
        for (row, &column) in block.rows.iter().zip(columns) {
            let column: [__m256i; VECTORS] = pulp::cast(column);
            let column = column.map(|words| {
                if SIGNED_ROWS {
                    unsigned(simd, words)
                } else {
                    signed(simd, words)
                }
            });
            for i in 0..ROWS {
                let word = simd.avx._mm256_set1_epi32(row[i] as i32);
                let row = if SIGNED_ROWS {
                    signed(simd, word)
                } else {
                    unsigned(simd, word)
                };
                for j in 0..VECTORS {
                    for parity in 0..2 {
                        let products = avx2._mm256_madd_epi16(row[parity], column[j][parity]);
                        own[i][j] = avx2._mm256_add_epi32(own[i][j], products);
                    }
                }
            }
        }
        for (sums, own) in sums.iter_mut().zip(own) {
            sums[panel] = pulp::cast::<_, [i32; COLUMNS]>(own);
        }
    }
}

/// The even and the odd bytes of words as 16-bit numbers.
#[inline(always)]
fn unsigned(simd: V3, words: __m256i) -> [__m256i; 2] {
    let low = simd.avx._mm256_set1_epi16(0xff);
    [
        simd.avx2._mm256_and_si256(words, low),
        simd.avx2._mm256_srli_epi16::<8>(words),
    ]
}

/// The same of bytes with a sign.
#[inline(always)]
fn signed(simd: V3, words: __m256i) -> [__m256i; 2] {
    let raised = simd.avx2._mm256_slli_epi16::<8>(words);
    [
        simd.avx2._mm256_srai_epi16::<8>(raised),
        simd.avx2._mm256_srai_epi16::<8>(words),
    ]
}
