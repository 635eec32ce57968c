//! Winograd's algorithms for convolutions with 3x3 kernels.

/// Which of Winograd's algorithms may compute convolutions with 3x3 kernels: what their bounds allow for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Winograd {
    /// F(2x2, 3x3).
    #[default]
    Small,
    /// F(4x4, 3x3) as well: see [`Gpu::with_large_tiles`](crate::Gpu::with_large_tiles).
    Large,
}

impl Winograd {
    /// Outputs of a tile, across and down.
    pub(crate) const fn tile(self) -> usize {
        match self {
            Self::Small => 2,
            Self::Large => 4,
        }
    }

    /// Pixels that a tile is computed from, across and down.
    pub(crate) const fn patch(self) -> usize {
        self.tile() + 2
    }

    /// Numbers of a transformed tile, each the input of a matrix product of its own.
    pub(crate) const fn places(self) -> usize {
        self.patch() * self.patch()
    }
}
