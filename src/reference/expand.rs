//! Broadcasting: along an extent of 1 there is one element for all places.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use crate::error::Result;
use crate::ops::Expand;

pub(super) fn expand(op: &Expand, input: &Answer) -> Result<Answer> {
    let mut own = input.shape().to_vec();
    while own.len() < op.shape.len() {
        own.insert(0, 1);
    }
    let mut shape = own.clone();
    let first = own.len() - op.shape.len();
    for (extent, &target) in shape[first..].iter_mut().zip(&op.shape) {
        if *extent == 1 && target >= 0 {
            *extent = target as usize;
        }
    }
    let input = super::reshape::with_shape(input, &own)?.numbers();
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |mut place| {
        for (axis, &extent) in own.iter().enumerate() {
            if extent == 1 {
                place[axis] = 0;
            }
        }
        input[&place]
    });
    Ok(output.into())
}
