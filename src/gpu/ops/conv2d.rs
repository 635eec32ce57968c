//! Convolution: the algorithms, which one is taken, and their kernel calls.

use std::ops::Range;

use super::block::{Block, MOST_SUMS, ROUND, WeightLayout, lanes, pack_weights};
use super::choice;
use super::conv2d_tiled::conv2d_tiled;
use super::epilogue::Operands;
use super::im2col::im2col;
use super::kernel_choice::How;
use super::linear::{Gemm, gemm};
use super::signature::LayerSignature;
use super::strips::{Strips, Windows};
use super::winograd::winograd;
use super::{check_extent, long_sums, parameters, slot, step, varies};
use crate::error::{Error, Result};
use crate::gpu::DeviceClass;
use crate::gpu::recording::{Recording, Value, Work};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::ops::{Conv2d, ConvGeometry, ConvTranspose2d};
use crate::padding::PaddingMode;

parameters!(DirectParameters {
    in_channels: u32,
    in_height: u32,
    in_width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_height: u32,
    stride_width: u32,
    dilation_height: u32,
    dilation_width: u32,
    pad_top: u32,
    pad_left: u32,
    first_tap: u32,
    last_tap: u32,
    first_channel: u32,
    last_channel: u32,
    row_blocks: u32,
    position_blocks: u32,
    channel_blocks: u32,
    groups: u32,
    batch: u32,
    activation_first: f32,
    activation_second: f32,
});
parameters!(DepthwiseParameters {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    pad_top: u32,
    pad_left: u32,
    strips: u32,
    segment_rows: u32,
    segments: u32,
    invocations: u32,
    groups: u32,
    activation_first: f32,
    activation_second: f32,
});

const NAME: &str = "conv2d";
/// Channels of a group that the depthwise kernel has at most on either side, and weights that it holds in registers.
const MOST_GROUP_CHANNELS: usize = 4;
const MOST_WEIGHTS: usize = 160;

/// How a convolution is computed. By default a rule chooses; see [`Gpu::with_conv2d`](crate::gpu::Gpu::with_conv2d).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Conv2dAlgorithm {
    /// Blocks of rows and output channels in registers; any convolution.
    Direct,
    /// The same with weights handed round a subgroup of eight: for adapters where every load is a gather.
    DirectBroadcast,
    /// At most four input and four output channels per group: strips of columns, each source row loaded once.
    Depthwise,
    /// A matrix product: 1x1 kernels with stride 1 and no padding.
    Gemm,
    /// The same with weights handed round a subgroup of eight.
    GemmBroadcast,
    /// An implicit matrix product by tiles in workgroup memory, any convolution: for real GPUs.
    Tiled,
    /// A matrix product by tiles in workgroup memory: 1x1 kernels with stride 1 and no padding.
    GemmTiled,
    /// A matrix product with the terms of all sums, which are written out before it; any convolution whose terms fit in a buffer.
    Im2col,
    /// 16 matrix products that compute 2x2 outputs at a time, F(2x2, 3x3): 3x3 kernels with stride 1, dilation 1 and one
    /// group. Rounds differently from the others, within bounds of its own.
    Winograd,
    /// 36 matrix products that compute 4x4 outputs at a time, F(4x4, 3x3), of the same convolutions. With less than two thirds
    /// of the products its errors are three times as large, and its bounds eight times as wide. No rule takes it, unless
    /// [`Gpu::with_large_tiles`](crate::Gpu::with_large_tiles) allows it.
    WinogradLarge,
}

impl Conv2dAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 10] = [
        Self::Direct,
        Self::DirectBroadcast,
        Self::Depthwise,
        Self::Gemm,
        Self::GemmBroadcast,
        Self::Tiled,
        Self::GemmTiled,
        Self::Im2col,
        Self::Winograd,
        Self::WinogradLarge,
    ];
}

/// A checked convolution with the steps as kernels get them.
pub(super) struct Problem {
    pub(super) name: &'static str,
    pub(super) geometry: ConvGeometry,
    pub(super) groups: usize,
    pub(super) stride_height: u32,
    pub(super) stride_width: u32,
    pub(super) dilation_height: u32,
    pub(super) dilation_width: u32,
    pub(super) padding_mode: u32,
    transposed: bool,
}

impl Problem {
    pub(super) fn new(op: &Conv2d, geometry: ConvGeometry) -> Self {
        Self {
            name: "conv2d",
            transposed: false,
            geometry,
            groups: op.groups,
            stride_height: step(op.stride.height, geometry.output.height),
            stride_width: step(op.stride.width, geometry.output.width),
            dilation_height: step(op.dilation.height, geometry.kernel.height),
            dilation_width: step(op.dilation.width, geometry.kernel.width),
            padding_mode: op.padding_mode.code(),
        }
    }

    fn new_transposed(op: &ConvTranspose2d, geometry: ConvGeometry) -> Self {
        // The strides run over the input: a single row or column has no next one.
        Self {
            name: "conv_transpose2d",
            transposed: true,
            geometry,
            groups: op.groups,
            stride_height: step(op.stride.height, geometry.input.height),
            stride_width: step(op.stride.width, geometry.input.width),
            dilation_height: step(op.dilation.height, geometry.kernel.height),
            dilation_width: step(op.dilation.width, geometry.kernel.width),
            padding_mode: PaddingMode::Zeros.code(),
        }
    }

    pub(super) fn is_pointwise(&self) -> bool {
        let taps = self.geometry.kernel.height * self.geometry.kernel.width;
        taps == 1 && self.stride_height == 1 && self.stride_width == 1 && self.geometry.input == self.geometry.output
    }

