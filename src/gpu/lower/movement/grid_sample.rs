//! Samples at places that a grid names.

use crate::error::Result;
use crate::gpu::choose::problem::check_extent;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::GridSampleParameters;
use crate::ops::{GridCoordinates, GridMode, GridPadding, GridSample};

const NAME: &str = "grid_sample";

pub(crate) fn lower(op: GridSample, input: &Value, grid: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let extents = &input.shape[2..];
    for &extent in extents {
        check_extent(NAME, extent, 0, 0)?;
    }
    let axes = extents.len();
    let mut volume = [1; 3];
    volume[3 - axes..].copy_from_slice(extents);
    let outputs = elements(output);
    let parameters = GridSampleParameters {
        outputs: outputs as u32,
        channels: input.shape[1] as u32,
        points: output.shape[2..].iter().product::<usize>() as u32,
        depth: volume[0] as u32,
        height: volume[1] as u32,
        width: volume[2] as u32,
    };
    let (mode, taps) = match op.mode {
        GridMode::Nearest => (0, 1),
        GridMode::Linear => (1, 2),
        GridMode::Cubic => (2, 4),
    };
    let padding = match op.padding {
        GridPadding::Zeros => 0,
        GridPadding::Border => 1,
        GridPadding::Reflection => 2,
    };
    let coordinates = match op.coordinates {
        GridCoordinates::Edges => 0,
        GridCoordinates::Centres => 1,
        GridCoordinates::Elements => 2,
    };
    let [slices, rows, columns] = [2, 1, 0].map(|axis| if axis < axes { taps } else { 1 });
    let constants = [
        ("LANES", LANES),
        ("AXES", axes as u32),
        ("MODE", mode),
        ("PADDING", padding),
        ("COORDINATES", coordinates),
        ("TAPS_DEPTH", slices),
        ("TAPS_HEIGHT", rows),
        ("TAPS_WIDTH", columns),
    ];
    recording.dispatch(
        NAME,
        PipelineKey::new(Kernel::GridSample, constants),
        &parameters,
        &[slot(input)?, slot(grid)?],
        &[slot(output)?],
        Work::of(outputs.div_ceil(LANES as usize)).rounds((slices * (1 + rows * (1 + columns))) as usize),
    )
}
