//! What ONNX Runtime's optimizer makes of several operators in a row.

use super::activation::number;
use super::builder::Value;
use super::node::{Node, unsupported};
use super::{conv, linear};
use crate::error::Result;
use crate::ops::{Binary, LayerNorm, MatMul, Transpose, Unary};

/// A layer norm of the sum of two inputs and, where there is one, a bias. The sum is an output as well.
pub(super) fn skip_layer_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let is_centred = node.operator() == "SkipLayerNormalization";
    let (op, bias) = if is_centred {
        (LayerNorm::new(-1), 4)
    } else {
        (LayerNorm::rms(-1), 3)
    };
    let op = op.eps(node.float("epsilon", 1e-12)?);
    let (input, skip, scale) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let shift = if is_centred { node.optional(3) } else { None };
    let mut sum = node.emit(Binary::Add, &[&input, &skip])?;
    if let Some(bias) = node.optional(bias) {
        sum = node.emit(Binary::Add, &[&sum, &bias])?;
    }
    let mut inputs = vec![&sum, &scale];
    inputs.extend(&shift);
    let result = node.emit(op, &inputs)?;
    if node.is_used(1) || node.is_used(2) {
        return Err(unsupported("the mean or the deviation as an output"));
    }
    Ok(vec![
        result,
        Value::Missing(String::new()),
        Value::Missing(String::new()),
        sum,
    ])
}

/// A product of matrices, of which each may be transposed, times a number.
pub(super) fn mat_mul(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    if node.flag("transBatchA", false)? || node.flag("transBatchB", false)? {
        return Err(unsupported("the first dimension of a batch as rows"));
    }
    let (mut left, mut right) = (node.input(0)?, node.input(1)?);
    if node.flag("transA", false)? {
        left = transposed(node, &left)?;
    }
    if node.flag("transB", false)? {
        right = transposed(node, &right)?;
    }
    let product = node.emit(MatMul, &[&left, &right])?;
    match node.float("alpha", 1.0)? {
        1.0 => Ok(vec![product]),
        alpha => node.emit_one(Binary::Mul, &[&product, &number(alpha)]),
    }
}

/// With its last two dimensions in each other's place.
fn transposed(node: &mut Node<'_, '_>, matrix: &Value) -> Result<Value> {
    let rank = matrix.shape().len() as isize;
    if rank < 2 {
        return Ok(matrix.clone());
    }
    let order: Vec<isize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    node.emit(Transpose::new(order), &[matrix])
}

/// A convolution, the sum with another input where there is one, and an activation.
pub(super) fn conv(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut result = conv::conv(node)?.swap_remove(0);
    if let Some(residual) = node.optional(3) {
        result = node.emit(Binary::Add, &[&result, &residual])?;
    }
    let parameters = node.floats("activation_params")?.unwrap_or_default().to_vec();
    activated(node, &result, &parameters)
}

/// A `Gemm` and an activation.
pub(super) fn gemm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let result = linear::gemm(node)?.swap_remove(0);
    let mut parameters = Vec::new();
    for name in ["activation_alpha", "activation_beta"] {
        parameters.extend(node.optional_float(name)?);
    }
    activated(node, &result, &parameters)
}

fn activated(node: &mut Node<'_, '_>, input: &Value, parameters: &[f32]) -> Result<Vec<Value>> {
    let activation = match (node.string("activation", "")?, parameters) {
        ("", []) => return Ok(vec![input.clone()]),
        ("Relu", []) => Unary::Relu,
        ("Sigmoid", []) => Unary::Sigmoid,
        ("Tanh", []) => Unary::Tanh,
        ("LeakyRelu", &[negative_slope]) => Unary::LeakyRelu { negative_slope },
        ("Clip", &[min, max]) => Unary::Clamp { min, max },
        ("HardSigmoid", &[alpha, beta]) => Unary::HardSigmoidWith { alpha, beta },
        (other, parameters) => {
            return Err(unsupported(format!(
                "activation {other:?} with {} parameters",
                parameters.len()
            )));
        }
    };
    node.emit_one(activation, &[input])
}
