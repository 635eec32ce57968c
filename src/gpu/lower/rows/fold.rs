//! Reductions by a function of two elements: of whole numbers and bools, and products.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::rows::reduce::{Axes, fewest_parts};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::function::{Function, Scalar};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::rows::ReduceParameters;
use crate::ops::{Binary, Reduce, ReduceKind};

/// Of a tensor that has elements.
pub(super) fn lower(op: &Reduce, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let name = op.kind.name();
    let function = match op.kind {
        ReduceKind::Sum => Binary::Add,
        ReduceKind::Product => Binary::Mul,
        ReduceKind::Max => Binary::Max,
        ReduceKind::Mean => return Err(Error::Internal(format!("the mean of {}", input.dtype))),
    };
    fold(name, function, &Axes::new(op, &input.shape)?, input, output, recording)
}

/// In one dispatch, or in parts that further ones put together.
fn fold(name: &'static str, function: Binary, axes: &Axes, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (outputs, terms) = (elements(output), axes.terms());
    let fewest = if recording.capabilities.splits_sums() {
        fewest_parts(terms, outputs).max(1)
    } else {
        1
    };
    let part_terms = terms.div_ceil(fewest);
    let parts = terms.div_ceil(part_terms);
    let target = match parts {
        1 => output.clone(),
        // Reals are rounded once.
        _ if input.dtype.is_float() => recording.inner(name, &[parts, outputs])?,
        _ => recording.output(name, &[parts, outputs], input.dtype)?,
    };
    let parameters = ReduceParameters {
        outputs: outputs as u32,
        tasks: (outputs * parts) as u32,
        terms: terms as u32,
        part_terms: part_terms as u32,
        divisor: 1.0,
        unused: [0; 3],
        axes: axes.packed(1),
    };
    let [kept, reduced] = axes.counts();
    let scalar = Scalar::from(input.dtype);
    let key = PipelineKey::new(Kernel::Fold, [("LANES", LANES), ("KEPT", kept), ("REDUCED", reduced)]);
    let key = key.with(Function::of_elements(function.into(), &[scalar; 2], scalar));
    let work = Work::of((outputs * parts).div_ceil(LANES as usize)).rounds(part_terms);
    recording.dispatch(name, key, &parameters, &[slot(input)?], &[slot(&target)?], work)?;
    if parts == 1 {
        return Ok(());
    }
    fold(name, function, &Axes::middle(1, parts, outputs), &target, output, recording)
}
