//! Padding and cropping.

use super::builder::Value;
use super::movement::gathered;
use super::node::Node;
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
    let mut axes = sides.iter().zip(input.shape());
    if axes.any(|(&(before, after), &extent)| !is_within(mode, before, after, extent)) {
        return by_places(node, input, &sides, mode);
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

/// Whether [`Pad`] computes it: it crops in the constant mode only, and reflects or wraps around once.
fn is_within(mode: PaddingMode, before: i64, after: i64, extent: usize) -> bool {
    let (least, largest) = (before.min(after), before.max(after));
    match mode {
        PaddingMode::Zeros => true,
        PaddingMode::Replicate => least >= 0,
        PaddingMode::Reflect => least >= 0 && largest < extent as i64,
        PaddingMode::Circular => least >= 0 && largest <= extent as i64,
    }
}

/// Pads that no [`Pad`] has: along each axis the elements that stand at each place.
fn by_places(node: &mut Node<'_, '_>, mut input: Value, sides: &[(i64, i64)], mode: PaddingMode) -> Result<Vec<Value>> {
    for (axis, &(before, after)) in sides.iter().enumerate().filter(|&(_, &side)| side != (0, 0)) {
        let extent = input.shape()[axis];
        let padded = Sides::new(before as isize, after as isize).padded(extent);
        // What is cropped away on either side is no element that padding repeats.
        let (first, last) = (
            before.min(0).unsigned_abs(),
            extent as i128 - i128::from(after.min(0).unsigned_abs()),
        );
        let length = last - i128::from(first);
        let Some(padded) = padded.filter(|_| length > 0) else {
            return Err(Error::Onnx(format!(
                "pads {before} and {after} leave nothing of an extent of {extent}"
            )));
        };
        node.budget().charge("the places of pads", padded, 8)?;
        let from = -(before.max(0) as isize);
        let places = (from..from + padded as isize).map(|place| first as usize + source(mode, place, length as usize));
        input = gathered(node, &input, axis, &places.collect::<Vec<_>>())?;
    }
    Ok(vec![input])
}

/// The element of an extent that stands at a place before it, in it or after it, however far.
fn source(mode: PaddingMode, place: isize, extent: usize) -> usize {
    let last = extent as isize - 1;
    let source = match mode {
        PaddingMode::Circular => place.rem_euclid(extent as isize),
        PaddingMode::Reflect if last > 0 => {
            let from_mirror = place.rem_euclid(2 * last);
            from_mirror.min(2 * last - from_mirror)
        }
        PaddingMode::Zeros | PaddingMode::Reflect | PaddingMode::Replicate => place.clamp(0, last),
    };
    source as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_repeat_as_often_as_they_must() {
        let row = |mode, extent| -> String {
            let places = (-7..8).map(|place| source(mode, place, extent));
            places.map(|source| ['a', 'b', 'c'][source]).collect()
        };
        assert_eq!(row(PaddingMode::Reflect, 3), "bcbabcbabcbabcb");
        assert_eq!(row(PaddingMode::Reflect, 2), "bababababababab");
        assert_eq!(row(PaddingMode::Reflect, 1), "aaaaaaaaaaaaaaa");
        assert_eq!(row(PaddingMode::Circular, 3), "cabcabcabcabcab");
        assert_eq!(row(PaddingMode::Replicate, 3), "aaaaaaaabcccccc");
    }
}
