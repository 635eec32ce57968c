//! The matrix product that serves linear and pointwise convolution.

use crate::gpu::choose::gemm::Gemm;
use crate::gpu::lower::decide::decide;
use crate::gpu::lower::decide::misplaced;
use std::ops::Range;

use crate::error::Result;
use crate::gpu::choose::kernel_choice::{How, Product};
use crate::gpu::choose::rules;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::lower::common::{elements, slot, varies};
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::long_sums;
use crate::gpu::lower::matmul::register_block::{Block, MOST_SUMS, ROUND, WeightLayout, lanes, pack_weights};
use crate::gpu::lower::matmul::tiled::{gemm_tiled, gemv_rows};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::Kernel;
use crate::gpu::wgsl::parameters::matmul::GemmParameters;

/// Positions from which on four are loaded at once, where they lie together: with fewer, lanes run along the channels.
pub(crate) const FEWEST_BY_QUADS: usize = 8;

/// How a matrix product is cut up.
struct Shape {
    kernel: Kernel,
    /// Elements that are loaded at once: the unit of positions.
    width: usize,
    block: Block,
    /// Positions of a workgroup.
    across: usize,
    /// Terms of a round: packed weights have zeros up to whole rounds.
    terms: usize,
    lanes: usize,
}

impl Shape {
    fn choose(gemm: &Gemm, broadcast: bool, lanes: usize) -> Self {
        // With few positions most lanes would have none: they run along the channels then.
        if broadcast && gemm.positions < lanes {
            let positions = gemm.positions.next_power_of_two().min(4);
            let block = Block { positions, channels: 32 };
            return Self {
                kernel: Kernel::Gemv,
                width: 1,
                block,
                across: positions,
                terms: lanes,
                lanes,
            };
        }
        // Four consecutive positions at once where each channel's lie together and start at a multiple of four; and where only
        // the input's do, which then has whole vectors.
        let quads = broadcast && gemm.strides[0].is_multiple_of(4) && gemm.strides[1] == 1 && gemm.strides[3] == 1;
        let padded = !gemm.positions.is_multiple_of(4);
        if quads && !padded && gemm.positions <= 16 {
            let positions = (gemm.positions / 4).next_power_of_two();
            return Self {
                kernel: Kernel::GemmFew,
                width: 4,
                block: Block { positions, channels: 32 },
                across: positions,
                terms: lanes / positions,
                lanes,
            };
        }
        let (kernel, width, most) = match (broadcast, quads) {
            (true, true) if padded => (Kernel::GemmPadded, 4, MOST_SUMS),
            (true, true) => (Kernel::GemmQuads, 4, MOST_SUMS),
            // Planes that are no whole vectors are small ones; larger blocks take twice as long to compile.
            (true, false) => (Kernel::GemmBroadcast, 1, MOST_SUMS / 2),
            (false, _) => (Kernel::Gemm, 1, MOST_SUMS),
        };
        let rows = gemm.positions.div_ceil(width * lanes);
        let block = Block::choose(broadcast, most, width, rows, gemm.out_channels);
        Self {
            kernel,
            width,
            block,
            across: lanes * block.positions,
            // Accumulators are merged with their old values by every round, for lanes that may have left the loop.
            terms: if broadcast { 2 } else { 1 },
            lanes,
        }
    }
}

/// Records a matrix product by a kernel.
pub(crate) fn gemm(
    name: &'static str,
    gemm: &Gemm,
    by: Product,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    match by {
        Product::Plain => in_registers(name, gemm, false, operands, output, recording),
        Product::Broadcast => in_registers(name, gemm, true, operands, output, recording),
        Product::Tiled(tiling) => gemm_tiled(name, gemm, tiling, operands, output, recording),
        Product::Rows => gemv_rows(name, gemm, operands, output, recording),
    }
}

fn in_registers(
    name: &'static str,
    gemm: &Gemm,
    broadcast: bool,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let shape = Shape::choose(gemm, broadcast, lanes(recording, broadcast) as usize);
    let parts = long_sums::parts(gemm.in_channels, operands.exact, recording);
    long_sums::in_parts(
        name,
        &parts,
        operands,
        output,
        recording,
        |terms, operands, output, recording| part_in_registers(name, gemm, &shape, terms, operands, output, recording),
    )
}

/// Some of the terms of a product.
fn part_in_registers(
    name: &'static str,
    gemm: &Gemm,
    shape: &Shape,
    part: &Range<usize>,
    operands: &Operands<'_>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let Shape {
        kernel,
        width,
        block,
        across,
        terms,
        lanes,
    } = *shape;
    let layout = WeightLayout {
        groups: gemm.groups,
        out_channels: gemm.out_channels,
        in_channels: gemm.in_channels,
        taps: 1,
        transposed: gemm.transposed,
    };
    let packed = pack_weights(name, operands.weight, &layout, block.channels, terms, recording)?;
    let positions = gemm.positions.div_ceil(width);
    let position_blocks = positions.div_ceil(across);
    let channel_blocks = gemm.out_channels.div_ceil(block.channels);
    // In units of a position, but for those between positions, which are then 1, and for single numbers that are stored.
    let [in_channel_stride, in_position_stride, out_channel_stride, out_position_stride] = gemm
        .strides
        .map(|stride| if stride == 1 { 1 } else { (stride / width) as u32 });
    let out_channel_stride = if kernel == Kernel::GemmPadded {
        gemm.strides[2] as u32
    } else {
        out_channel_stride
    };
    let (activation_first, activation_second) = operands.activation_parameters();
    let parameters = GemmParameters {
        in_channels: gemm.in_channels as u32,
        out_channels: gemm.out_channels as u32,
        positions: positions as u32,
        position_blocks: position_blocks as u32,
        channel_blocks: channel_blocks as u32,
        groups: gemm.groups as u32,
        batch: gemm.batch as u32,
        in_channel_stride,
        in_position_stride,
        out_channel_stride,
        out_position_stride,
        first_term: part.start as u32,
        last_term: part.end as u32,
        activation_first,
        activation_second,
    };
    // A vector that is stored by numbers is four stores.
    let round = if kernel == Kernel::GemmPadded { ROUND / 4 } else { ROUND };
    let mut constants = block.constants(lanes as u32, "POSITIONS", round).to_vec();
    constants.push(("TERMS", terms as u32));
    let inputs = operands.slots(packed)?;
    let rounds = part.len().div_ceil(terms) + block.channels.div_ceil(round as usize);
    let work = Work::of(gemm.batch * gemm.groups * channel_blocks * position_blocks).rounds(rounds);
    recording.dispatch(
        name,
        operands.key(kernel, &constants),
        &parameters,
        &inputs,
        &[slot(output)?],
        work,
    )
}

/// Linear is a matrix product whose positions are the rows of the batch.
pub(crate) fn lower(operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
    let (out_features, in_features) = (operands.weight.shape[0], operands.weight.shape[1]);
    let product = Gemm::linear(elements(operands.input) / in_features, in_features, out_features);
    let layer = LayerSignature::linear(&product, varies(operands.weight, recording));
    let rule = |capabilities: &_| How::Product(rules::product(&product, capabilities));
    decide(layer, recording, rule, |how, recording| match how {
        How::Product(by) => gemm("linear", &product, by, operands, output, recording),
        other => Err(misplaced(&layer, other)),
    })
}
