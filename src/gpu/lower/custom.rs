//! Operators that a program brings along.

use std::sync::Arc;

use crate::dtype::TensorType;
use crate::error::{Error, Result, ensure};
use crate::gpu::lower::common::elements;
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::custom::{CustomSource, parameters};
use crate::gpu::wgsl::kernel::PipelineKey;
use crate::ops::CustomOp;

/// Records the kernel that the operator has for these operands.
pub(super) fn lower(
    op: &CustomOp,
    (inputs, input_types): (&[Value], &[TensorType]),
    (outputs, output_types): (&[Value], &[TensorType]),
    recording: &mut Recording,
) -> Result<()> {
    let name = op.name();
    let kernel = op.kernel(input_types, output_types)?;
    let limits = &recording.capabilities.limits;
    for (what, needed, limit) in [
        (
            "the tensors of its kernel",
            inputs.len() + outputs.len(),
            limits.max_storage_buffers_per_shader_stage,
        ),
        (
            "the invocations of a workgroup of its kernel",
            kernel.lanes as usize,
            limits.max_compute_invocations_per_workgroup,
        ),
    ] {
        if needed > limit as usize {
            return Err(Error::LimitExceeded {
                operator: name,
                what: what.to_owned(),
                needed: needed as u64,
                limit: u64::from(limit),
            });
        }
    }
    ensure!(
        kernel.lanes > 0,
        name,
        "expected a workgroup of one invocation or more for its kernel, but got 0"
    );
    ensure!(
        kernel.rounds.is_some() || !kernel.has_loops(),
        name,
        "its kernel has loops, and does not say how many rounds they take at most (CustomKernel::rounds): some drivers end loops after 65,535"
    );
    let slots = |values: &[Value]| -> Result<Vec<SlotId>> {
        let slot = |value: &Value| {
            value.slot.ok_or_else(|| {
                let message = format!(
                    "a tensor without elements, of shape {:?}, beside an output that has some",
                    value.shape
                );
                Error::unsupported(name, message)
            })
        };
        values.iter().map(slot).collect()
    };
    let count = elements(&outputs[0]);
    let source = Arc::new(CustomSource::new(name, &kernel));
    let mut constants = vec![("LANES", kernel.lanes)];
    constants.extend(&kernel.constants);
    let workgroups = kernel.workgroups.unwrap_or_else(|| count.div_ceil(kernel.lanes as usize));
    recording.dispatch_bytes(
        name,
        PipelineKey::new(source, constants),
        bytemuck::cast_slice(&parameters(count as u32, &kernel)),
        &slots(inputs)?,
        &slots(outputs)?,
        Work::of(workgroups).rounds(kernel.rounds.unwrap_or(0)),
    )
}
