//! Arithmetic of two tensors, and operators that pass their input on.

use crate::onnx::element;
use ndarray::ArrayD;

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use crate::error::Result;
use crate::onnx::fold;
use crate::onnx::tensor;
use crate::ops::Binary;
use crate::tensor::Tensor;

pub(super) fn binary(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let operation = match node.operator() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        "Div" => Binary::Div,
        "Pow" => Binary::Pow,
        other => return Err(unsupported(other)),
    };
    let (left, right) = (node.input(0)?, exponent(node)?);
    node.emit_one(operation, &[&left, &right])
}

/// The right side; the exponent of a power may be whole numbers.
fn exponent(node: &mut Node<'_, '_>) -> Result<Value> {
    Ok(match node.input(1)? {
        Value::Host(host) if node.operator() == "Pow" && host.dtype().is_integer() => {
            node.budget().charge("the exponents", host.shape().iter().product(), 4)?;
            Value::Host(host.to_f32().into())
        }
        other => other,
    })
}

/// Any number of inputs, one after another.
pub(super) fn many(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let operation = match node.operator() {
        "Sum" | "Mean" => Binary::Add,
        "Min" => Binary::Min,
        "Max" => Binary::Max,
        other => return Err(unsupported(other)),
    };
    let mut total = node.input(0)?;
    for index in 1..node.input_count() {
        let next = node.input(index)?;
        total = node.emit(operation, &[&total, &next])?;
    }
    if node.operator() == "Mean" {
        let count = Value::Host(ArrayD::from_elem(vec![1], node.input_count() as f32).into());
        return node.emit_one(Binary::Div, &[&total, &count]);
    }
    Ok(vec![total])
}

/// What the network computes keeps its type; casts of what is known now are folded.
pub(super) fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = i32::try_from(node.int("to", 0)?).unwrap_or_default();
    let input = node.input(0)?;
    Ok(vec![unchanged(input, to)?])
}

/// An input that is of this element type already.
fn unchanged(input: Value, to: i32) -> Result<Value> {
    match input.dtype() {
        from if from == element::dtype(to) && from.is_some() => Ok(input),
        Some(from) => Err(unsupported(format!("{from} to {}", element::type_name(to)))),
        None => Err(unsupported(format!("to {}", element::type_name(to)))),
    }
}

/// To the type of the second input, of which nothing else is used. The file may say more of it than is known of its value.
pub(super) fn cast_like(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let like = node.input(1)?.dtype().map(element::number);
    let to = node.element_type(1).or(like);
    let to = to.ok_or_else(|| unsupported("to the type of a sequence"))?;
    Ok(vec![match node.input(0)? {
        Value::Host(host) => Value::Host(fold::convert(node, host, to)?),
        input => unchanged(input, to)?,
    }])
}

pub(super) fn identity(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![node.input(0)?])
}

/// In inference the input; the mask is refused where it is used.
pub(super) fn dropout(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["ratio", "seed"]);
    let drops = match node.optional(1) {
        Some(Value::Host(Tensor::F32(ratio))) => ratio.iter().any(|&ratio| ratio != 0.0),
        _ => true,
    };
    let training = match node.optional_host(2)? {
        Some(Tensor::Bool(array)) => array.iter().any(|&value| value),
        _ => false,
    };
    if training && drops {
        return Err(unsupported("training"));
    }
    let input = node.input(0)?;
    if !node.is_used(1) {
        return Ok(vec![input]);
    }
    // Of what is kept: everything.
    let elements = tensor::element_count("the mask", input.shape())?;
    node.budget().charge("the mask", elements, 1)?;
    let mask = ArrayD::from_elem(input.shape(), true);
    Ok(vec![input, Value::Host(mask.into())])
}
