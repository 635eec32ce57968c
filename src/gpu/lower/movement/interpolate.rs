//! Resizing: nearest elements from a table, linear in arithmetic.

use crate::error::Result;
use crate::gpu::choose::plane::plane;
use crate::gpu::choose::problem::check_extent;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::movement::resample;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::movement::{InterpolateParameters, NearestParameters};
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding, TapTable};

const NAME: &str = "interpolate";

pub(crate) fn lower(op: &Interpolate, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let (extents, sizes) = (&input.shape[2..], &output.shape[2..]);
    let scales = op.scales_of(extents.len())?;
    let axes: Vec<Axis> = (extents.iter().zip(sizes).zip(scales))
        .map(|((&input, &output), scale)| Axis {
            input,
            output,
            scale,
            coordinates: op.coordinates,
        })
        .collect();
    for extent in extents.iter().chain(sizes) {
        check_extent(NAME, *extent, 0, 0)?;
    }
    // A signal's only row is itself.
    let line = Axis::unchanged(1);
    match (op.mode, axes.as_slice()) {
        (InterpolateMode::Nearest { rounding }, &[depth, rows, columns]) => {
            // Each slice as a plane, then the slices, whose elements are the columns of planes.
            let outer = input.shape[0] * input.shape[1];
            let plane = rows.output * columns.output;
            let slices = recording.inner(NAME, &[outer, depth.input, rows.output, columns.output])?;
            nearest([rows, columns], rounding, input, &slices, recording)?;
            nearest([depth, Axis::unchanged(plane)], rounding, &slices, output, recording)
        }
        (InterpolateMode::Nearest { rounding }, axes) => nearest(plane(NAME, axes, line)?, rounding, input, output, recording),
        (InterpolateMode::Linear, &[depth, rows, columns]) => {
            // Each slice as a plane, then between slices.
            let outer = input.shape[0] * input.shape[1];
            let plane = rows.output * columns.output;
            let slices = recording.inner(NAME, &[outer, depth.input, rows.output, columns.output])?;
            bilinear([rows, columns], input, &slices, recording)?;
            resample::along(NAME, &depth.neighbours()?, plane, 0.0, &slices, output, recording)
        }
        (InterpolateMode::Linear, axes) => bilinear(plane(NAME, axes, line)?, input, output, recording),
    }
}

/// Division is not exactly rounded on every GPU, so the host says which elements are nearest: rows, then columns.
fn nearest(
    [vertical, horizontal]: [Axis; 2],
    rounding: NearestRounding,
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let outputs = elements(output);
    let rows = (0..vertical.output).map(|i| vertical.nearest(i, rounding));
    let columns = (0..horizontal.output).map(|i| horizontal.nearest(i, rounding));
    let sources = recording.data(NAME, rows.chain(columns).collect())?;
    let key = PipelineKey::new(Kernel::InterpolateNearest, [("LANES", LANES)]);
    let parameters = NearestParameters {
        in_height: vertical.input as u32,
        in_width: horizontal.input as u32,
        out_height: vertical.output as u32,
        out_width: horizontal.output as u32,
        outputs: outputs as u32,
    };
    let work = Work::of(outputs.div_ceil(LANES as usize));
    recording.dispatch(NAME, key, &parameters, &[slot(input)?, sources], &[slot(output)?], work)
}

fn bilinear([vertical, horizontal]: [Axis; 2], input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let outputs = elements(output);
    let half_pixel = |axis: &Axis| u32::from(axis.is_half_pixel());
    let constants = [
        ("LANES", LANES),
        ("HALF_PIXEL_HEIGHT", half_pixel(&vertical)),
        ("HALF_PIXEL_WIDTH", half_pixel(&horizontal)),
    ];
    let parameters = InterpolateParameters {
        in_height: vertical.input as u32,
        in_width: horizontal.input as u32,
        out_height: vertical.output as u32,
        out_width: horizontal.output as u32,
        outputs: outputs as u32,
        scale_height: vertical.factor(),
        scale_width: horizontal.factor(),
    };
    let key = PipelineKey::new(Kernel::Interpolate, constants);
    let work = Work::of(outputs.div_ceil(LANES as usize));
    recording.dispatch(NAME, key, &parameters, &[slot(input)?], &[slot(output)?], work)
}

/// One direction.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    output: usize,
    scale: Option<f32>,
    coordinates: CoordinateMode,
}

impl Axis {
    /// Each element stays where it is.
    fn unchanged(extent: usize) -> Self {
        Self {
            input: extent,
            output: extent,
            scale: None,
            coordinates: CoordinateMode::Asymmetric,
        }
    }

