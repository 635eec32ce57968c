//! Matrix products as kernels see them.

use crate::gpu::choose::tile::Extents;

/// A matrix product for each batch entry and group: `out_channels x in_channels` times `in_channels x positions`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gemm {
    pub(crate) batch: usize,
    pub(crate) groups: usize,
    /// Per group.
    pub(crate) in_channels: usize,
    /// Per group.
    pub(crate) out_channels: usize,
    pub(crate) positions: usize,
    /// Elements between channels and between positions of the input, then of the output. Where positions lie together,
    /// channels may be further apart than they are many.
    pub(crate) strides: [usize; 4],
    /// Whether the weight's input channels come before its output channels.
    pub(crate) transposed: bool,
}

impl Gemm {
    /// A linear layer: its positions are the rows of the batch.
    pub(crate) fn linear(rows: usize, in_features: usize, out_features: usize) -> Self {
        Self {
            batch: 1,
            groups: 1,
            in_channels: in_features,
            out_channels: out_features,
            positions: rows,
            strides: [1, in_features, 1, out_features],
            transposed: false,
        }
    }

    /// So many products of two matrices, the left one as the weight.
    pub(crate) fn matmul(matrices: usize, rows: usize, inner: usize, columns: usize) -> Self {
        Self {
            batch: 1,
            groups: matrices,
            in_channels: inner,
            out_channels: rows,
            positions: columns,
            strides: [columns, 1, columns, 1],
            transposed: false,
        }
    }

    /// What is cut into tiles.
    pub(crate) fn extents(&self) -> Extents {
        Extents {
            groups: self.groups,
            channels: self.out_channels,
            positions: self.batch * self.positions,
            terms: self.in_channels,
        }
    }
}

/// Vectors of four positions that subgroups of eight compute for so many: whole ones along the positions, or along the channels
/// where positions are few.
pub(crate) fn quads_computed(quads: usize) -> usize {
    if quads <= 4 {
        quads.next_power_of_two()
    } else {
        quads.next_multiple_of(8)
    }
}
