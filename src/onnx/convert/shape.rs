//! The same elements under another shape.

use super::builder::Value;
use super::node::Node;
use crate::error::{Error, Result};
use crate::ops::Flatten;
use crate::shape::axis;

pub(super) fn reshape(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, shape) = (node.input(0)?, node.host_ints(1)?);
    let keep_zero = node.flag("allowzero", false)?;
    let extents = shape.iter().enumerate().map(|(index, &extent)| match extent {
        0 if !keep_zero => input
            .shape()
            .get(index)
            .map(|&extent| extent as isize)
            .ok_or_else(|| Error::Onnx(format!("shape {shape:?} keeps dimension {index} of {:?}", input.shape()))),
        _ => Ok(extent as isize),
    });
    let extents: Vec<isize> = extents.collect::<Result<_>>()?;
    Ok(vec![node.reshape(&input, &extents)?])
}

pub(super) fn flatten(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let rank = input.shape().len();
    let at = match node.int("axis", 1)? {
        at if usize::try_from(at) == Ok(rank) => rank,
        at => axis("onnx", at as isize, rank)?,
    };
    if at == 1 && rank > 1 && matches!(input, Value::Tensor { .. }) {
        // Whatever the batch.
        return node.emit_one(Flatten::default(), &[&input]);
    }
    // Counted by the builder already, so that neither overflows.
    let [rows, columns] = [&input.shape()[..at], &input.shape()[at..]].map(|part| part.iter().product::<usize>() as isize);
    Ok(vec![node.reshape(&input, &[rows, columns])?])
}

/// The attribute before opset 13, the input since.
fn axes(node: &Node<'_, '_>) -> Result<Option<Vec<i64>>> {
    if node.opset() < 13 {
        Ok(node.ints("axes")?.map(<[i64]>::to_vec))
    } else {
        node.optional_host_ints(1)
    }
}

/// Marks the axes of a shape of so many dimensions.
fn marked(axes: &[i64], rank: usize) -> Result<Vec<bool>> {
    let mut marks = vec![false; rank];
    for &at in axes {
        let at = axis("onnx", at as isize, rank)?;
        if std::mem::replace(&mut marks[at], true) {
            return Err(Error::Onnx(format!("axes {axes:?} name one twice")));
        }
    }
    Ok(marks)
}

pub(super) fn squeeze(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let shape = input.shape();
    let dropped = match axes(node)? {
        Some(axes) => marked(&axes, shape.len())?,
        None => shape.iter().map(|&extent| extent == 1).collect(),
    };
    if shape.iter().zip(&dropped).any(|(&extent, &dropped)| dropped && extent != 1) {
        return Err(Error::Onnx(format!(
            "shape {shape:?} has an extent other than 1 at an axis to drop"
        )));
    }
    let kept = shape.iter().zip(&dropped).filter(|(_, dropped)| !**dropped);
    let kept: Vec<isize> = kept.map(|(&extent, _)| extent as isize).collect();
    Ok(vec![node.reshape(&input, &kept)?])
}

pub(super) fn unsqueeze(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let axes = axes(node)?.ok_or_else(|| Error::Onnx("axes are missing".to_owned()))?;
    let rank = input.shape().len() + axes.len();
    if rank > crate::onnx::tensor::MOST_DIMENSIONS {
        return Err(Error::Onnx(format!("{rank} dimensions")));
    }
    let mut extents = input.shape().iter();
    let shape = marked(&axes, rank)?.into_iter().map(|added| {
        if added {
            1
        } else {
            extents.next().map_or(1, |&extent| extent as isize)
        }
    });
    let shape: Vec<isize> = shape.collect();
    Ok(vec![node.reshape(&input, &shape)?])
}
