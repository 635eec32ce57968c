//! Convolution as one matrix product: the terms of every sum are written out first, what is known as im2col.
//!
//! Where loads are gathers, a product loads four positions at once and the definition one; and the definition loads every term
//! again for each block of output channels. Writing terms out costs one store each.

use super::choice::strip_lanes;
use super::conv2d::Problem;
use super::epilogue::Operands;
use super::kernel_choice::Product;
use super::linear::{Gemm, gemm};
use super::strips::{Strips, Windows};
use super::{parameters, slot};
use crate::error::Result;
use crate::gpu::DeviceClass;
use crate::gpu::context::Capabilities;
use crate::gpu::recording::{MOST_ROUNDS, Recording, Value, Work};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::shape::Size2d;

parameters!(AnyParameters {
    in_height: u32,
    in_width: u32,
    out_width: u32,
    positions: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_height: u32,
    stride_width: u32,
    dilation_height: u32,
    dilation_width: u32,
    pad_top: u32,
    pad_left: u32,
    planes: u32,
    segment_planes: u32,
    row_quads: u32,
    invocations: u32,
});
parameters!(StripParameters {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    kernel_height: u32,
    stride_height: u32,
    dilation_height: u32,
    pad_top: u32,
    pad_left: u32,
    strips: u32,
    segment_rows: u32,
    segments: u32,
    invocations: u32,
});

const NAME: &str = "conv2d";
pub(super) const TOO_LARGE: &str = "its written terms are larger than the device can bind";
/// Invocations that keep a software adapter's threads evenly busy, and input channels that one goes through at most.
const ENOUGH_INVOCATIONS: usize = 1024;
const MOST_PLANES: usize = 32;

/// Whether it is faster than the definition, or than the product of pointwise terms as they lie, where weights are handed round
/// subgroups of eight. Measured on lavapipe: for planes of whole vectors a pointwise convolution has nothing to gain, and for others
/// only where the terms written are few beside the products. Beyond 8 MiB memory is worth more: `DeepLabV3` would need twice as much.
pub(super) fn pays(problem: &Problem) -> bool {
    const MOST_ELEMENTS: usize = (8 << 20) / 4;
    let gemm = product(problem);
    let is_padded = !gemm.positions.is_multiple_of(4);
    let gains = !problem.is_pointwise() || (is_padded && gemm.in_channels >= 128 && gemm.out_channels >= 64);
    gains && gemm.positions > 16 && gemm.out_channels >= 16 && elements(&gemm) <= MOST_ELEMENTS
}

/// Whether all terms fit in a buffer.
pub(super) fn fits(problem: &Problem, capabilities: &Capabilities) -> bool {
    let elements = elements(&product(problem));
    let fits = u32::try_from(elements).is_ok() && capabilities.check_elements(NAME, elements).is_ok();
    fits && rounds(problem.geometry.kernel, 1) as u64 <= MOST_ROUNDS
}

/// The matrix product that is left. Rows of terms are padded to whole vectors of four.
pub(super) fn product(problem: &Problem) -> Gemm {
    let geometry = &problem.geometry;
    let taps = geometry.kernel.height.saturating_mul(geometry.kernel.width);
    let positions = geometry.output.height * geometry.output.width;
    Gemm {
        batch: geometry.batch,
        groups: problem.groups,
        in_channels: problem.in_channels_per_group().saturating_mul(taps),
        out_channels: problem.out_channels_per_group(),
        positions,
        strides: [positions.next_multiple_of(4), 1, positions, 1],
    }
}

/// Elements of the written terms.
fn elements(gemm: &Gemm) -> usize {
    let factors = [gemm.batch, gemm.groups, gemm.in_channels, gemm.strides[0]];
    factors.into_iter().fold(1, usize::saturating_mul)
}

/// Rounds of the loops over taps and planes, where there are no strips.
fn rounds(kernel: Size2d, planes: usize) -> usize {
    kernel.height.saturating_mul(1 + kernel.width.saturating_mul(1 + planes))
}

