//! A block of a product of bytes in registers: in each step four bytes of every row by four of every column.

use pulp::{Simd, WithSimd};

use super::input::byte;
use super::strip::Strip;
#[cfg(target_arch = "x86_64")]
use super::{avx2, vnni};
use crate::cpu::product::COLUMNS;
use crate::cpu::vectors::{dispatch, lanes};

/// Rows in registers: by four panels of columns they are 24 accumulators of the 32 registers that AVX-512 has.
pub(super) const ROWS: usize = 6;
/// Panels of columns in registers at most.
pub(super) const PANELS: usize = 4;

/// The four bytes of each row in one step.
pub(super) type RowWords = [u32; ROWS];
/// The four bytes of each column of a panel in one step.
pub(super) type ColumnWords = [u32; COLUMNS];

/// What multiplies bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Vectors {
    /// Whatever the compiler makes of plain loops.
    Portable,
    /// Pairs of 16-bit products.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// Four 8-bit products at a time, added up in 32 bits: `vpdpbusd`.
    #[cfg(target_arch = "x86_64")]
    Vnni(vnni::Vnni),
}

impl Vectors {
    /// The fastest that this process uses.
    pub(crate) fn best() -> Self {
        let lanes = lanes();
        Self::all()
            .rfind(|vectors| vectors.lanes() <= lanes)
            .unwrap_or(Self::Portable)
    }

    /// Whether sums on blocks of channels are faster than products.
    pub(super) fn has_blocks(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(_) => true,
            _ => false,
        }
    }

    /// Writes the sums of a strip, `[block][position]`.
    pub(super) fn strip(self, strip: &Strip<'_>, sums: &mut [[i32; COLUMNS]]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(vnni) => vnni.strip(strip, sums),
            _ => strip.portable(sums),
        }
    }

    /// Floats of as many bits as a vector has.
    fn lanes(self) -> usize {
        match self {
            Self::Portable => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 8,
            #[cfg(target_arch = "x86_64")]
            Self::Vnni(_) => 16,
        }
    }

    /// All that this machine has, the fastest last.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn all() -> impl DoubleEndedIterator<Item = Self> {
        let avx2 = pulp::x86::V3::try_new().map(Self::Avx2);
        [Some(Self::Portable), avx2, vnni::Vnni::detect().map(Self::Vnni)]
            .into_iter()
            .flatten()
    }

    /// All that this machine has, the fastest last.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn all() -> impl DoubleEndedIterator<Item = Self> {
        [Self::Portable].into_iter()
    }
}

/// A panel of rows by some panels of columns, which lie one after another and have as many steps as the rows.
pub(super) struct Block<'a> {
    pub(super) rows: &'a [RowWords],
    pub(super) columns: &'a [ColumnWords],
    /// The rows' bytes have a sign and the columns' have none, or the other way round.
    pub(super) signed_rows: bool,
}

/// What sums are added to: of each row, the panels of columns.
pub(super) type Sums<'a> = [&'a mut [[i32; COLUMNS]]; ROWS];

impl Block<'_> {
    /// Adds the products to what is in `sums`.
    pub(super) fn run(&self, vectors: Vectors, sums: &mut Sums<'_>) {
        if self.signed_rows {
            self.signed::<true>(vectors, sums);
        } else {
            self.signed::<false>(vectors, sums);
        }
    }

    fn signed<const SIGNED_ROWS: bool>(&self, vectors: Vectors, sums: &mut Sums<'_>) {
        match vectors {
            Vectors::Portable => dispatch(Portable::<SIGNED_ROWS>(self, sums)),
            #[cfg(target_arch = "x86_64")]
            Vectors::Avx2(simd) => avx2::run::<SIGNED_ROWS>(simd, self, sums),
            #[cfg(target_arch = "x86_64")]
            Vectors::Vnni(vnni) => vnni.run::<SIGNED_ROWS>(self, sums),
        }
    }

    /// The steps of each panel of columns.
    #[inline(always)]
    pub(super) fn panels(&self) -> impl Iterator<Item = &[ColumnWords]> {
        self.columns.chunks_exact(self.rows.len().max(1))
    }
}

/// A block and its sums by plain loops.
struct Portable<'a, 'b, 's, const SIGNED_ROWS: bool>(&'a Block<'b>, &'a mut Sums<'s>);

impl<const SIGNED_ROWS: bool> WithSimd for Portable<'_, '_, '_, SIGNED_ROWS> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        portable::<SIGNED_ROWS>(self.0, self.1);
    }
}

#[inline(always)]
fn portable<const SIGNED_ROWS: bool>(block: &Block<'_>, sums: &mut Sums<'_>) {
    for (panel, columns) in block.panels().enumerate() {
        let mut own: [[i32; COLUMNS]; ROWS] = std::array::from_fn(|i| sums[i][panel]);
        for (row, column) in block.rows.iter().zip(columns) {
            for place in 0..4 {
                let factors = column.map(|word| {
                    if SIGNED_ROWS {
                        byte::<false>(word, place)
                    } else {
                        byte::<true>(word, place)
                    }
                });
                for i in 0..ROWS {
                    let row = byte::<SIGNED_ROWS>(row[i], place);
                    for j in 0..COLUMNS {
                        own[i][j] = own[i][j].wrapping_add(row.wrapping_mul(factors[j]));
                    }
                }
            }
        }
        for (sums, own) in sums.iter_mut().zip(own) {
            sums[panel] = own;
        }
    }
}
