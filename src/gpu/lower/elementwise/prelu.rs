//! A slope for negative elements that is an input.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::elementwise::ITEMS;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::elementwise::PReluParameters;

pub(crate) fn lower(input: &Value, slope: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let planes: usize = input.shape.iter().take(2).product();
    let plane = elements(input) / planes;
    let chunks = plane.div_ceil((LANES * ITEMS) as usize);
    let key = PipelineKey::new(Kernel::PRelu, [("LANES", LANES), ("ITEMS", ITEMS)]);
    let parameters = PReluParameters {
        plane: plane as u32,
        chunks: chunks as u32,
        planes: planes as u32,
        slopes: elements(slope) as u32,
    };
    recording.dispatch(
        "prelu",
        key,
        &parameters,
        &[slot(input)?, slot(slope)?],
        &[slot(output)?],
        Work::of(planes * chunks),
    )
}
