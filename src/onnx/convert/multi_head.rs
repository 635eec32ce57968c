//! Attention as ONNX Runtime's optimizer makes it of what exporters write.

use super::activation::number;
use super::attention::{Extents, Heads, Window, appended, merge_heads, places, split_heads};
use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{Binary, Cast, Concat, Linear, Slice, Softmax, Ternary, Transpose};

/// Queries, keys and values of all heads side by side. Its outputs are the result, and keys and values with those before them.
pub(super) fn multi_head_attention(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let count = node.int("num_heads", 0)?;
    let bias = node.optional(3);
    let mut first = 0;
    let mut parts = Vec::new();
    for index in 0..3 {
        let mut input = node.input(index)?;
        // Keys and values may have a dimension of heads already, and then get no bias.
        if input.shape().len() != 4 || index == 0 {
            if let Some(bias) = &bias {
                input = with_part(node, &input, bias, &mut first)?;
            }
            input = split_heads(node, &input, count)?;
        }
        parts.push(input);
    }
    let (value, key, query) = (parts.pop(), parts.pop(), parts.pop());
    let (Some(query), Some(key), Some(value)) = (query, key, value) else {
        return Err(Error::Internal("three parts".to_owned()));
    };
    let (past_key, past_value) = (node.optional(6), node.optional(7));
    let heads = Heads {
        query,
        key: appended(node, past_key, key)?,
        value: appended(node, past_value, value)?,
    };
    let (padding, bias) = (node.optional(4), node.optional(5));
    let result = attended(node, &heads, padding, bias)?;
    Ok(vec![result, heads.key, heads.value])
}

/// The sum of an input and as many numbers of a bias, which are next in it.
fn with_part(node: &mut Node<'_, '_>, input: &Value, bias: &Value, first: &mut isize) -> Result<Value> {
    let count = input.shape().last().copied().unwrap_or_default() as isize;
    let part = node.emit(Slice::new([*first], [*first + count]).axes([0]), &[bias])?;
    *first += count;
    let sum = node.emit(Binary::Add, &[input, &part])?;
    if sum.shape() == input.shape() {
        return Ok(sum);
    }
    Err(Error::Onnx(format!(
        "a bias of shape {:?} for queries, keys and values side by side, of which one is {:?}",
        bias.shape(),
        input.shape()
    )))
}

