//! Operators that move elements: joining, slicing, transposing, broadcasting, and the space-depth shuffles.

use ndarray::Array1;

use super::builder::{Value, signed};
use super::gather;
use super::node::Node;
use super::node::unsupported;
use crate::error::{Error, Result};
use crate::onnx::fold::named_parts;
use crate::onnx::tensor;
use crate::ops::{Concat, Expand, Gather, Slice, Transpose};
use crate::shape::axis;

/// ONNX's 64-bit numbers as indices; those beyond the address space mean its ends.
pub(in crate::onnx) fn indices(numbers: &[i64]) -> Vec<isize> {
    let saturated = |&number: &i64| isize::try_from(number).unwrap_or(if number < 0 { isize::MIN } else { isize::MAX });
    numbers.iter().map(saturated).collect()
}

pub(super) fn concat(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let at = node.int("axis", 1)?;
    let inputs = (0..node.input_count())
        .map(|index| node.input(index))
        .collect::<Result<Vec<_>>>()?;
    node.emit_one(Concat::new(at as isize), &inputs.iter().collect::<Vec<_>>())
}

pub(super) fn slice(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let missing = |what: &str| Error::Onnx(format!("{what} are missing"));
    let (starts, ends, axes, steps) = if node.opset() < 10 {
        let starts = node.ints("starts")?.ok_or_else(|| missing("starts"))?.to_vec();
        let ends = node.ints("ends")?.ok_or_else(|| missing("ends"))?.to_vec();
        (starts, ends, node.ints("axes")?.map(<[i64]>::to_vec), None)
    } else {
        (
            node.host_ints(1)?,
            node.host_ints(2)?,
            node.optional_host_ints(3)?,
            node.optional_host_ints(4)?,
        )
    };
    let slice = Slice::new(indices(&starts), indices(&ends))
        .axes(indices(&axes.unwrap_or_default()))
        .steps(indices(&steps.unwrap_or_default()));
    node.emit_one(slice, &[&input])
}

/// By given lengths, or into equal parts of which the last may be shorter.
pub(super) fn split(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let at = axis("onnx", node.int("axis", 0)? as isize, input.shape().len())?;
    let extent = input.shape()[at];
    let attribute = if node.opset() < 13 { node.ints("split")? } else { None };
    let given = match attribute {
        Some(lengths) => Some(lengths.to_vec()),
        None => node.optional_host_ints(1)?,
    };
    let outputs = node.output_count();
    let parts = node.int("num_outputs", outputs as i64)?;
    let lengths = match given {
        Some(lengths) => lengths,
        None if parts == outputs as i64 && outputs > 0 => equal_parts(extent, extent.div_ceil(outputs), outputs),
        None => return Err(Error::Onnx(format!("{parts} parts for {outputs} outputs"))),
    };
    if lengths.len() != outputs {
        return Err(Error::Onnx(format!("{} parts for {outputs} outputs", lengths.len())));
    }
    check_lengths(&lengths, extent)?;
    cut(node, &input, at, &lengths)
}

/// So many parts of a length, of which the last are as long as what is left.
pub(super) fn equal_parts(extent: usize, length: usize, count: usize) -> Vec<i64> {
    (0..count)
        .map(|part| length.min(extent.saturating_sub(part * length)) as i64)
        .collect()
}

/// Whether parts make up the whole. The lengths may be very many: messages have their number.
pub(super) fn check_lengths(lengths: &[i64], extent: usize) -> Result<()> {
    if let Some(length) = lengths.iter().find(|&&length| length < 0) {
        return Err(Error::Onnx(format!("a length of {length}")));
    }
    // In 128 bits nothing overflows.
    let sum: i128 = lengths.iter().map(|&length| i128::from(length)).sum();
    if sum != extent as i128 {
        return Err(Error::Onnx(format!(
            "{} parts with {sum} elements together, where there are {extent}",
            lengths.len()
        )));
    }
    Ok(())
}

/// Consecutive parts of these lengths along an axis.
pub(super) fn cut(node: &mut Node<'_, '_>, input: &Value, at: usize, lengths: &[i64]) -> Result<Vec<Value>> {
    let mut start = 0;
    let mut values = Vec::new();
    for &length in lengths {
        let end = start + length as isize;
        values.push(node.emit(Slice::new([start], [end]).axes([at as isize]), &[input])?);
        start = end;
    }
    Ok(values)
}