    fn is_half_pixel(&self) -> bool {
        match self.coordinates {
            CoordinateMode::HalfPixel => true,
            CoordinateMode::PytorchHalfPixel => self.output > 1,
            CoordinateMode::AlignCorners | CoordinateMode::Asymmetric => false,
        }
    }

    /// Whether the only output element lies at 0, whatever the scale.
    fn is_at_zero(&self) -> bool {
        self.output == 1
            && matches!(
                self.coordinates,
                CoordinateMode::PytorchHalfPixel | CoordinateMode::AlignCorners
            )
    }

    /// What an index, or an index and a half, is multiplied by.
    fn factor(&self) -> f32 {
        match (self.coordinates, self.scale) {
            _ if self.is_at_zero() => 0.0,
            (CoordinateMode::AlignCorners, _) => (self.input - 1) as f32 / (self.output - 1) as f32,
            (_, Some(scale)) => 1.0 / scale,
            (_, None) => self.input as f32 / self.output as f32,
        }
    }

    /// The two elements that each of the output lies between, with their weights.
    fn neighbours(&self) -> Result<TapTable> {
        let mut table = TapTable::new(self.input);
        let shift = if self.is_half_pixel() { 0.5 } else { 0.0 };
        let factor = f64::from(self.factor());
        for index in 0..self.output {
            let place = ((index as f64 + shift) * factor - shift).max(0.0);
            let first = (place as usize).min(self.input - 1);
            let weight = (place - first as f64).min(1.0);
            let second = (first + 1).min(self.input - 1);
            table.push([(first, (1.0 - weight) as f32), (second, weight as f32)])?;
        }
        Ok(table)
    }

    /// The source of an output element. Every operation in `f32`, in the order of the definition.
    fn nearest(&self, index: usize, rounding: NearestRounding) -> u32 {
        let shift = if self.is_half_pixel() { 0.5 } else { 0.0 };
        let from = index as f32 + shift;
        let place = match (self.coordinates, self.scale) {
            _ if self.is_at_zero() => 0.0,
            (CoordinateMode::AlignCorners, _) => from * (self.input - 1) as f32 / (self.output - 1) as f32,
            (_, Some(scale)) => from / scale,
            (_, None) => from * self.factor(),
        } - shift;
        let rounded = match rounding {
            NearestRounding::Floor => place.floor(),
            NearestRounding::Ceil => place.ceil(),
            NearestRounding::PreferFloor if place.fract() == 0.5 => place.floor(),
            // Halves go up: rounding is away from 0, and below 0 nothing is left to tell apart.
            NearestRounding::PreferFloor | NearestRounding::PreferCeil => place.round(),
        };
        // The cast makes negative numbers 0.
        (rounded as u32).min(self.input as u32 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(coordinates: CoordinateMode, rounding: NearestRounding, extents: [usize; 2], scale: Option<f32>) -> Vec<u32> {
        let [input, output] = extents;
        let axis = Axis {
            input,
            output,
            scale,
            coordinates,
        };
        (0..output).map(|i| axis.nearest(i, rounding)).collect()
    }

    /// Examples of ONNX's documentation of Resize, by its reference implementation.
    #[test]
    fn nearest_elements_as_in_onnx() {
        use CoordinateMode::{AlignCorners, Asymmetric, HalfPixel};
        use NearestRounding::{Ceil, Floor, PreferCeil, PreferFloor};
        // resize_upsample_scales_nearest: half_pixel, round_prefer_floor.
        assert_eq!(sources(HalfPixel, PreferFloor, [2, 6], Some(3.0)), [0, 0, 0, 1, 1, 1]);
        // resize_downsample_scales_nearest.
        assert_eq!(sources(HalfPixel, PreferFloor, [4, 2], Some(0.6)), [0, 2]);
        // resize_upsample_sizes_nearest_ceil_half_pixel, 4 to 8; _floor_align_corners; _round_prefer_ceil_asymmetric.
        assert_eq!(sources(HalfPixel, Ceil, [4, 8], Some(2.0)), [0, 1, 1, 2, 2, 3, 3, 3]);
        assert_eq!(sources(AlignCorners, Floor, [4, 8], Some(2.0)), [0, 0, 0, 1, 1, 2, 2, 3]);
        assert_eq!(sources(Asymmetric, PreferCeil, [4, 8], Some(2.0)), [0, 1, 1, 2, 2, 3, 3, 3]);
        // A half to either side.
        assert_eq!(sources(Asymmetric, PreferFloor, [4, 8], Some(2.0)), [0, 0, 1, 1, 2, 2, 3, 3]);
    }
}
