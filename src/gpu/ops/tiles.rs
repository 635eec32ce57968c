//! Products by tiles in workgroup memory: the tiles, how a product is cut into them, and the sum of its parts.

use super::epilogue::Operands;
use super::kernel_choice::Tiling;
use super::{LANES, elements, parameters, slot};
use crate::error::Result;
use crate::gpu::recording::{Recording, Value, Work};
use crate::gpu::shader::{Kernel, PipelineKey};

parameters!(SumSplitsParameters {
    outputs: u32,
    splits: u32,
    channels: u32,
    channel_stride: u32,
    activation_first: f32,
    activation_second: f32,
});

/// What a workgroup computes: so many output channels at so many positions, a slice of the terms at a time. Two slices of
/// weights and inputs take 16 KiB of workgroup memory at most, which every WebGPU device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    pub(super) channels: usize,
    pub(super) positions: usize,
    /// Terms of each sum that are in workgroup memory at a time.
    pub(super) slice: usize,
    /// Output channels, and as many positions, that an invocation computes: 4 or 8.
    pub(super) each: usize,
}

impl Tile {
    /// 64 outputs an invocation: 16 products for each vector read from workgroup memory.
    pub(super) const LARGE: Self = Self::new(128, 128, 8, 8);
    /// 16 outputs an invocation: 8 products for each vector read.
    pub(super) const MEDIUM: Self = Self::new(64, 64, 16, 4);
    /// For few output channels.
    pub(super) const FLAT: Self = Self::new(32, 128, 8, 4);
    /// For few of both, and for devices with small workgroups.
    pub(super) const SMALL: Self = Self::new(32, 32, 8, 4);
    /// All tiles, the largest first.
    pub(super) const ALL: [Self; 4] = [Self::LARGE, Self::MEDIUM, Self::FLAT, Self::SMALL];

    const fn new(channels: usize, positions: usize, slice: usize, each: usize) -> Self {
        Self {
            channels,
            positions,
            slice,
            each,
        }
    }

    /// Invocations of a workgroup.
    pub(super) const fn lanes(self) -> usize {
        self.channels * self.positions / (self.each * self.each)
    }

    /// Bytes of workgroup memory: two slices of weights and of inputs.
    const fn bytes(self) -> usize {
        2 * 4 * self.slice * (self.channels + self.positions)
    }

    /// Whether a device's workgroups can be so large.
    pub(super) fn fits(self, limits: &wgpu::Limits) -> bool {
        self.lanes()
            <= limits
                .max_compute_invocations_per_workgroup
                .min(limits.max_compute_workgroup_size_x) as usize
            && self.bytes() <= limits.max_compute_workgroup_storage_size as usize
    }

