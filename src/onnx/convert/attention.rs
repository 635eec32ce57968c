//! Scaled dot-product attention as ONNX has it, put together of matrix products, masks and softmax.

use ndarray::{Array2, ArrayD, IxDyn};

use super::activation::number;
use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::element;
use crate::ops::{Binary, Cast, Concat, Expand, MatMul, Reduce, Softmax, Ternary, Transpose, Unary};

/// Queries, keys and values of each head, `[batch, heads, length, size]`. A head of keys and values serves as many heads of queries
/// in a row as there are more of these.
pub(super) struct Heads {
    pub(super) query: Value,
    pub(super) key: Value,
    pub(super) value: Value,
}

/// The extents that a mask broadcasts to.
#[derive(Clone, Copy)]
pub(super) struct Extents {
    pub(super) batch: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
}

impl Heads {
    /// Checks the shapes against one another.
    pub(super) fn check(&self) -> Result<()> {
        let shapes = [&self.query, &self.key, &self.value].map(Value::shape);
        let fits = match shapes {
            [
                &[batch, heads, _, size],
                &[key_batch, key_heads, keys, key_size],
                &[value_batch, value_heads, values, _],
            ] => {
                key_heads > 0
                    && heads.is_multiple_of(key_heads)
                    && (key_batch, key_size) == (batch, size)
                    && (value_batch, value_heads, values) == (batch, key_heads, keys)
            }
            _ => false,
        };
        if fits {
            return Ok(());
        }
        let [query, key, value] = shapes;
        Err(Error::Onnx(format!(
            "queries of shape {query:?}, keys of {key:?} and values of {value:?}, but [batch, heads, length, size] are expected that fit \
             each other"
        )))
    }

    pub(super) fn extents(&self) -> Extents {
        Extents {
            batch: self.query.shape()[0],
            queries: self.query.shape()[2],
            keys: self.key.shape()[2],
        }
    }

    /// The factor of the scores where none is given.
    pub(super) fn default_scale(&self) -> f32 {
        (1.0 / (self.query.shape()[3] as f64).sqrt()) as f32
    }

    /// `scale * query @ key^T`, `[batch, heads, queries, keys]`.
    pub(super) fn scores(&self, node: &mut Node<'_, '_>, scale: f32) -> Result<Value> {
        let &[batch, heads, queries, _] = self.query.shape() else {
            return Err(Error::Internal("queries without heads".to_owned()));
        };
        let keys = self.key.shape()[2];
        let query = if scale == 1.0 {
            self.query.clone()
        } else {
            node.emit(Binary::Mul, &[&self.query, &number(scale)])?
        };
        let query = self.grouped(node, &query)?;
        let transposed = node.emit(Transpose::new([0, 1, 3, 2]), &[&self.key])?;
        let scores = node.emit(MatMul, &[&query, &transposed])?;
        node.reshape(&scores, &signed(&[batch, heads, queries, keys]))
    }

    /// `probabilities @ value`, `[batch, heads, queries, size]`.
    pub(super) fn weighted(&self, node: &mut Node<'_, '_>, probabilities: &Value) -> Result<Value> {
        let &[batch, heads, queries, _] = self.query.shape() else {
            return Err(Error::Internal("queries without heads".to_owned()));
        };
        let size = self.value.shape()[3];
        let probabilities = self.grouped(node, probabilities)?;
        let weighted = node.emit(MatMul, &[&probabilities, &self.value])?;
        node.reshape(&weighted, &signed(&[batch, heads, queries, size]))
    }

    /// The rows of the heads of queries that one head of keys serves, one after another: they are one matrix.
    fn grouped(&self, node: &mut Node<'_, '_>, rows: &Value) -> Result<Value> {
        let &[batch, heads, queries, columns] = rows.shape() else {
            return Err(Error::Internal("rows without heads".to_owned()));
        };
        let key_heads = self.key.shape()[1];
        node.reshape(rows, &signed(&[batch, key_heads, heads / key_heads * queries, columns]))
    }
}

