//! Resizing by its definition.

use ndarray::{Array4, Ix4};

use super::{
    Answer,
    number::{Number, ULP},
};
use crate::error::Result;
use crate::ops::{Interpolate, InterpolateMode};

pub(super) fn interpolate(op: &Interpolate, input: &Answer) -> Result<Answer> {
    let input = input.view::<Ix4>()?;
    let (batch, channels, height, width) = input.dim();
    let shape = (batch, channels, op.size.height, op.size.width);
    let output = match op.mode {
        InterpolateMode::Nearest => Array4::from_shape_fn(shape, |(n, c, y, x)| {
            input.at([n, c, nearest(y, height, op.size.height), nearest(x, width, op.size.width)])
        }),
        InterpolateMode::Bilinear { align_corners } => Array4::from_shape_fn(shape, |(n, c, y, x)| {
            let row = between(y, height, op.size.height, align_corners);
            let column = between(x, width, op.size.width, align_corners);
            let at = |y, x| input.at([n, c, y, x]);
            let top = mix(at(row.first, column.first), at(row.first, column.second), &column);
            let bottom = mix(at(row.second, column.first), at(row.second, column.second), &column);
            mix(top, bottom, &row)
        }),
    };
    Ok(output.into())
}

/// In `f32`, as it is defined: another precision may fall on the other side of a whole number.
fn nearest(index: usize, input: usize, output: usize) -> usize {
    let scale = input as f32 / output as f32;
    ((index as f32 * scale).floor() as usize).min(input - 1)
}

/// Two neighbours, the weight of the second, and how far an `f32` implementation may have the weight off.
struct Between {
    first: usize,
    second: usize,
    weight: f64,
    error: f64,
}

fn between(index: usize, input: usize, output: usize, align_corners: bool) -> Between {
    let (index, extent, size) = (index as f64, input as f64, output as f64);
    let place = if align_corners {
        if output == 1 {
            0.0
        } else {
            index * (extent - 1.0) / (size - 1.0)
        }
    } else {
        ((index + 0.5) * extent / size - 0.5).max(0.0)
    };
    let first = (place.floor() as usize).min(input - 1);
    // Scale, product, and difference are rounded, each by an ULP of a number no larger than the place and a half.
    let error = 4.0 * ULP * (place + 1.0);
    Between {
        first,
        second: (first + 1).min(input - 1),
        weight: place - first as f64,
        error,
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
        inherited + (between.error + 4.0 * ULP) * magnitude + f64::from(f32::MIN_POSITIVE),
    )
}
