//! Resizing by its definition.

use std::array::from_fn;

use ndarray::Array5;

use super::answer::Answer;
use super::number::{Number, ULP};
use super::volume::{AXES, axes, finish, of_volume, volume};
use crate::error::Result;
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};

pub(super) fn interpolate(op: &Interpolate, input: &Answer) -> Result<Answer> {
    let spatial = axes(input);
    let input = volume(input)?;
    let (batch, channels, depth, height, width) = input.dim();
    let (extents, size) = ([depth, height, width], of_volume(op.size, spatial, 1));
    let scales = op.scales.map(|scales| of_volume(scales, spatial, 1.0));
    let along: [Axis; AXES] = from_fn(|axis| Axis {
        input: extents[axis],
        output: size[axis],
        scale: scales.map(|scales| scales[axis]),
        coordinates: op.coordinates,
    });
    let shape = (batch, channels, size[0], size[1], size[2]);
    let output = match op.mode {
        InterpolateMode::Nearest { rounding } => Array5::from_shape_fn(shape, |(n, c, z, y, x)| {
            let [slice, row, column] = [
                along[0].nearest(z, rounding),
                along[1].nearest(y, rounding),
                along[2].nearest(x, rounding),
            ];
            input.at([n, c, slice, row, column])
        }),
        InterpolateMode::Linear => Array5::from_shape_fn(shape, |(n, c, z, y, x)| {
            let [slice, row, column] = [along[0].between(z), along[1].between(y), along[2].between(x)];
            // Along axes that the input has not, there is nothing between.
            let along = |axis: usize, first, second, between: &Between| {
                if axis < AXES - spatial {
                    first
                } else {
                    mix(first, second, between)
                }
            };
            let in_row = |z, y| {
                let at = |x| input.at([n, c, z, y, x]);
                along(2, at(column.first), at(column.second), &column)
            };
            let in_slice = |z| along(1, in_row(z, row.first), in_row(z, row.second), &row);
            along(0, in_slice(slice.first), in_slice(slice.second), &slice)
        }),
    };
    Ok(finish(output, spatial))
}

/// One direction.
struct Axis {
    input: usize,
    output: usize,
    scale: Option<f32>,
    coordinates: CoordinateMode,
}

/// Two neighbours, the weight of the second, and how far an `f32` implementation may have the weight off.
struct Between {
    first: usize,
    second: usize,
    weight: f64,
    error: f64,
}

impl Axis {
    /// In `f32`, an operation at a time, as it is defined: another precision may fall on the other side of a whole number.
    fn nearest(&self, index: usize, rounding: NearestRounding) -> usize {
        let (i, input, output) = (index as f32, self.input as f32, self.output as f32);
        let scaled = |i: f32| self.scale.map_or_else(|| i * (input / output), |scale| i / scale);
        let place: f32 = match self.coordinates {
            CoordinateMode::Asymmetric => scaled(i),
            CoordinateMode::PytorchHalfPixel | CoordinateMode::AlignCorners if self.output == 1 => 0.0,
            CoordinateMode::HalfPixel | CoordinateMode::PytorchHalfPixel => scaled(i + 0.5) - 0.5,
            CoordinateMode::AlignCorners => i * (input - 1.0) / (output - 1.0),
        };
        let below = place.floor();
        let rounded = match rounding {
            NearestRounding::Floor => below,
            NearestRounding::Ceil => place.ceil(),
            NearestRounding::PreferFloor if place - below <= 0.5 => below,
            NearestRounding::PreferCeil if place - below < 0.5 => below,
            _ => below + 1.0,
        };
        rounded.clamp(0.0, input - 1.0) as usize
    }

    fn between(&self, index: usize) -> Between {
        let (i, input, output) = (index as f64, self.input as f64, self.output as f64);
        let scale = self.scale.map_or(output / input, f64::from);
        let place = match self.coordinates {
            CoordinateMode::Asymmetric => i / scale,
            CoordinateMode::PytorchHalfPixel | CoordinateMode::AlignCorners if self.output == 1 => 0.0,
            CoordinateMode::HalfPixel | CoordinateMode::PytorchHalfPixel => (i + 0.5) / scale - 0.5,
            CoordinateMode::AlignCorners => i * (input - 1.0) / (output - 1.0),
        };
        let place = place.max(0.0);
        let first = (place.floor() as usize).min(self.input - 1);
        Between {
            first,
            second: (first + 1).min(self.input - 1),
            // Beyond the last element, where scales say so, both neighbours are that element.
            weight: (place - first as f64).min(1.0),
            // Scale, product, and difference are rounded, each by an ULP of a number no larger than the place and a half.
            error: 4.0 * ULP * (place + 1.0),
        }
    }
}

/// Where the place rounds to the other side of an element, the weight is off by as little as the place is: the
/// interpolant is continuous.
fn mix(first: Number, second: Number, between: &Between) -> Number {
    let weight = between.weight;
    let value = first.value * (1.0 - weight) + second.value * weight;
    let inherited = first.bound.max(second.bound);
    let magnitude = first.largest() + second.largest();
    Number::new(
        value,
        inherited + (between.error.min(1.0) + 4.0 * ULP) * magnitude + f64::from(f32::MIN_POSITIVE),
    )
}
