//! Axes in another order.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use crate::ops::Transpose;

pub(super) fn transpose(op: &Transpose, input: &Answer) -> Answer {
    let rank = input.shape().len();
    let axis_of = |i: usize| match op.permutation.get(i) {
        None => rank - 1 - i,
        Some(&axis) if axis < 0 => (axis + rank as isize) as usize,
        Some(&axis) => axis as usize,
    };
    let shape: Vec<usize> = (0..rank).map(|i| input.shape()[axis_of(i)]).collect();
    let input = input.numbers();
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        let mut source = IxDyn(&vec![0; rank]);
        for i in 0..rank {
            source[axis_of(i)] = place[i];
        }
        input[&source]
    });
    output.into()
}
