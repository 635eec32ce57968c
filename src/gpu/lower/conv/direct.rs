//! Convolution: the algorithms, which one is taken, and their kernel calls.

use crate::gpu::choose::plane::ConvPlane;
use crate::gpu::choose::problem::Problem;
use crate::gpu::choose::problem::problem;
use crate::gpu::lower::decide::decide;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::gpu::choose::kernel_choice::How;
use crate::gpu::choose::problem::check_extent;
use crate::gpu::choose::rules;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::lower::common::{slot, varies};
use crate::gpu::lower::conv::im2col::im2col;
use crate::gpu::lower::conv::tiled::conv2d_tiled;
use crate::gpu::lower::conv::volume::VolumeConv;
use crate::gpu::lower::conv::winograd::winograd;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::gemm::gemm;
use crate::gpu::lower::matmul::long_sums;
use crate::gpu::lower::matmul::register_block::{Block, MOST_SUMS, ROUND, WeightLayout, lanes, pack_weights};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::Kernel;
use crate::gpu::wgsl::parameters::conv::{DepthwiseParameters, DirectParameters};
use crate::ops::{Conv, ConvTranspose};
use crate::padding::PaddingMode;

const NAME: &str = "conv2d";

pub(crate) fn lower(op: &Conv, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    let bias = operands.bias.map(|bias| bias.shape.as_slice());
    let geometry = op.geometry(&operands.input.shape, &operands.weight.shape, bias)?;
    if let &[depth, height, width] = geometry.axes.as_slice() {
        let volume = VolumeConv {
            name: NAME,
            geometry: &geometry,
            axes: [depth, height, width],
            groups: op.groups,
            padding_mode: op.padding_mode,
            transposed: false,
        };
        return volume.lower(operands, output, recording);
    }
    let problem = problem(op, &operands.input.shape, &operands.weight.shape, bias)?;
    let layer = LayerSignature::conv2d(op.groups, &problem.geometry, varies(operands.weight, recording));
    let forced = (recording.policy.conv2d).map(|forced| rules::complete(forced, &problem, &recording.capabilities));
    if let (Some(how), Some(algorithm)) = (forced, recording.policy.conv2d)
        && let Some(reason) = how.obstacle(&problem, &recording.capabilities)
    {
        return Err(Error::unsupported(
            NAME,
            format!("the algorithm {algorithm:?} does not apply: {reason}"),
        ));
    }
    let rule = |capabilities: &_| forced.unwrap_or_else(|| rules::conv2d(&problem, capabilities));
    decide(layer, recording, rule, |how, recording| {
        lower_by(how, &problem, operands, output, recording)
    })
}

pub(crate) fn lower_by(
    how: How,
    problem: &Problem,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    match how {
        How::Direct => direct(problem, false, operands, output, recording),
        How::DirectBroadcast => direct(problem, true, operands, output, recording),
        How::Depthwise => depthwise(problem, operands, output, recording),
        How::Tiled(tiling) => conv2d_tiled(problem, tiling, operands, output, recording),
        How::Product(by) => gemm(problem.name, &problem.product(), by, operands, output, recording),
        How::Im2col(by) => im2col(problem, by, operands, output, recording),
        How::Winograd(tiles, by) => winograd(
            &problem.geometry,
            tiles,
            by,
            problem.padding_mode,
            operands,
            output,
            recording,
        ),
        How::MatMul => Err(Error::Internal("a convolution was given the kernel of matmul".to_owned())),
    }
}

pub(crate) fn lower_transposed(
    op: &ConvTranspose,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    const NAME: &str = "conv_transpose2d";
    let bias = operands.bias.map(|bias| bias.shape.as_slice());
    let geometry = op.geometry(&operands.input.shape, &operands.weight.shape, bias)?;
    if let &[depth, height, width] = geometry.axes.as_slice() {
        let volume = VolumeConv {
            name: NAME,
            geometry: &geometry,
            axes: [depth, height, width],
            groups: op.groups,
            padding_mode: PaddingMode::Zeros,
            transposed: true,
        };
        return volume.lower(operands, output, recording);
    }
    let geometry = ConvPlane::new(NAME, &geometry)?;
    check_extent(NAME, geometry.output.height, geometry.padding.top, geometry.padding.bottom)?;
    check_extent(NAME, geometry.output.width, geometry.padding.left, geometry.padding.right)?;
    let broadcast = recording.capabilities.prefers_broadcast();
    direct(&Problem::new_transposed(op, geometry), broadcast, operands, output, recording)
}

fn direct(problem: &Problem, broadcast: bool, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    let kernel = problem.geometry.kernel;
    let parts = long_sums::boxes(
        [kernel.height * kernel.width, problem.in_channels_per_group()],
        operands.exact,
        recording,
    );
    long_sums::in_parts(
        problem.name,
        &parts,
        operands,
        output,
        recording,
        |part, operands, output, recording| direct_part(problem, broadcast, part, operands, output, recording),
    )
}

