//! What ONNX Runtime's optimizer makes of several operators in a row.

use super::builder::Value;
use super::node::{Node, unsupported};
use super::{conv, linear};
use crate::dtype::DType;
use crate::error::Result;
use crate::ops::{Binary, Cast, Gather, LayerNorm, Reduce, Slice, Unary};

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

/// A layer norm of the sum of the embeddings of words, of their places and, where there are any, of segments. How many words each row
/// has, and the sum, are outputs as well.
pub(super) fn embed_layer_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["mask_index_type"]);
    let op = LayerNorm::new(-1).eps(node.float("epsilon", 1e-12)?);
    let (words, table) = (node.input(0)?, node.input(2)?);
    let mut sum = node.emit(Gather::new(0), &[&table, &words])?;
    let places = node.input(3)?;
    let places = if let Some(chosen) = node.optional(8) {
        node.emit(Gather::new(0), &[&places, &chosen])?
    } else {
        let length = words.shape().last().copied().unwrap_or_default();
        node.emit(Slice::new([0], [length as isize]).axes([0]), &[&places])?
    };
    sum = node.emit(Binary::Add, &[&sum, &places])?;
    if let (Some(segments), Some(table)) = (node.optional(1), node.optional(4)) {
        let segments = node.emit(Gather::new(0), &[&table, &segments])?;
        sum = node.emit(Binary::Add, &[&sum, &segments])?;
    }
    let (scale, shift) = (node.input(5)?, node.input(6)?);
    let result = node.emit(op, &[&sum, &scale, &shift])?;
    let counts = match node.optional(7) {
        Some(mask) if node.is_used(1) => {
            let mask = node.emit(Cast::new(DType::F32), &[&mask])?;
            let counts = node.emit(Reduce::sum([1]), &[&mask])?;
            node.emit(Cast::new(DType::I32), &[&counts])?
        }
        _ if node.is_used(1) => return Err(unsupported("numbers of words without a mask")),
        _ => Value::Missing(String::new()),
    };
    Ok(vec![result, counts, sum])
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
