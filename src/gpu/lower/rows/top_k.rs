//! The largest or the smallest elements along an axis: which they are, by a workgroup a row, and then their order.

use crate::error::Result;
use crate::gpu::choose::rules::{LANES, long_row_lanes};
use crate::gpu::lower::common::slot;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::TopKParameters;
use crate::ops::{Op, TopK};

pub(crate) fn lower(op: TopK, input: &Value, outputs: &[Value], recording: &mut Recording) -> Result<()> {
    let name = Op::from(op).name();
    let [outer, extent, inner] = op.extents(&input.shape)?;
    let rows = outer * inner;
    let last_place = extent as u32 - 1;
    let place_bits = u32::BITS - last_place.leading_zeros();
    let parameters = TopKParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
        k: op.k as u32,
        place_bit: if place_bits == 0 { 0 } else { 1 << (place_bits - 1) },
    };
    let constants = |lanes: u32| {
        [
            ("LANES", lanes),
            ("LARGEST", u32::from(op.largest)),
            ("IS_WHOLE", u32::from(!input.dtype.is_float())),
        ]
    };
    let candidates = recording.scratch(name, rows * op.k)?;
    let lanes = long_row_lanes(recording.capabilities.class);
    let along = extent.div_ceil(lanes as usize);
    // A bit each of what the last one is worth and of where it is; how many are better; which are chosen, twice.
    let bits = (u32::BITS + place_bits) as usize;
    let rounds = bits + (bits + 1) * (along + lanes.ilog2() as usize) + 2 * along + lanes as usize;
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
