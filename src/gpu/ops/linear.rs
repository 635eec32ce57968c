//! The matrix product that serves linear and pointwise convolution, and the packing of weights.

use super::{LANES, elements, parameters, slot};
use crate::error::Result;
use crate::gpu::AdapterKind;
use crate::gpu::recording::{Recording, SlotId, Value};
use crate::gpu::shader::{Kernel, PipelineKey};

parameters!(GemmParameters {
    in_channels: u32,
    out_channels: u32,
    positions: u32,
    position_blocks: u32,
    channel_blocks: u32,
    groups: u32,
    batch: u32,
    in_channel_stride: u32,
    in_position_stride: u32,
    out_channel_stride: u32,
    out_position_stride: u32,
});
parameters!(PackParameters {
    in_channels: u32,
    out_channels: u32,
    taps: u32,
    channel_blocks: u32,
    elements: u32
});

/// A matrix product for each batch entry and group: `out_channels x in_channels` times `in_channels x positions`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gemm {
    pub(super) batch: usize,
    pub(super) groups: usize,
    /// Per group.
    pub(super) in_channels: usize,
    /// Per group.
    pub(super) out_channels: usize,
    pub(super) positions: usize,
    /// Elements between channels and between positions of the input, then of the output.
    pub(super) strides: [usize; 4],
    pub(super) broadcast: bool,
}

/// How many outputs an invocation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Along the plane.
    pub(super) positions: usize,
    /// Output channels, a multiple of 8.
    pub(super) channels: usize,
}

impl Block {
    /// The block that is cheapest for `rows` positions (in units of a whole row of lanes) and so many channels.
    ///
    /// On software adapters every load is a gather that costs as much as fifty multiply-adds, so blocks are as large
    /// as the accumulators allow. On GPUs loads are cheap and registers scarce.
    pub(super) fn choose(kind: AdapterKind, rows: usize, channels: usize) -> Self {
        const GATHER: usize = 50;
        let (most, candidates): (usize, &[usize]) = if kind == AdapterKind::Software {
            (256, &[1, 2, 4, 7, 8, 14])
        } else {
            (32, &[1, 2, 4])
        };
        candidates
            .iter()
            .flat_map(|&positions| [8, 16, 32].map(|channels| Self { positions, channels }))
            .filter(|block| block.positions * block.channels <= most)
            .min_by_key(|block| {
                let blocks = rows.div_ceil(block.positions) * channels.div_ceil(block.channels);
                blocks * ((block.positions + block.channels / 8) * GATHER + block.positions * block.channels)
            })
            .unwrap_or(Self {
                positions: 1,
                channels: 8,
            })
    }
}

/// The invocations of a workgroup: eight where weights are handed round, else what the adapter likes.
pub(super) fn lanes(recording: &Recording, broadcast: bool) -> u32 {
    if broadcast || recording.capabilities.kind == AdapterKind::Software {
        8
    } else {
        LANES
    }
}

/// Records the packing of `[groups * out_channels, in_channels, taps]` into blocks of channels; done once for constants.
pub(super) fn pack_weights(
    name: &'static str,
    weight: &Value,
    (groups, out_channels, in_channels, taps): (usize, usize, usize, usize),
    block_channels: usize,
    recording: &mut Recording,
) -> Result<SlotId> {
    let channel_blocks = out_channels.div_ceil(block_channels);
    let elements = groups * channel_blocks * taps * in_channels * block_channels;
    let packed = recording.scratch(name, elements)?;
    let key = PipelineKey::new(Kernel::PackWeights, [("LANES", LANES), ("CHANNELS", block_channels as u32)]);
    let parameters = PackParameters {
        in_channels: in_channels as u32,
        out_channels: out_channels as u32,
        taps: taps as u32,
        channel_blocks: channel_blocks as u32,
        elements: elements as u32,
    };
    recording.dispatch(
        name,
        key,
        &parameters,
        &[slot(weight)?],
        &[packed],
        elements.div_ceil(LANES as usize),
    )?;
    Ok(packed)
}

/// Records a matrix product. Without a bias the weight stands in its binding.
pub(super) fn gemm(
    name: &'static str,
    gemm: &Gemm,
    (input, weight, bias): (&Value, &Value, Option<&Value>),
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let lanes = lanes(recording, gemm.broadcast);
    let block = Block::choose(
        recording.capabilities.kind,
        gemm.positions.div_ceil(lanes as usize),
        gemm.out_channels,
    );
    let packed = pack_weights(
        name,
        weight,
        (gemm.groups, gemm.out_channels, gemm.in_channels, 1),
        block.channels,
        recording,
    )?;
    let position_blocks = gemm.positions.div_ceil(lanes as usize * block.positions);
    let channel_blocks = gemm.out_channels.div_ceil(block.channels);
    let kernel = if gemm.broadcast { Kernel::GemmBroadcast } else { Kernel::Gemm };
    let constants = [
        ("LANES", lanes),
        ("POSITIONS", block.positions as u32),
        ("CHANNELS", block.channels as u32),
        ("OCTETS", block.channels as u32 / 8),
        ("HAS_BIAS", u32::from(bias.is_some())),
    ];
    let [in_channel_stride, in_position_stride, out_channel_stride, out_position_stride] = gemm.strides.map(|stride| stride as u32);
    let parameters = GemmParameters {
        in_channels: gemm.in_channels as u32,
        out_channels: gemm.out_channels as u32,
        positions: gemm.positions as u32,
        position_blocks: position_blocks as u32,
        channel_blocks: channel_blocks as u32,
        groups: gemm.groups as u32,
        batch: gemm.batch as u32,
        in_channel_stride,
        in_position_stride,
        out_channel_stride,
        out_position_stride,
    };
    let inputs = [slot(input)?, packed, slot(bias.unwrap_or(weight))?];
    let workgroups = gemm.batch * gemm.groups * channel_blocks * position_blocks;
    recording.dispatch(
        name,
        PipelineKey::new(kernel, constants),
        &parameters,
        &inputs,
        &[slot(output)?],
        workgroups,
    )
}

/// Linear is a matrix product whose positions are the rows of the batch.
pub(super) fn lower(inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let (out_features, in_features) = (inputs[1].shape[0], inputs[1].shape[1]);
    let product = Gemm {
        batch: 1,
        groups: 1,
        in_channels: in_features,
        out_channels: out_features,
        positions: elements(&inputs[0]) / in_features,
        strides: [1, in_features, 1, out_features],
        broadcast: recording.capabilities.prefers_broadcast(),
    };
    gemm("linear", &product, (&inputs[0], &inputs[1], inputs.get(2)), output, recording)
}
