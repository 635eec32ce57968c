//! Values that need no elements of others: constants, shapes, ranges.

use ndarray::{ArrayD, IxDyn};

use super::known::{charge, host, wrapped};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::{element, tensor};
use crate::tensor::{Tensor, each};

pub(super) fn shape(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len() as i64;
    let place = |place: i64| (if place < 0 { place.saturating_add(rank) } else { place }).clamp(0, rank) as usize;
    let (start, end) = (place(node.int("start", 0)?), place(node.int("end", rank)?));
    let extents = input.shape().get(start..end).unwrap_or_default();
    Ok(host(tensor::list(extents.iter().map(|&extent| extent as i64).collect())))
}

pub(super) fn size(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let elements: usize = node.input(0)?.shape().iter().product();
    Ok(host(tensor::scalar(elements as i64)))
}

pub(super) fn constant(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    if let Some(tensor) = node.tensor("value")? {
        node.declare(tensor.data_type);
        return Ok(host(match node.weight() {
            Some(weight) => {
                node.budget().charge("the constant", weight.shape().iter().product(), 4)?;
                weight
            }
            None => tensor::decode("the constant", tensor, node.budget())?,
        }));
    }
    if let Some(value) = node.optional_float("value_float")? {
        return Ok(host(tensor::scalar(value)));
    }
    if let Some(value) = node.optional_int("value_int")? {
        return Ok(host(tensor::scalar(value)));
    }
    if let Some(values) = node.floats("value_floats")? {
        charge(node, &[values.len()])?;
        return Ok(host(ndarray::Array1::from_vec(values.to_vec())));
    }
    if let Some(values) = node.ints("value_ints")? {
        charge(node, &[values.len()])?;
        return Ok(host(tensor::list(values.to_vec())));
    }
    Err(Error::unsupported("onnx", "a constant that is not of numbers"))
}

pub(super) fn constant_of_shape(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let shape = tensor::extents("the constant", &node.host_ints(0)?)?;
    let value = match node.tensor("value")? {
        Some(value) => tensor::decode("the value", value, node.budget())?,
        None => tensor::scalar(0.0_f32),
    };
    charge(node, &shape)?;
    let count: usize = value.shape().iter().product();
    if count != 1 {
        return Err(Error::Onnx(format!("the value has {count} elements, but must have 1")));
    }
    Ok(each!(Tensor, value, value => host(ArrayD::from_elem(shape, value.first().copied().unwrap_or_default()))))
}

/// From a start by steps up to a limit, which is not reached.
pub(super) fn range(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let [start, limit, delta] = [0, 1, 2].map(|index| number(node, index));
    let (start, limit, delta) = (start?, limit?, delta?);
    if let (Tensor::F32(start), Tensor::F32(limit), Tensor::F32(delta)) = (&start, &limit, &delta) {
        let [start, limit, delta] = [start, limit, delta].map(|array| array.first().copied().unwrap_or_default());
        return real_range(node, start, limit, delta);
    }
    let dtype = start.dtype();
    let whole = |tensor: &Tensor| match tensor::whole(tensor) {
        Some(array) if tensor.dtype() == dtype => Ok(array.first().copied().unwrap_or_default()),
        _ => Err(Error::Onnx(format!(
            "expected three numbers of one type, but got {dtype} and {}",
            tensor.dtype()
        ))),
    };
    let (start, limit, delta) = (whole(&start)?, whole(&limit)?, whole(&delta)?);
    if delta == 0 {
        return Err(Error::Onnx("a step of 0".to_owned()));
    }
    // In 128 bits nothing overflows.
    let span = i128::from(limit) - i128::from(start);
    let count = if (span < 0) == (delta < 0) {
        span.unsigned_abs().div_ceil(u128::from(delta.unsigned_abs()))
    } else {
        0
    };
    let count = usize::try_from(count).map_err(|_| Error::Onnx("a range of too many numbers".to_owned()))?;
    charge(node, &[count])?;
    let numbers = std::iter::successors(Some(start), |number| number.checked_add(delta));
    // Between start and limit, and so of their type.
    Ok(host(wrapped(
        numbers.take(count).collect::<ndarray::Array1<i64>>().into_dyn(),
        dtype,
    )))
}

fn real_range(node: &mut Node<'_, '_>, start: f32, limit: f32, delta: f32) -> Result<Vec<Value>> {
    let count = ((f64::from(limit) - f64::from(start)) / f64::from(delta)).ceil();
    if !count.is_finite() {
        return Err(Error::Onnx(format!("a range from {start} to {limit} by {delta}")));
    }
    // One that is negative is 0.
    let count = count as usize;
    charge(node, &[count])?;
    let numbers = (0..count).map(|index| (f64::from(start) + index as f64 * f64::from(delta)) as f32);
    Ok(host(numbers.collect::<ndarray::Array1<f32>>()))
}

/// One number.
fn number(node: &mut Node<'_, '_>, index: usize) -> Result<Tensor> {
    let host = node.host(index)?;
    match host.shape().iter().product() {
        1 => Ok(host),
        count => Err(Error::Onnx(format!("input {index} must be one number, but it has {count}"))),
    }
}

/// Ones on a diagonal, in the shape of the input and, where no other is given, its type.
pub(super) fn eye_like(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let like = node.input(0)?;
    let &[rows, columns] = like.shape() else {
        return Err(Error::Onnx(format!(
            "an input of shape {:?}, but it must have 2 dimensions",
            like.shape()
        )));
    };
    let dtype = match node.optional_int("dtype")? {
        None => like.dtype().unwrap_or(DType::F32),
        Some(number) => {
            let number = i32::try_from(number).unwrap_or_default();
            let refusal = || Error::unsupported("onnx", format!("of {}", element::type_name(number)));
            element::dtype(number).ok_or_else(refusal)?
        }
    };
    let diagonal = node.int("k", 0)?;
    charge(node, &[rows, columns])?;
    let ones = ArrayD::from_shape_fn(IxDyn(&[rows, columns]), |place| {
        i64::from(place[1] as i64 == (place[0] as i64).saturating_add(diagonal))
    });
    Ok(host(wrapped(ones, dtype)))
}
