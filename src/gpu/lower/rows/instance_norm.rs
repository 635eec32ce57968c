//! Normalisation of each plane by its own mean and variance: a workgroup a plane, or, where planes are large, the mean, the
//! variance and the result by themselves.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::rows::reduce::{Term, middle};
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::{InstanceNormApplyParameters, InstanceNormParameters};
use crate::ops::{InstanceNorm, ReduceKind};

const NAME: &str = "instance_norm";
/// The largest plane that a workgroup computes alone.
const LARGEST_ALONE: usize = 1 << 16;
/// Elements of a plane that an invocation computes, where the plane's mean and variance are known.
const ITEMS: usize = 4;

pub(crate) fn lower(op: InstanceNorm, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let input = &inputs[0];
    let channels = input.shape[1];
    let planes = input.shape[0] * channels;
    let plane = elements(input) / planes;
    let mut slots = inputs.iter().map(slot).collect::<Result<Vec<SlotId>>>()?;
    if plane <= LARGEST_ALONE || !recording.capabilities.splits_sums() {
        let key = PipelineKey::new(Kernel::InstanceNorm, [("LANES", LANES)]);
        let parameters = InstanceNormParameters {
            plane: plane as u32,
            planes: planes as u32,
            channels: channels as u32,
            eps: op.eps,
        };
        let rounds = 3 * plane.div_ceil(LANES as usize) + 2 * LANES.ilog2() as usize;
        let work = Work::of(planes).rounds(rounds);
        return recording.dispatch(NAME, key, &parameters, &slots, &[slot(output)?], work);
    }
    let extents = [planes, plane, 1];
    let means = middle(NAME, ReduceKind::Mean, Term::Plain, extents, input, recording)?;
    let variances = middle(NAME, ReduceKind::Mean, Term::Square(Some(&means)), extents, input, recording)?;
    slots.extend([slot(&means)?, slot(&variances)?]);
    let chunks = plane.div_ceil(LANES as usize * ITEMS);
    let key = PipelineKey::new(Kernel::InstanceNormApply, [("LANES", LANES), ("ITEMS", ITEMS as u32)]);
    let parameters = InstanceNormApplyParameters {
        plane: plane as u32,
        planes: planes as u32,
        channels: channels as u32,
        chunks: chunks as u32,
        eps: op.eps,
    };
    recording.dispatch(NAME, key, &parameters, &slots, &[slot(output)?], Work::of(planes * chunks))
}