    /// The constants of a kernel's header; a Real is `width` positions.
    fn constants(self, width: usize, channels_together: bool) -> [(&'static str, u32); 11] {
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
pub(super) struct Extents {
    pub(super) groups: usize,
    /// Output channels per group.
    pub(super) channels: usize,
    /// Over the whole batch.
    pub(super) positions: usize,
    pub(super) terms: usize,
}

/// How a product is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) tile: Tile,
    /// Workgroups that share the terms of each sum.
    pub(super) splits: usize,
    /// Slices of terms that each of them has; the last may have fewer, but has one.
    pub(super) split_slices: usize,
    pub(super) extents: Extents,
}

impl Cut {
    pub(super) fn new(extents: Extents, tile: Tile, splits: usize) -> Self {
        let slices = extents.terms.div_ceil(tile.slice);
        let split_slices = slices.div_ceil(splits.clamp(1, slices));
        Self {
            tile,
            splits: slices.div_ceil(split_slices),
            split_slices,
            extents,
        }
    }

    pub(super) fn channel_tiles(&self) -> usize {
        self.extents.channels.div_ceil(self.tile.channels)
    }

    pub(super) fn position_tiles(&self) -> usize {
        self.extents.positions.div_ceil(self.tile.positions)
    }

    pub(super) fn slices(&self) -> usize {
        self.extents.terms.div_ceil(self.tile.slice)
    }

    pub(super) fn workgroups(&self) -> usize {
        self.splits * self.extents.groups * self.position_tiles() * self.channel_tiles()
    }

    fn work(&self) -> Work {
        let Tile { slice, each, .. } = self.tile;
        Work::of(self.workgroups()).rounds(self.split_slices * (1 + slice / 4) + each / 4)
    }

    /// Products that are computed, those past the edges included.
    pub(super) fn products(&self) -> u128 {
        let tiles = self.extents.groups * self.position_tiles() * self.channel_tiles();
        let factors = [
            tiles,
            self.tile.positions * self.tile.channels,
            self.slices() * self.tile.slice,
        ];
        factors.into_iter().map(|factor| factor as u128).product()
    }

    /// Elements of the outputs of all splits.
    pub(super) fn parts(&self) -> u128 {
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

/// How a kernel by tiles is told what to compute.
pub(super) struct Tiled<'a> {
    pub(super) name: &'static str,
    pub(super) kernel: Kernel,
    /// Positions of a Real.
    pub(super) width: usize,
    /// Constants of the kernel's own.
    pub(super) special: &'a [(&'static str, u32)],
    /// Elements between the channels of a position of the output.
    pub(super) channel_stride: usize,
}

/// Records a product by tiles and, where its terms are split, the sum of its parts. `parameters` makes the kernel's from the
/// cut and its activation's.
pub(super) fn tiled<P: bytemuck::NoUninit>(
    how: &Tiled<'_>,
    (extents, tiling): (Extents, Tiling),
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
    pack: impl FnOnce(Tile, &mut Recording) -> Result<crate::gpu::recording::SlotId>,
    parameters: impl FnOnce(&Cut, (f32, f32)) -> P,
) -> Result<()> {
    let cut = Cut::new(extents, tiling.tile, tiling.splits);
    let packed = pack(cut.tile, recording)?;
    let own = [&cut.tile.constants(how.width, how.channel_stride == 1)[..], how.special].concat();
    let (first, parts);
    if cut.splits == 1 {
        (first, parts) = (*operands, output.clone());
    } else {
        let shape = [&[cut.splits][..], &output.shape].concat();
        (first, parts) = (operands.bare(), recording.inner(how.name, &shape)?);
    }
    let key = PipelineKey {
        kernel: how.kernel,
        constants: first.constants(&own),
        writable: 0,
    };
    let parameters = parameters(&cut, first.activation_parameters());
    let inputs = first.slots(packed)?;
    recording.dispatch(how.name, key, &parameters, &inputs, &[slot(&parts)?], cut.work())?;
    if cut.splits > 1 {
        sum_splits(how, &cut, operands, &parts, output, recording)?;
    }
    Ok(())
}

fn sum_splits(
    how: &Tiled<'_>,
    cut: &Cut,
    operands: &Operands<'_>,
    parts: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let outputs = elements(output);
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = SumSplitsParameters {
        outputs: outputs as u32,
        splits: cut.splits as u32,
        channels: (cut.extents.groups * cut.extents.channels) as u32,
        channel_stride: how.channel_stride as u32,
        activation_first,
        activation_second,
    };
    let key = PipelineKey {
        kernel: Kernel::SumSplits,
        constants: operands.constants(&[("LANES", LANES)]),
        writable: 0,
    };
    let parts = slot(parts)?;
    // What there is not, the parts stand in for.
    let [_, _, bias, residual] = operands.slots(parts)?;
    let work = Work::of(outputs.div_ceil(LANES as usize)).rounds(cut.splits);
    recording.dispatch(how.name, key, &parameters, &[parts, bias, residual], &[slot(output)?], work)
}

/// Positions of a Real: four where the planes are whole vectors.
pub(super) fn width(plane: usize) -> usize {
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
