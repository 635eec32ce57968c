//! A tensor with elements updated, each at a place that an index names.

use super::{lines, strided_copy};
use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::function::{Function, Scalar};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::ops::{ScatterElements, Slice};
use crate::shape;

const NAME: &str = "scatter";

/// Each element of the output looks for its updates along its line: WGSL has no atomic sums of floats, and those of any type would be
/// in an order that changes from run to run.
pub(crate) fn lower(op: ScatterElements, inputs: &[Value], output: &Value, recording: &mut Recording) -> Result<()> {
    let [data, indices] = [&inputs[0], &inputs[1]];
    if elements(indices) == 0 {
        // No update: an empty buffer cannot be bound.
        return strided_copy::lower(&Slice::new([], []).into(), &inputs[..1], output, recording);
    }
    let axis = shape::axis(NAME, op.axis, data.shape.len())?;
    let extents = [data.shape[axis], indices.shape[axis]];
    let constants = [("LANES", LANES), ("AXES", MOST_AXES as u32)];
    let key = match op.reduction.function() {
        None => PipelineKey::new(Kernel::Scatter, constants),
        Some(function) => {
            let scalar = Scalar::from(data.dtype);
            let function = Function::of_elements(function.into(), &[scalar; 2], scalar);
            PipelineKey::new(Kernel::ScatterReduce, constants).with(function)
        }
    };
    let slots = inputs.iter().map(slot).collect::<Result<Vec<SlotId>>>()?;
    recording.dispatch(
        NAME,
        key,
        &lines::parameters(NAME, op.axis, output, indices, extents)?,
        &slots,
        &[slot(output)?],
        Work::of(elements(output).div_ceil(LANES as usize)).rounds(extents[1]),
    )
}
