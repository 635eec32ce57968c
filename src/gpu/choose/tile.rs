//! Tiles in workgroup memory, and how a matrix product is cut into them.

/// What a workgroup computes: so many output channels at so many positions, a slice of the terms at a time. Two slices of
/// weights and inputs take 16 KiB of workgroup memory at most, which every WebGPU device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Tile {
    pub(crate) channels: usize,
    pub(crate) positions: usize,
    /// Terms of each sum that are in workgroup memory at a time.
    pub(crate) slice: usize,
    /// Output channels, and as many positions, that an invocation computes: 4 or 8.
    pub(crate) each: usize,
}

impl Tile {
    /// 64 outputs an invocation: 16 products for each vector read from workgroup memory.
    pub(crate) const LARGE: Self = Self::new(128, 128, 8, 8);
    /// 16 outputs an invocation: 8 products for each vector read.
    pub(crate) const MEDIUM: Self = Self::new(64, 64, 16, 4);
    /// For few output channels.
    pub(crate) const FLAT: Self = Self::new(32, 128, 8, 4);
    /// For few of both, and for devices with small workgroups.
    pub(crate) const SMALL: Self = Self::new(32, 32, 8, 4);
    /// All tiles, the largest first.
    pub(crate) const ALL: [Self; 4] = [Self::LARGE, Self::MEDIUM, Self::FLAT, Self::SMALL];

    const fn new(channels: usize, positions: usize, slice: usize, each: usize) -> Self {
        Self {
            channels,
            positions,
            slice,
            each,
        }
    }

    /// Invocations of a workgroup.
    pub(crate) const fn lanes(self) -> usize {
        self.channels * self.positions / (self.each * self.each)
    }

    /// Bytes of workgroup memory: two slices of weights and of inputs.
    const fn bytes(self) -> usize {
        2 * 4 * self.slice * (self.channels + self.positions)
    }

    /// Whether a device's workgroups can be so large.
    pub(crate) fn fits(self, limits: &wgpu::Limits) -> bool {
        self.lanes()
            <= limits
                .max_compute_invocations_per_workgroup
                .min(limits.max_compute_workgroup_size_x) as usize
            && self.bytes() <= limits.max_compute_workgroup_storage_size as usize
    }

    /// The constants of a kernel's header; a Real is `width` positions.
    pub(crate) fn constants(self, width: usize, channels_together: bool) -> [(&'static str, u32); 11] {
        [
            ("LANES", self.lanes() as u32),
            ("TILE_CHANNELS", self.channels as u32),
            ("TILE_POSITIONS", self.positions as u32),
            ("SLICE", self.slice as u32),
            ("CHANNELS", self.each as u32),
            ("POSITIONS", self.each as u32),
            ("CHANNEL_QUADS", self.each as u32 / 4),
            ("POSITION_QUADS", self.each as u32 / 4),
            ("LATER_CHANNELS", self.each as u32 - 4),
            ("REALS", (self.each / width) as u32),
            ("CHANNELS_TOGETHER", u32::from(channels_together)),
        ]
    }
}

/// A product that is to be cut up: `groups` matrices of `channels x terms` times `terms x positions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    pub(crate) groups: usize,
    /// Output channels per group.
    pub(crate) channels: usize,
    /// Over the whole batch.
    pub(crate) positions: usize,
    pub(crate) terms: usize,
}

/// How a product is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) tile: Tile,
    /// Workgroups that share the terms of each sum.
    pub(crate) splits: usize,
    /// Slices of terms that each of them has; the last may have fewer, but has one.
    pub(crate) split_slices: usize,
    pub(crate) extents: Extents,
}

impl Cut {
    pub(crate) fn new(extents: Extents, tile: Tile, splits: usize) -> Self {
        let slices = extents.terms.div_ceil(tile.slice);
        let split_slices = slices.div_ceil(splits.clamp(1, slices));
        Self {
            tile,
            splits: slices.div_ceil(split_slices),
            split_slices,
            extents,
        }
    }

    pub(crate) fn channel_tiles(&self) -> usize {
        self.extents.channels.div_ceil(self.tile.channels)
    }

    pub(crate) fn position_tiles(&self) -> usize {
        self.extents.positions.div_ceil(self.tile.positions)
    }

    pub(crate) fn slices(&self) -> usize {
        self.extents.terms.div_ceil(self.tile.slice)
    }

    pub(crate) fn workgroups(&self) -> usize {
        self.splits * self.extents.groups * self.position_tiles() * self.channel_tiles()
    }

    /// Products that are computed, those past the edges included.
    pub(crate) fn products(&self) -> u128 {
        let tiles = self.extents.groups * self.position_tiles() * self.channel_tiles();
        let factors = [
            tiles,
            self.tile.positions * self.tile.channels,
            self.slices() * self.tile.slice,
        ];
        factors.into_iter().map(|factor| factor as u128).product()
    }

    /// Elements of the outputs of all splits.
    pub(crate) fn parts(&self) -> u128 {
        let Extents {
            groups,
            channels,
            positions,
            ..
        } = self.extents;
        [self.splits, groups, channels, positions]
            .into_iter()
            .map(|factor| factor as u128)
            .product()
    }
}

/// Positions of a Real: four where the planes are whole vectors.
pub(crate) fn width(plane: usize) -> usize {
    if plane.is_multiple_of(4) { 4 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_loads_four_inputs_and_at_most_four_weights() {
        for tile in Tile::ALL {
            assert_eq!(tile.slice * tile.positions / 4, tile.lanes(), "{tile:?}");
            assert!(tile.slice * tile.channels / 4 <= tile.lanes(), "{tile:?}");
            assert!(
                tile.fits(&wgpu::Limits::default()) && tile.slice.is_multiple_of(4),
                "{tile:?}"
            );
            // The swizzle of shared/tile_columns.wgsl stays within a row.
            assert!((tile.positions / 4).is_multiple_of(8), "{tile:?}");
        }
        let small = wgpu::Limits {
            max_compute_invocations_per_workgroup: 128,
            ..wgpu::Limits::default()
        };
        assert!(Tile::SMALL.fits(&small) && !Tile::MEDIUM.fits(&small));
    }

    #[test]
    fn splits_cover_the_slices_and_none_is_empty() {
        for terms in [1, 7, 8, 9, 100, 1000] {
            for splits in 1..20 {
                let extents = Extents {
                    groups: 1,
                    channels: 3,
                    positions: 5,
                    terms,
                };
                let cut = Cut::new(extents, Tile::SMALL, splits);
                assert!(
                    cut.splits <= splits && cut.splits * cut.split_slices >= cut.slices(),
                    "{cut:?}"
                );
                assert!((cut.splits - 1) * cut.split_slices < cut.slices(), "{cut:?}");
            }
        }
    }
}