/// Values together along an axis of their own.
pub(super) fn joined<'v>(node: &mut Node<'_, '_>, values: impl Iterator<Item = &'v Value>, axis: usize) -> Result<Value> {
    let mut parts = Vec::new();
    for value in values {
        let mut shape = signed(value.shape());
        // Of fewer dimensions than the first they do not fit, which is found where they are joined.
        shape.insert(axis.min(shape.len()), 1);
        parts.push(node.reshape(value, &shape)?);
    }
    if let [part] = &parts[..] {
        return Ok(part.clone());
    }
    node.emit(Concat::new(axis as isize), &parts.iter().collect::<Vec<_>>())
}

/// Parts along an axis. Those of known indices in a few runs are slices.
pub(super) fn gather(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, indices) = (node.input(0)?, node.input(1)?);
    if !node.is_known(&indices) {
        let axis = node.int("axis", 0)? as isize;
        return node.emit_one(Gather::new(axis), &[&input, &indices]);
    }
    let chosen = tensor::whole(&node.host(1)?).ok_or_else(|| Error::Onnx("indices must be whole numbers".to_owned()))?;
    let at = axis("onnx", node.int("axis", 0)? as isize, input.shape().len())?;
    let extent = input.shape()[at];
    node.budget().charge("the indices", chosen.len(), 8)?;
    let mut places = Vec::new();
    for &index in &chosen {
        let counted = if index < 0 {
            index.saturating_add(extent as i64)
        } else {
            index
        };
        let place = usize::try_from(counted).ok().filter(|&place| place < extent);
        places.push(place.ok_or_else(|| Error::Onnx(format!("index {index} of {extent} elements")))?);
    }
    let joined = take(node, &input, at, &places)?;
    let shape = [&input.shape()[..at], chosen.shape(), &input.shape()[at + 1..]].concat();
    reshape(node, &joined, &shape)
}

/// Parts by the places of their first axes: rows of the input with those axes as one.
pub(super) fn gather_nd(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, indices) = (node.input(0)?, node.input(1)?);
    if !node.is_known(&indices) {
        return gather::gather_nd(node);
    }
    let (parts, shape) = named_parts(node, input.shape())?;
    if parts.length == 0 {
        return Err(unsupported("parts without elements"));
    }
    node.budget().charge("the indices", parts.starts.len(), 8)?;
    let places: Vec<usize> = parts.starts.iter().map(|start| start / parts.length).collect();
    let rows = node.reshape(&input, &[-1, parts.length as isize])?;
    let joined = take(node, &rows, 0, &places)?;
    reshape(node, &joined, &shape)
}

/// A result in its shape, once its elements can be counted.
fn reshape(node: &mut Node<'_, '_>, value: &Value, shape: &[usize]) -> Result<Vec<Value>> {
    tensor::element_count("the output", shape)?;
    let shape = signed(shape);
    Ok(vec![node.reshape(value, &shape)?])
}

/// The elements at these places along an axis: slices where they are few runs.
pub(super) fn take(node: &mut Node<'_, '_>, input: &Value, at: usize, places: &[usize]) -> Result<Value> {
    let breaks = places.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
    if breaks >= MOST_SLICES {
        return gathered(node, input, at, places);
    }
    let mut parts = Vec::new();
    for (start, end) in runs(places) {
        let slice = Slice::new([start as isize], [end as isize]).axes([at as isize]);
        parts.push(node.emit(slice, &[input])?);
    }
    match parts.as_slice() {
        [part] => Ok(part.clone()),
        _ => node.emit(Concat::new(at as isize), &parts.iter().collect::<Vec<_>>()),
    }
}

/// The elements at these places along an axis, by one operator.
pub(super) fn gathered(node: &mut Node<'_, '_>, input: &Value, at: usize, places: &[usize]) -> Result<Value> {
    node.budget().charge("the indices", places.len(), 8)?;
    let indices: Array1<i64> = places.iter().map(|&place| place as i64).collect();
    node.emit(Gather::new(at as isize), &[input, &Value::Host(indices.into_dyn().into())])
}

/// Each slice is a dispatch.
const MOST_SLICES: usize = 64;

/// Places that follow one another, as a start and an end; of no places one empty run.
fn runs(places: &[usize]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &place in places {
        match runs.last_mut() {
            Some((_, end)) if *end == place => *end += 1,
            _ => runs.push((place, place + 1)),
        }
    }
    if runs.is_empty() {
        runs.push((0, 0));
    }
    runs
}

pub(super) fn transpose(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let permutation = node.ints("perm")?.map(indices).unwrap_or_default();
    node.emit_one(Transpose::new(permutation), &[&input])
}

pub(super) fn expand(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, shape) = (node.input(0)?, node.host_ints(1)?);
    if shape.iter().any(|&extent| extent < 0) {
        return Err(Error::Onnx(format!("a shape of {shape:?}")));
    }
    node.emit_one(Expand::new(indices(&shape)), &[&input])
}

