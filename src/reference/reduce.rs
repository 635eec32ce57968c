//! Sum, mean and maximum of the elements that fall together when the reduced axes go.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use super::number::{Number, Sum};
use crate::error::Result;
use crate::ops::{Reduce, ReduceKind};

pub(super) fn reduce(op: &Reduce, input: &Answer) -> Result<Answer> {
    let rank = input.shape().len() as isize;
    let goes = |axis: usize| {
        let axis = axis as isize;
        op.axes.is_empty() || op.axes.contains(&axis) || op.axes.contains(&(axis - rank))
    };
    let extents = || input.shape().iter().enumerate();
    let kept: Vec<usize> = extents().map(|(axis, &extent)| if goes(axis) { 1 } else { extent }).collect();
    let mut together: ArrayD<Vec<Number>> = ArrayD::from_elem(IxDyn(&kept), Vec::new());
    for (place, &number) in input.numbers().indexed_iter() {
        let mut target = place;
        for axis in (0..kept.len()).filter(|&axis| goes(axis)) {
            target[axis] = 0;
        }
        together[&target].push(number);
    }
    let output = together.map(|numbers| match op.kind {
        ReduceKind::Sum => sum(numbers),
        ReduceKind::Mean if numbers.is_empty() => Number::exact(f64::NAN),
        ReduceKind::Mean => sum(numbers).divided_by(numbers.len() as f64),
        ReduceKind::Max => max(numbers),
    });
    if op.keep_dims {
        return Ok(output.into());
    }
    let rest: Vec<usize> = extents()
        .filter(|&(axis, _)| !goes(axis))
        .map(|(_, &extent)| extent)
        .collect();
    super::reshape::with_shape(&output.into(), &rest)
}

fn sum(numbers: &[Number]) -> Number {
    let mut sum = Sum::default();
    for &number in numbers {
        sum.add(number);
    }
    sum.total_of_elements()
}

/// A maximum moves no further than the element that moves most; NaN counts as larger than all.
fn max(numbers: &[Number]) -> Number {
    let mut largest = f64::NEG_INFINITY;
    let mut bound = 0.0_f64;
    for number in numbers {
        bound = bound.max(number.bound);
        if number.value > largest || number.value.is_nan() {
            largest = number.value;
        }
    }
    Number::new(largest, bound).handed_on()
}
