//! Slices: along each axis, the places that lie in the range and a whole number of steps from its first.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use crate::ops::Slice;

pub(super) fn slice(op: &Slice, input: &Answer) -> Answer {
    let rank = input.shape().len() as isize;
    let mut places: Vec<Vec<usize>> = input.shape().iter().map(|&extent| (0..extent).collect()).collect();
    for (i, (&start, &end)) in op.starts.iter().zip(&op.ends).enumerate() {
        let axis = if op.axes.is_empty() { i as isize } else { op.axes[i] };
        let axis = if axis < 0 { axis + rank } else { axis } as usize;
        let step = if op.steps.is_empty() { 1 } else { op.steps[i] };
        places[axis] = taken(start, end, step, input.shape()[axis]);
    }
    let shape: Vec<usize> = places.iter().map(Vec::len).collect();
    let input = input.numbers();
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |mut place| {
        for (axis, places) in places.iter().enumerate() {
            place[axis] = places[place[axis]];
        }
        input[&place]
    });
    output.into()
}

fn taken(start: isize, end: isize, step: isize, extent: usize) -> Vec<usize> {
    let from_start = |index: isize| index as i128 + if index < 0 { extent as i128 } else { 0 };
    let (start, end, step) = (from_start(start).max(0), from_start(end), step as i128);
    if step > 0 {
        (0..extent)
            .filter(|&i| start <= i as i128 && (i as i128) < end && (i as i128 - start) % step == 0)
            .collect()
    } else {
        // From beyond the last place the steps begin at the last.
        let first = start.min(extent as i128 - 1);
        (0..extent)
            .rev()
            .filter(|&i| i as i128 <= first && i as i128 > end && (first - i as i128) % step == 0)
            .collect()
    }
}
