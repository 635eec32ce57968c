//! Padding and cropping.

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use crate::error::{Error, Result};
use crate::ops::Pad;
use crate::padding::{Padding, PaddingMode, Sides};
use crate::shape;

pub(super) fn pad(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len();
    let mode = node.string("mode", "constant")?;
    let (pads, value, axes) = if node.opset() < 11 {
        let pads = node.ints("pads")?.map(<[i64]>::to_vec);
        let pads = pads.ok_or_else(|| Error::Onnx("pads is missing".to_owned()))?;
        (pads, node.float("value", 0.0)?, None)
    } else {
        let value = node.optional_host_float(2)?.unwrap_or(0.0);
        (node.host_ints(1)?, value, node.optional_host_ints(3)?)
    };
    let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * axes.len() {
        return Err(Error::Onnx(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let mut sides = vec![None; rank];
    for (index, &axis) in axes.iter().enumerate() {
        let axis = shape::axis("onnx", axis as isize, rank)?;
        if sides[axis].is_some() {
            return Err(Error::Onnx(format!("axis {axis} is padded twice")));
        }
        sides[axis] = Some((pads[index], pads[index + axes.len()]));
    }
    let sides: Vec<(i64, i64)> = sides.into_iter().map(Option::unwrap_or_default).collect();
    if sides.iter().all(|&side| side == (0, 0)) {
        return Ok(vec![input]);
    }
    let mode = match mode {
        "constant" => PaddingMode::Zeros,
        "reflect" => PaddingMode::Reflect,
        "edge" => PaddingMode::Replicate,
        "wrap" => PaddingMode::Circular,
        other => return Err(Error::Onnx(format!("mode is {other:?}"))),
    };
    for (&(before, after), &extent) in sides.iter().zip(input.shape()) {
        if mode != PaddingMode::Zeros && before.min(after) < 0 {
            return Err(unsupported(format!("negative pads {pads:?} in mode {mode}")));
        }
        if mode == PaddingMode::Circular && before.max(after) > extent as i64 {
            return Err(unsupported(format!("wrapping more than once: pads {pads:?}")));
        }
    }
    let value = if mode == PaddingMode::Zeros { value } else { 0.0 };
    let op = |padding: Padding| Pad::new(padding).mode(mode).value(value);
    let sided = |&(before, after): &(i64, i64)| Sides::new(before as isize, after as isize);
    if let [(0, 0), (0, 0), spatial @ ..] = sides.as_slice()
        && let Ok(padding) = Padding::try_from(spatial.iter().map(sided).collect::<Vec<_>>().as_slice())
    {
        return node.emit_one(op(padding), &[&input]);
    }
    // Axis by axis, each as the height of images.
    let mut result = input;
    for (axis, side) in sides.iter().enumerate().filter(|&(_, &side)| side != (0, 0)) {
        let mut shape = result.shape().to_vec();
        // Counted by the builder already, so that neither overflows.
        let [outer, inner] = [&shape[..axis], &shape[axis + 1..]].map(|part| part.iter().product::<usize>() as isize);
        let images = node.reshape(&result, &[1, outer, shape[axis] as isize, inner])?;
        let padded = node.emit(op([sided(side), Sides::NONE].into()), &[&images])?;
        shape[axis] = padded.shape()[2];
        let shape: Vec<isize> = shape.iter().map(|&extent| extent as isize).collect();
        result = node.reshape(&padded, &shape)?;
    }
    Ok(vec![result])
}
