//! Arithmetic of known numbers. Whole numbers are checked: a shape that wraps around is nobody's intention.

use ndarray::{ArrayD, IxDyn};

use super::known::{charge, host, wrong};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::tensor::Host;
use crate::shape;
use crate::tensor::SharedArray;

pub(super) fn binary(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.host(0)?, node.host(1)?);
    let shape = shape::broadcast("onnx", left.shape(), right.shape())?;
    charge(node, &shape)?;
    let operator = node.operator();
    Ok(match (left, right) {
        (Host::Float(left), Host::Float(right)) => {
            let operation = |left: f32, right: f32| {
                Ok(match operator {
                    "Add" => left + right,
                    "Sub" => left - right,
                    "Mul" => left * right,
                    _ => left / right,
                })
            };
            host(zip(&left, &right, &shape, operation)?)
        }
        (Host::Int(left), Host::Int(right)) => {
            let operation = |left: i64, right: i64| {
                let result = match operator {
                    "Add" => left.checked_add(right),
                    "Sub" => left.checked_sub(right),
                    "Mul" => left.checked_mul(right),
                    // Towards zero, as ONNX has it.
                    _ => left.checked_div(right),
                };
                result.ok_or_else(|| Error::Onnx(format!("{left} {operator} {right} is not a 64-bit number")))
            };
            host(zip(&left, &right, &shape, operation)?)
        }
        _ => return Err(Error::Onnx("a real and a whole number".to_owned())),
    })
}

/// The largest or smallest of any number of inputs; NaN where there is one.
pub(super) fn extreme(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let largest = node.operator() == "Max";
    let mut total = node.host(0)?;
    for index in 1..node.input_count() {
        let next = node.host(index)?;
        let shape = shape::broadcast("onnx", total.shape(), next.shape())?;
        charge(node, &shape)?;
        total = match (total, next) {
            (Host::Float(left), Host::Float(right)) => {
                let choose = |left: f32, right: f32| {
                    let first = left.is_nan() || if largest { left > right } else { left < right };
                    Ok(if first { left } else { right })
                };
                zip(&left, &right, &shape, choose)?.into()
            }
            (Host::Int(left), Host::Int(right)) => {
                let choose = |left: i64, right: i64| Ok(if largest { left.max(right) } else { left.min(right) });
                zip(&left, &right, &shape, choose)?.into()
            }
            _ => return Err(Error::Onnx("real and whole numbers".to_owned())),
        };
    }
    Ok(vec![Value::Host(total)])
}

fn zip<T: Copy>(
    left: &SharedArray<T>,
    right: &SharedArray<T>,
    shape: &[usize],
    operation: impl Fn(T, T) -> Result<T>,
) -> Result<ArrayD<T>> {
    let mismatch = || Error::Onnx(format!("shapes {:?} and {:?} do not broadcast", left.shape(), right.shape()));
    let (Some(left), Some(right)) = (left.broadcast(IxDyn(shape)), right.broadcast(IxDyn(shape))) else {
        return Err(mismatch());
    };
    let mut results = Vec::with_capacity(left.len());
    for (&left, &right) in left.iter().zip(&right) {
        results.push(operation(left, right)?);
    }
    ArrayD::from_shape_vec(IxDyn(shape), results).map_err(wrong)
}

pub(super) fn unary(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    charge(node, input.shape())?;
    let operator = node.operator();
    Ok(match input {
        Host::Float(array) => host(array.mapv(|value| match operator {
            "Floor" => value.floor(),
            "Ceil" => value.ceil(),
            _ => -value,
        })),
        Host::Int(array) if operator == "Neg" => host(array.mapv(i64::wrapping_neg)),
        Host::Int(_) => return Err(Error::Onnx(format!("{operator} of whole numbers"))),
    })
}
