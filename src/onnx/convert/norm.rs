//! Normalisation: by given statistics, by those of planes, rows, groups and axes, and softmax.

use ndarray::ArrayD;

use super::activation::number;
use super::builder::{Value, signed};
use super::node::Node;
use super::node::unsupported;
use crate::error::{Error, Result};
use crate::ops::{BatchNorm, Binary, Expand, InstanceNorm, LayerNorm, LocalResponseNorm, Reduce, Softmax, Ternary, Unary};
use crate::shape;

pub(super) fn batch_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let momentum = node.float("momentum", 0.9)?;
    if !node.flag("spatial", true)? {
        return Err(unsupported("statistics of single elements"));
    }
    let is_training = node.flag("training_mode", false)?;
    let eps = node.float("epsilon", 1e-5)?;
    let [input, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map(|index| node.input(index));
    let (input, scale, bias, mean, variance) = (input?, scale?, bias?, mean?, variance?);
    let norm = BatchNorm::new().eps(eps);
    if !is_training {
        return node.emit_one(norm, &[&input, &mean, &variance, &scale, &bias]);
    }
    let [own_mean, own_variance] = statistics_of_batch(node, &input)?;
    let mut outputs = vec![node.emit(norm, &[&input, &own_mean, &own_variance, &scale, &bias])?];
    for (running, own) in [(mean, own_mean), (variance, own_variance)] {
        let kept = node.emit(Binary::Mul, &[&running, &number(momentum)])?;
        let new = node.emit(Binary::Mul, &[&own, &number(1.0 - momentum)])?;
        outputs.push(node.emit(Binary::Add, &[&kept, &new])?);
    }
    Ok(outputs)
}

/// The mean of each channel and its variance.
fn statistics_of_batch(node: &mut Node<'_, '_>, input: &Value) -> Result<[Value; 2]> {
    let rank = input.shape().len() as isize;
    let axes: Vec<isize> = (0..rank).filter(|&axis| axis != 1).collect();
    let mean = node.emit(Reduce::mean(axes.clone()).keep_dims(true), &[input])?;
    let distance = node.emit(Binary::Sub, &[input, &mean])?;
    let variance = mean_square(node, &distance, axes)?;
    Ok([node.reshape(&mean, &[-1])?, node.reshape(&variance, &[-1])?])
}

pub(super) fn instance_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let eps = node.float("epsilon", 1e-5)?;
    let (input, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?);
    node.emit_one(InstanceNorm::new().eps(eps), &[&input, &scale, &bias])
}

/// The mean and the reciprocal deviation, where they are asked for, are computed once more by other operators.
pub(super) fn layer_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    check_stash_type(node)?;
    let is_centred = node.operator() == "LayerNormalization";
    let (axis, eps) = (node.int("axis", -1)? as isize, node.float("epsilon", 1e-5)?);
    let op = if is_centred {
        LayerNorm::new(axis)
    } else {
        LayerNorm::rms(axis)
    };
    let input = node.input(0)?;
    let rank = input.shape().len();
    let first = shape::axis("onnx", axis, rank)?;
    let mut inputs = vec![input.clone(), of_every_element(node, &input, first, &node.input(1)?)?];
    if is_centred && let Some(bias) = node.optional(2) {
        inputs.push(of_every_element(node, &input, first, &bias)?);
    }
    let mut outputs = vec![node.emit(op.eps(eps), &inputs.iter().collect::<Vec<_>>())?];
    if node.is_used(1) || node.is_used(2) {
        let axes: Vec<isize> = (first..rank).map(|axis| axis as isize).collect();
        let mut distance = input;
        if is_centred {
            let mean = node.emit(Reduce::mean(axes.clone()).keep_dims(true), &[&distance])?;
            distance = node.emit(Binary::Sub, &[&distance, &mean])?;
            outputs.push(mean);
        }
        let square = mean_square(node, &distance, axes)?;
        let square = node.emit(Binary::Add, &[&square, &number(eps)])?;
        let deviation = node.emit(Unary::Sqrt, &[&square])?;
        outputs.push(node.emit(Unary::Reciprocal, &[&deviation])?);
    }
    Ok(outputs)
}

