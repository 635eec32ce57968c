//! Matrix products with a weight.

use ndarray::ArrayD;

use super::builder::Value;
use super::integer;
use super::node::Node;
use crate::error::{Error, Result};
use crate::ops::{Binary, Linear, MatMul, Transpose};
use crate::tensor::{SharedArray, Tensor};

/// A matrix that is known now, as it is or transposed, times a number.
fn matrix(node: &mut Node<'_, '_>, array: &SharedArray<f32>, transpose: bool, factor: f32) -> Result<Value> {
    if !transpose && factor == 1.0 {
        return Ok(Value::Host(Tensor::F32(array.clone())));
    }
    node.budget().charge("a weight", array.len(), 4)?;
    let view = if transpose { array.t() } else { array.view() };
    // Elementwise into the standard layout.
    let result = ArrayD::from_shape_vec(view.raw_dim(), view.iter().map(|&value| value * factor).collect());
    Ok(Value::Host(result.map_err(|error| Error::Onnx(error.to_string()))?.into()))
}

pub(super) fn gemm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right, addend) = (node.input(0)?, node.input(1)?, node.optional(2));
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    let (transpose_left, transpose_right) = (node.flag("transA", false)?, node.flag("transB", false)?);
    let (left_rank, right_rank) = (left.shape().len(), right.shape().len());
    if left_rank != 2 || right_rank != 2 {
        return Err(Error::Onnx(format!(
            "matrices of {left_rank} and {right_rank} dimensions, but both must have 2"
        )));
    }
    let is_plain = !transpose_left && alpha == 1.0 && (beta == 1.0 || addend.is_none());
    if is_plain && let Some(reals) = integer::product_of_dequantized(node, [&left, &right], transpose_right, addend.as_ref())? {
        return Ok(vec![reals]);
    }
    let left = match left {
        left if !transpose_left => left,
        Value::Host(Tensor::F32(array)) => matrix(node, &array, true, 1.0)?,
        left => node.emit(Transpose::new([1, 0]), &[&left])?,
    };
    let weight = match right {
        Value::Host(Tensor::F32(array)) => matrix(node, &array, !transpose_right, alpha)?,
        right => {
            let right = if transpose_right {
                right
            } else {
                node.emit(Transpose::new([1, 0]), &[&right])?
            };
            if alpha == 1.0 {
                right
            } else {
                let alpha = Value::Host(ArrayD::from_elem(vec![1], alpha).into());
                node.emit(Binary::Mul, &[&right, &alpha])?
            }
        }
    };
    let columns = weight.shape().first().copied().unwrap_or_default();
    let Some(addend) = addend.filter(|_| beta != 0.0) else {
        return node.emit_one(Linear, &[&left, &weight]);
    };
    let addend = match addend {
        Value::Host(Tensor::F32(array)) => matrix(node, &array, false, beta)?,
        addend if beta == 1.0 => addend,
        addend => {
            let beta = Value::Host(ArrayD::from_elem(vec![1], beta).into());
            node.emit(Binary::Mul, &[&addend, &beta])?
        }
    };
    // One number a column is a bias; anything else is added.
    if matches!(*addend.shape(), [count] | [1, count] if count == columns) {
        let bias = node.reshape(&addend, &[columns as isize])?;
        return node.emit_one(Linear, &[&left, &weight, &bias]);
    }
    let product = node.emit(Linear, &[&left, &weight])?;
    let sum = node.emit(Binary::Add, &[&product, &addend])?;
    if sum.shape() != product.shape() {
        return Err(Error::Onnx(format!(
            "C of shape {:?} does not broadcast to {:?}",
            addend.shape(),
            product.shape()
        )));
    }
    Ok(vec![sum])
}

/// A constant matrix on the right is a weight, which is packed once.
pub(super) fn mat_mul(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    if let Some(reals) = integer::product_of_dequantized(node, [&left, &right], false, None)? {
        return Ok(vec![reals]);
    }
    match &right {
        Value::Host(Tensor::F32(array)) if array.ndim() == 2 && !array.is_empty() => {
            let weight = matrix(node, array, true, 1.0)?;
            node.emit_one(Linear, &[&left, &weight])
        }
        _ => node.emit_one(MatMul, &[&left, &right]),
    }
}