/// Everything so many times along each axis: a new axis before each that is repeated, stretched, and merged with it. All at once
/// where that makes few axes, else one after another.
pub(super) fn tile(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, repeats) = (node.input(0)?, node.host_ints(1)?);
    let shape = input.shape();
    if repeats.len() != shape.len() || repeats.iter().any(|&count| count < 0) {
        return Err(Error::Onnx(format!("repeats {repeats:?} of an input of shape {shape:?}")));
    }
    let repeats = indices(&repeats);
    let tiled = shape.iter().zip(&repeats);
    let tiled: Vec<usize> = tiled.map(|(&extent, &count)| extent.saturating_mul(count as usize)).collect();
    tensor::element_count("the output", &tiled)?;
    let repeated: Vec<usize> = (0..repeats.len()).filter(|&axis| repeats[axis] != 1).collect();
    let mut result = input;
    for axes in repeated.chunks(MOST_REPEATED) {
        result = repeat(node, &result, axes, &repeats)?;
    }
    Ok(vec![result])
}

/// The axes that are repeated at once: with one before each, and those between, no copy has more than five.
const MOST_REPEATED: usize = 2;

/// Everything so many times along some axes.
fn repeat(node: &mut Node<'_, '_>, input: &Value, axes: &[usize], repeats: &[isize]) -> Result<Value> {
    let (mut split, mut spread, mut tiled) = (Vec::new(), Vec::new(), Vec::new());
    let mut before = 1;
    for (axis, &extent) in input.shape().iter().enumerate() {
        let extent = extent as isize;
        if axes.contains(&axis) {
            split.extend([before, 1, extent]);
            spread.extend([before, repeats[axis], extent]);
            tiled.push(extent.saturating_mul(repeats[axis]));
            before = 1;
        } else {
            before *= extent;
            tiled.push(extent);
        }
    }
    split.push(before);
    spread.push(before);
    let split = node.reshape(input, &split)?;
    let spread = node.emit(Expand::new(spread), &[&split])?;
    node.reshape(&spread, &tiled)
}

pub(super) fn depth_to_space(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, block, [n, c, h, w]) = blocks(node)?;
    let depth = c / (block * block);
    if depth * block * block != c {
        return Err(Error::Onnx(format!("{c} channels in blocks of {block} x {block}")));
    }
    let (split, order) = match node.string("mode", "DCR")? {
        "DCR" => ([n, block, block, depth, h, w], [0, 3, 4, 1, 5, 2]),
        "CRD" => ([n, depth, block, block, h, w], [0, 1, 4, 2, 5, 3]),
        other => return Err(unsupported(format!("mode {other:?}"))),
    };
    shuffle(node, &input, split, order, [n, depth, h * block, w * block])
}

pub(super) fn space_to_depth(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, block, [n, c, h, w]) = blocks(node)?;
    if h % block != 0 || w % block != 0 {
        return Err(Error::Onnx(format!("an image of {h} x {w} in blocks of {block}")));
    }
    let split = [n, c, h / block, block, w / block, block];
    let order = match node.string("mode", "DCR")? {
        "DCR" => [0, 3, 5, 1, 2, 4],
        "CRD" => [0, 1, 3, 5, 2, 4],
        other => return Err(unsupported(format!("mode {other:?}"))),
    };
    shuffle(node, &input, split, order, [n, c * block * block, h / block, w / block])
}

/// The input, the block size and the input's extents.
fn blocks(node: &mut Node<'_, '_>) -> Result<(Value, isize, [isize; 4])> {
    let input = node.input(0)?;
    let block = node.int("blocksize", 0)?;
    let Ok([n, c, h, w]) = <[usize; 4]>::try_from(input.shape()) else {
        return Err(Error::Onnx(format!(
            "an input of shape {:?}, but it must have 4 dimensions",
            input.shape()
        )));
    };
    // Larger blocks than the image divide nothing, and their square might overflow.
    if block < 1 || block > c.max(h).max(w) as i64 {
        return Err(Error::Onnx(format!(
            "blocksize {block} for an input of shape {:?}",
            input.shape()
        )));
    }
    Ok((input, block as isize, [n, c, h, w].map(|extent| extent as isize)))
}

fn shuffle(node: &mut Node<'_, '_>, input: &Value, split: [isize; 6], order: [isize; 6], result: [isize; 4]) -> Result<Vec<Value>> {
    let split = node.reshape(input, &split)?;
    let ordered = node.emit(Transpose::new(order), &[&split])?;
    Ok(vec![node.reshape(&ordered, &result)?])
}