/// The terms of some taps in some channels.
fn direct_part(
    problem: &Problem,
    broadcast: bool,
    [tap_range, channel_range]: &[Range<usize>; 2],
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let geometry = &problem.geometry;
    let lanes = lanes(recording, broadcast);
    let (in_channels, out_channels) = (problem.in_channels_per_group(), problem.out_channels_per_group());
    let taps = geometry.kernel.height * geometry.kernel.width;
    let block = Block::choose(broadcast, MOST_SUMS, 1, geometry.output.height, out_channels);
    let layout = WeightLayout {
        groups: problem.groups,
        out_channels,
        in_channels,
        taps,
        transposed: problem.transposed,
    };
    let packed = pack_weights(problem.name, operands.weight, &layout, block.channels, 1, recording)?;
    let row_blocks = geometry.output.height.div_ceil(block.positions);
    let position_blocks = (row_blocks * geometry.output.width).div_ceil(lanes as usize);
    let channel_blocks = out_channels.div_ceil(block.channels);
    let special = [
        ("PADDING_MODE", problem.padding_mode),
        ("TRANSPOSED", u32::from(problem.transposed)),
    ];
    let own = [&block.constants(lanes, "ROWS", ROUND)[..], &special].concat();
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = DirectParameters {
        in_channels: in_channels as u32,
        in_height: geometry.input.height as u32,
        in_width: geometry.input.width as u32,
        out_channels: out_channels as u32,
        out_height: geometry.output.height as u32,
        out_width: geometry.output.width as u32,
        kernel_height: geometry.kernel.height as u32,
        kernel_width: geometry.kernel.width as u32,
        stride_height: problem.stride_height,
        stride_width: problem.stride_width,
        dilation_height: problem.dilation_height,
        dilation_width: problem.dilation_width,
        pad_top: geometry.padding.top as u32,
        pad_left: geometry.padding.left as u32,
        first_tap: tap_range.start as u32,
        last_tap: tap_range.end as u32,
        first_channel: channel_range.start as u32,
        last_channel: channel_range.end as u32,
        row_blocks: row_blocks as u32,
        position_blocks: position_blocks as u32,
        channel_blocks: channel_blocks as u32,
        groups: problem.groups as u32,
        batch: geometry.batch as u32,
        activation_first,
        activation_second,
    };
    let kernel = if broadcast {
        Kernel::Conv2dDirectBroadcast
    } else {
        Kernel::Conv2dDirect
    };
    let inputs = operands.slots(packed)?;
    let rounds = tap_range.len() * (1 + channel_range.len()) + block.channels.div_ceil(ROUND as usize);
    let work = Work::of(geometry.batch * problem.groups * channel_blocks * position_blocks).rounds(rounds);
    recording.dispatch(
        problem.name,
        operands.key(kernel, &own),
        &parameters,
        &inputs,
        &[slot(output)?],
        work,
    )
}

fn depthwise(problem: &Problem, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    let geometry = &problem.geometry;
    let class = recording.capabilities.class;
    let Some(strips) = problem.depthwise(class) else {
        return Err(Error::unsupported(NAME, "a depthwise kernel for as many channels and taps"));
    };
    let lanes = rules::strip_lanes(class);
    let own = [
        ("LANES", lanes),
        ("PADDING_MODE", problem.padding_mode),
        ("INPUTS", problem.in_channels_per_group() as u32),
        ("OUTPUTS", problem.out_channels_per_group() as u32),
        (
            "TAPS",
            (geometry.kernel.height * geometry.kernel.width * problem.in_channels_per_group()) as u32,
        ),
    ];
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = DepthwiseParameters {
        in_height: geometry.input.height as u32,
        in_width: geometry.input.width as u32,
        out_height: geometry.output.height as u32,
        out_width: geometry.output.width as u32,
        pad_top: geometry.padding.top as u32,
        pad_left: geometry.padding.left as u32,
        strips: strips.across as u32,
        segment_rows: strips.segment_rows as u32,
        segments: strips.segments as u32,
        invocations: strips.invocations as u32,
        groups: problem.groups as u32,
        activation_first,
        activation_second,
    };
    let inputs = operands.slots(slot(operands.weight)?)?;
    let kernel = if strips.quads {
        Kernel::Conv2dDepthwiseQuads
    } else {
        Kernel::Conv2dDepthwise
    };
    let key = operands.key(kernel, &[&own[..], &strips.constants].concat());
    let work = Work::of(strips.invocations.div_ceil(lanes as usize)).rounds(strips.rounds);
    recording.dispatch(NAME, key, &parameters, &inputs, &[slot(output)?], work)
}
