//! What is computed while the graph is built: shapes, and whatever else depends on constants alone.
//!
//! Each operator here takes known values and gives known values. Every allocation is charged to the budget first.

mod arithmetic;
mod arrange;
mod known;

use crate::onnx::element;
use ndarray::{ArrayD, IxDyn};

use known::{charge, host};

use super::convert::{Convert, Node, Value};
use super::tensor::{self, Host};
use crate::error::{Error, Result};

/// The operators that work on what is known.
pub(super) fn find(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Shape" => shape,
        "Size" => size,
        "Constant" => constant,
        "ConstantOfShape" => constant_of_shape,
        "Range" => range,
        "Cast" => cast,
        "Add" | "Sub" | "Mul" | "Div" => arithmetic::binary,
        "Max" | "Min" => arithmetic::extreme,
        "Floor" | "Ceil" | "Neg" => arithmetic::unary,
        "Gather" => arrange::gather,
        "Concat" => arrange::concat,
        "Slice" => arrange::slice,
        "Transpose" => arrange::transpose,
        "Expand" => arrange::expand,
        _ => return None,
    })
}

fn shape(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len() as i64;
    let place = |place: i64| (if place < 0 { place.saturating_add(rank) } else { place }).clamp(0, rank) as usize;
    let (start, end) = (place(node.int("start", 0)?), place(node.int("end", rank)?));
    let extents = input.shape().get(start..end).unwrap_or_default();
    Ok(host(Host::ints(extents.iter().map(|&extent| extent as i64).collect())))
}

fn size(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let elements: usize = node.input(0)?.shape().iter().product();
    Ok(host(ArrayD::from_elem(IxDyn(&[]), elements as i64)))
}

fn constant(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    if let Some(tensor) = node.tensor("value")? {
        if tensor.data_location != 0 {
            return Err(Error::Onnx("a constant in another file".to_owned()));
        }
        return Ok(host(match node.weight() {
            Some(array) => {
                node.budget().charge("the constant", array.len(), 4)?;
                Host::Float(array)
            }
            None => tensor::decode("the constant", tensor, node.budget())?,
        }));
    }
    if let Some(value) = node.optional_float("value_float")? {
        return Ok(host(ArrayD::from_elem(IxDyn(&[]), value)));
    }
    if let Some(value) = node.optional_int("value_int")? {
        return Ok(host(ArrayD::from_elem(IxDyn(&[]), value)));
    }
    if let Some(values) = node.floats("value_floats")? {
        charge(node, &[values.len()])?;
        return Ok(host(ndarray::Array1::from_vec(values.to_vec()).into_dyn()));
    }
    if let Some(values) = node.ints("value_ints")? {
        charge(node, &[values.len()])?;
        return Ok(host(Host::ints(values.to_vec())));
    }
    Err(Error::unsupported("onnx", "a constant that is not of numbers"))
}

fn constant_of_shape(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let shape = tensor::extents("the constant", &node.host_ints(0)?)?;
    let value = match node.tensor("value")? {
        Some(value) => tensor::decode("the value", value, node.budget())?,
        None => ArrayD::from_elem(vec![1], 0.0_f32).into(),
    };
    charge(node, &shape)?;
    let one = |count: usize| Error::Onnx(format!("the value has {count} elements, but must have 1"));
    Ok(match value {
        Host::Float(value) if value.len() == 1 => host(ArrayD::from_elem(shape, value.first().copied().unwrap_or_default())),
        Host::Int(value) if value.len() == 1 => host(ArrayD::from_elem(shape, value.first().copied().unwrap_or_default())),
        other => return Err(one(other.shape().iter().product())),
    })
}

fn range(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let number = |index: usize| match node.host(index)? {
        Host::Int(array) if array.len() == 1 => Ok(array.first().copied().unwrap_or_default()),
        other => Err(Error::unsupported(
            "onnx",
            format!("input {index} of shape {:?}: only whole numbers", other.shape()),
        )),
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
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
    Ok(host(Host::ints(numbers.take(count).collect())))
}

fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = node.int("to", 0)?;
    let input = node.host(0)?;
    let to = i32::try_from(to).unwrap_or_default();
    Ok(vec![Value::Host(convert(node, input, to)?)])
}

/// Between `f32` (which `double` is rounded to), whole numbers of any width, and bool.
pub(super) fn convert(node: &mut Node<'_, '_>, input: Host, to: i32) -> Result<Host> {
    let is_real = matches!(to, element::FLOAT | element::DOUBLE);
    if is_real && matches!(input, Host::Float(_)) {
        return Ok(input);
    }
    charge(node, input.shape())?;
    let wrap = move |value: i64| match to {
        2 => i64::from(value as u8),
        3 => i64::from(value as i8),
        4 => i64::from(value as u16),
        5 => i64::from(value as i16),
        6 => i64::from(value as i32),
        9 => i64::from(value != 0),
        12 => i64::from(value as u32),
        _ => value,
    };
    Ok(match input {
        Host::Int(array) if is_real => array.mapv(|value| value as f32).into(),
        Host::Float(array) if to == 9 => array.mapv(|value| i64::from(value != 0.0)).into(),
        Host::Float(array) if element::is_integer(to) => array.mapv(|value| wrap(value as i64)).into(),
        Host::Int(array) if element::is_integer(to) => array.mapv(wrap).into(),
        _ => return Err(Error::unsupported("onnx", format!("to {}", element::type_name(to)))),
    })
}
