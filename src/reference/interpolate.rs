//! Resizing by its definition.

use ndarray::{Array4, Ix4};

use super::answer::Answer;
use super::number::{Number, ULP};
use crate::error::Result;
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};

pub(super) fn interpolate(op: &Interpolate, input: &Answer) -> Result<Answer> {
    let input = input.view::<Ix4>()?;
    let (batch, channels, height, width) = input.dim();
    let shape = (batch, channels, op.size.height, op.size.width);
    let axis = |input, output, which: usize| Axis {
        input,
        output,
        scale: op.scales.map(|scales| scales[which]),
        coordinates: op.coordinates,
    };
    let vertical = axis(height, op.size.height, 0);
    let horizontal = axis(width, op.size.width, 1);
    let output = match op.mode {
        InterpolateMode::Nearest { rounding } => Array4::from_shape_fn(shape, |(n, c, y, x)| {
            input.at([n, c, vertical.nearest(y, rounding), horizontal.nearest(x, rounding)])
        }),
        InterpolateMode::Bilinear => Array4::from_shape_fn(shape, |(n, c, y, x)| {
            let row = vertical.between(y);
            let column = horizontal.between(x);
            let at = |y, x| input.at([n, c, y, x]);
            let top = mix(at(row.first, column.first), at(row.first, column.second), &column);
            let bottom = mix(at(row.second, column.first), at(row.second, column.second), &column);
            mix(top, bottom, &row)
        }),
    };
    Ok(output.into())
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
