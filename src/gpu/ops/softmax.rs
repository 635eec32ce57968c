//! Softmax and log-softmax.

use super::{LANES, elements, parameters, slot};
use crate::error::Result;
use crate::gpu::recording::{Recording, Value};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::ops::Softmax;

parameters!(SoftmaxParameters {
    extent: u32,
    inner: u32,
    rows: u32
});

pub(super) fn lower(op: &Softmax, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let axis = op.resolved_axis(&input.shape)?;
    let extent = input.shape[axis];
    let inner: usize = input.shape[axis + 1..].iter().product();
    let rows = elements(input) / extent;
    let key = PipelineKey::new(Kernel::Softmax, [("LANES", LANES), ("IS_LOG", u32::from(op.log))]);
    let parameters = SoftmaxParameters {
        extent: extent as u32,
        inner: inner as u32,
        rows: rows as u32,
    };
    let workgroups = rows.div_ceil(LANES as usize);
    recording.dispatch(op.name(), key, &parameters, &[slot(input)?], &[slot(output)?], workgroups)
}