    /// Whether Winograd's algorithm computes it. The reference's twin is `may_be_winograd`.
    pub(super) fn is_winograd(&self) -> bool {
        let steps = [
            self.stride_height,
            self.stride_width,
            self.dilation_height,
            self.dilation_width,
        ];
        let kernel = &self.geometry.kernel;
        (kernel.height, kernel.width, self.groups) == (3, 3, 1) && steps == [1; 4]
    }

    /// A pointwise convolution as a matrix product.
    pub(super) fn product(&self) -> Gemm {
        let positions = self.geometry.output.height * self.geometry.output.width;
        Gemm {
            batch: self.geometry.batch,
            groups: self.groups,
            in_channels: self.in_channels_per_group(),
            out_channels: self.out_channels_per_group(),
            positions,
            strides: [positions, 1, positions, 1],
        }
    }

    pub(super) fn in_channels_per_group(&self) -> usize {
        self.geometry.in_channels / self.groups
    }

    pub(super) fn out_channels_per_group(&self) -> usize {
        self.geometry.out_channels / self.groups
    }

    /// The strips that the depthwise kernel computes by, or `None` where it does not apply.
    pub(super) fn depthwise(&self, class: DeviceClass) -> Option<Strips> {
        let geometry = &self.geometry;
        let (ins, outs) = (self.in_channels_per_group(), self.out_channels_per_group());
        let taps = geometry
            .kernel
            .height
            .saturating_mul(geometry.kernel.width)
            .saturating_mul(ins);
        if ins.max(outs) > MOST_GROUP_CHANNELS || taps.saturating_mul(outs) > MOST_WEIGHTS {
            return None;
        }
        let windows = Windows {
            sets: geometry.batch * self.groups,
            channels: ins,
            input: geometry.input,
            output: geometry.output,
            kernel: geometry.kernel,
            padding: geometry.padding,
            stride: [self.stride_height, self.stride_width],
            dilation: [self.dilation_height, self.dilation_width],
        };
        windows.cut(class)
    }
}

/// Checks a convolution by its shapes.
pub(super) fn problem(op: &Conv2d, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<Problem> {
    let geometry = op.geometry(input, weight, bias)?;
    check_extent(NAME, geometry.input.height, geometry.padding.top, geometry.padding.bottom)?;
    check_extent(NAME, geometry.input.width, geometry.padding.left, geometry.padding.right)?;
    Ok(Problem::new(op, geometry))
}

pub(super) fn lower(op: &Conv2d, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    let bias = operands.bias.map(|bias| bias.shape.as_slice());
    let problem = problem(op, &operands.input.shape, &operands.weight.shape, bias)?;
    let layer = LayerSignature::conv2d(op, &problem.geometry, varies(operands.weight, recording));
    let forced = (recording.conv2d).map(|forced| choice::complete(forced, &problem, &recording.capabilities));
    if let (Some(how), Some(algorithm)) = (forced, recording.conv2d)
        && let Some(reason) = how.obstacle(&problem, &recording.capabilities)
    {
        return Err(Error::unsupported(
            NAME,
            format!("the algorithm {algorithm:?} does not apply: {reason}"),
        ));
    }
    let rule = |capabilities: &_| forced.unwrap_or_else(|| choice::conv2d(&problem, capabilities));
    choice::decide(layer, recording, rule, |how, recording| {
        lower_by(how, &problem, operands, output, recording)
    })
}

fn lower_by(how: How, problem: &Problem, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    match how {
        How::Direct => direct(problem, false, operands, output, recording),
        How::DirectBroadcast => direct(problem, true, operands, output, recording),
        How::Depthwise => depthwise(problem, operands, output, recording),
        How::Tiled(tiling) => conv2d_tiled(problem, tiling, operands, output, recording),
        How::Product(by) => gemm(NAME, &problem.product(), by, operands, output, recording),
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
        How::MatMul => Err(Error::Gpu("a convolution was given the kernel of matmul".to_owned())),
    }
}

pub(super) fn lower_transposed(
    op: &ConvTranspose2d,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    const NAME: &str = "conv_transpose2d";
    let bias = operands.bias.map(|bias| bias.shape.as_slice());
    let geometry = op.geometry(&operands.input.shape, &operands.weight.shape, bias)?;
    check_extent(NAME, geometry.output.height, geometry.padding.top, geometry.padding.bottom)?;
    check_extent(NAME, geometry.output.width, geometry.padding.left, geometry.padding.right)?;
    let broadcast = recording.capabilities.prefers_broadcast();
    direct(&Problem::new_transposed(op, geometry), broadcast, operands, output, recording)
}

fn direct(problem: &Problem, broadcast: bool, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    let kernel = problem.geometry.kernel;
    let parts = long_sums::boxes([kernel.height * kernel.width, problem.in_channels_per_group()], recording);
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
        PipelineKey {
            kernel,
            constants: operands.constants(&own),
            writable: 0,
        },
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
    let lanes = choice::strip_lanes(class);
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
    let key = PipelineKey {
        kernel: if strips.quads {
            Kernel::Conv2dDepthwiseQuads
        } else {
            Kernel::Conv2dDepthwise
        },
        constants: operands.constants(&[&own[..], &strips.constants].concat()),
        writable: 0,
    };
    let work = Work::of(strips.invocations.div_ceil(lanes as usize)).rounds(strips.rounds);
    recording.dispatch(NAME, key, &parameters, &inputs, &[slot(output)?], work)
}