/// `[batch, length, heads * size]` as `[batch, heads, length, size]`.
pub(super) fn split_heads(node: &mut Node<'_, '_>, input: &Value, heads: i64) -> Result<Value> {
    let shape = input.shape().to_vec();
    let count = usize::try_from(heads).unwrap_or_default();
    match shape[..] {
        [batch, length, hidden] if count > 0 && hidden.is_multiple_of(count) => {
            let split = node.reshape(input, &signed(&[batch, length, count, hidden / count]))?;
            node.emit(Transpose::new([0, 2, 1, 3]), &[&split])
        }
        _ => Err(Error::Onnx(format!(
            "{heads} heads of an input of shape {shape:?}, but [batch, length, heads * size] is expected"
        ))),
    }
}

/// `[batch, heads, length, size]` as `[batch, length, heads * size]`.
pub(super) fn merge_heads(node: &mut Node<'_, '_>, input: &Value) -> Result<Value> {
    let &[batch, heads, length, size] = input.shape() else {
        return Err(Error::Internal("nothing to merge".to_owned()));
    };
    let ordered = node.emit(Transpose::new([0, 2, 1, 3]), &[input])?;
    node.reshape(&ordered, &signed(&[batch, length, heads * size]))
}

/// What is before, along the axis of lengths, and then the input.
pub(super) fn appended(node: &mut Node<'_, '_>, past: Option<Value>, input: Value) -> Result<Value> {
    match past {
        Some(past) => node.emit(Concat::new(2), &[&past, &input]),
        None => Ok(input),
    }
}

/// ONNX's operator. Its outputs are the result, keys and values with those before them, and the scores at some stage.
pub(super) fn attention(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (mut heads, past_length, is_packed) = heads(node)?;
    let (past, padding) = (past_length.is_some(), node.optional(6));
    if past && padding.is_some() {
        return Err(Error::Onnx("both keys of the past and lengths without padding".to_owned()));
    }
    check_precision(node)?;
    let scale = node.optional_float("scale")?.unwrap_or_else(|| heads.default_scale());
    let softcap = node.float("softcap", 0.0)?;
    let mask = mask(node, heads.extents(), past_length.unwrap_or(0), padding)?;

    let raw = heads.scores(node, scale)?;
    let capped = capped(node, &raw, softcap)?;
    let masked = match &mask {
        Some(mask) => masked(node, &capped, &mask.bias)?,
        None => capped.clone(),
    };
    let probabilities = node.emit(Softmax::new(-1), &[&masked])?;
    let probabilities = match &mask {
        Some(mask) if mask.may_cover_rows => without_covered_rows(node, &probabilities, &mask.bias)?,
        _ => probabilities,
    };
    let mut result = heads.weighted(node, &probabilities)?;
    if is_packed {
        result = merge_heads(node, &result)?;
    }
    let stage = match node.int("qk_matmul_output_mode", 0)? {
        0 => raw,
        1 => capped,
        2 => masked,
        3 => probabilities,
        other => return Err(Error::Onnx(format!("a qk_matmul_output_mode of {other}"))),
    };
    let value = std::mem::replace(&mut heads.value, Value::Missing(String::new()));
    Ok(vec![result, heads.key, value, stage])
}

/// Queries, and keys and values with those of the past before them; how many those are; and whether heads were packed in one axis.
fn heads(node: &mut Node<'_, '_>) -> Result<(Heads, Option<usize>, bool)> {
    let (query, key, value) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let is_packed = query.shape().len() == 3;
    let [query_heads, key_heads] = ["q_num_heads", "kv_num_heads"].map(|name| node.int(name, 0));
    let (query_heads, key_heads) = (query_heads?, key_heads?);
    let [query, key, value] = if is_packed {
        [
            split_heads(node, &query, query_heads)?,
            split_heads(node, &key, key_heads)?,
            split_heads(node, &value, key_heads)?,
        ]
    } else {
        [query, key, value]
    };
    let (past_key, past_value) = (node.optional(4), node.optional(5));
    if past_key.is_some() != past_value.is_some() {
        return Err(Error::Onnx("keys and values of the past are given together".to_owned()));
    }
    let past_length = past_key.as_ref().and_then(|past| past.shape().get(2).copied());
    let heads = Heads {
        query,
        key: appended(node, past_key, key)?,
        value: appended(node, past_value, value)?,
    };
    heads.check()?;
    Ok((heads, past_length, is_packed))
}

