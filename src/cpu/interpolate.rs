//! Resizing: which elements each output has is found once for all planes.

use super::operand::Operand;
use super::parallel;
use crate::error::Result;
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
use crate::shape;

pub(super) fn interpolate(op: &Interpolate, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let [_, _, height, width] = shape::nchw("interpolate", input.shape)?;
    let axis = |input, output, which: usize| Axis {
        input,
        output,
        scale: op.scales.map(|scales| scales[which]),
        coordinates: op.coordinates,
    };
    let vertical = axis(height, op.size.height, 0);
    let horizontal = axis(width, op.size.width, 1);
    match op.mode {
        InterpolateMode::Nearest { rounding } => {
            let rows: Vec<usize> = (0..op.size.height).map(|y| vertical.nearest(y, rounding)).collect();
            let columns: Vec<usize> = (0..op.size.width).map(|x| horizontal.nearest(x, rounding)).collect();
            parallel::planes(output, op.size.width, |index, output| {
                let (plane, y) = (index / op.size.height, index % op.size.height);
                let row = &input.data[(plane * height + rows[y]) * width..][..width];
                for (output, &column) in output.iter_mut().zip(&columns) {
                    *output = row[column];
                }
            });
        }
        InterpolateMode::Bilinear => {
            let rows: Vec<Between> = (0..op.size.height).map(|y| vertical.between(y)).collect();
            let columns: Vec<Between> = (0..op.size.width).map(|x| horizontal.between(x)).collect();
            parallel::planes(output, op.size.width, |index, output| {
                let (plane, y) = (index / op.size.height, index % op.size.height);
                let row = |row: usize| &input.data[(plane * height + row) * width..][..width];
                let (between, top, bottom) = (rows[y], row(rows[y].first), row(rows[y].second));
                for (output, column) in output.iter_mut().zip(&columns) {
                    let top = mix(top[column.first], top[column.second], column.weight);
                    let bottom = mix(bottom[column.first], bottom[column.second], column.weight);
                    *output = mix(top, bottom, between.weight);
                }
            });
        }
    }
    Ok(())
}

fn mix(first: f32, second: f32, weight: f32) -> f32 {
    first * (1.0 - weight) + second * weight
}

/// One direction.
struct Axis {
    input: usize,
    output: usize,
    scale: Option<f32>,
    coordinates: CoordinateMode,
}

/// Two neighbours and the weight of the second.
#[derive(Clone, Copy)]
struct Between {
    first: usize,
    second: usize,
    weight: f32,
}

impl Axis {
    /// In `f32`, an operation at a time: that is what decides which element is the nearest.
    fn coordinate(&self, index: usize) -> f32 {
        let (i, input, output) = (index as f32, self.input as f32, self.output as f32);
        let unscaled = |i: f32| self.scale.map_or_else(|| i * (input / output), |scale| i / scale);
        match self.coordinates {
            CoordinateMode::Asymmetric => unscaled(i),
            CoordinateMode::PytorchHalfPixel | CoordinateMode::AlignCorners if self.output == 1 => 0.0,
            CoordinateMode::HalfPixel | CoordinateMode::PytorchHalfPixel => unscaled(i + 0.5) - 0.5,
            CoordinateMode::AlignCorners => i * (input - 1.0) / (output - 1.0),
        }
    }

    fn nearest(&self, index: usize, rounding: NearestRounding) -> usize {
        let place = self.coordinate(index);
        let below = place.floor();
        let rounded = match rounding {
            NearestRounding::Floor => below,
            NearestRounding::Ceil => place.ceil(),
            NearestRounding::PreferFloor => below + f32::from(u8::from(place - below > 0.5)),
            NearestRounding::PreferCeil => below + f32::from(u8::from(place - below >= 0.5)),
        };
        (rounded.max(0.0) as usize).min(self.input - 1)
    }

    fn between(&self, index: usize) -> Between {
        let place = self.coordinate(index).max(0.0);
        let first = (place as usize).min(self.input - 1);
        Between {
            first,
            second: (first + 1).min(self.input - 1),
            // Beyond the last element both neighbours are that element.
            weight: (place - first as f32).min(1.0),
        }
    }
}
