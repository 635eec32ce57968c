//! Sum, product, mean and maximum of the elements that fall together when the reduced axes go.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use super::number::{Number, SMALLEST, Sum, ULP};
use crate::dtype::DType;
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
    let is_float = input.dtype.is_float();
    let output = together.map(|numbers| match op.kind {
        ReduceKind::Sum if !is_float => whole(input.dtype, numbers, 0, i128::wrapping_add),
        ReduceKind::Product if !is_float => whole(input.dtype, numbers, 1, i128::wrapping_mul),
        ReduceKind::Max if !is_float => whole(input.dtype, numbers, i128::MIN, i128::max),
        ReduceKind::Sum => sum(numbers),
        ReduceKind::Product => product(numbers),
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

/// Of whole numbers, or of bools as 0 and 1, from what none of them give.
fn whole(dtype: DType, numbers: &[Number], nothing: i128, combine: fn(i128, i128) -> i128) -> Number {
    let result = numbers
        .iter()
        .fold(nothing, |result, number| combine(result, number.value as i128));
    let number = Number::whole(dtype, result);
    let is_sure = numbers.iter().all(|number| number.bound == 0.0);
    Number {
        bound: if is_sure { number.bound } else { f64::INFINITY },
        ..number
    }
}

/// A product in any order. Each multiplication rounds by a ULP at most. Where the factors above 1 alone may overflow, some order
/// overflows; where those below 1 alone may become subnormal, some order flushes, which the others then magnify.
fn product(numbers: &[Number]) -> Number {
    let value: f64 = numbers.iter().map(|number| number.value).product();
    let largest: f64 = numbers.iter().map(|number| number.largest().max(1.0)).product();
    let smallest: f64 = numbers
        .iter()
        .map(|number| (number.value.abs() - number.bound).clamp(0.0, 1.0))
        .product();
    let has_special = numbers.iter().any(|number| !number.value.is_finite());
    if has_special && (value.is_nan() || smallest >= SMALLEST) {
        return Number::exact(value);
    }
    let depth = numbers.len() as f64;
    let growth = (1.0 + ULP).powf(depth);
    if has_special || largest * growth > f64::from(f32::MAX) {
        // Of factors that all are at least 1 the product overflows in every order.
        let surely_overflows = !has_special && smallest >= 1.0 && value.abs() > growth * f64::from(f32::MAX);
        return if surely_overflows {
            Number::exact(f64::INFINITY.copysign(value))
        } else {
            Number {
                bound: f64::INFINITY,
                ..Number::exact(value)
            }
        };
    }
    if numbers.iter().any(|number| number.largest() == 0.0) {
        return Number::ZERO;
    }
    let sizes: f64 = numbers.iter().map(|number| number.largest()).product();
    let inherited = sizes - value.abs();
    let flushed = if smallest < SMALLEST {
        depth * SMALLEST * largest
    } else {
        0.0
    };
    Number::new(value, inherited + (growth - 1.0) * sizes + flushed)
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