/// Softmax is computed in `f32`, which is what reals of all these types are read as.
pub(super) fn check_precision(node: &Node<'_, '_>) -> Result<()> {
    let precision = node.int("softmax_precision", i64::from(element::FLOAT))?;
    if i32::try_from(precision).is_ok_and(element::is_real) {
        return Ok(());
    }
    Err(Error::Onnx(format!("a softmax_precision of {precision}")))
}

/// `softcap * tanh(scores / softcap)`; 0 caps nothing.
fn capped(node: &mut Node<'_, '_>, scores: &Value, softcap: f32) -> Result<Value> {
    if softcap == 0.0 {
        return Ok(scores.clone());
    }
    let small = node.emit(Binary::Div, &[scores, &number(softcap)])?;
    let small = node.emit(Unary::Tanh, &[&small])?;
    node.emit(Binary::Mul, &[&small, &number(softcap)])
}

/// What is added to scores: minus infinity where a query does not see a key.
struct Mask {
    bias: Value,
    /// Whether there may be queries that see no key.
    may_cover_rows: bool,
}

/// The masks of a node together.
fn mask(node: &mut Node<'_, '_>, extents: Extents, past: usize, padding: Option<Value>) -> Result<Option<Mask>> {
    let window = Window::read(node)?;
    let given = match node.optional(3) {
        Some(mask) => Some(given_bias(node, &mask, extents.keys)?),
        None => None,
    };
    let is_given = given.is_some() || padding.is_some();
    let mut biases: Vec<Value> = given.into_iter().collect();
    let mut covers_rows = false;
    match padding {
        Some(lengths) => biases.push(padded_bias(node, window, extents, &lengths)?),
        None if window.is_bounded() => {
            node.budget()
                .charge("a mask", extents.queries.saturating_mul(extents.keys), 4)?;
            covers_rows = window.covers_rows(extents, past);
            biases.push(Value::Host(window.bias(extents, past).into()));
        }
        None => {}
    }
    let mut biases = biases.into_iter();
    let Some(mut bias) = biases.next() else {
        return Ok(None);
    };
    for other in biases {
        bias = node.emit(Binary::Add, &[&bias, &other])?;
    }
    Ok(Some(Mask {
        bias,
        may_cover_rows: is_given || covers_rows,
    }))
}

/// The scores with their bias, which broadcasts to them and not the other way round.
fn masked(node: &mut Node<'_, '_>, scores: &Value, bias: &Value) -> Result<Value> {
    let masked = node.emit(Binary::Add, &[scores, bias])?;
    if masked.shape() == scores.shape() {
        return Ok(masked);
    }
    let (bias, scores) = (bias.shape(), scores.shape());
    Err(Error::Onnx(format!(
        "a mask of shape {bias:?}, but scores have {scores:?}, to which it must broadcast"
    )))
}

/// Zeros in the rows whose mask is minus infinity throughout: softmax has NaN there.
fn without_covered_rows(node: &mut Node<'_, '_>, probabilities: &Value, bias: &Value) -> Result<Value> {
    let most = node.emit(Reduce::max([-1]).keep_dims(true), &[bias])?;
    let is_covered = node.emit(Binary::Equal, &[&most, &number(f32::NEG_INFINITY)])?;
    node.emit(Ternary::Where, &[&is_covered, &number(0.0), probabilities])
}

/// Of a mask of bools, 0 where it is true and minus infinity elsewhere; another is a bias already. Keys beyond it are not seen.
fn given_bias(node: &mut Node<'_, '_>, mask: &Value, keys: usize) -> Result<Value> {
    let mut bias = match mask.dtype() {
        Some(DType::Bool) => where_seen(node, mask)?,
        Some(DType::F32) => mask.clone(),
        _ => return Err(unsupported("a mask that is neither bools nor reals")),
    };
    let mut shape = bias.shape().to_vec();
    if let Some(last) = shape.last_mut()
        && *last < keys
    {
        *last = keys - *last;
        let unseen = Value::Host(ArrayD::from_elem(vec![1; shape.len()], f32::NEG_INFINITY).into());
        let unseen = node.emit(Expand::new(signed(&shape)), &[&unseen])?;
        bias = node.emit(Concat::new(-1), &[&bias, &unseen])?;
    }
    Ok(bias)
}

