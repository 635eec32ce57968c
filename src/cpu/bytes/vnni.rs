//! Products of bytes by AVX-512's `vpdpbusd`: four bytes without a sign by four with one, added up in 32 bits. The one file of the CPU
//! backend with an `unsafe` block: no library gives the instruction a safe function.

use std::arch::x86_64::{__m512i, _mm512_dpbusd_epi32, _mm512_set1_epi32};

use bytemuck::cast;

use super::dot::{Block, ColumnWords, PANELS, ROWS, Sums};

/// That this machine has the instruction: made by [`Vnni::detect`] alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vnni(());

impl Vnni {
    pub(super) fn detect() -> Option<Self> {
        let is_there = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        is_there.then_some(Self(()))
    }

    /// Adds a block's products to the sums.
    #[expect(clippy::unused_self, reason = "that there is one says that the vectors are there")]
    #[expect(
        unsafe_code,
        reason = "a function for this machine's vectors is called, once they are known to be there"
    )]
    pub(super) fn run<const SIGNED_ROWS: bool>(self, block: &Block<'_>, sums: &mut Sums<'_>) {
        // SAFETY: the functions are safe but for the vectors that they are compiled for. There is a `Vnni` only where
        // `Vnni::detect` has found these.
        unsafe { multiply::<SIGNED_ROWS>(block, sums) }
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply<const SIGNED_ROWS: bool>(block: &Block<'_>, sums: &mut Sums<'_>) {
    let steps = block.rows.len();
    let panels = block.columns.len() / steps.max(1);
    let mut first = 0;
    while first < panels {
        let columns = &block.columns[first * steps..];
        match panels - first {
            1 => some_panels::<1, SIGNED_ROWS>(block, columns, first, sums),
            2 => some_panels::<2, SIGNED_ROWS>(block, columns, first, sums),
            3 => some_panels::<3, SIGNED_ROWS>(block, columns, first, sums),
            _ => some_panels::<PANELS, SIGNED_ROWS>(block, columns, first, sums),
        }
        first += PANELS;
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn some_panels<const COUNT: usize, const SIGNED_ROWS: bool>(
    block: &Block<'_>,
    columns: &[ColumnWords],
    first: usize,
    sums: &mut Sums<'_>,
) {
    let steps = block.rows.len();
    let mut own: [[__m512i; COUNT]; ROWS] = std::array::from_fn(|i| std::array::from_fn(|j| cast(sums[i][first + j])));
    let columns: [&[ColumnWords]; COUNT] = std::array::from_fn(|j| &columns[j * steps..(j + 1) * steps]);
    for (step, row) in block.rows.iter().enumerate() {
        let column: [__m512i; COUNT] = std::array::from_fn(|j| cast(columns[j][step]));
        for i in 0..ROWS {
            let row = _mm512_set1_epi32(row[i] as i32);
            for j in 0..COUNT {
                own[i][j] = if SIGNED_ROWS {
                    _mm512_dpbusd_epi32(own[i][j], column[j], row)
                } else {
                    _mm512_dpbusd_epi32(own[i][j], row, column[j])
                };
            }
        }
    }
    for (sums, own) in sums.iter_mut().zip(own) {
        for (sums, own) in sums[first..].iter_mut().zip(own) {
            *sums = cast(own);
        }
    }
}