/// Strips of single rows of taps, where rows are whole vectors: each row of each plane is cut for itself.
fn cut(problem: &Problem, class: DeviceClass) -> Option<Strips> {
    let geometry = &problem.geometry;
    let kernel = geometry.kernel;
    let windows = Windows {
        sets: geometry.batch * geometry.in_channels * kernel.height,
        channels: 1,
        input: geometry.input,
        output: geometry.output,
        kernel: Size2d { height: 1, ..kernel },
        padding: geometry.padding,
        stride: [1, problem.stride_width],
        dilation: [1, problem.dilation_width],
    };
    windows.cut(class).filter(|strips| strips.quads)
}

/// Records a convolution that is not transposed.
pub(super) fn im2col(
    problem: &Problem,
    by: Product,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let gemm_shape = product(problem);
    let row_quads = gemm_shape.strides[0] / 4;
    let rows = gemm_shape.batch * gemm_shape.groups * gemm_shape.in_channels;
    let terms = recording.inner(NAME, &[rows, 4 * row_quads])?;
    match cut(problem, recording.capabilities.class) {
        Some(strips) => write_strips(problem, &strips, operands.input, &terms, recording)?,
        None => write_any(problem, row_quads, operands.input, &terms, recording)?,
    }
    let operands = Operands {
        input: &terms,
        ..*operands
    };
    gemm(NAME, &gemm_shape, by, &operands, output, recording)
}

fn write_strips(problem: &Problem, strips: &Strips, input: &Value, terms: &Value, recording: &mut Recording) -> Result<()> {
    let geometry = &problem.geometry;
    let lanes = strip_lanes(recording.capabilities.class);
    let own = [("LANES", lanes), ("PADDING_MODE", problem.padding_mode)];
    let key = PipelineKey {
        kernel: Kernel::Im2colStrips,
        constants: [&own[..], &strips.constants].concat(),
        writable: 0,
    };
    let parameters = StripParameters {
        in_height: geometry.input.height as u32,
        in_width: geometry.input.width as u32,
        out_height: geometry.output.height as u32,
        kernel_height: geometry.kernel.height as u32,
        stride_height: problem.stride_height,
        dilation_height: problem.dilation_height,
        pad_top: geometry.padding.top as u32,
        pad_left: geometry.padding.left as u32,
        strips: strips.across as u32,
        segment_rows: strips.segment_rows as u32,
        segments: strips.segments as u32,
        invocations: strips.invocations as u32,
    };
    let work = Work::of(strips.invocations.div_ceil(lanes as usize)).rounds(strips.segment_rows);
    recording.dispatch(NAME, key, &parameters, &[slot(input)?], &[slot(terms)?], work)
}

fn write_any(problem: &Problem, row_quads: usize, input: &Value, terms: &Value, recording: &mut Recording) -> Result<()> {
    let geometry = &problem.geometry;
    let lanes = strip_lanes(recording.capabilities.class);
    let planes = geometry.batch * geometry.in_channels;
    // Large kernels leave fewer rounds for planes.
    let taps = geometry.kernel.height * geometry.kernel.width;
    let most_planes = (MOST_ROUNDS as usize / 2 / taps).clamp(1, MOST_PLANES);
    let segment_planes = (planes * row_quads / ENOUGH_INVOCATIONS).clamp(1, most_planes);
    let invocations = planes.div_ceil(segment_planes) * row_quads;
    let key = PipelineKey::new(Kernel::Im2col, [("LANES", lanes), ("PADDING_MODE", problem.padding_mode)]);
    let parameters = AnyParameters {
        in_height: geometry.input.height as u32,
        in_width: geometry.input.width as u32,
        out_width: geometry.output.width as u32,
        positions: (geometry.output.height * geometry.output.width) as u32,
        kernel_height: geometry.kernel.height as u32,
        kernel_width: geometry.kernel.width as u32,
        stride_height: problem.stride_height,
        stride_width: problem.stride_width,
        dilation_height: problem.dilation_height,
        dilation_width: problem.dilation_width,
        pad_top: geometry.padding.top as u32,
        pad_left: geometry.padding.left as u32,
        planes: planes as u32,
        segment_planes: segment_planes as u32,
        row_quads: row_quads as u32,
        invocations: invocations as u32,
    };
    let kernel = geometry.kernel;
    let work = Work::of(invocations.div_ceil(lanes as usize)).rounds(rounds(kernel, segment_planes));
    recording.dispatch(NAME, key, &parameters, &[slot(input)?], &[slot(terms)?], work)
}
