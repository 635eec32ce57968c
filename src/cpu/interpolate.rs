//! Resizing: which elements each output has is found once for all planes.

use super::gemm::with_scratch;
use super::operand::Operand;
use super::parallel;
use super::plane::{Places, split};
use crate::error::Result;
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
use crate::shape;

pub(super) fn interpolate(op: &Interpolate, input: &Operand<'_>, output_shape: &[usize], output: &mut [f32]) -> Result<()> {
    let (_, _, extents) = shape::spatial("interpolate", input.shape)?;
    let scales = op.scales_of(extents.len())?;
    let axes = extents.iter().zip(&output_shape[2..]).zip(scales);
    let axes: Vec<Axis> = axes
        .map(|((&input, &output), scale)| Axis {
            input,
            output,
            scale,
            coordinates: op.coordinates,
        })
        .collect();
    match op.mode {
        InterpolateMode::Nearest { rounding } => nearest(&axes, rounding, input.data, output),
        InterpolateMode::Linear => linear(&axes, input.data, output),
    }
    Ok(())
}

fn nearest(axes: &[Axis], rounding: NearestRounding, input: &[f32], output: &mut [f32]) {
    let (outer, across) = split(axes);
    let places = |axis: &Axis| Places::new(1, axis.output, axis.input, |_, place| Some(axis.nearest(place, rounding)));
    let rows = Places::of_rows(outer.iter().map(places));
    let columns: Vec<usize> = (0..across.output).map(|x| across.nearest(x, rounding)).collect();
    let height: usize = outer.iter().map(|axis| axis.input).product();
    let out_height: usize = outer.iter().map(|axis| axis.output).product();
    parallel::planes(output, across.output, |index, output| {
        let (plane, y) = (index / out_height, index % out_height);
        let row = plane * height + rows.at(0, y).unwrap_or(0);
        let row = &input[row * across.input..][..across.input];
        for (output, &column) in output.iter_mut().zip(&columns) {
            *output = row[column];
        }
    });
}

/// Along the columns of every row that an output row lies between, then between these rows, axis by axis outwards.
fn linear(axes: &[Axis], input: &[f32], output: &mut [f32]) {
    let (outer, across) = split(axes);
    let columns: Vec<Between> = (0..across.output).map(|x| across.between(x)).collect();
    let outer_places: Vec<Vec<Between>> = (outer.iter())
        .map(|axis| (0..axis.output).map(|place| axis.between(place)).collect())
        .collect();
    let height: usize = outer.iter().map(|axis| axis.input).product();
    let out_height: usize = outer.iter().map(|axis| axis.output).product();
    parallel::planes(output, across.output, |index, output| {
        let (plane, mut y) = (index / out_height, index % out_height);
        // The innermost axis first; pairs of rows that differ in it stand together.
        let (mut rows, mut stride, mut weights) = (vec![plane * height], 1, Vec::with_capacity(outer.len()));
        for (axis, places) in outer.iter().zip(&outer_places).rev() {
            let between = places[y % axis.output];
            y /= axis.output;
            let second = rows.iter().map(|row| row + between.second * stride);
            rows = rows.iter().map(|row| row + between.first * stride).chain(second).collect();
            weights.push(between.weight);
            stride *= axis.input;
        }
        with_scratch(rows.len() * across.output, |lines| {
            for (line, row) in lines.chunks_exact_mut(across.output).zip(&rows) {
                let row = &input[row * across.input..][..across.input];
                for (value, column) in line.iter_mut().zip(&columns) {
                    *value = mix(row[column.first], row[column.second], column.weight);
                }
            }
            fold(lines, across.output, &weights);
            output.copy_from_slice(&lines[..across.output]);
        });
    });
}

/// Lines whose number has a bit for each axis become one.
fn fold(lines: &mut [f32], width: usize, weights: &[f32]) {
    for (axis, &weight) in weights.iter().enumerate() {
        let step = width << axis;
        for pair in lines.chunks_exact_mut(2 * step) {
            let (first, second) = pair.split_at_mut(step);
            for (first, &second) in first[..width].iter_mut().zip(second.iter()) {
                *first = mix(*first, second, weight);
            }
        }
    }
}

fn mix(first: f32, second: f32, weight: f32) -> f32 {
    first * (1.0 - weight) + second * weight
}

/// One direction.
#[derive(Clone, Copy)]
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
