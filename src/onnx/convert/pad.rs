//! Padding and cropping.

use ndarray::{ArrayD, IxDyn};

use super::builder::{Value, signed};
use super::gather::dtype_of;
use super::movement::gathered;
use super::node::Node;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::fold::wrapped;
use crate::onnx::tensor;
use crate::ops::{Concat, Expand, Pad, Slice};
use crate::padding::{Padding, PaddingMode, Sides};
use crate::shape;
use crate::tensor::{Tensor, each};

pub(super) fn pad(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len();
    let mode = node.string("mode", "constant")?;
    let (pads, value, axes) = if node.opset() < 11 {
        let pads = node.ints("pads")?.map(<[i64]>::to_vec);
        let pads = pads.ok_or_else(|| Error::Onnx("pads is missing".to_owned()))?;
        (pads, Some(tensor::scalar(node.float("value", 0.0)?)), None)
    } else {
        (node.host_ints(1)?, node.optional_host(2)?, node.optional_host_ints(3)?)
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
    let value = constant(value.as_ref(), dtype_of(&input)?)?;
    let mut axes = sides.iter().zip(input.shape());
    if axes.any(|(&(before, after), &extent)| !is_within(mode, before, after, extent)) {
        return by_places(node, input, &sides, mode);
    }
    if mode == PaddingMode::Zeros && input.shape().contains(&0) {
        let extents = sides.iter().zip(input.shape());
        let shape: Vec<isize> = extents
            .map(|(&(before, after), &extent)| before as isize + extent as isize + after as isize)
            .collect();
        return node.emit_one(Expand::new(shape), &[&Value::Host(value)]);
    }
    let Tensor::F32(value) = value else {
        return any_type(node, input, &sides, mode, &Value::Host(value));
    };
    let value = value
        .first()
        .copied()
        .filter(|_| mode == PaddingMode::Zeros)
        .unwrap_or_default();
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
        let shape = signed(&shape);
        result = node.reshape(&padded, &shape)?;
    }
    Ok(vec![result])
}

/// The number that stands for what is padded, as a scalar of the input's type.
fn constant(given: Option<&Tensor>, dtype: DType) -> Result<Tensor> {
    let Some(given) = given else {
        return Ok(wrapped(ArrayD::from_elem(IxDyn(&[]), 0), dtype));
    };
    let count: usize = given.shape().iter().product();
    if given.dtype() != dtype || count != 1 {
        return Err(Error::Onnx(format!(
            "a constant value of {}: expected one {dtype}",
            given.tensor_type()
        )));
    }
    Ok(each!(Tensor, given, array => tensor::scalar(array.first().copied().unwrap_or_default())))
}

/// Of whatever type, by operators that move elements.
fn any_type(
    node: &mut Node<'_, '_>,
    mut input: Value,
    sides: &[(i64, i64)],
    mode: PaddingMode,
    value: &Value,
) -> Result<Vec<Value>> {
    if mode != PaddingMode::Zeros {
        return by_places(node, input, sides, mode);
    }
    for (axis, &side) in sides.iter().enumerate() {
        input = constant_sides(node, &input, axis, side, value)?;
    }
    Ok(vec![input])
}

/// One value before and after the elements along an axis; where a side is negative, that many elements fewer.
pub(super) fn constant_sides(
    node: &mut Node<'_, '_>,
    input: &Value,
    axis: usize,
    (before, after): (i64, i64),
    value: &Value,
) -> Result<Value> {
    let extent = input.shape()[axis];
    let padded = Sides::new(before as isize, after as isize).padded(extent);
    let padded = padded.ok_or_else(|| Error::Onnx(format!("pads {before} and {after} of an extent of {extent}")))?;
    let mut shape = input.shape().to_vec();
    shape[axis] = padded;
    tensor::element_count("the output", &shape)?;
    // Cropped first: padding may not make up for what is cropped on the other side.
    let (start, end) = (before.min(0).unsigned_abs() as usize, extent as i64 + after.min(0));
    let end = usize::try_from(end).ok().filter(|&end| end >= start);
    let end = end.ok_or_else(|| Error::Onnx(format!("pads {before} and {after} crop more than an extent of {extent}")))?;
    let mut parts = Vec::new();
    for count in [before, after] {
        shape[axis] = usize::try_from(count).unwrap_or_default();
        let side = Expand::new(signed(&shape));
        parts.push(if count > 0 { Some(node.emit(side, &[value])?) } else { None });
    }
    let middle = if (start, end) == (0, extent) {
        input.clone()
    } else {
        node.emit(Slice::new([start as isize], [end as isize]).axes([axis as isize]), &[input])?
    };
    let joined = [parts[0].as_ref(), Some(&middle), parts[1].as_ref()];
    let joined: Vec<&Value> = joined.into_iter().flatten().collect();
    match joined.as_slice() {
        [only] => Ok((*only).clone()),
        all => node.emit(Concat::new(axis as isize), all),
    }
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
