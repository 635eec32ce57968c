//! Sums, products and extremes of known numbers. Whole numbers are checked.

use ndarray::{ArrayD, Axis};

use super::known::{charge, host, narrowed, whole, wrong};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::shape;
use crate::tensor::Tensor;

/// Of whole numbers, and products of reals; what else there is of reals is an operator.
pub(super) fn reduce(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let operator = node.operator();
    if !input.dtype().is_integer() && operator != "ReduceProd" {
        return Err(Error::unsupported("onnx", format!("of {}", input.dtype())));
    }
    let axes_are_an_input = if operator == "ReduceSum" { 13 } else { 18 };
    let axes = if node.opset() < axes_are_an_input {
        node.ints("axes")?.map(<[i64]>::to_vec)
    } else {
        node.optional_host_ints(1)?
    };
    let axes = axes.unwrap_or_default();
    let keeps = node.flag("keepdims", true)?;
    if node.flag("noop_with_empty_axes", false)? && axes.is_empty() {
        return Ok(host(input));
    }
    let rank = input.shape().len();
    let mut is_reduced = vec![axes.is_empty(); rank];
    for axis in axes {
        is_reduced[shape::axis("onnx", axis as isize, rank)?] = true;
    }
    charge(node, input.shape())?;
    if let Tensor::F32(array) = &input {
        let product = |left: f64, right: f64| Ok(left * right);
        let result = along(array.mapv(f64::from), &is_reduced, keeps, Some(1.0), product)?;
        return Ok(host(result.mapv(|value| value as f32)));
    }
    let nothing = match operator {
        "ReduceSum" => Some(0),
        "ReduceProd" => Some(1),
        _ => None,
    };
    let operation = |left: i64, right: i64| {
        let result = match operator {
            "ReduceSum" => left.checked_add(right),
            "ReduceProd" => left.checked_mul(right),
            "ReduceMin" => Some(left.min(right)),
            _ => Some(left.max(right)),
        };
        result.ok_or_else(|| Error::Onnx(format!("{operator} of {left} and {right} is no 64-bit number")))
    };
    let result = along(
        whole("the input", &input)?.into_owned(),
        &is_reduced,
        keeps,
        nothing,
        operation,
    )?;
    Ok(host(narrowed(result, input.dtype())?))
}

/// One axis after another, the last first.
fn along<T: Copy>(
    mut array: ArrayD<T>,
    is_reduced: &[bool],
    keeps: bool,
    nothing: Option<T>,
    operation: impl Fn(T, T) -> Result<T>,
) -> Result<ArrayD<T>> {
    for axis in (0..is_reduced.len()).rev().filter(|&axis| is_reduced[axis]) {
        let lanes = array.lanes(Axis(axis)).into_iter();
        let results = lanes.map(|lane| {
            let mut elements = lane.iter().copied();
            let first = elements.next().or(nothing);
            let first = first.ok_or_else(|| Error::Onnx("the extreme of no whole numbers".to_owned()))?;
            elements.try_fold(first, &operation)
        });
        let results = results.collect::<Result<Vec<T>>>()?;
        let mut shape = array.shape().to_vec();
        shape[axis] = 1;
        array = ArrayD::from_shape_vec(shape, results).map_err(wrong)?;
    }
    if keeps {
        return Ok(array);
    }
    for axis in (0..is_reduced.len()).rev().filter(|&axis| is_reduced[axis]) {
        array = array.index_axis_move(Axis(axis), 0);
    }
    Ok(array)
}

/// Each element with all before it along an axis; forwards or backwards, itself included or not.
pub(super) fn cumulative_sum(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let (is_exclusive, is_reverse) = (node.flag("exclusive", false)?, node.flag("reverse", false)?);
    let axis = node.host_ints(1)?;
    let &[axis] = axis.as_slice() else {
        return Err(Error::Onnx(format!("an axis of {axis:?}")));
    };
    let axis = shape::axis("onnx", axis as isize, input.shape().len())?;
    charge(node, input.shape())?;
    if let Tensor::F32(array) = &input {
        let sum = |left: f64, right: f64| Ok(left + right);
        let sums = cumulated(array.mapv(f64::from), axis, is_exclusive, is_reverse, sum)?;
        return Ok(host(sums.mapv(|value| value as f32)));
    }
    let sum = |left: i64, right: i64| {
        let sum = left.checked_add(right);
        sum.ok_or_else(|| Error::Onnx(format!("{left} and {right} add up to no 64-bit number")))
    };
    let sums = cumulated(whole("the input", &input)?.into_owned(), axis, is_exclusive, is_reverse, sum)?;
    Ok(host(narrowed(sums, input.dtype())?))
}

fn cumulated<T: Copy + Default>(
    mut array: ArrayD<T>,
    axis: usize,
    is_exclusive: bool,
    is_reverse: bool,
    sum: impl Fn(T, T) -> Result<T>,
) -> Result<ArrayD<T>> {
    if is_reverse {
        array.invert_axis(Axis(axis));
    }
    for mut lane in array.lanes_mut(Axis(axis)) {
        let mut total = T::default();
        for element in &mut lane {
            let next = sum(total, *element)?;
            *element = if is_exclusive { total } else { next };
            total = next;
        }
    }
    if is_reverse {
        array.invert_axis(Axis(axis));
    }
    Ok(array)
}
