//! Tensors with elements updated at places that indices name.

use super::builder::{Value, signed};
use super::gather::{Rows, as_i64, constant, counting, dtype_of, number_of, whole};
use super::movement::gathered;
use super::node::{Node, unsupported};
use super::pad::constant_sides;
use super::window::{extents, numbers, windows};
use crate::error::{Error, Result};
use crate::onnx::fold;
use crate::onnx::tensor;
use crate::ops::{AxisWindow, Binary, Concat, Expand, ScatterElements, ScatterReduction, Ternary};
use crate::shape;

/// What becomes of the elements that updates name.
fn reduction(node: &Node<'_, '_>) -> Result<ScatterReduction> {
    Ok(match node.string("reduction", "none")? {
        "none" => ScatterReduction::Replace,
        "add" => ScatterReduction::Add,
        "mul" => ScatterReduction::Mul,
        "max" => ScatterReduction::Max,
        "min" => ScatterReduction::Min,
        other => return Err(Error::Onnx(format!("reduction {other:?}"))),
    })
}

pub(super) fn scatter_elements(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (data, indices, updates) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let (axis, reduction) = (node.int("axis", 0)?, reduction(node)?);
    if indices.shape().len() != data.shape().len() {
        return Err(Error::Onnx(format!(
            "indices of shape {:?} for data of shape {:?}",
            indices.shape(),
            data.shape()
        )));
    }
    let op = ScatterElements::new(axis as isize).reduction(reduction);
    op.output_shape(data.shape(), indices.shape(), updates.shape())?;
    if updates.shape().contains(&0) {
        return Ok(vec![data]);
    }
    if reduction == ScatterReduction::Replace && node.is_known(&indices) {
        node.budget().charge("the places", indices.shape().iter().product(), 8)?;
        let places = fold::named_elements(node, data.shape(), axis)?;
        return replace(node, &data, &updates, 1, &places);
    }
    node.emit_one(op, &[&data, &indices, &updates])
}

/// Updates of parts by the places of their first axes, which are the last dimension of the indices.
pub(super) fn scatter_nd(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (data, indices, updates) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let reduction = reduction(node)?;
    let (shape, named) = (data.shape().to_vec(), indices.shape().to_vec());
    let depth = named.last().copied().unwrap_or_default();
    let wanted = (1..=shape.len())
        .contains(&depth)
        .then(|| [&named[..named.len() - 1], &shape[depth..]].concat());
    if wanted.as_deref() != Some(updates.shape()) {
        return Err(Error::Onnx(format!(
            "updates of shape {:?} for data of shape {shape:?} and indices of shape {named:?}",
            updates.shape()
        )));
    }
    if updates.shape().contains(&0) {
        return Ok(vec![data]);
    }
    if reduction == ScatterReduction::Replace && node.is_known(&indices) {
        node.budget()
            .charge("the places", 2 * named[..named.len() - 1].iter().product::<usize>(), 8)?;
        let (length, places) = fold::named_rows(node, &shape)?;
        return replace(node, &data, &updates, length, &places);
    }
    let rows = Rows::new(node, &shape, &indices, 0)?;
    let count: usize = rows.places.shape().iter().product();
    let table = node.reshape(&data, &signed(&[rows.count, rows.length]))?;
    let updates = node.reshape(&updates, &signed(&[count, rows.length]))?;
    let column = node.reshape(&rows.places, &signed(&[count, 1]))?;
    let places = node.emit(Expand::new(signed(&[count, rows.length])), &[&column])?;
    let updated = node.emit(ScatterElements::new(0).reduction(reduction), &[&table, &places, &updates])?;
    Ok(vec![node.reshape(&updated, &signed(&shape))?])
}

/// Rows of so many elements replaced at known places: what comes to each place is known, too.
fn replace(node: &mut Node<'_, '_>, data: &Value, updates: &Value, length: usize, places: &[usize]) -> Result<Vec<Value>> {
    let shape = data.shape().to_vec();
    let table = node.reshape(data, &[-1, length as isize])?;
    let updates = node.reshape(updates, &[-1, length as isize])?;
    let count = table.shape()[0];
    node.budget().charge("the places", count, 8)?;
    let mut sources: Vec<usize> = (0..count).collect();
    for (number, &place) in places.iter().enumerate() {
        sources[place] = count + number;
    }
    let all = node.emit(Concat::new(0), &[&table, &updates])?;
    let chosen = gathered(node, &all, 0, &sources)?;
    Ok(vec![node.reshape(&chosen, &signed(&shape))?])
}

