//! Operators that ask which elements along an axis are largest or come before others.

use super::builder::{Value, signed};
use super::gather::counting;
use super::node::Node;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{ArgReduce, Binary, Cast, Cumulative, TopK};
use crate::shape;

pub(super) fn extreme(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let axis = node.int("axis", 0)? as isize;
    let op = if node.operator() == "ArgMax" {
        ArgReduce::max(axis)
    } else {
        ArgReduce::min(axis)
    };
    let op = op
        .keep_dims(node.flag("keepdims", true)?)
        .last(node.flag("select_last_index", false)?);
    let input = node.input(0)?;
    node.emit_one(op, &[&input])
}

/// How many was an attribute up to opset 9. They come in their order whether that is asked for or not.
pub(super) fn top_k(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["sorted"]);
    let k = if node.opset() < 10 {
        vec![node.int("k", 0)?]
    } else {
        node.host_ints(1)?
    };
    let count = match k.as_slice() {
        &[count] => usize::try_from(count).ok(),
        _ => None,
    };
    let count = count.ok_or_else(|| Error::Onnx(format!("k must be one number that is not negative, but it is {k:?}")))?;
    let op = if node.flag("largest", true)? {
        TopK::largest(count)
    } else {
        TopK::smallest(count)
    };
    let axis = node.int("axis", -1)? as isize;
    let input = node.input(0)?;
    node.emit_all(op.axis(axis), &[&input])
}

pub(super) fn cumulative(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let axis = node.host_ints(1)?;
    let &[axis] = axis.as_slice() else {
        return Err(Error::Onnx(format!("expected one axis, but got {axis:?}")));
    };
    let op = if node.operator() == "CumSum" {
        Cumulative::sum(axis as isize)
    } else {
        Cumulative::product(axis as isize)
    };
    let op = op
        .exclusive(node.flag("exclusive", false)?)
        .reverse(node.flag("reverse", false)?);
    let input = node.input(0)?;
    node.emit_one(op, &[&input])
}

/// 1 at the first of the largest elements along an axis, else 0. Up to opset 12 all dimensions from the axis on are one.
pub(super) fn hardmax(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len();
    if node.opset() >= 13 {
        let axis = shape::axis("onnx", node.int("axis", -1)? as isize, rank)?;
        return Ok(vec![ones_at_largest(node, &input, axis)?]);
    }
    let axis = match usize::try_from(node.int("axis", 1)?) {
        Ok(axis) if axis == rank => rank,
        _ => shape::axis("onnx", node.int("axis", 1)? as isize, rank)?,
    };
    let original = signed(input.shape());
    let flat = [&input.shape()[..axis], &input.shape()[axis..]].map(|part| part.iter().product::<usize>() as isize);
    let flat = node.reshape(&input, &flat)?;
    let result = ones_at_largest(node, &flat, 1)?;
    Ok(vec![node.reshape(&result, &original)?])
}

fn ones_at_largest(node: &mut Node<'_, '_>, input: &Value, axis: usize) -> Result<Value> {
    let extent = input.shape()[axis];
    let place = node.emit(ArgReduce::max(axis as isize).keep_dims(true), &[input])?;
    let places = counting(node, input.shape().len(), axis, extent)?;
    let is_largest = node.emit(Binary::Equal, &[&places, &place])?;
    node.emit(Cast::new(DType::F32), &[&is_largest])
}
