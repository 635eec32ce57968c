//! Comparisons of known values, and what is made of their results.

use super::known::{Pair, broadcast_shape, charge, host, spread, wrong, zip};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::shape;
use crate::tensor::{Tensor, each};
use ndarray::{ArrayD, IxDyn};

pub(super) fn compare(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.host(0)?, node.host(1)?);
    let shape = broadcast_shape(node, &left, &right)?;
    let operator = node.operator();
    Ok(host(match Pair::new(left, right)? {
        Pair::Real(left, right) => zip(&left, &right, &shape, |left, right| Ok(holds(operator, &left, &right)))?,
        Pair::Whole(left, right, _) => zip(&left, &right, &shape, |left, right| Ok(holds(operator, &left, &right)))?,
        Pair::Bool(left, right) => zip(&left, &right, &shape, |left, right| Ok(holds(operator, &left, &right)))?,
    }))
}

fn holds<T: PartialOrd>(operator: &str, left: &T, right: &T) -> bool {
    match operator {
        "Less" => left < right,
        "LessOrEqual" => left <= right,
        "Greater" => left > right,
        "GreaterOrEqual" => left >= right,
        _ => left == right,
    }
}

pub(super) fn combine(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.host(0)?, node.host(1)?);
    let shape = broadcast_shape(node, &left, &right)?;
    let operator = node.operator();
    let operation = |left: bool, right: bool| {
        Ok(match operator {
            "And" => left && right,
            "Or" => left || right,
            _ => left != right,
        })
    };
    Ok(host(zip(left.array()?, right.array()?, &shape, operation)?))
}

pub(super) fn not(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    charge(node, input.shape())?;
    Ok(host(input.array::<bool>()?.mapv(|value| !value)))
}

/// Elements of the second input where the first is true, and of the third elsewhere.
pub(super) fn choose(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (condition, chosen, other) = (node.host(0)?, node.host(1)?, node.host(2)?);
    let shape = shape::broadcast("onnx", chosen.shape(), other.shape())?;
    let shape = shape::broadcast("onnx", condition.shape(), &shape)?;
    charge(node, &shape)?;
    let condition = spread(condition.array::<bool>()?, &shape)?;
    let mixed = |_| {
        Error::Onnx(format!(
            "expected two tensors of one type, but got {} and {}",
            chosen.dtype(),
            other.dtype()
        ))
    };
    Ok(each!(Tensor, &chosen, chosen => {
        let other = spread(other.array().map_err(mixed)?, &shape)?;
        let chosen = spread(chosen, &shape)?;
        let elements = condition.iter().zip(chosen.iter().zip(&other));
        let elements = elements.map(|(&condition, (&chosen, &other))| if condition { chosen } else { other });
        host(ArrayD::from_shape_vec(IxDyn(&shape), elements.collect()).map_err(wrong)?)
    }))
}
