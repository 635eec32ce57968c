//! Joining: each place of the output belongs to one of the inputs.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use super::number::Number;
use crate::ops::Concat;

pub(super) fn concat(op: Concat, inputs: &[&Answer]) -> Answer {
    let mut shape = inputs[0].shape().to_vec();
    let axis = if op.axis < 0 {
        op.axis + shape.len() as isize
    } else {
        op.axis
    } as usize;
    shape[axis] = inputs.iter().map(|input| input.shape()[axis]).sum();
    let inputs: Vec<ArrayD<Number>> = inputs.iter().map(|input| input.numbers()).collect();
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |mut place| {
        let mut inputs = inputs.iter();
        let mut input = inputs.next();
        // The extents of the inputs before its own lie before it.
        while let Some(passed) = input.filter(|input| place[axis] >= input.shape()[axis]) {
            place[axis] -= passed.shape()[axis];
            input = inputs.next();
        }
        input.map_or(Number::ZERO, |input| input[&place])
    });
    output.into()
}
