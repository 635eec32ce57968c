//! Sequences of tensors. How many there are is known when the graph is made; the tensors may be computed while the network runs.

use ndarray::arr0;

use super::builder::{Value, signed};
use super::movement::{check_lengths, cut, equal_parts, joined};
use super::node::{Node, unsupported};
use crate::error::{Error, Result};
use crate::onnx::tensor;
use crate::ops::Concat;
use crate::shape::axis;

/// The most tensors that a sequence may have: each is a node, and a few bytes of the file may ask for any number.
const MOST_PARTS: usize = 1024;
/// What a tensor of a sequence takes beside its elements.
const VALUE_BYTES: u64 = 128;

/// Parts of one length, the last as long as it is, or of given lengths. Without lengths they are of one element each, and the axis
/// may be dropped.
pub(super) fn split_to_sequence(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let at = axis("onnx", node.int("axis", 0)? as isize, input.shape().len())?;
    let given = node.optional_host(1)?;
    let lengths = match &given {
        None => one_length(1, input.shape()[at])?,
        Some(given) => {
            let given = tensor::whole(given).ok_or_else(|| Error::Onnx("lengths must be whole numbers".to_owned()))?;
            match (given.ndim(), given.first()) {
                (0, Some(&length)) if length > 0 => one_length(length, input.shape()[at])?,
                (0, length) => return Err(Error::Onnx(format!("a length of {}", length.copied().unwrap_or_default()))),
                (1, _) => {
                    check_count(given.len())?;
                    given.iter().copied().collect()
                }
                _ => return Err(Error::Onnx(format!("lengths of shape {:?}", given.shape()))),
            }
        }
    };
    check_lengths(&lengths, input.shape()[at])?;
    let mut parts = cut(node, &input, at, &lengths)?;
    let keeps_axis = node.flag("keepdims", true)?;
    if given.is_none() && !keeps_axis {
        let mut shape = signed(input.shape());
        shape.remove(at);
        for part in &mut parts {
            *part = node.reshape(part, &shape)?;
        }
    }
    sequence(node, parts)
}

/// Parts of one length, the last as long as it is.
fn one_length(length: i64, extent: usize) -> Result<Vec<i64>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let count = extent.div_ceil(length);
    check_count(count)?;
    Ok(equal_parts(extent, length, count))
}

fn check_count(count: usize) -> Result<()> {
    if count > MOST_PARTS {
        return Err(unsupported(format!("{count} parts: {MOST_PARTS} are the most")));
    }
    Ok(())
}

/// A sequence as a node's output.
fn sequence(node: &mut Node<'_, '_>, values: Vec<Value>) -> Result<Vec<Value>> {
    check_count(values.len())?;
    node.budget().charge("a sequence", values.len(), VALUE_BYTES)?;
    Ok(vec![Value::Sequence(values)])
}

pub(super) fn construct(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let values = (0..node.input_count()).map(|index| node.input(index));
    let values = values.collect::<Result<Vec<_>>>()?;
    sequence(node, values)
}

/// What types its tensors would have does not matter: there are none.
pub(super) fn empty(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["dtype"]);
    sequence(node, Vec::new())
}

/// With another tensor at a place, or at the end.
pub(super) fn insert(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut values = input(node)?;
    let value = node.input(1)?;
    let last = values.len();
    let at = place(node, 2, last, last + 1)?.unwrap_or(last);
    values.insert(at, value);
    sequence(node, values)
}

/// Without the tensor at a place, or the last.
pub(super) fn erase(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut values = input(node)?;
    let count = values.len();
    let at = match place(node, 1, count, count)? {
        Some(at) => at,
        None => (count.checked_sub(1)).ok_or_else(|| Error::Onnx("the last of a sequence of none".to_owned()))?,
    };
    values.remove(at);
    sequence(node, values)
}

/// The tensor at a place.
pub(super) fn at(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut values = input(node)?;
    let count = values.len();
    let at = place(node, 1, count, count)?.ok_or_else(|| Error::Onnx("input 1 is missing".to_owned()))?;
    Ok(vec![values.swap_remove(at)])
}

pub(super) fn length(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let count = input(node)?.len() as i64;
    node.budget().charge("a length", 1, 8)?;
    Ok(vec![Value::Host(arr0(count).into_dyn().into())])
}

/// All tensors joined along an axis that they have, or along a new one.
pub(super) fn concat(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let values = input(node)?;
    let at = node
        .optional_int("axis")?
        .ok_or_else(|| Error::Onnx("attribute \"axis\" is missing".to_owned()))?;
    let Some(first) = values.first() else {
        return Err(Error::Onnx("a sequence of none cannot be joined".to_owned()));
    };
    if node.flag("new_axis", false)? {
        let at = axis("onnx", at as isize, first.shape().len() + 1)?;
        return Ok(vec![joined(node, values.iter(), at)?]);
    }
    node.emit_one(Concat::new(at as isize), &values.iter().collect::<Vec<_>>())
}

/// The sequence that is the first input.
fn input(node: &Node<'_, '_>) -> Result<Vec<Value>> {
    match node.input(0)? {
        Value::Sequence(values) => Ok(values),
        _ => Err(Error::Onnx("input 0 must be a sequence".to_owned())),
    }
}

/// The place that an input names among so many of a sequence of `count`; a negative one counts from the end.
fn place(node: &Node<'_, '_>, index: usize, count: usize, places: usize) -> Result<Option<usize>> {
    let Some(given) = node.optional_host_ints(index)? else {
        return Ok(None);
    };
    let &[given] = &given[..] else {
        return Err(Error::Onnx(format!("a place of {given:?}")));
    };
    let counted = if given < 0 {
        given.saturating_add(count as i64)
    } else {
        given
    };
    let place = usize::try_from(counted).ok().filter(|&place| place < places);
    place
        .map(Some)
        .ok_or_else(|| Error::Onnx(format!("place {given} of a sequence of {count}")))
}
