//! Functions of one element.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::function::Function;
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::elementwise::UnaryParameters;
use crate::ops::Unary;
use crate::ops::elementwise::Elementwise;

pub(crate) fn lower(function: &Unary, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let called = Function::activation(*function, input.dtype.into(), output.dtype.into());
    record(function.name(), called, two_parameters(function), input, output, recording)
}

/// A function of one element under an operator's name.
pub(crate) fn record(
    operator: &'static str,
    function: Function,
    [first, second]: [f32; 2],
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let quads = elements(input).div_ceil(4);
    let key = PipelineKey::new(Kernel::Unary, [("LANES", LANES)]).with(function);
    let parameters = UnaryParameters {
        quads: quads as u32,
        first,
        second,
    };
    let workgroups = quads.div_ceil(LANES as usize);
    recording.dispatch(
        operator,
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        Work::of(workgroups),
    )
}

/// The function's parameters, and 0 for those that it has not.
pub(crate) fn two_parameters(function: &Unary) -> [f32; 2] {
    let parameters = function.parameters();
    [0, 1].map(|index| parameters.get(index).copied().unwrap_or_default())
}
