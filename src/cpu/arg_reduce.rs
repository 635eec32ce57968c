//! The place of the largest or the smallest element along an axis.

use rayon::prelude::*;

use super::operand::{array, in_order};
use crate::dtype::TensorType;
use crate::error::Result;
use crate::ops::{ArgReduce, Op};
use crate::tensor::{Element, Tensor, TensorView, each};

/// Elements that are worth a task of their own.
const GRAIN: usize = 1 << 14;

pub(super) fn arg_reduce(op: ArgReduce, input: &TensorView<'_>, output: &TensorType) -> Result<Tensor> {
    let [_, extent, inner] = op.extents(input.shape())?;
    let places = each!(TensorView, input, array => places(op, in_order(array)?, extent, inner));
    array(Op::from(op).name(), places, &output.shape)
}

/// For each row of so many elements, so far apart.
fn places<T: Element + PartialOrd>(op: ArgReduce, data: &[T], extent: usize, inner: usize) -> Vec<i64> {
    let rows = (0..data.len() / extent).into_par_iter().with_min_len(GRAIN / extent + 1);
    let place = |row: usize| {
        let elements = data[row / inner * extent * inner + row % inner..]
            .iter()
            .step_by(inner)
            .take(extent);
        let mut found: Option<(usize, T)> = None;
        for (place, &element) in elements.enumerate() {
            if found.is_none_or(|(_, best)| replaces(op, element, best)) {
                found = Some((place, element));
            }
        }
        found.map_or(0, |(place, _)| place as i64)
    };
    rows.map(place).collect()
}

/// Whether an element is taken in place of one before it. NaN, which alone differs from itself, comes before everything.
#[expect(clippy::eq_op, reason = "NaN differs from itself")]
fn replaces<T: PartialOrd + Copy>(op: ArgReduce, element: T, best: T) -> bool {
    let (is_nan, best_is_nan) = (element != element, best != best);
    if is_nan || best_is_nan {
        return is_nan && (!best_is_nan || op.last);
    }
    let is_better = if op.largest { element > best } else { element < best };
    is_better || (op.last && element == best)
}
