//! Parts along an axis, by indices.

use ndarray::{ArrayD, Dimension, IxDyn};

use super::answer::Answer;
use super::number::Number;
use crate::error::{Error, Result};
use crate::ops::Gather;

pub(super) fn gather(op: Gather, data: &Answer, indices: &Answer) -> Result<Answer> {
    let rank = data.shape().len() as isize;
    let axis = if op.axis < 0 { op.axis + rank } else { op.axis } as usize;
    let extent = data.shape()[axis];
    if let Some(&index) = indices.values.iter().find(|&&index| !is_within(index, extent)) {
        return Err(Error::invalid(
            "index_select",
            format!("index {index} of {extent} elements along axis {axis} of {:?}", data.shape()),
        ));
    }
    let shape = [&data.shape()[..axis], indices.shape(), &data.shape()[axis + 1..]].concat();
    let (data, indices) = (data.numbers(), indices.numbers());
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        let (before, rest) = place.slice().split_at(axis);
        let (named, after) = rest.split_at(indices.ndim());
        let of_part = |part: usize| data[[before, &[part], after].concat().as_slice()];
        let index = indices[named];
        let from_start = if index.value < 0.0 {
            index.value + extent as f64
        } else {
            index.value
        };
        let chosen = of_part(from_start as usize);
        // Where the index is not sure, it may name any part.
        let others = if index.bound > 0.0 { 0..extent } else { 0..0 };
        let apart = |other: Number| (other.value - chosen.value).abs() + other.bound;
        let bound = others.map(|part| apart(of_part(part))).fold(chosen.bound, f64::max);
        Number::new(chosen.value, bound)
    });
    Ok(output.into())
}

fn is_within(index: f64, extent: usize) -> bool {
    -(extent as f64) <= index && index < extent as f64
}
