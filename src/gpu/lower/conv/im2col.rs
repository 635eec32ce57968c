//! Convolution as one matrix product: the terms of every sum are written out first, what is known as im2col.
//!
//! Where loads are gathers, a product loads four positions at once and the definition one; and the definition loads every term
//! again for each block of output channels. Writing terms out costs one store each.

use crate::error::Result;
use crate::gpu::choose::gemm::Gemm;
use crate::gpu::choose::im2col::cut;
use crate::gpu::choose::im2col::product;
use crate::gpu::choose::im2col::rounds;
use crate::gpu::choose::kernel_choice::Product;
use crate::gpu::choose::problem::Problem;
use crate::gpu::choose::rules::strip_lanes;
use crate::gpu::choose::strips::Strips;
use crate::gpu::lower::common::slot;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::gemm::{FEWEST_BY_QUADS, gemm};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::loop_limit::MOST_ROUNDS;
use crate::gpu::wgsl::parameters::conv::{Im2colParameters, Im2colStripParameters};
use crate::gpu::wgsl::storage::Storage;

const NAME: &str = "conv2d";
/// Invocations that keep a software adapter's threads evenly busy, and input channels that one goes through at most.
const ENOUGH_INVOCATIONS: usize = 1024;
const MOST_PLANES: usize = 32;

/// Records a convolution that is not transposed.
pub(crate) fn im2col(
    problem: &Problem,
    by: Product,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let gemm_shape = product(problem);
    let row_quads = gemm_shape.strides[0] / 4;
    let rows = gemm_shape.batch * gemm_shape.groups * gemm_shape.in_channels;
    let shape = [rows, 4 * row_quads];
    let terms = match packed(&gemm_shape, by, operands) {
        Some(packed) => recording.inner_bytes(NAME, &shape, packed)?,
        None => recording.inner(NAME, &shape)?,
    };
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

/// How the terms are packed, where they are bytes and the product loads four at once.
fn packed(gemm: &Gemm, by: Product, operands: &Operands<'_>) -> Option<Storage> {
    let by_quads = by == Product::Broadcast && gemm.positions >= FEWEST_BY_QUADS;
    operands.exact.filter(|_| by_quads)?.bytes().and_then(Storage::packed)
}

fn write_strips(problem: &Problem, strips: &Strips, input: &Value, terms: &Value, recording: &mut Recording) -> Result<()> {
    let geometry = &problem.geometry;
    let lanes = strip_lanes(recording.capabilities.class);
    let own = [("LANES", lanes), ("PADDING_MODE", problem.padding_mode)];
    let key = PipelineKey::new(Kernel::Im2colStrips, [&own[..], &strips.constants].concat());
    let parameters = Im2colStripParameters {
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
    let parameters = Im2colParameters {
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
