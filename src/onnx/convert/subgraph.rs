//! Graphs in a node: the branch of an `If` and the rounds of a `Loop`, where it is known now which and how many.

use std::collections::HashSet;

use super::builder::{Builder, Value};
use super::node::unsupported;
use super::nodes::Conversion;
use crate::error::{Error, Result};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::onnx::tensor;
use crate::ops::{Concat, Reshape};
use crate::tensor::Tensor;

/// The most nodes that all branches, and loops in all their rounds, may have together.
const MOST_NODES: usize = 1 << 16;

/// The nodes of the branch that the condition chooses.
pub(super) fn branch<'m>(
    conversion: &mut Conversion<'m>,
    builder: &mut Builder<'m>,
    node: &'m NodeProto,
    inputs: &[Option<Value>],
) -> Result<Vec<Value>> {
    let condition = truth(builder, given(inputs, 0).ok_or_else(|| missing("the condition"))?)?;
    let name = if condition { "then_branch" } else { "else_branch" };
    run(conversion, builder, attribute(node, name)?, Vec::new())
}

/// The nodes of the body, round by round.
pub(super) fn repeat<'m>(
    conversion: &mut Conversion<'m>,
    builder: &mut Builder<'m>,
    node: &'m NodeProto,
    inputs: &[Option<Value>],
) -> Result<Vec<Value>> {
    let body = attribute(node, "body")?;
    let limit = given(inputs, 0).map(|limit| number(builder, limit)).transpose()?;
    let mut goes_on = given(inputs, 1).map_or(Ok(true), |condition| truth(builder, condition))?;
    let mut carried: Vec<Value> = inputs.iter().skip(2).flatten().cloned().collect();
    let (takes, gives) = (carried.len() + 2, carried.len() + 1);
    if body.input.len() != takes || body.output.len() < gives {
        return Err(Error::Onnx(format!(
            "a body of {} inputs and {} outputs, but {takes} and at least {gives} are expected",
            body.input.len(),
            body.output.len()
        )));
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new(); body.output.len() - gives];
    let mut round = 0;
    while goes_on && limit.is_none_or(|limit| round < limit) {
        let mut arguments = vec![Value::Host(tensor::scalar(round)), Value::Host(tensor::scalar(true))];
        arguments.append(&mut carried);
        let mut outputs = run(conversion, builder, body, arguments)?;
        for (rows, row) in rows.iter_mut().zip(outputs.drain(gives..)) {
            rows.push(row);
        }
        goes_on = truth(builder, &outputs.remove(0))?;
        carried = outputs;
        round += 1;
    }
    for rows in rows {
        carried.push(stacked(builder, node, &rows)?);
    }
    Ok(carried)
}

/// What each round gave, along a first axis of its own.
fn stacked(builder: &mut Builder<'_>, node: &NodeProto, rows: &[Value]) -> Result<Value> {
    if rows.is_empty() {
        return Ok(Value::Missing("rows of a loop without rounds".to_owned()));
    }
    let name = node.output.first().map_or("", String::as_str);
    let mut parts = Vec::new();
    for row in rows {
        let shape: Vec<isize> = [1]
            .into_iter()
            .chain(row.shape().iter().map(|&extent| extent as isize))
            .collect();
        parts.push(builder.emit(name, Reshape::new(shape).into(), &[row])?);
    }
    builder.emit(name, Concat::new(0).into(), &parts.iter().collect::<Vec<_>>())
}

/// Converts a graph in the place of its node, and forgets its names.
pub(super) fn run<'m>(
    conversion: &mut Conversion<'m>,
    builder: &mut Builder<'m>,
    graph: &'m GraphProto,
    arguments: Vec<Value>,
) -> Result<Vec<Value>> {
    conversion.unrolled += graph.node.len() + 1;
    if conversion.unrolled > MOST_NODES {
        return Err(unsupported(format!(
            "more than {MOST_NODES} nodes in branches and rounds of loops"
        )));
    }
    let names = names(builder, graph)?;
    for (input, argument) in graph.input.iter().zip(arguments) {
        builder.values.insert(&input.name, argument);
    }
    for initializer in &graph.initializer {
        let what = format!("initializer {:?}", initializer.name);
        if initializer.data_location != 0 {
            return Err(unsupported(format!("{what} is in another file")));
        }
        let value = tensor::decode(&what, initializer, &mut builder.budget)?;
        builder.values.insert(&initializer.name, Value::Host(value));
    }
    conversion.nodes(builder, &graph.node)?;
    let outputs = graph.output.iter().map(|output| builder.value(&output.name));
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    for name in names {
        builder.values.remove(name);
    }
    Ok(outputs)
}

/// What a graph defines: nothing twice, and nothing that is defined outside.
fn names<'m>(builder: &Builder<'m>, graph: &'m GraphProto) -> Result<HashSet<&'m str>> {
    let mut names = HashSet::new();
    let outputs = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .filter(|name| !name.is_empty());
    let inputs = graph.input.iter().map(|input| &input.name);
    let initializers = graph.initializer.iter().map(|initializer| &initializer.name);
    for name in inputs.chain(initializers).chain(outputs) {
        let model = builder.model;
        let is_outside =
            builder.values.contains_key(name.as_str()) || model.initializers.contains_key(name) || model.weights.contains_key(name);
        if is_outside || !names.insert(name.as_str()) {
            return Err(Error::Onnx(format!(
                "a graph in the node defines {name:?}, which is defined before"
            )));
        }
    }
    Ok(names)
}

fn attribute<'m>(node: &'m NodeProto, name: &str) -> Result<&'m GraphProto> {
    let found = node.attribute.iter().find(|attribute| attribute.name == name);
    found
        .and_then(|attribute| attribute.g.as_deref())
        .ok_or_else(|| missing(&format!("the graph {name:?}")))
}

fn missing(what: &str) -> Error {
    Error::Onnx(format!("{what} is missing"))
}

fn given(inputs: &[Option<Value>], index: usize) -> Option<&Value> {
    inputs.get(index).and_then(Option::as_ref)
}

fn known(builder: &Builder<'_>, value: &Value) -> Result<Tensor> {
    let known = builder.known(value)?;
    known.ok_or_else(|| unsupported("a condition or a number of rounds that is computed while the network runs"))
}

/// One bool.
fn truth(builder: &Builder<'_>, value: &Value) -> Result<bool> {
    match known(builder, value)? {
        Tensor::Bool(array) if array.len() == 1 => Ok(array.first().copied().unwrap_or_default()),
        other => Err(Error::Onnx(format!("a condition of {}", other.tensor_type()))),
    }
}

/// One whole number.
fn number(builder: &Builder<'_>, value: &Value) -> Result<i64> {
    match known(builder, value)? {
        Tensor::I64(array) if array.len() == 1 => Ok(array.first().copied().unwrap_or_default()),
        other => Err(Error::Onnx(format!("a number of rounds of {}", other.tensor_type()))),
    }
}
