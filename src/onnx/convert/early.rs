//! Operators of opsets 1 to 6: their inputs as later opsets have them. What only their attributes differ in was mended when the model
//! was read, in [`onnx::early`](crate::onnx::early).

use super::activation::number;
use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use super::norm;
use crate::error::{Error, Result};
use crate::onnx::tensor;
use crate::ops::{Binary, Unary};
use crate::shape;

/// Changes a node's inputs to those that opset 7 has.
pub(super) fn inputs(node: &mut Node<'_, '_>) -> Result<()> {
    match node.operator() {
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "And" | "Or" | "Xor" | "Equal" | "Less" | "Greater" => second_operand(node),
        // A flag that only allows what is refused elsewhere where it does not fit.
        "Gemm" => {
            node.ignore(&["broadcast"]);
            Ok(())
        }
        "PRelu" => slope(node),
        "BatchNormalization" | "Dropout" if !node.flag("is_test", false)? => Err(unsupported("training: is_test is not 1")),
        "Reshape" if node.opset() < 5 => match node.ints("shape")? {
            Some(shape) => {
                node.set_input(1, Value::Host(tensor::list(shape.to_vec())));
                Ok(())
            }
            None => Err(Error::Onnx("the shape is missing".to_owned())),
        },
        "Tile" if node.opset() < 6 => repeats(node),
        _ => Ok(()),
    }
}

/// The second operand broadcasts only where that is allowed, and is then aligned at an axis, or at the last one.
fn second_operand(node: &mut Node<'_, '_>) -> Result<()> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    let axis = node.optional_int("axis")?;
    let (shape, given) = (left.shape().to_vec(), right.shape().to_vec());
    let unfit = |why: &str| Error::Onnx(format!("operands of shapes {shape:?} and {given:?} {why}"));
    if !node.flag("broadcast", false)? {
        return if shape == given {
            Ok(())
        } else {
            Err(unfit("differ, and broadcast is not 1"))
        };
    }
    let aligned = match axis {
        None => given.clone(),
        Some(axis) => {
            let first = shape::axis("onnx", axis as isize, shape.len())?;
            let after = shape.len().checked_sub(first + given.len());
            let after = after.ok_or_else(|| unfit(&format!("do not fit from axis {axis} on")))?;
            [given.as_slice(), &vec![1; after]].concat()
        }
    };
    if shape::broadcast("onnx", &shape, &aligned)? != shape {
        return Err(unfit("do not fit: the second does not broadcast to the first"));
    }
    reshape_input(node, &right, &aligned)
}

/// One number a channel, which later opsets want in the input's rank.
fn slope(node: &mut Node<'_, '_>) -> Result<()> {
    let (input, slope) = (node.input(0)?, node.input(1)?);
    if slope.shape().len() != 1 || input.shape().len() < 2 {
        return Ok(());
    }
    let mut shape = vec![1; input.shape().len() - 1];
    shape[0] = slope.shape()[0];
    reshape_input(node, &slope, &shape)
}

fn reshape_input(node: &mut Node<'_, '_>, value: &Value, shape: &[usize]) -> Result<()> {
    let shape = signed(shape);
    let reshaped = node.reshape(value, &shape)?;
    node.set_input(1, reshaped);
    Ok(())
}

/// One axis and how often everything is repeated along it, each a number of the input's type.
fn repeats(node: &mut Node<'_, '_>) -> Result<()> {
    let rank = node.input(0)?.shape().len();
    let number = |index: usize| -> Result<i64> {
        let host = node.host(index)?;
        let numbers = host.to_f32();
        match numbers.first() {
            Some(&number) if numbers.len() == 1 && number.fract() == 0.0 => Ok(number as i64),
            _ => Err(Error::Onnx(format!(
                "input {index} must be one whole number, but it is {}",
                host.tensor_type()
            ))),
        }
    };
    let (count, axis) = (number(1)?, number(2)?);
    let mut repeats = vec![1; rank];
    repeats[shape::axis("onnx", axis as isize, rank)?] = count;
    node.set_input(1, Value::Host(tensor::list(repeats)));
    Ok(())
}

/// Up to opset 8 the statistics may be those of single elements instead of channels: `(x - mean) / sqrt(variance + epsilon) * scale +
/// bias`, where all broadcast over the batch.
pub(super) fn batch_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    if node.opset() > 8 || node.flag("spatial", true)? {
        return norm::batch_norm(node);
    }
    node.ignore(&["momentum"]);
    let eps = number(node.float("epsilon", 1e-5)?);
    let [input, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map(|index| node.input(index));
    let (input, scale, bias, mean, variance) = (input?, scale?, bias?, mean?, variance?);
    let distance = node.emit(Binary::Sub, &[&input, &mean])?;
    let variance = node.emit(Binary::Add, &[&variance, &eps])?;
    let deviation = node.emit(Unary::Sqrt, &[&variance])?;
    let normal = node.emit(Binary::Div, &[&distance, &deviation])?;
    let scaled = node.emit(Binary::Mul, &[&normal, &scale])?;
    node.emit_one(Binary::Add, &[&scaled, &bias])
}
