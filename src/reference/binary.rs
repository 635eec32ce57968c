//! Sum and product of two tensors, broadcast.

use ndarray::{ArrayD, IxDyn};

use super::{
    Answer,
    number::{Number, SMALLEST, ULP},
};
use crate::error::{Error, Result};
use crate::ops::Binary;

pub(super) fn binary(op: Binary, left: &Answer, right: &Answer) -> Result<Answer> {
    let (mut left_shape, mut right_shape) = (left.shape().to_vec(), right.shape().to_vec());
    while left_shape.len() < right_shape.len() {
        left_shape.insert(0, 1);
    }
    while right_shape.len() < left_shape.len() {
        right_shape.insert(0, 1);
    }
    // An extent of 1 gives way to the other, even to 0.
    let shape: Vec<usize> = left_shape
        .iter()
        .zip(&right_shape)
        .map(|(&a, &b)| if a == 1 { b } else { a })
        .collect();
    let (left, right) = (left.numbers(), right.numbers());
    let disagree = || {
        Error::invalid(
            op.name(),
            format!("shapes {left_shape:?} and {right_shape:?} do not broadcast"),
        )
    };
    let left = left.broadcast(IxDyn(&shape)).ok_or_else(disagree)?;
    let right = right.broadcast(IxDyn(&shape)).ok_or_else(disagree)?;
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| combine(op, left[&place], right[&place]));
    Ok(output.into())
}

/// One operation: at most one ULP, whatever the rounding mode, of a result that inherits its inputs' errors. A product
/// may be flushed to zero, a factor as well.
fn combine(op: Binary, a: Number, b: Number) -> Number {
    match op {
        Binary::Add => {
            let inherited = a.bound + b.bound;
            let value = a.value + b.value;
            Number::new(value, inherited + ULP * (value.abs() + inherited) + 2.0 * SMALLEST)
        }
        Binary::Mul => {
            let (a_size, b_size) = (a.value.abs(), b.value.abs());
            let inherited = a.bound * b_size + a_size * b.bound + a.bound * b.bound;
            let value = a.value * b.value;
            Number::new(
                value,
                inherited + ULP * (value.abs() + inherited) + SMALLEST * (1.0 + a_size + b_size),
            )
        }
    }
}