/// A cache with an update written from each batch's own place on.
pub(super) fn tensor_scatter(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (cache, update) = (node.input(0)?, node.input(1)?);
    let rank = cache.shape().len();
    let axis = shape::axis("onnx", node.int("axis", -2)? as isize, rank)?;
    let (extent, length) = (cache.shape()[axis], update.shape().get(axis).copied().unwrap_or_default());
    let mut wanted = cache.shape().to_vec();
    wanted[axis] = length;
    if axis == 0 || length > extent || update.shape() != wanted {
        return Err(Error::Onnx(format!(
            "an update of shape {:?} along axis {axis} of a cache of shape {:?}",
            update.shape(),
            cache.shape()
        )));
    }
    let mut places = counting(node, rank, axis, length)?;
    if let Some(starts) = node.optional(2) {
        let mut shape = vec![1; rank];
        shape[0] = starts.shape().iter().product();
        let starts = node.reshape(&starts, &signed(&shape))?;
        let starts = as_i64(node, &starts)?;
        places = node.emit(Binary::Add, &[&starts, &places])?;
    }
    match node.string("mode", "linear")? {
        "linear" => {}
        "circular" => places = node.emit(Binary::Remainder, &[&places, &whole(extent)])?,
        other => return Err(Error::Onnx(format!("mode {other:?}"))),
    }
    let places = node.emit(Expand::new(signed(update.shape())), &[&places])?;
    node.emit_one(ScatterElements::new(axis as isize), &[&cache, &places, &update])
}

/// Each element at the place that its index has among all of the output; zeros elsewhere. Indices are to name places in their own
/// planes, as maxima do.
pub(super) fn max_unpool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, indices) = (node.input(0)?, node.input(1)?);
    let extents = extents(&input)?;
    let planes: usize = input.shape()[..2].iter().product();
    let unpooled = unpooled(node, &extents)?;
    if indices.shape() != input.shape() {
        return Err(Error::Onnx(format!(
            "indices of shape {:?} for an input of shape {:?}",
            indices.shape(),
            input.shape()
        )));
    }
    let plane = tensor::element_count("the output", &unpooled)?;
    tensor::element_count("the output", &[planes, plane])?;
    let lines = signed(&[planes, extents.iter().product()]);
    let indices = as_i64(node, &indices)?;
    let indices = node.reshape(&indices, &lines)?;
    let starts = constant(node, &[planes, 1], (0..planes).map(|number| number * plane))?;
    let places = node.emit(Binary::Sub, &[&indices, &starts])?;
    // One before its plane would count from the plane's end.
    let is_before = node.emit(Binary::Less, &[&places, &whole(0)])?;
    let places = node.emit(Ternary::Where, &[&is_before, &whole(plane), &places])?;
    let elements = node.reshape(&input, &lines)?;
    let zero = number_of(dtype_of(&input)?, 0);
    let zeros = node.emit(Expand::new(signed(&[planes, plane])), &[&zero])?;
    let output = node.emit(ScatterElements::new(1), &[&zeros, &places, &elements])?;
    let shape = [&input.shape()[..2], &unpooled[..]].concat();
    let output = node.reshape(&output, &signed(&shape))?;
    match node.optional_host_ints(2)? {
        None => Ok(vec![output]),
        Some(_) if node.ints("pads")?.is_some_and(|pads| pads.iter().any(|&pad| pad != 0)) => {
            Err(unsupported("pads beside output_shape"))
        }
        Some(wanted) => Ok(vec![placed(node, output, &zero, &wanted)?]),
    }
}

/// The extents that windows of these numbers reach over.
fn unpooled(node: &Node<'_, '_>, extents: &[usize]) -> Result<Vec<usize>> {
    let kernel = numbers(node, "kernel_shape", 1, extents.len())?;
    let kernel = kernel.ok_or_else(|| Error::Onnx("kernel_shape is missing".to_owned()))?;
    let windows = windows(node, extents, &kernel)?;
    let reached = |window: &AxisWindow| {
        let written = window
            .input
            .checked_sub(1)?
            .checked_mul(window.stride)?
            .checked_add(window.kernel)?;
        written.checked_sub(window.padding.before as usize + window.padding.after as usize)
    };
    let unpooled: Option<Vec<usize>> = windows.iter().map(reached).collect();
    unpooled.ok_or_else(|| Error::Onnx(format!("windows of {kernel:?} over {extents:?} reach over nothing")))
}

/// The first part of an output of a shape, of zeros where it does not reach.
fn placed(node: &mut Node<'_, '_>, mut value: Value, zero: &Value, shape: &[i64]) -> Result<Value> {
    let own = value.shape().to_vec();
    let fits = shape.len() == own.len() && shape.iter().zip(&own).all(|(&wanted, &own)| wanted >= own as i64);
    if !fits {
        return Err(Error::Onnx(format!("an output_shape of {shape:?} for what has {own:?}")));
    }
    for (axis, (&wanted, &own)) in shape.iter().zip(&own).enumerate() {
        value = constant_sides(node, &value, axis, (0, wanted - own as i64), zero)?;
    }
    Ok(value)
}
