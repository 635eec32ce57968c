//! ONNX Runtime's operators between quantised numbers that are computed as reals.

use super::builder::Value;
use super::node::{Convert, Node, unsupported};
use super::quantize::{Scale, dequantized, quantized, type_of_zero_point};
use super::{activation, pool};
use crate::error::Result;
use crate::ops::{Binary, Concat, Unary};

/// An input as the reals that it stands for, by the scale and the zero point that follow it.
fn real(node: &mut Node<'_, '_>, index: usize) -> Result<Value> {
    let input = node.input(index)?;
    let by = Scale::of(node, [index + 1, index + 2], input.shape(), 1)?;
    dequantized(node, &input, &by)
}

/// Reals by the output's scale and zero point, which are inputs.
fn output(node: &mut Node<'_, '_>, real: &Value, [scale, zero_point]: [usize; 2]) -> Result<Vec<Value>> {
    let by = Scale::of(node, [scale, zero_point], real.shape(), 1)?;
    let to = type_of_zero_point(node, zero_point);
    node.declare(to);
    Ok(vec![quantized(node, real, &by, to)?])
}

pub(super) fn arithmetic(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let function = match node.operator() {
        "QLinearAdd" => Binary::Add,
        "QLinearMul" => Binary::Mul,
        other => return Err(unsupported(other)),
    };
    let (left, right) = (real(node, 0)?, real(node, 3)?);
    let result = node.emit(function, &[&left, &right])?;
    output(node, &result, [6, 7])
}

/// An operator of reals between its quantised input and output.
fn between(node: &mut Node<'_, '_>, convert: Convert) -> Result<Vec<Value>> {
    if node.flag("channels_last", false)? {
        return Err(unsupported("channels that come last"));
    }
    let input = real(node, 0)?;
    node.replace_input(0, input);
    let result = convert(node)?.swap_remove(0);
    output(node, &result, [3, 4])
}

pub(super) fn sigmoid(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    between(node, |node| {
        let input = node.input(0)?;
        node.emit_one(Unary::Sigmoid, &[&input])
    })
}

pub(super) fn leaky_relu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    between(node, activation::leaky_relu)
}

pub(super) fn average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    between(node, pool::average_pool)
}

pub(super) fn global_average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    between(node, pool::global_average_pool)
}

/// The output's scale and zero point come first.
pub(super) fn concat(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let axis = node.int("axis", 1)? as isize;
    let parts = (2..node.input_count()).step_by(3).map(|index| real(node, index));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let joined = node.emit(Concat::new(axis), &parts.iter().collect::<Vec<_>>())?;
    output(node, &joined, [0, 1])
}
