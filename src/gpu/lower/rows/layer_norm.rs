//! Normalisation of rows by their own statistics: a workgroup a row where it can keep one; else the mean, the mean of the squares
//! and the result by themselves.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::rows::kept::Kept;
use crate::gpu::lower::rows::reduce::{Term, middle};
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::{LayerNormApplyParameters, LayerNormParameters};
use crate::ops::{LayerNorm, Op, ReduceKind};

/// Reals of a row that an invocation computes, where the row's statistics are known.
const ITEMS: usize = 4;

pub(crate) fn lower(op: LayerNorm, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let name = Op::from(op).name();
    let [input, weight] = [&inputs[0], &inputs[1]];
    let extent = elements(weight);
    let rows = elements(input) / extent;
    let is_quads = extent.is_multiple_of(4);
    let reals = if is_quads { extent / 4 } else { extent };
    let own = [("CENTRED", u32::from(op.centred)), ("HAS_BIAS", u32::from(inputs.len() == 3))];
    // Where there is no bias, the weight stands in.
    let bias = inputs.get(2).unwrap_or(weight);
    let mut slots = [input, weight, bias].map(slot).into_iter().collect::<Result<Vec<SlotId>>>()?;
    if let Some(kept) = Kept::of_row(reals, recording) {
        let kernel = match (is_quads, kept.has_subgroup) {
            (false, false) => Kernel::LayerNorm,
            (false, true) => Kernel::LayerNormSubgroup,
            (true, false) => Kernel::LayerNormQuads,
            (true, true) => Kernel::LayerNormQuadsSubgroup,
        };
        let parameters = LayerNormParameters {
            rows: rows as u32,
            extent: reals as u32,
            divisor: extent as f32,
            eps: op.eps,
        };
        let key = PipelineKey::new(kernel, kept.constants(&own));
        let work = kept.work(rows, 2);
        return recording.dispatch(name, key, &parameters, &slots, &[slot(output)?], work);
    }
    let mean =
        |term: Term<'_>, recording: &mut Recording| middle(name, ReduceKind::Mean, term, [rows, extent, 1], input, recording);
    let means = op.centred.then(|| mean(Term::Plain, recording)).transpose()?;
    let squares = mean(Term::Square(means.as_ref()), recording)?;
    slots.extend([slot(means.as_ref().unwrap_or(&squares))?, slot(&squares)?]);
    let kernel = if is_quads {
        Kernel::LayerNormApplyQuads
    } else {
        Kernel::LayerNormApply
    };
    let chunks = reals.div_ceil(LANES as usize * ITEMS);
    let parameters = LayerNormApplyParameters {
        rows: rows as u32,
        extent: reals as u32,
        chunks: chunks as u32,
        eps: op.eps,
    };
    let [centred, has_bias] = own;
    let key = PipelineKey::new(kernel, [("LANES", LANES), ("ITEMS", ITEMS as u32), centred, has_bias]);
    recording.dispatch(name, key, &parameters, &slots, &[slot(output)?], Work::of(rows * chunks))
}
