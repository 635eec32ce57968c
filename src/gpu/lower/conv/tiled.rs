//! Convolution by tiles in workgroup memory: an implicit matrix product, of any kernel, stride, dilation, padding and groups.

use crate::error::Result;
use crate::gpu::choose::kernel_choice::Tiling;
use crate::gpu::choose::problem::Problem;
use crate::gpu::choose::tile::width;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::register_block::{WeightLayout, pack_weights};
use crate::gpu::lower::matmul::split_k::{Tiled, tiled};
use crate::gpu::plan::recording::{Recording, Value};
use crate::gpu::wgsl::kernel::Kernel;
use crate::gpu::wgsl::parameters::conv::Conv2dTiledParameters;

/// Records a convolution that is not transposed.
pub(crate) fn conv2d_tiled(
    problem: &Problem,
    tiling: Tiling,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let geometry = &problem.geometry;
    let (in_channels, out_channels) = (problem.in_channels_per_group(), problem.out_channels_per_group());
    let taps = geometry.kernel.height * geometry.kernel.width;
    let plane = geometry.output.height * geometry.output.width;
    let extents = problem.extents();
    let width = width(plane);
    let how = Tiled {
        name: problem.name,
        kernel: if width == 4 {
            Kernel::Conv2dTiledQuads
        } else {
            Kernel::Conv2dTiled
        },
        width,
        special: &[("PADDING_MODE", problem.padding_mode)],
        channel_stride: plane,
    };
    let layout = WeightLayout {
        groups: problem.groups,
        out_channels,
        in_channels,
        taps,
        transposed: false,
    };
    tiled(
        &how,
        (extents, tiling),
        operands,
        output,
        recording,
        |tile, recording| pack_weights(problem.name, operands.weight, &layout, tile.channels, tile.slice, recording),
        |cut, (activation_first, activation_second)| Conv2dTiledParameters {
            in_channels: in_channels as u32,
            in_height: geometry.input.height as u32,
            in_width: geometry.input.width as u32,
            out_channels: out_channels as u32,
            out_width: geometry.output.width as u32,
            kernel_width: geometry.kernel.width as u32,
            stride_height: problem.stride_height,
            stride_width: problem.stride_width,
            dilation_height: problem.dilation_height,
            dilation_width: problem.dilation_width,
            pad_top: geometry.padding.top as u32,
            pad_left: geometry.padding.left as u32,
            terms: extents.terms as u32,
            positions: plane as u32,
            all_positions: extents.positions as u32,
            channel_tiles: cut.channel_tiles() as u32,
            position_tiles: cut.position_tiles() as u32,
            groups: extents.groups as u32,
            workgroups: cut.workgroups() as u32,
            slices: cut.slices() as u32,
            split_slices: cut.split_slices as u32,
            outputs: (extents.positions * extents.groups * extents.channels / width) as u32,
            out_channel_stride: (plane / width) as u32,
            out_position_stride: 1,
            activation_first,
            activation_second,
        },
    )
}