/// The same of one input, which a linear layer makes queries, keys and values of. Keys and values are one output.
pub(super) fn self_attention(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    if node.flag("do_rotary", false)? || node.flag("past_present_share_buffer", false)? {
        return Err(unsupported("rotary embedding, or the past and the present in one buffer"));
    }
    let count = node.int("num_heads", 0)?;
    let (input, weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let columns = weight.shape().last().copied().unwrap_or_default();
    let sizes = match node.ints("qkv_hidden_sizes")? {
        Some(sizes) => sizes.to_vec(),
        None => vec![(columns / 3) as i64; 3],
    };
    let sum: i128 = sizes.iter().map(|&size| i128::from(size)).sum();
    if sizes.len() != 3 || sizes.iter().any(|&size| size < 0) || sum != columns as i128 {
        return Err(Error::Onnx(format!(
            "queries, keys and values of {sizes:?} numbers by a weight of shape {:?}",
            weight.shape()
        )));
    }
    let weight = node.emit(Transpose::new([1, 0]), &[&weight])?;
    let mut inputs = vec![&input, &weight];
    inputs.extend(&bias);
    let projected = node.emit(Linear, &inputs)?;
    let past = node.optional(4);
    let mut start = 0;
    let mut parts = Vec::new();
    for (index, &size) in sizes.iter().enumerate() {
        let end = start + size as isize;
        let part = node.emit(Slice::new([start], [end]).axes([-1]), &[&projected])?;
        start = end;
        let part = split_heads(node, &part, count)?;
        parts.push(match &past {
            Some(past) if index > 0 => {
                let past = half(node, past, index - 1)?;
                appended(node, Some(past), part)?
            }
            _ => part,
        });
    }
    let (value, key, query) = (parts.pop(), parts.pop(), parts.pop());
    let (Some(query), Some(key), Some(value)) = (query, key, value) else {
        return Err(Error::Internal("three parts".to_owned()));
    };
    let heads = Heads { query, key, value };
    let (padding, bias) = (node.optional(3), node.optional(5));
    let mut outputs = vec![attended(node, &heads, padding, bias)?];
    if node.is_used(1) {
        outputs.push(both(node, &heads)?);
    }
    Ok(outputs)
}

/// Keys or values of the past, which are one tensor `[2, batch, heads, length, size]`.
fn half(node: &mut Node<'_, '_>, past: &Value, index: usize) -> Result<Value> {
    let half = node.emit(Slice::new([index as isize], [index as isize + 1]).axes([0]), &[past])?;
    let shape = signed(half.shape());
    node.reshape(&half, shape.get(1..).unwrap_or_default())
}

/// Keys and values as one tensor.
fn both(node: &mut Node<'_, '_>, heads: &Heads) -> Result<Value> {
    let [key, value] = [&heads.key, &heads.value].map(|part| {
        let shape = [&[1], part.shape()].concat();
        node.reshape(part, &signed(&shape))
    });
    node.emit(Concat::new(0), &[&key?, &value?])
}

/// `[batch, length, heads * size]` of the queries of all heads.
fn attended(node: &mut Node<'_, '_>, heads: &Heads, padding: Option<Value>, bias: Option<Value>) -> Result<Value> {
    heads.check()?;
    let scale = match node.float("scale", 0.0)? {
        0.0 => heads.default_scale(),
        scale => scale,
    };
    let covered = node.float("mask_filter_value", -10000.0)?;
    let mut scores = heads.scores(node, scale)?;
    if let Some(bias) = bias {
        scores = node.emit(Binary::Add, &[&scores, &bias])?;
    }
    let extents = heads.extents();
    if let Some(padding) = padding {
        let bias = padding_bias(node, &padding, extents, covered)?;
        scores = node.emit(Binary::Add, &[&scores, &bias])?;
    }
    if node.flag("unidirectional", false)? {
        node.budget()
            .charge("a mask", extents.queries.saturating_mul(extents.keys), 4)?;
        let past = extents.keys.saturating_sub(extents.queries);
        let bias = Value::Host(Window::CAUSAL.bias(extents, past).into());
        scores = node.emit(Binary::Add, &[&scores, &bias])?;
    }
    let probabilities = node.emit(Softmax::new(-1), &[&scores])?;
    let result = heads.weighted(node, &probabilities)?;
    merge_heads(node, &result)
}

/// 0 for keys, and another number for those that only fill up: after a number of keys for each of the batch, or where a mask is 0.
fn padding_bias(node: &mut Node<'_, '_>, padding: &Value, extents: Extents, covered: f32) -> Result<Value> {
    let Extents { batch, keys, .. } = extents;
    let is_key = match *padding.shape() {
        [count] if count == batch => {
            let lengths = node.emit(Cast::new(DType::I64), &[padding])?;
            let lengths = node.reshape(&lengths, &signed(&[batch, 1, 1, 1]))?;
            let key = places(node, &[1, keys], 0)?;
            node.emit(Binary::Less, &[&key, &lengths])?
        }
        [rows, columns] if (rows, columns) == (batch, keys) => {
            let mask = node.emit(Cast::new(DType::Bool), &[padding])?;
            node.reshape(&mask, &signed(&[batch, 1, 1, keys]))?
        }
        ref other => {
            return Err(unsupported(format!(
                "a mask of shape {other:?}, where [{batch}] and [{batch}, {keys}] are supported"
            )));
        }
    };
    node.emit(Ternary::Where, &[&is_key, &number(0.0), &number(covered)])
}
