//! Register blocks: how many outputs an invocation computes, and the weights packed to suit.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::lower::common::slot;
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::matmul::PackParameters;
use crate::shape::element_count;

/// How many outputs an invocation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Along the plane.
    pub(crate) positions: usize,
    /// Output channels, a multiple of 8.
    pub(crate) channels: usize,
}

/// The accumulators that pay where loads are gathers: beyond, they spill.
pub(crate) const MOST_SUMS: usize = 256;

/// Output channels that are stored a round, by code that stands once for all rounds: stores are dear to compile.
pub(crate) const ROUND: u32 = 4;

impl Block {
    /// The block that is cheapest for so many channels and `rows` rows of positions; a row is one position a lane, and a
    /// position is `width` elements (1 or 4) that are loaded at once.
    ///
    /// `most` is how many accumulators a block may have where weights are handed round: [`MOST_SUMS`], or fewer where that
    /// takes too long to compile.
    ///
    /// Where weights are handed round a subgroup, every load is a gather that costs as much as fifty multiply-adds, four
    /// elements at once as much as 130, so blocks are as large as the accumulators allow. Elsewhere loads are cheap and
    /// registers scarce, or, on software adapters without such subgroups, large kernels take minutes to compile.
    pub(crate) fn choose(broadcast: bool, most: usize, width: usize, rows: usize, channels: usize) -> Self {
        const QUAD_GATHER: usize = 130;
        let gather = if width == 4 { QUAD_GATHER } else { 50 };
        let (most, candidates): (usize, &[usize]) = if broadcast {
            (most, &[1, 2, 4, 8, 14])
        } else {
            (32, &[1, 2, 4])
        };
        candidates
            .iter()
            .flat_map(|&positions| [8, 16, 32].map(|channels| Self { positions, channels }))
            .filter(|block| block.positions * width * block.channels <= most)
            .min_by_key(|block| {
                let blocks = rows.div_ceil(block.positions) * channels.div_ceil(block.channels);
                let products = block.positions * width * block.channels;
                blocks * (block.positions * gather + QUAD_GATHER + 3 * block.channels + products)
            })
            .unwrap_or(Self {
                positions: 1,
                channels: 8,
            })
    }

    /// The constants of a kernel's header that say what an invocation computes, and how many channels it stores a round.
    pub(crate) fn constants(&self, lanes: u32, positions: &'static str, round: u32) -> [(&'static str, u32); 6] {
        let channels = self.channels as u32;
        [
            ("LANES", lanes),
            (positions, self.positions as u32),
            ("CHANNELS", channels),
            ("QUADS", channels / 4),
            ("ROUND", round),
            ("LATER_CHANNELS", channels - round),
        ]
    }
}

/// The invocations of a workgroup: eight where weights are handed round, else what the adapter likes.
pub(crate) fn lanes(recording: &Recording, broadcast: bool) -> u32 {
    if broadcast || recording.capabilities.class == DeviceClass::Software {
        8
    } else {
        LANES
    }
}

/// How a weight lies in memory. Channels are counted per group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightLayout {
    pub(crate) groups: usize,
    pub(crate) out_channels: usize,
    pub(crate) in_channels: usize,
    pub(crate) taps: usize,
    /// Whether input channels come before output channels, as in transposed convolution.
    pub(crate) transposed: bool,
}

/// Records the packing of a weight into blocks of output channels; done once for constants, and once for all that need it alike.
/// Each block has zeros up to whole slices of so many terms.
pub(crate) fn pack_weights(
    name: &'static str,
    weight: &Value,
    layout: &WeightLayout,
    block_channels: usize,
    slice: usize,
    recording: &mut Recording,
) -> Result<SlotId> {
    let WeightLayout {
        groups,
        out_channels,
        in_channels,
        taps,
        transposed,
    } = *layout;
    let channel_blocks = out_channels.div_ceil(block_channels);
    let depth = element_count(name, &[taps, in_channels])?.next_multiple_of(slice);
    let elements = element_count(name, &[groups, channel_blocks, depth, block_channels])?;
    let rows = elements / block_channels;
    let weight = slot(weight)?;
    let (out_channel_stride, in_channel_stride) = if transposed {
        (taps, out_channels * taps)
    } else {
        (in_channels * taps, taps)
    };
    let key = PipelineKey::new(Kernel::PackWeights, [("LANES", LANES), ("CHANNELS", block_channels as u32)]);
    let parameters = PackParameters {
        in_channels: in_channels as u32,
        out_channels: out_channels as u32,
        taps: taps as u32,
        channel_blocks: channel_blocks as u32,
        depth: depth as u32,
        rows: rows as u32,
        out_channel_stride: out_channel_stride as u32,
        in_channel_stride: in_channel_stride as u32,
    };
    if let Some(packed) = recording.recorded(&key, &parameters, weight) {
        return Ok(packed);
    }
    let packed = recording.scratch_as(name, elements, recording.slots[weight.0].storage.of_floats())?;
    let work = Work::of(rows.div_ceil(LANES as usize)).rounds(block_channels / 4);
    recording.dispatch(name, key.clone(), &parameters, &[weight], &[packed], work)?;
    recording.remember(key, &parameters, weight, packed);
    Ok(packed)
}
