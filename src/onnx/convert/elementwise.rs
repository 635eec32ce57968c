//! Arithmetic of two tensors, and operators that pass their input on.

use crate::onnx::element;
use ndarray::ArrayD;

use super::builder::Value;
use super::node::{Convert, Node, unsupported};
use crate::error::Result;
use crate::onnx::fold;
use crate::onnx::tensor::{self, Host};
use crate::ops::elementwise::Elementwise;
use crate::ops::{Binary, Ternary, Unary};

/// The conversion of an operator that is a function of elements as it is.
pub(super) fn function(operator: &str) -> Option<Convert> {
    fn has<F: Elementwise>(operator: &str) -> bool {
        F::OF_ONNX.iter().any(|function| function.operator == operator)
    }
    if has::<Unary>(operator) {
        Some(convert::<Unary>)
    } else if has::<Binary>(operator) {
        Some(convert::<Binary>)
    } else if has::<Ternary>(operator) {
        Some(convert::<Ternary>)
    } else {
        None
    }
}

fn convert<F: Elementwise>(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let named = F::OF_ONNX.iter().filter(|function| function.operator == node.operator());
    for candidate in named {
        let mut is_chosen = true;
        for &(name, value) in candidate.attributes {
            is_chosen &= node.int(name, 0)? == value;
        }
        if is_chosen {
            let inputs = (0..node.input_count()).map(|index| node.input(index));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            return node.emit_one(candidate.function, &inputs.iter().collect::<Vec<_>>());
        }
    }
    Err(unsupported("these attributes"))
}

/// The exponent may be whole numbers.
pub(super) fn power(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let base = node.input(0)?;
    let exponent = match node.input(1)? {
        Value::Host(Host::Int(array)) => {
            node.budget().charge("the exponents", array.len(), 4)?;
            Value::Host(array.mapv(|value| value as f32).into())
        }
        other => other,
    };
    node.emit_one(Binary::Pow, &[&base, &exponent])
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

/// What the network computes is `f32` and stays so; casts of what is known now are folded.
pub(super) fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = node.int("to", 0)?;
    if to != i64::from(element::FLOAT) {
        let name = i32::try_from(to).map_or_else(|_| to.to_string(), element::type_name);
        return Err(unsupported(format!("to {name}")));
    }
    Ok(vec![node.input(0)?])
}

/// To the type of the second input, of which nothing else is used. What is known of it when it is computed by other nodes is
/// whether it is whole numbers, but not of which width.
pub(super) fn cast_like(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = match node.input(1)? {
        Value::Host(Host::Int(_)) => node
            .element_type(1)
            .ok_or_else(|| unsupported("to whole numbers of an unknown type"))?,
        _ => element::FLOAT,
    };
    Ok(vec![match node.input(0)? {
        Value::Host(host) => Value::Host(fold::convert(node, host, to)?),
        same if to == element::FLOAT => same,
        _ => return Err(unsupported("to whole numbers")),
    }])
}

pub(super) fn identity(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![node.input(0)?])
}

/// In inference the input; the mask is refused where it is used.
pub(super) fn dropout(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["ratio", "seed"]);
    let drops = match node.optional(1) {
        Some(Value::Host(Host::Float(ratio))) => ratio.iter().any(|&ratio| ratio != 0.0),
        _ => true,
    };
    let training = match node.optional_host(2)? {
        Some(Host::Int(array)) => array.iter().any(|&value| value != 0),
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
    node.budget().charge("the mask", elements, 4)?;
    let mask = ArrayD::from_elem(input.shape(), 1.0);
    Ok(vec![input, Value::Host(mask.into())])
}
