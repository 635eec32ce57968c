//! Rotary position embedding.

use super::builder::{Value, signed};
use super::node::Node;
use crate::error::{Error, Result};
use crate::ops::{Binary, Concat, Gather, Slice};

/// Turns pairs of features by angles whose cosines and sines are given for each place, or for all places of which some are chosen.
pub(super) fn rotary_embedding(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let shape = input.shape().to_vec();
    let (split, lengths) = split_shape(&shape, node.int("num_heads", 0)?)?;
    let size = split[3];
    let turned = match node.int("rotary_embedding_dim", 0)? {
        0 => size,
        other => usize::try_from(other).unwrap_or(usize::MAX),
    };
    if turned > size || !turned.is_multiple_of(2) {
        return Err(Error::Onnx(format!("{turned} features of {size} to turn in pairs")));
    }
    let cosine = angles(node, 1, lengths, turned / 2)?;
    let sine = angles(node, 2, lengths, turned / 2)?;
    let input = node.reshape(&input, &signed(&split))?;
    let is_interleaved = node.flag("interleaved", false)?;
    let [first, second] = pairs(node, &input, turned, is_interleaved)?;
    let real = rotated(node, [(&cosine, &first), (&sine, &second)], Binary::Sub)?;
    let imaginary = rotated(node, [(&sine, &first), (&cosine, &second)], Binary::Add)?;
    let mut result = joined(node, &real, &imaginary, is_interleaved)?;
    if turned < size {
        let rest = Slice::new([turned as isize], [size as isize]).axes([3]);
        let rest = node.emit(rest, &[&input])?;
        result = node.emit(Concat::new(3), &[&result, &rest])?;
    }
    Ok(vec![node.reshape(&result, &signed(&shape))?])
}

/// The input's shape with heads of their own, and that of the places as it broadcasts to it.
fn split_shape(shape: &[usize], heads: i64) -> Result<([usize; 4], [usize; 3])> {
    let count = usize::try_from(heads).unwrap_or_default();
    match *shape {
        [batch, heads, length, size] => Ok(([batch, heads, length, size], [batch, 1, length])),
        [batch, length, hidden] if count > 0 && hidden.is_multiple_of(count) => {
            Ok(([batch, length, count, hidden / count], [batch, length, 1]))
        }
        _ => Err(Error::Onnx(format!(
            "{heads} heads of an input of shape {shape:?}, but [batch, heads, length, size] or [batch, length, heads * size] is expected"
        ))),
    }
}

/// Cosines or sines for each place, `[batch, 1, length, pairs]` or `[batch, length, 1, pairs]`.
fn angles(node: &mut Node<'_, '_>, index: usize, lengths: [usize; 3], pairs: usize) -> Result<Value> {
    let mut angles = node.input(index)?;
    if let Some(places) = node.optional(3) {
        angles = node.emit(Gather::new(0), &[&angles, &places])?;
    }
    let [batch, heads, length] = lengths;
    if angles.shape() != [batch, heads * length, pairs] {
        return Err(Error::Onnx(format!(
            "cosines or sines of shape {:?}, but {:?} is expected",
            angles.shape(),
            [batch, heads * length, pairs]
        )));
    }
    node.reshape(&angles, &signed(&[batch, heads, length, pairs]))
}

/// The first and the second features of all pairs: neighbours, or those half of all turned features apart.
fn pairs(node: &mut Node<'_, '_>, input: &Value, turned: usize, is_interleaved: bool) -> Result<[Value; 2]> {
    let (turned, half) = (turned as isize, turned as isize / 2);
    let [first, second] = if is_interleaved {
        [0, 1].map(|start| Slice::new([start], [turned]).steps([2]))
    } else {
        [Slice::new([0], [half]), Slice::new([half], [turned])]
    };
    Ok([node.emit(first.axes([3]), &[input])?, node.emit(second.axes([3]), &[input])?])
}

/// The sum or difference of two products.
fn rotated(node: &mut Node<'_, '_>, products: [(&Value, &Value); 2], combine: Binary) -> Result<Value> {
    let [(left, first), (right, second)] = products;
    let left = node.emit(Binary::Mul, &[left, first])?;
    let right = node.emit(Binary::Mul, &[right, second])?;
    node.emit(combine, &[&left, &right])
}

/// Both features of all pairs in the places that they came from.
fn joined(node: &mut Node<'_, '_>, first: &Value, second: &Value, is_interleaved: bool) -> Result<Value> {
    if !is_interleaved {
        return node.emit(Concat::new(3), &[first, second]);
    }
    let mut shape = signed(first.shape());
    shape.push(1);
    let (first, second) = (node.reshape(first, &shape)?, node.reshape(second, &shape)?);
    let pairs = node.emit(Concat::new(4), &[&first, &second])?;
    shape.pop();
    shape[3] *= 2;
    node.reshape(&pairs, &shape)
}
