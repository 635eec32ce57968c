//! Normalisation by the squares of neighbouring channels.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::LocalResponseNormParameters;
use crate::ops::LocalResponseNorm;

pub(crate) fn lower(op: &LocalResponseNorm, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let channels = input.shape[1];
    let key = PipelineKey::new(Kernel::LocalResponseNorm, [("LANES", LANES)]);
    let parameters = LocalResponseNormParameters {
        elements: elements(input) as u32,
        channels: channels as u32,
        plane: input.shape[2..].iter().product::<usize>() as u32,
        // Beyond all channels it makes no difference, and the kernel's sums stay in range.
        before: ((op.size - 1) / 2).min(channels) as u32,
        after: (op.size / 2).min(channels) as u32,
        factor: (f64::from(op.alpha) / op.size as f64) as f32,
        beta: op.beta,
        k: op.k,
    };
    let neighbours = (parameters.before + parameters.after + 1).min(parameters.channels) as usize;
    let work = Work::of(elements(output).div_ceil(LANES as usize)).rounds(neighbours);
    recording.dispatch(
        "local_response_norm",
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        work,
    )
}
