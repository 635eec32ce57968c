//! Arithmetic of two tensors, and operators that pass their input on.

use super::node::unsupported;
use super::{Node, Value};
use crate::error::Result;
use crate::onnx::tensor::{self, Host};
use crate::ops::Binary;

pub(super) fn add(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    node.emit_one(Binary::Add, &[&left, &right])
}

pub(super) fn mul(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    node.emit_one(Binary::Mul, &[&left, &right])
}

pub(super) fn sum(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut total = node.input(0)?;
    for index in 1..node.input_count() {
        let next = node.input(index)?;
        total = node.emit(Binary::Add, &[&total, &next])?;
    }
    Ok(vec![total])
}

/// What the network computes is `f32` and stays so; casts of what is known now are folded.
pub(super) fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = node.int("to", 0)?;
    if to != i64::from(tensor::FLOAT) {
        let name = i32::try_from(to).map_or_else(|_| to.to_string(), tensor::type_name);
        return Err(unsupported(format!("to {name}")));
    }
    Ok(vec![node.input(0)?])
}

pub(super) fn identity(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![node.input(0)?])
}

/// In inference the input; the mask is refused where it is used.
pub(super) fn dropout(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["ratio", "seed"]);
    node.optional(1);
    let training = match node.optional_host(2)? {
        Some(Host::Int(array)) => array.iter().any(|&value| value != 0),
        _ => false,
    };
    if training {
        return Err(unsupported("training"));
    }
    Ok(vec![node.input(0)?])
}
