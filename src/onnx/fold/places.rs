//! Places of known elements: which are not 0, the largest, and one-hot tensors of them.

use std::cmp::Ordering;

use ndarray::{ArrayD, Axis, Dimension, IxDyn};

use super::known::{charge, host, place, whole, wrong};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::shape;
use crate::tensor::{Element, SharedArray, Tensor, each};

/// The places of the elements that are not 0, a column each.
pub(super) fn non_zero(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let rank = input.shape().len().max(1);
    charge(node, &[rank + 1, input.shape().iter().product()])?;
    let places = each!(Tensor, &input, array => places_of_others(array));
    let mut columns = Vec::new();
    let mut inner: usize = input.shape().iter().product();
    // A scalar is seen as one element along one axis.
    let axes = if input.shape().is_empty() { &[1][..] } else { input.shape() };
    for &extent in axes {
        inner /= extent.max(1);
        columns.extend(places.iter().map(|&place| (place / inner % extent) as i64));
    }
    Ok(host(
        ArrayD::from_shape_vec(IxDyn(&[rank, places.len()]), columns).map_err(wrong)?,
    ))
}

/// The places of elements other than 0 in the order of all elements.
fn places_of_others<T: Element>(array: &SharedArray<T>) -> Vec<usize> {
    let others = array.iter().enumerate().filter(|&(_, &element)| element != T::default());
    others.map(|(place, _)| place).collect()
}

/// For each index a row of `off` with `on` at the index; of indices beyond the depth `off` alone.
pub(super) fn one_hot(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (indices, depth, values) = (node.host(0)?, node.host(1)?, node.host(2)?);
    let depth = match &integers("the depth", &depth)? {
        depth if depth.len() == 1 => depth.first().and_then(|&depth| usize::try_from(depth).ok()),
        _ => None,
    };
    let depth = depth.ok_or_else(|| Error::Onnx("the depth must be one number that is not negative".to_owned()))?;
    if values.shape() != [2] {
        return Err(Error::Onnx(format!(
            "values of shape {:?}, but [2] is expected",
            values.shape()
        )));
    }
    let indices = integers("indices", &indices)?;
    let axis = shape::axis("onnx", node.int("axis", -1)? as isize, indices.ndim() + 1)?;
    let mut shape = indices.shape().to_vec();
    shape.insert(axis, depth);
    charge(node, &shape)?;
    Ok(each!(Tensor, values, values => {
        let mut array = ArrayD::from_elem(IxDyn(&shape), values[[0]]);
        for (at, &index) in indices.indexed_iter() {
            if let Ok(hot) = place(index, depth) {
                let mut at = at.slice().to_vec();
                at.insert(axis, hot);
                array[IxDyn(&at)] = values[[1]];
            }
        }
        host(array)
    }))
}

/// Numbers of any type, reals without their fraction.
fn integers(what: &str, tensor: &Tensor) -> Result<SharedArray<i64>> {
    match tensor {
        Tensor::F32(array) => Ok(array.mapv(|value| value as i64).into_shared()),
        other => whole(what, other),
    }
}

/// The largest or smallest elements along an axis and their places.
pub(super) fn top_k(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let axis = shape::axis("onnx", node.int("axis", -1)? as isize, input.shape().len())?;
    let is_largest = node.flag("largest", true)?;
    node.ignore(&["sorted"]);
    let count = if node.opset() < 10 {
        vec![node.int("k", 0)?]
    } else {
        node.host_ints(1)?
    };
    let extent = input.shape()[axis];
    let count = match count.as_slice() {
        &[count] => usize::try_from(count).ok().filter(|&count| count <= extent),
        _ => None,
    };
    let count = count.ok_or_else(|| Error::Onnx(format!("k must be one number up to {extent}")))?;
    charge(node, input.shape())?;
    charge(node, input.shape())?;
    Ok(each!(Tensor, &input, array => best(array, axis, count, is_largest)))
}

/// The first so many elements along an axis, the best first, and their places.
fn best<T: Element + PartialOrd>(array: &SharedArray<T>, axis: usize, count: usize, is_largest: bool) -> Vec<Value> {
    let mut shape = array.shape().to_vec();
    shape[axis] = count;
    let mut places = ArrayD::from_elem(IxDyn(&shape), 0);
    let mut elements = ArrayD::from_elem(IxDyn(&shape), T::default());
    let lanes = array.lanes(Axis(axis)).into_iter().zip(sorted(array, axis, is_largest));
    let results = elements.lanes_mut(Axis(axis)).into_iter().zip(places.lanes_mut(Axis(axis)));
    for ((lane, order), (mut elements, mut places)) in lanes.zip(results) {
        for (rank, &place) in order.iter().take(count).enumerate() {
            (elements[rank], places[rank]) = (lane[place], place as i64);
        }
    }
    vec![Value::Host(elements.into()), Value::Host(places.into())]
}

/// The place of the largest or smallest element along an axis; the first of several, or the last.
pub(super) fn extreme(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let axis = shape::axis("onnx", node.int("axis", 0)? as isize, input.shape().len())?;
    let keeps = node.flag("keepdims", true)?;
    let takes_last = node.flag("select_last_index", false)?;
    let is_largest = node.operator() == "ArgMax";
    if input.shape()[axis] == 0 {
        return Err(Error::Onnx(format!("no elements along axis {axis}")));
    }
    charge(node, input.shape())?;
    let places: Vec<i64> = each!(Tensor, &input, array => {
        let lanes = array.lanes(Axis(axis)).into_iter();
        lanes.zip(sorted(array, axis, is_largest)).map(|(lane, order)| {
            let best = lane[order[0]];
            let equal = order.iter().take_while(|&&place| lane[place] == best);
            (if takes_last { equal.last() } else { None }).map_or(order[0], |&place| place) as i64
        }).collect()
    });
    let mut shape = input.shape().to_vec();
    shape[axis] = 1;
    if !keeps {
        shape.remove(axis);
    }
    Ok(host(ArrayD::from_shape_vec(IxDyn(&shape), places).map_err(wrong)?))
}

/// The places along an axis from the best element on, of equal ones the first first, for each lane. NaN is larger than any number.
fn sorted<T: Element + PartialOrd>(array: &SharedArray<T>, axis: usize, is_largest: bool) -> Vec<Vec<usize>> {
    let order = |left: T, right: T| {
        let is_number = |value: T| value.partial_cmp(&value).is_some();
        left.partial_cmp(&right)
            .unwrap_or_else(|| match (is_number(left), is_number(right)) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => Ordering::Equal,
            })
    };
    let lanes = array.lanes(Axis(axis)).into_iter();
    let places = lanes.map(|lane| {
        let mut places: Vec<usize> = (0..lane.len()).collect();
        places.sort_by(|&left, &right| match order(lane[left], lane[right]) {
            ordering if is_largest => ordering.reverse(),
            ordering => ordering,
        });
        places
    });
    places.collect()
}