fn where_seen(node: &mut Node<'_, '_>, is_seen: &Value) -> Result<Value> {
    node.emit(Ternary::Where, &[is_seen, &number(0.0), &number(f32::NEG_INFINITY)])
}

/// How many keys before and after its own place a query sees, where that is bounded.
#[derive(Clone, Copy)]
pub(super) struct Window {
    left: Option<i64>,
    right: Option<i64>,
}

impl Window {
    /// No key after the query's own place.
    pub(super) const CAUSAL: Self = Self {
        left: None,
        right: Some(0),
    };

    fn read(node: &Node<'_, '_>) -> Result<Self> {
        let bound = |name: &str| match node.int(name, -1)? {
            -1 => Ok(None),
            bound if bound >= 0 => Ok(Some(bound)),
            bound => Err(Error::Onnx(format!("a {name} of {bound}, but -1 and more are expected"))),
        };
        let (left, right) = (bound("left_window_size")?, bound("right_window_size")?);
        let is_causal = node.flag("is_causal", false)?;
        Ok(Self {
            left,
            right: if is_causal { Some(0) } else { right },
        })
    }

    fn is_bounded(self) -> bool {
        self.left.is_some() || self.right.is_some()
    }

    /// Whether a query at this distance after a key sees it.
    fn sees(self, distance: i64) -> bool {
        self.left.is_none_or(|left| distance <= left) && self.right.is_none_or(|right| -distance <= right)
    }

    /// `[queries, keys]`, where so many keys are before those of the first query.
    pub(super) fn bias(self, extents: Extents, past: usize) -> ArrayD<f32> {
        let bias = Array2::from_shape_fn((extents.queries, extents.keys), |(query, key)| {
            let distance = (past + query) as i64 - key as i64;
            if self.sees(distance) { 0.0 } else { f32::NEG_INFINITY }
        });
        bias.into_dyn()
    }

    /// Whether a query sees no key: the last is the farthest from those that there are.
    fn covers_rows(self, extents: Extents, past: usize) -> bool {
        let last = (past + extents.queries) as i64 - extents.keys as i64;
        self.left.is_some_and(|left| last > left)
    }
}

/// `[batch, 1, queries, keys]` where each of the batch has its own number of keys, of which the last are the queries' own.
fn padded_bias(node: &mut Node<'_, '_>, window: Window, extents: Extents, lengths: &Value) -> Result<Value> {
    let Extents { batch, queries, keys } = extents;
    if lengths.shape() != [batch] {
        return Err(Error::Onnx(format!(
            "lengths without padding of shape {:?}, but [{batch}] is expected",
            lengths.shape()
        )));
    }
    let lengths = match lengths.dtype() {
        Some(DType::I64) => lengths.clone(),
        _ => node.emit(Cast::new(DType::I64), &[lengths])?,
    };
    let lengths = node.reshape(&lengths, &signed(&[batch, 1, 1, 1]))?;
    let key = places(node, &[1, keys], 0)?;
    let mut is_seen = node.emit(Binary::Less, &[&key, &lengths])?;
    for (bound, sign, comparison) in [
        (window.right, 1, Binary::LessOrEqual),
        (window.left, -1, Binary::GreaterOrEqual),
    ] {
        let Some(bound) = bound else { continue };
        // Bounds beyond all keys, which sums might overflow with, bound nothing.
        let bound = sign * bound.min((keys + queries) as i64);
        let query = places(node, &[queries, 1], bound - queries as i64)?;
        let limit = node.emit(Binary::Add, &[&query, &lengths])?;
        let is_within = node.emit(comparison, &[&key, &limit])?;
        is_seen = node.emit(Binary::And, &[&is_seen, &is_within])?;
    }
    where_seen(node, &is_seen)
}

/// Whole numbers from a first one on, in this shape.
pub(super) fn places(node: &mut Node<'_, '_>, shape: &[usize; 2], first: i64) -> Result<Value> {
    let count = shape[0] * shape[1];
    node.budget().charge("places", count, 8)?;
    let places = ArrayD::from_shape_vec(IxDyn(shape), (0..count as i64).map(|place| place + first).collect());
    Ok(Value::Host(places.map_err(|error| Error::Onnx(error.to_string()))?.into()))
}
