//! From one element type to another.

use crate::error::Result;
use crate::gpu::lower::elementwise::unary;
use crate::gpu::plan::recording::{Recording, Value};
use crate::gpu::wgsl::function::{Function, Snippet};

pub(crate) fn lower(input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let function = Function::of_one(Snippet::to(output.dtype), 0, input.dtype.into(), output.dtype.into());
    unary::record("to", function, [0.0; 2], input, output, recording)
}
