//! Weighted sums along an axis.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::ResampleParameters;
use crate::ops::{Resample, TapTable};

pub(crate) fn lower(op: &Resample, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let inner = op.inner(&input.shape)?;
    along("resample", &op.table, inner, op.empty, input, output, recording)
}

/// Along an axis whose neighbours lie `inner` elements apart.
pub(crate) fn along(
    name: &'static str,
    table: &TapTable,
    inner: usize,
    empty: f32,
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let outputs = elements(output);
    let (starts, sources, weights) = table.parts();
    let most = starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let parameters = ResampleParameters {
        outputs: outputs as u32,
        inner: inner as u32,
        extent: table.extent() as u32,
        length: table.len() as u32,
        empty,
    };
    // A buffer has elements, even where no sum has a tap.
    let or_one = |mut numbers: Vec<u32>| {
        if numbers.is_empty() {
            numbers.push(0);
        }
        numbers
    };
    let starts = recording.data(name, starts.to_vec())?;
    let sources = recording.data(name, or_one(sources.to_vec()))?;
    let weights = recording.data(name, or_one(weights.iter().map(|weight| weight.to_bits()).collect()))?;
    recording.dispatch(
        name,
        PipelineKey::new(Kernel::Resample, [("LANES", LANES)]),
        &parameters,
        &[slot(input)?, starts, sources, weights],
        &[slot(output)?],
        Work::of(outputs.div_ceil(LANES as usize)).rounds(most.max(1) as usize),
    )
}
