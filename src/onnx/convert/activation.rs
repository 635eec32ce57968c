//! Activations.

use ndarray::ArrayD;

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{Binary, PRelu, Ternary, Unary};
use crate::shape;

fn activation(node: &mut Node<'_, '_>, activation: Unary) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    node.emit_one(activation, &[&input])
}

pub(super) fn leaky_relu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let negative_slope = node.float("alpha", 0.01)?;
    activation(node, Unary::LeakyRelu { negative_slope })
}

pub(super) fn elu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    activation(node, Unary::Elu { alpha })
}

/// ONNX's defaults are PyTorch's constants, rounded.
pub(super) fn selu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let Unary::Selu { alpha, gamma } = Unary::SELU else {
        return Err(unsupported("the default constants"));
    };
    let (alpha, gamma) = (node.float("alpha", alpha)?, node.float("gamma", gamma)?);
    activation(node, Unary::Selu { alpha, gamma })
}

pub(super) fn celu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    activation(node, Unary::Celu { alpha })
}

/// ONNX's defaults are not `PyTorch`'s.
pub(super) fn shrink(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (lambd, bias) = (node.float("lambd", 0.5)?, node.float("bias", 0.0)?);
    activation(node, Unary::Shrink { lambd, bias })
}

pub(super) fn thresholded_relu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    activation(node, Unary::ThresholdedRelu { alpha })
}

pub(super) fn hard_sigmoid(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (alpha, beta) = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
    activation(node, Unary::HardSigmoidWith { alpha, beta })
}

pub(super) fn gelu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    match node.string("approximate", "none")? {
        "none" => activation(node, Unary::Gelu),
        "tanh" => activation(node, Unary::GeluTanh),
        other => Err(unsupported(format!("approximate {other:?}"))),
    }
}

pub(super) fn bias_gelu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    biased(node, Unary::Gelu)
}

pub(super) fn fast_gelu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    biased(node, Unary::GeluTanh)
}

/// Of the sum of the input and a bias, where there is one.
fn biased(node: &mut Node<'_, '_>, activation: Unary) -> Result<Vec<Value>> {
    let mut input = node.input(0)?;
    if let Some(bias) = node.optional(1) {
        input = node.emit(Binary::Add, &[&input, &bias])?;
    }
    node.emit_one(activation, &[&input])
}

pub(super) fn quick_gelu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, alpha) = (node.input(0)?, node.float("alpha", 1.702)?);
    Ok(vec![swish_of(node, &input, alpha)?])
}

pub(super) fn swish(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, alpha) = (node.input(0)?, node.float("alpha", 1.0)?);
    Ok(vec![swish_of(node, &input, alpha)?])
}

/// The second input, gated by the first.
pub(super) fn swiglu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (gate, input, alpha) = (node.input(0)?, node.input(1)?, node.float("alpha", 1.0)?);
    if gate.shape() != input.shape() {
        return Err(Error::Onnx(format!(
            "a gate of shape {:?} for an input of shape {:?}, but both must be equal",
            gate.shape(),
            input.shape()
        )));
    }
    let gate = swish_of(node, &gate, alpha)?;
    node.emit_one(Binary::Mul, &[&gate, &input])
}

/// `x * sigmoid(alpha * x)`.
fn swish_of(node: &mut Node<'_, '_>, input: &Value, alpha: f32) -> Result<Value> {
    if alpha == 1.0 {
        return node.emit(Unary::Silu, &[input]);
    }
    let scaled = node.emit(Binary::Mul, &[input, &number(alpha)])?;
    let gate = node.emit(Unary::Sigmoid, &[&scaled])?;
    node.emit(Binary::Mul, &[input, &gate])
}

/// A constant that broadcasts to anything.
pub(super) fn number(value: f32) -> Value {
    Value::Host(ArrayD::from_elem(vec![1], value).into())
}

pub(super) fn clip(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let bounds = (node.optional(1), node.optional(2));
    if let (Some(DType::F32), (None | Some(Value::Host(_)), None | Some(Value::Host(_)))) = (input.dtype(), bounds) {
        return clip_to_known(node);
    }
    // Bounds that are computed while the network runs, or of whole numbers; each broadcasts.
    match (node.optional(1), node.optional(2)) {
        (Some(min), Some(max)) => node.emit_one(Ternary::Clamp, &[&input, &min, &max]),
        (Some(min), None) => node.emit_one(Binary::Max, &[&input, &min]),
        (None, Some(max)) => node.emit_one(Binary::Min, &[&input, &max]),
        (None, None) => Ok(vec![input]),
    }
}

fn clip_to_known(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (min, max) = if node.opset() < 11 {
        (node.optional_float("min")?, node.optional_float("max")?)
    } else {
        (node.optional_host_float(1)?, node.optional_host_float(2)?)
    };
    // ONNX's defaults are the finite extremes, not infinities.
    let (min, max) = (min.unwrap_or(f32::MIN), max.unwrap_or(f32::MAX));
    activation(node, Unary::Clamp { min, max })
}

/// The slope broadcasts to the input. One for all or one a channel is an operator; any other shape is put together.
pub(super) fn prelu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, slope) = (node.input(0)?, node.input(1)?);
    let (shape, given) = (input.shape().to_vec(), slope.shape().to_vec());
    if given.len() > shape.len() {
        return Err(Error::Onnx(format!(
            "a slope of shape {given:?} for an input of shape {shape:?}"
        )));
    }
    let elements: usize = given.iter().product();
    let mut per_channel = vec![1; shape.len()];
    if let (Some(place), Some(&channels)) = (per_channel.get_mut(1), shape.get(1)) {
        *place = channels;
    }
    // Aligned at the last dimension: the slope's missing ones are 1.
    let is_per_channel =
        per_channel.ends_with(&given) && per_channel[..shape.len() - given.len()].iter().all(|&extent| extent == 1);
    if elements != 1 && !is_per_channel {
        if shape::broadcast("onnx", &shape, &given)? != shape {
            return Err(Error::Onnx(format!(
                "a slope of shape {given:?} for an input of shape {shape:?}"
            )));
        }
        // One of the two is 0, whatever finite slope it is multiplied by.
        let positive = node.emit(Unary::Relu, &[&input])?;
        let negative = node.emit(Binary::Min, &[&input, &number(0.0)])?;
        let sloped = node.emit(Binary::Mul, &[&negative, &slope])?;
        return node.emit_one(Binary::Add, &[&positive, &sloped]);
    }
    let slope = node.reshape(&slope, &[elements as isize])?;
    node.emit_one(PRelu, &[&input, &slope])
}
