//! The largest or the smallest elements along an axis: which they are, by a workgroup a row, and then their order.

use crate::error::Result;
use crate::gpu::choose::rules::{LANES, long_row_lanes};
use crate::gpu::lower::common::slot;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::TopKParameters;
use crate::ops::{Op, TopK};

/// Of the digits by which `top_k_select` finds the last one that is chosen.
const DIGIT_BITS: u32 = 8;
/// Rows of more elements have as many lanes as every adapter has, on software adapters too, whose loops take no more rounds than so
/// many.
const LONG_ROW: usize = 1 << 14;
const LONG_ROW_LANES: u32 = 256;

pub(crate) fn lower(op: TopK, input: &Value, outputs: &[Value], recording: &mut Recording) -> Result<()> {
    let name = Op::from(op).name();
    let [outer, extent, inner] = op.extents(&input.shape)?;
    let rows = outer * inner;
    let place_bits = u32::BITS - (extent as u32 - 1).leading_zeros();
    let place_digits = place_bits.div_ceil(DIGIT_BITS);
    let parameters = TopKParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
        k: op.k as u32,
        place_bits: place_digits * DIGIT_BITS,
    };
    let constants = |lanes: u32| {
        [
            ("LANES", lanes),
            ("LARGEST", u32::from(op.largest)),
            ("IS_WHOLE", u32::from(!input.dtype.is_float())),
        ]
    };
    let candidates = recording.scratch(name, rows * op.k)?;
    let lanes = if extent > LONG_ROW {
        LONG_ROW_LANES
    } else {
        long_row_lanes(recording.capabilities.class)
    };
    let along = extent.div_ceil(lanes as usize);
    // Each digit of what the last one is worth, and of where it is, is counted and looked for; then which are chosen, twice.
    let digits = (u32::BITS / DIGIT_BITS + place_digits) as usize;
    let rounds = digits * (1 + (1_usize << DIGIT_BITS).div_ceil(lanes as usize) + along + (1_usize << DIGIT_BITS))
        + 2 * along
        + lanes as usize;
    recording.dispatch(
        name,
        PipelineKey::new(Kernel::TopKSelect, constants(lanes)),
        &parameters,
        &[slot(input)?],
        &[candidates],
        Work::of(rows).rounds(rounds),
    )?;
    recording.dispatch(
        name,
        PipelineKey::new(Kernel::TopKSort, constants(LANES)),
        &parameters,
        &[slot(input)?, candidates],
        &[slot(&outputs[0])?, slot(&outputs[1])?],
        Work::of((rows * op.k).div_ceil(LANES as usize)).rounds(op.k),
    )
}
