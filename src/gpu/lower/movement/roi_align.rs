//! Regions pooled to one size.

use crate::error::Result;
use crate::gpu::choose::problem::check_extent;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::RoiAlignParameters;
use crate::ops::{RoiAlign, RoiReduction};

const NAME: &str = "roi_align";
/// Samples of a part along an axis that are allowed whatever the image.
const FEWEST_ALLOWED: usize = 64;

pub(crate) fn lower(op: RoiAlign, input: &Value, regions: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (height, width) = (input.shape[2], input.shape[3]);
    let [out_height, out_width] = op.parts()?;
    check_extent(NAME, height, 0, 0)?;
    check_extent(NAME, width, 0, 0)?;
    // An invocation's loops must end: where samples follow from regions, for those of up to twice the image.
    let most = |extent: usize, parts: usize| match op.sampling_ratio {
        0 => ((2 * extent).div_ceil(parts) + 1).max(FEWEST_ALLOWED),
        samples => samples,
    };
    let (rows, columns) = (most(height, out_height), most(width, out_width));
    let outputs = elements(output);
    let parameters = RoiAlignParameters {
        outputs: outputs as u32,
        batch: input.shape[0] as u32,
        channels: input.shape[1] as u32,
        in_height: height as u32,
        in_width: width as u32,
        out_height: out_height as u32,
        out_width: out_width as u32,
        spatial_scale: op.spatial_scale,
        samples: op.sampling_ratio as u32,
        most_rows: rows as u32,
        most_columns: columns as u32,
        nowhere: f32::NAN,
    };
    let constants = [
        ("LANES", LANES),
        ("ALIGNED", u32::from(op.aligned)),
        ("IS_MAX", u32::from(op.reduction == RoiReduction::Max)),
    ];
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::RoiAlign, constants),
        &parameters,
        &[slot(input)?, slot(regions)?],
        &[slot(output)?],
        Work::of(outputs.div_ceil(LANES as usize)).rounds(rows * (1 + columns)),
    )
}
