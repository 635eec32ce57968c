//! Weighted sums along an axis by their definition.

use ndarray::{ArrayD, Dimension, IxDyn};

use super::answer::Answer;
use super::number::{Number, Sum};
use crate::ops::Resample;

pub(super) fn resample(op: &Resample, input: &Answer) -> Answer {
    let rank = input.shape().len() as isize;
    let axis = if op.axis < 0 { op.axis + rank } else { op.axis } as usize;
    let mut shape = input.shape().to_vec();
    shape[axis] = op.table.len();
    let input = input.numbers();
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        let mut source = place.slice().to_vec();
        let mut sum = Sum::default();
        let mut taps = op.table.taps(place[axis]).peekable();
        if taps.peek().is_none() {
            return Number::exact(f64::from(op.empty));
        }
        for (tap, weight) in taps {
            source[axis] = tap;
            sum.add_product(input[source.as_slice()], Number::exact(f64::from(weight)));
        }
        sum.total_in_a_row()
    });
    output.into()
}
