//! Normalisation: batch normalisation and softmax.

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use crate::error::{Error, Result};
use crate::ops::{BatchNorm, InstanceNorm, LocalResponseNorm, Softmax};
use crate::shape;

pub(super) fn batch_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["momentum"]);
    if node.flag("training_mode", false)? || !node.flag("spatial", true)? {
        return Err(unsupported("statistics of the batch, or of single elements"));
    }
    let eps = node.float("epsilon", 1e-5)?;
    let [input, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map(|index| node.input(index));
    let (input, scale, bias, mean, variance) = (input?, scale?, bias?, mean?, variance?);
    node.emit_one(BatchNorm::new().eps(eps), &[&input, &mean, &variance, &scale, &bias])
}

pub(super) fn instance_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let eps = node.float("epsilon", 1e-5)?;
    let (input, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?);
    node.emit_one(InstanceNorm::new().eps(eps), &[&input, &scale, &bias])
}

pub(super) fn local_response_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let size = node.int("size", 0)?;
    let size = usize::try_from(size).map_err(|_| Error::Onnx(format!("a size of {size}")))?;
    let op = LocalResponseNorm::new(size)
        .alpha(node.float("alpha", 1e-4)?)
        .beta(node.float("beta", 0.75)?)
        .k(node.float("bias", 1.0)?);
    node.emit_one(op, &[&input])
}

pub(super) fn softmax(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    along_axis(node, Softmax::new)
}

pub(super) fn log_softmax(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    along_axis(node, Softmax::log)
}

fn along_axis(node: &mut Node<'_, '_>, softmax: fn(isize) -> Softmax) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len();
    if node.opset() >= 13 {
        let axis = node.int("axis", -1)?;
        return node.emit_one(softmax(axis as isize), &[&input]);
    }
    // Up to opset 12 all dimensions from the axis on are one.
    let axis = node.int("axis", 1)?;
    let axis = match usize::try_from(axis) {
        Ok(axis) if axis == rank => rank,
        _ => shape::axis("onnx", axis as isize, rank)?,
    };
    if axis + 1 == rank {
        return node.emit_one(softmax(-1), &[&input]);
    }
    let original: Vec<isize> = input.shape().iter().map(|&extent| extent as isize).collect();
    let count = |part: &[isize]| {
        part.iter()
            .try_fold(1_isize, |product, &extent| product.checked_mul(extent))
            .ok_or_else(|| Error::Onnx("too many elements".to_owned()))
    };
    let flat = [count(&original[..axis])?, count(&original[axis..])?];
    let flat = node.reshape(&input, &flat)?;
    let result = node.emit(softmax(-1), &[&flat])?;
    Ok(vec![node.reshape(&result, &original)?])
}
