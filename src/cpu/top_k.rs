//! The largest or the smallest elements along an axis, in their order.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::operand::{array, in_order};
use super::parallel;
use crate::dtype::TensorType;
use crate::error::Result;
use crate::ops::{Op, TopK};
use crate::tensor::{Element, Tensor, TensorView, each};

pub(super) fn top_k(op: TopK, input: &TensorView<'_>, outputs: &[TensorType]) -> Result<Vec<Tensor>> {
    let (name, shape) = (Op::from(op).name(), &outputs[0].shape);
    let extents = op.extents(input.shape())?;
    each!(TensorView, input, elements => {
        let (values, places) = best(op, in_order(elements)?, extents);
        Ok(vec![array(name, values, shape)?, array(name, places, shape)?])
    })
}

/// The values and places of the best elements of each row, where rows lie beside one another.
fn best<T: Element + PartialOrd>(op: TopK, data: &[T], [outer, extent, inner]: [usize; 3]) -> (Vec<T>, Vec<i64>) {
    let element = |row: usize, place: usize| data[row / inner * extent * inner + row % inner + place * inner];
    let mut orders = vec![Vec::new(); outer * inner];
    parallel::for_all(orders.par_iter_mut().enumerate(), |(row, order)| {
        *order = order_of_best(op, extent, &|one, other| compared(element(row, one), element(row, other)));
    });
    let count = outer * op.k * inner;
    let chosen = (0..count).map(|output| {
        let row = output / (op.k * inner) * inner + output % inner;
        let place = orders[row][output / inner % op.k];
        (element(row, place), place as i64)
    });
    chosen.unzip()
}

/// The places of the best elements of a row of so many. Of equal ones the first comes first.
fn order_of_best(op: TopK, extent: usize, compared: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let compare = |&one: &usize, &other: &usize| {
        let ordering = compared(one, other);
        let ordering = if op.largest { ordering.reverse() } else { ordering };
        ordering.then(one.cmp(&other))
    };
    let mut places: Vec<usize> = (0..extent).collect();
    if op.k > 0 && op.k < extent {
        places.select_nth_unstable_by(op.k - 1, compare);
    }
    places.truncate(op.k);
    places.sort_unstable_by(compare);
    places
}

/// NaN, which alone differs from itself, is larger than all.
#[expect(clippy::eq_op, reason = "NaN differs from itself")]
fn compared<T: PartialOrd + Copy>(one: T, other: T) -> Ordering {
    let as_numbers = one.partial_cmp(&other);
    as_numbers.unwrap_or_else(|| (one != one).cmp(&(other != other)))
}
