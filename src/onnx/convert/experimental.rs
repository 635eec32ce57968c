//! Operators that ONNX had on trial up to opset 8 and converters from Core ML and Caffe2 wrote.

use ndarray::ArrayD;

use super::activation::number;
use super::builder::Value;
use super::node::Node;
use crate::error::{Error, Result};
use crate::ops::{Binary, Slice, Unary};

/// `alpha * x + beta`.
pub(super) fn affine(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (alpha, beta) = (number(node.float("alpha", 1.0)?), number(node.float("beta", 0.0)?));
    scaled_and_shifted(node, &alpha, &beta)
}

/// `scale * x`.
pub(super) fn scale(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, scale) = (node.input(0)?, number(node.float("scale", 1.0)?));
    node.emit_one(Binary::Mul, &[&input, &scale])
}

/// `scale * x + bias`, with a bias for each channel.
pub(super) fn image_scaler(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let scale = number(node.float("scale", 1.0)?);
    let bias = node.floats("bias")?.unwrap_or(&[0.0]).to_vec();
    let shape = [bias.len(), 1, 1];
    node.budget().charge("the bias", bias.len(), 4)?;
    let bias = ArrayD::from_shape_vec(&shape[..], bias).map_err(|error| Error::Onnx(error.to_string()))?;
    scaled_and_shifted(node, &scale, &Value::Host(bias.into()))
}

/// `alpha * tanh(beta * x)`.
pub(super) fn scaled_tanh(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    scaled_inside_and_outside(node, Unary::Tanh)
}

/// `alpha * log(1 + exp(beta * x))`.
pub(super) fn parametric_softplus(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    scaled_inside_and_outside(node, Unary::Softplus)
}

/// Images without a border, or from its corner on in a size that is given.
pub(super) fn crop(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let &[left, top, right, bottom] = node.ints("border")?.unwrap_or_default() else {
        return Err(Error::Onnx("a border must have 4 numbers".to_owned()));
    };
    let &[.., height, width] = input.shape() else {
        return Err(Error::Onnx(format!("an image of shape {:?}", input.shape())));
    };
    let (lower, far) = match node.ints("scale")? {
        None => ((height as i64).saturating_sub(bottom), (width as i64).saturating_sub(right)),
        Some(&[height, width]) => (top.saturating_add(height), left.saturating_add(width)),
        Some(other) => return Err(Error::Onnx(format!("a scale of {} numbers, but it must have 2", other.len()))),
    };
    let is_inside = |first: i64, end: i64, extent: usize| first >= 0 && first <= end && end <= extent as i64;
    if !is_inside(top, lower, height) || !is_inside(left, far, width) {
        return Err(Error::Onnx(format!(
            "rows {top} to {lower} and columns {left} to {far} of an image of {height} x {width}"
        )));
    }
    let slice = Slice::new([top as isize, left as isize], [lower as isize, far as isize]).axes([-2, -1]);
    node.emit_one(slice, &[&input])
}

fn scaled_and_shifted(node: &mut Node<'_, '_>, scale: &Value, shift: &Value) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let scaled = node.emit(Binary::Mul, &[&input, scale])?;
    node.emit_one(Binary::Add, &[&scaled, shift])
}

fn scaled_inside_and_outside(node: &mut Node<'_, '_>, function: Unary) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let [alpha, beta] = ["alpha", "beta"].map(|name| {
        let given = node.optional_float(name)?;
        given.map(number).ok_or_else(|| Error::Onnx(format!("{name} is missing")))
    });
    let inside = node.emit(Binary::Mul, &[&input, &beta?])?;
    let result = node.emit(function, &[&inside])?;
    node.emit_one(Binary::Mul, &[&result, &alpha?])
}
