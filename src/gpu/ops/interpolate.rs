//! Resizing.

use super::{LANES, check_extent, elements, parameters, slot};
use crate::error::Result;
use crate::gpu::recording::{Recording, Value};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::ops::{Interpolate, InterpolateMode};

parameters!(InterpolateParameters {
    in_height: u32,
    in_width: u32,
    out_height: u32,
    out_width: u32,
    outputs: u32,
    scale_height: f32,
    scale_width: f32,
});

pub(super) fn lower(op: &Interpolate, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (in_height, in_width) = (input.shape[2], input.shape[3]);
    for extent in [in_height, in_width, op.size.height, op.size.width] {
        check_extent("interpolate", extent, 0, 0)?;
    }
    let mode = match op.mode {
        InterpolateMode::Nearest => 0,
        InterpolateMode::Bilinear { align_corners: false } => 1,
        InterpolateMode::Bilinear { align_corners: true } => 2,
    };
    let scale = |input: usize, output: usize| match (mode, output) {
        (2, 1) => 0.0,
        (2, _) => (input - 1) as f32 / (output - 1) as f32,
        _ => input as f32 / output as f32,
    };
    let outputs = elements(output);
    let key = PipelineKey::new(Kernel::Interpolate, [("LANES", LANES), ("MODE", mode)]);
    let parameters = InterpolateParameters {
        in_height: in_height as u32,
        in_width: in_width as u32,
        out_height: op.size.height as u32,
        out_width: op.size.width as u32,
        outputs: outputs as u32,
        scale_height: scale(in_height, op.size.height),
        scale_width: scale(in_width, op.size.width),
    };
    recording.dispatch(
        "interpolate",
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        outputs.div_ceil(LANES as usize),
    )
}
