//! Padding and cropping.

use crate::error::{Error, Result};
use crate::gpu::choose::plane::{padding, plane};
use crate::gpu::choose::problem::check_extent;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::slot;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::PadParameters;
use crate::ops::Pad;
use crate::padding::{Padding2d, Sides};

/// Output rows that an invocation writes.
const ROWS: u32 = 4;

pub(crate) fn lower(op: &Pad, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (extents, outer) = (&input.shape[2..], input.shape[0] * input.shape[1]);
    let sides = op.padding.of_axes("pad", "padding", extents.len())?;
    let (&[depth, in_height, in_width], &[front, rows, columns]) = (extents, sides.as_slice()) else {
        let padded = plane("pad", &output.shape[2..], 1)?;
        let pass = Planes {
            count: outer,
            input: plane("pad", extents, 1)?,
            output: padded,
            padding: padding("pad", &sides)?,
        };
        return pass.pad(op, input, output, recording);
    };
    // Volumes: each slice as a plane, then the slices, whose elements are the columns of planes. Every mode is the same either way.
    let [_, _, out_depth, out_height, out_width] = output.shape[..] else {
        return Err(Error::Internal(format!("a padded volume of shape {:?}", output.shape)));
    };
    let slices = recording.inner("pad", &[outer, depth, out_height, out_width])?;
    let within = Planes {
        count: outer * depth,
        input: [in_height, in_width],
        output: [out_height, out_width],
        padding: padding("pad", &[rows, columns])?,
    };
    within.pad(op, input, &slices, recording)?;
    let across = Planes {
        count: outer,
        input: [depth, out_height * out_width],
        output: [out_depth, out_height * out_width],
        padding: padding("pad", &[front, Sides::NONE])?,
    };
    across.pad(op, &slices, output, recording)
}

/// Planes that are padded by one call.
struct Planes {
    count: usize,
    input: [usize; 2],
    output: [usize; 2],
    padding: Padding2d,
}

impl Planes {
    fn pad(&self, op: &Pad, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
        let ([in_height, in_width], [out_height, out_width]) = (self.input, self.output);
        let padding = self.padding;
        check_extent("pad", in_height, padding.top, padding.bottom)?;
        check_extent("pad", in_width, padding.left, padding.right)?;
        let planes = self.count;
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
            pad_top: padding.top as i32,
            pad_left: padding.left as i32,
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
}