/// A weight that broadcasts to the extents from an axis on, with those extents.
fn of_every_element(node: &mut Node<'_, '_>, input: &Value, first: usize, weight: &Value) -> Result<Value> {
    let extents = &input.shape()[first..];
    let shape = weight.shape().to_vec();
    let (outer, own) = shape.split_at(shape.len().saturating_sub(extents.len()));
    if outer.iter().any(|&extent| extent != 1) {
        return Err(unsupported(format!(
            "a weight of shape {shape:?} for rows of shape {extents:?}, which differs between them"
        )));
    }
    let weight = node.reshape(weight, &signed(own))?;
    if own == extents {
        return Ok(weight);
    }
    node.emit(Expand::new(signed(extents)), &[&weight])
}

/// The mean of the squares along these axes, which stay.
fn mean_square(node: &mut Node<'_, '_>, distance: &Value, axes: Vec<isize>) -> Result<Value> {
    let square = node.emit(Binary::Mul, &[distance, distance])?;
    node.emit(Reduce::mean(axes).keep_dims(true), &[&square])
}

/// What statistics are computed in.
fn check_stash_type(node: &Node<'_, '_>) -> Result<()> {
    match node.int("stash_type", 1)? {
        1 => Ok(()),
        other => Err(unsupported(format!("a stash_type of {other}"))),
    }
}

/// A group of channels is a plane. Scale and bias are one a group up to opset 20, and one a channel from then on.
pub(super) fn group_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    check_stash_type(node)?;
    let norm = InstanceNorm::new().eps(node.float("epsilon", 1e-5)?);
    let count = node.int("num_groups", 0)?;
    let (input, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let shape = input.shape().to_vec();
    let [images, channels, ..] = shape[..] else {
        return Err(Error::Onnx(format!("an input of shape {shape:?} has no channels")));
    };
    let groups = usize::try_from(count).ok();
    let groups = groups.filter(|&groups| groups > 0 && channels.is_multiple_of(groups));
    let groups = groups.ok_or_else(|| Error::Onnx(format!("{count} groups of {channels} channels")))?;
    let plane = shape[1..].iter().product::<usize>() / groups;
    let planes = node.reshape(&input, &signed(&[images, groups, plane]))?;
    if node.opset() < 21 {
        let result = node.emit(norm, &[&planes, &scale, &bias])?;
        return Ok(vec![node.reshape(&result, &signed(&shape))?]);
    }
    let [one, zero] = [1.0, 0.0].map(|value| Value::Host(ArrayD::from_elem(vec![groups], value).into()));
    let result = node.emit(norm, &[&planes, &one, &zero])?;
    let result = node.reshape(&result, &signed(&shape))?;
    let mut per_channel = vec![1; shape.len() - 1];
    per_channel[0] = channels as isize;
    let (scale, bias) = (node.reshape(&scale, &per_channel)?, node.reshape(&bias, &per_channel)?);
    let scaled = node.emit(Binary::Mul, &[&result, &scale])?;
    node.emit_one(Binary::Add, &[&scaled, &bias])
}

/// `(x - mean) / (deviation + 1e-9)`.
pub(super) fn mean_variance_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let axes: Vec<isize> = node
        .ints("axes")?
        .unwrap_or(&[0, 2, 3])
        .iter()
        .map(|&axis| axis as isize)
        .collect();
    let input = node.input(0)?;
    let mean = node.emit(Reduce::mean(axes.clone()).keep_dims(true), &[&input])?;
    let distance = node.emit(Binary::Sub, &[&input, &mean])?;
    let square = mean_square(node, &distance, axes)?;
    let deviation = node.emit(Unary::Sqrt, &[&square])?;
    let deviation = node.emit(Binary::Add, &[&deviation, &number(1e-9)])?;
    node.emit_one(Binary::Div, &[&distance, &deviation])
}

/// `x` over the sum of magnitudes along an axis, or over the root of the sum of squares. Zeros stay zeros.
pub(super) fn lp_norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let axis = node.int("axis", -1)? as isize;
    let sum = Reduce::sum([axis]).keep_dims(true);
    let norm = match node.int("p", 2)? {
        1 => {
            let magnitude = node.emit(Unary::Abs, &[&input])?;
            node.emit(sum, &[&magnitude])?
        }
        2 => {
            let square = node.emit(Binary::Mul, &[&input, &input])?;
            let square = node.emit(sum, &[&square])?;
            node.emit(Unary::Sqrt, &[&square])?
        }
        other => return Err(Error::Onnx(format!("a p of {other}, but 1 and 2 are all there are"))),
    };
    let is_zero = node.emit(Binary::Equal, &[&norm, &number(0.0)])?;
    let norm = node.emit(Ternary::Where, &[&is_zero, &number(1.0), &norm])?;
    node.emit_one(Binary::Div, &[&input, &norm])
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
    let original = signed(input.shape());
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
