//! The different elements of known values.

use std::cmp::Ordering;

use ndarray::{Array1, ArrayD, Axis};

use super::known::{charge, host};
use crate::error::Result;
use crate::onnx::convert::{Node, Value};
use crate::shape;
use crate::tensor::{Element, SharedArray, Tensor, each};

/// Every element, or part along an axis, once: in ascending order or in that of their first places. Beside them their first places,
/// the number of each part's equal, and how many there are of each.
pub(super) fn unique(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let axis = node.optional_int("axis")?;
    let axis = axis
        .map(|axis| shape::axis("onnx", axis as isize, input.shape().len()))
        .transpose()?;
    let is_sorted = node.flag("sorted", true)?;
    for _ in 0..4 {
        charge(node, input.shape())?;
    }
    Ok(each!(Tensor, &input, array => different(array, axis, is_sorted)))
}

fn different<T: Element + PartialOrd>(array: &SharedArray<T>, axis: Option<usize>, is_sorted: bool) -> Vec<Value> {
    let flat: ArrayD<T> = match axis {
        None => Array1::from_iter(array.iter().copied()).into_dyn(),
        Some(_) => array.to_owned(),
    };
    let axis = Axis(axis.unwrap_or_default());
    let parts: Vec<Vec<T>> = flat.axis_iter(axis).map(|part| part.iter().copied().collect()).collect();
    let groups = groups(parts.len(), is_sorted, &|left, right| compared(&parts[left], &parts[right]));
    let firsts: Vec<usize> = groups.iter().map(|group| group[0]).collect();
    let mut numbers = Array1::from_elem(parts.len(), 0_i64);
    for (number, group) in groups.iter().enumerate() {
        for &place in group {
            numbers[place] = number as i64;
        }
    }
    let counts: Array1<i64> = groups.iter().map(|group| group.len() as i64).collect();
    let places: Array1<i64> = firsts.iter().map(|&place| place as i64).collect();
    let elements = host(flat.select(axis, &firsts)).into_iter();
    elements.chain([places, numbers, counts].into_iter().flat_map(host)).collect()
}

/// The places of equal parts together: each group and all of them in ascending order, or the groups in that of their first places.
fn groups(parts: usize, is_sorted: bool, compared: &dyn Fn(usize, usize) -> Ordering) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..parts).collect();
    // Equal parts stay in their order.
    order.sort_by(|&left, &right| compared(left, right));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for place in order {
        match groups.last_mut() {
            Some(group) if compared(group[0], place).is_eq() => group.push(place),
            _ => groups.push(vec![place]),
        }
    }
    if !is_sorted {
        groups.sort_by_key(|group| group[0]);
    }
    groups
}

/// By the first elements that differ; NaN is larger than any number and equal to itself.
fn compared<T: PartialOrd>(left: &[T], right: &[T]) -> Ordering {
    let is_nan = |element: &T| element.partial_cmp(element).is_none();
    let pairs = left.iter().zip(right);
    let mut orders = pairs.map(|(left, right)| left.partial_cmp(right).unwrap_or_else(|| is_nan(left).cmp(&is_nan(right))));
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
