//! Linear attention: a state that every token reads and writes, token by token.

use super::activation::number;
use super::attention::split_heads;
use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use crate::error::{Error, Result};
use crate::ops::{Binary, Concat, Expand, MatMul, Slice, Transpose, Unary};

/// Each token becomes some nodes of the graph, and a few bytes of the file may ask for any number.
const MOST_TOKENS: usize = 1024;

/// What all tokens have, `[batch, heads, tokens, size]`; a head of keys serves as many heads of queries in a row as there are more.
struct Tokens {
    query: Value,
    key: Value,
    value: Value,
    /// What the state is multiplied by before, one number for each row of it or for all.
    decay: Option<Value>,
    /// How much of what the state should be instead is written.
    rate: Option<Value>,
}

pub(super) fn linear_attention(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    // How tokens might be taken together, which does not change the answer.
    node.ignore(&["chunk_size"]);
    let tokens = tokens(node)?;
    let &[batch, heads, count, size] = tokens.key.shape() else {
        return Err(Error::Internal("keys without heads".to_owned()));
    };
    if count == 0 || count > MOST_TOKENS {
        return Err(unsupported(format!("{count} tokens: 1 to {MOST_TOKENS} are supported")));
    }
    let state_shape = [batch, heads, size, tokens.value.shape()[3]];
    let mut state = match node.optional(3) {
        Some(state) => state,
        None => node.emit(Expand::new(signed(&state_shape)), &[&number(0.0)])?,
    };
    if state.shape() != state_shape {
        return Err(Error::Onnx(format!(
            "a state of shape {:?}, but {state_shape:?} is expected",
            state.shape()
        )));
    }
    let mut rows = Vec::new();
    for place in 0..count {
        state = tokens.write(node, place, &state)?;
        rows.push(tokens.read(node, place, &state)?);
    }
    let output = node.emit(Concat::new(1), &rows.iter().collect::<Vec<_>>())?;
    Ok(vec![output, state])
}

fn tokens(node: &mut Node<'_, '_>) -> Result<Tokens> {
    let [query_heads, key_heads] = ["q_num_heads", "kv_num_heads"].map(|name| node.int(name, 0));
    let (query_heads, key_heads) = (query_heads?, key_heads?);
    let [query, key, value] = [0, 1, 2].map(|index| node.input(index));
    let query = split_heads(node, &query?, query_heads)?;
    let key = split_heads(node, &key?, key_heads)?;
    let value = split_heads(node, &value?, key_heads)?;
    check_shapes(&query, &key, &value)?;
    let scale = match node.float("scale", 0.0)? {
        0.0 => (1.0 / (query.shape()[3] as f64).sqrt()) as f32,
        scale => scale,
    };
    let query = node.emit(Binary::Mul, &[&query, &number(scale)])?;
    let (has_decay, has_rate) = match node.string("update_rule", "gated_delta")? {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        other => return Err(Error::Onnx(format!("an update_rule {other:?}"))),
    };
    let decay = if has_decay { Some(decay(node, &key)?) } else { None };
    let rate = if has_rate { Some(rate(node, &key)?) } else { None };
    Ok(Tokens {
        query,
        key,
        value,
        decay,
        rate,
    })
}

fn check_shapes(query: &Value, key: &Value, value: &Value) -> Result<()> {
    let shapes = [query, key, value].map(Value::shape);
    let fits = match shapes {
        [
            &[batch, heads, tokens, size],
            &[key_batch, key_heads, keys, key_size],
            &[value_batch, _, values, _],
        ] => {
            heads.is_multiple_of(key_heads)
                && (key_batch, keys, key_size) == (batch, tokens, size)
                && (value_batch, values) == (batch, tokens)
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let [query, key, value] = shapes;
    Err(Error::Onnx(format!(
        "queries of shape {query:?}, keys of {key:?} and values of {value:?}, but [batch, heads, tokens, size] are expected that fit each other"
    )))
}

/// The exponential of the decay, `[batch, heads, tokens, size]` or `[batch, heads, tokens, 1]`.
fn decay(node: &mut Node<'_, '_>, key: &Value) -> Result<Value> {
    let &[batch, heads, count, size] = key.shape() else {
        return Err(Error::Internal("keys without heads".to_owned()));
    };
    let decay = node.input(4)?;
    check_given("decays", &decay, [batch, count], [heads, heads * size])?;
    let decay = split_heads(node, &decay, heads as i64)?;
    node.emit(Unary::Exp, &[&decay])
}

/// `[batch, heads, tokens, 1]`, or one for all heads.
fn rate(node: &mut Node<'_, '_>, key: &Value) -> Result<Value> {
    let &[batch, heads, count, _] = key.shape() else {
        return Err(Error::Internal("keys without heads".to_owned()));
    };
    let rate = node.input(5)?;
    check_given("rates", &rate, [batch, count], [heads, 1])?;
    let own_heads = rate.shape()[2];
    split_heads(node, &rate, own_heads as i64)
}

fn check_given(what: &str, given: &Value, [batch, tokens]: [usize; 2], sizes: [usize; 2]) -> Result<()> {
    if sizes.iter().any(|&size| given.shape() == [batch, tokens, size]) {
        return Ok(());
    }
    Err(Error::Onnx(format!(
        "{what} of shape {:?}, but [{batch}, {tokens}, {} or {}] is expected",
        given.shape(),
        sizes[0],
        sizes[1]
    )))
}

impl Tokens {
    /// The state once a token is in it: `decay * state + key x value`, of which, where there is a rate, what the state has for this
    /// key already is taken off.
    fn write(&self, node: &mut Node<'_, '_>, place: usize, state: &Value) -> Result<Value> {
        let mut state = state.clone();
        if let Some(decay) = &self.decay {
            let decay = column(node, decay, place)?;
            state = node.emit(Binary::Mul, &[&state, &decay])?;
        }
        let key = at(node, &self.key, place)?;
        let mut value = at(node, &self.value, place)?;
        if let Some(rate) = &self.rate {
            let known = node.emit(MatMul, &[&key, &state])?;
            let rate = at(node, rate, place)?;
            value = node.emit(Binary::Sub, &[&value, &known])?;
            value = node.emit(Binary::Mul, &[&rate, &value])?;
        }
        let key = column(node, &self.key, place)?;
        let written = node.emit(Binary::Mul, &[&key, &value])?;
        node.emit(Binary::Add, &[&state, &written])
    }

    /// What the queries of a token find in the state, `[batch, 1, heads * size]`.
    fn read(&self, node: &mut Node<'_, '_>, place: usize, state: &Value) -> Result<Value> {
        let query = at(node, &self.query, place)?;
        let (&[batch, heads, _, size], key_heads) = (query.shape(), self.key.shape()[1]) else {
            return Err(Error::Internal("a query without heads".to_owned()));
        };
        let query = node.reshape(&query, &signed(&[batch, key_heads, heads / key_heads, size]))?;
        let found = node.emit(MatMul, &[&query, state])?;
        node.reshape(&found, &signed(&[batch, 1, heads * self.value.shape()[3]]))
    }
}

/// A token's part, `[batch, heads, 1, size]`.
fn at(node: &mut Node<'_, '_>, tokens: &Value, place: usize) -> Result<Value> {
    node.emit(Slice::new([place as isize], [place as isize + 1]).axes([2]), &[tokens])
}

/// A token's part as columns, `[batch, heads, size, 1]`.
fn column(node: &mut Node<'_, '_>, tokens: &Value, place: usize) -> Result<Value> {
    let row = at(node, tokens, place)?;
    node.emit(Transpose::new([0, 1, 3, 2]), &[&row])
}
