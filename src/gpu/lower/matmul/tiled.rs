//! Matrix products on real GPUs: by tiles in workgroup memory, or, for few positions, by rows of the weight.

use crate::error::Result;
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::kernel_choice::Tiling;
use crate::gpu::choose::rules;
use crate::gpu::choose::tile::width;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::register_block::{WeightLayout, pack_weights};
use crate::gpu::lower::matmul::split_k::{Tiled, tiled};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::Kernel;
use crate::gpu::wgsl::parameters::matmul::{GemmTiledParameters, GemvRowsParameters};

/// Records a matrix product by tiles.
pub(crate) fn gemm_tiled(
    name: &'static str,
    gemm: &Gemm,
    tiling: Tiling,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let extents = gemm.extents();
    let [in_channel_stride, in_position_stride, out_channel_stride, out_position_stride] = gemm.strides;
    let (kernel, width) = if in_position_stride == 1 && out_position_stride == 1 && width(gemm.positions) == 4 {
        (Kernel::GemmTiledQuads, 4)
    } else if in_channel_stride == 1 {
        (Kernel::GemmTiledColumns, 1)
    } else {
        (Kernel::GemmTiled, 1)
    };
    let how = Tiled {
        name,
        kernel,
        width,
        special: &[],
        channel_stride: out_channel_stride,
    };
    let layout = WeightLayout {
        groups: gemm.groups,
        out_channels: gemm.out_channels,
        in_channels: gemm.in_channels,
        taps: 1,
        transposed: gemm.transposed,
    };
    tiled(
        &how,
        (extents, tiling),
        operands,
        output,
        recording,
        |tile, recording| pack_weights(name, operands.weight, &layout, tile.channels, tile.slice, recording),
        |cut, (activation_first, activation_second)| GemmTiledParameters {
            terms: extents.terms as u32,
            out_channels: extents.channels as u32,
            positions: gemm.positions as u32,
            all_positions: extents.positions as u32,
            channel_tiles: cut.channel_tiles() as u32,
            position_tiles: cut.position_tiles() as u32,
            groups: extents.groups as u32,
            workgroups: cut.workgroups() as u32,
            slices: cut.slices() as u32,
            split_slices: cut.split_slices as u32,
            outputs: (extents.positions * extents.groups * extents.channels / width) as u32,
            in_channel_stride: in_channel_stride as u32,
            in_position_stride: in_position_stride as u32,
            out_channel_stride: (out_channel_stride / width) as u32,
            out_position_stride: out_position_stride as u32,
            activation_first,
            activation_second,
        },
    )
}

/// Records a matrix product of few positions whose terms lie together: a linear layer of few rows, or a pointwise convolution
/// of images of one pixel. The weight is read as it is.
pub(crate) fn gemv_rows(
    name: &'static str,
    gemm: &Gemm,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    const CHANNELS: usize = 4;
    let positions = gemm.batch * gemm.positions;
    let across = positions.next_power_of_two().min(4);
    let (kernel, width) = if gemm.in_channels.is_multiple_of(4) {
        (Kernel::GemvRowsQuads, 4)
    } else {
        (Kernel::GemvRows, 1)
    };
    let channel_blocks = gemm.out_channels.div_ceil(CHANNELS);
    let position_blocks = positions.div_ceil(across);
    let workgroups = gemm.groups * position_blocks * channel_blocks;
    let lanes = rules::long_row_lanes(recording.capabilities.class);
    let own = [
        ("LANES", lanes),
        ("CHANNELS", CHANNELS as u32),
        ("POSITIONS", across as u32),
        ("SUMS", (CHANNELS * across) as u32),
    ];
    let key = operands.key(kernel, &own);
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = GemvRowsParameters {
        terms: (gemm.in_channels / width) as u32,
        out_channels: gemm.out_channels as u32,
        positions: positions as u32,
        channel_blocks: channel_blocks as u32,
        position_blocks: position_blocks as u32,
        groups: gemm.groups as u32,
        workgroups: workgroups as u32,
        activation_first,
        activation_second,
    };
    let inputs = operands.slots(slot(operands.weight)?)?;
    // Along the terms, then the halves of a tree, in each so many sums.
    let rounds = (gemm.in_channels / width).div_ceil(lanes as usize) + lanes.ilog2() as usize * (1 + CHANNELS * across);
    let work = Work::of(workgroups).rounds(rounds);
    recording.dispatch(name, key, &parameters, &inputs, &[slot(output)?], work)
}
