//! Padding and cropping.

use crate::error::Result;
use crate::gpu::choose::problem::check_extent;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::slot;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::PadParameters;
use crate::ops::Pad2d;

/// Output rows that an invocation writes.
const ROWS: u32 = 4;

pub(crate) fn lower(op: &Pad2d, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (in_height, in_width) = (input.shape[2], input.shape[3]);
    let (out_height, out_width) = (output.shape[2], output.shape[3]);
    check_extent("pad", in_height, op.padding.top, op.padding.bottom)?;
    check_extent("pad", in_width, op.padding.left, op.padding.right)?;
    let planes = output.shape[0] * output.shape[1];
    let row_blocks = out_height.div_ceil(ROWS as usize);
    let position_blocks = (row_blocks * out_width).div_ceil(LANES as usize);
    let key = PipelineKey::new(
        Kernel::Pad2d,
        [("LANES", LANES), ("ROWS", ROWS), ("PADDING_MODE", op.mode.code())],
    );
    let parameters = PadParameters {
        in_height: in_height as u32,
        in_width: in_width as u32,
        out_height: out_height as u32,
        out_width: out_width as u32,
        pad_top: op.padding.top as i32,
        pad_left: op.padding.left as i32,
        row_blocks: row_blocks as u32,
        position_blocks: position_blocks as u32,
        planes: planes as u32,
        value: op.value,
    };
    recording.dispatch(
        "pad",
        key,
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        Work::of(planes * position_blocks),
    )
}
