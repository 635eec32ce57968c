//! Graphs in a node: the branch of an `If` and the rounds of a `Loop`, where it is known now which and how many; both branches where
//! the condition is computed while the network runs.

use std::collections::HashSet;

use super::builder::{Builder, Value, signed};
use super::nested::Nested;
use super::node::unsupported;
use super::scan;
use crate::dtype::TensorType;
use crate::error::{Error, Result};
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::onnx::tensor;
use crate::ops::{Concat, Reshape, Ternary};
use crate::shape::axis;
use crate::tensor::Tensor;

/// The most nodes that all branches, and loops in all their rounds, may have together.
pub(super) const MOST_NODES: usize = 1 << 16;

/// How an operator is converted that has graphs in its attributes.
pub(super) type ConvertGraphs =
    for<'m> fn(&mut dyn Nested<'m>, &mut Builder<'m>, &'m NodeProto, &[Option<Value>]) -> Result<Vec<Value>>;

/// The operators that have graphs in their attributes.
pub(super) fn find(operator: &str) -> Option<ConvertGraphs> {
    Some(match operator {
        "If" => branch,
        "Loop" => repeat,
        "Scan" => scan::scan,
        "SequenceMap" => scan::sequence_map,
        _ => return None,
    })
}

/// The nodes of the branch that the condition chooses, or of both.
fn branch<'m>(
    conversion: &mut dyn Nested<'m>,
    builder: &mut Builder<'m>,
    node: &'m NodeProto,
    inputs: &[Option<Value>],
) -> Result<Vec<Value>> {
    let condition = given(inputs, 0).ok_or_else(|| missing("the condition"))?;
    let [then, otherwise] = ["then_branch", "else_branch"].map(|name| attribute(node, name));
    if builder.is_known(condition) {
        let chosen = if truth(builder, condition)? { then? } else { otherwise? };
        return run(conversion, builder, chosen, Vec::new());
    }
    let outcome = both(conversion, builder, node, condition, [then?, otherwise?]);
    if let Err(Error::Unsupported { .. }) = outcome {
        // Once the condition is known, one of them will do.
        builder.required(condition)?;
    }
    outcome
}

/// The nodes of both branches, of whose outputs the condition chooses while the network runs.
fn both<'m>(
    conversion: &mut dyn Nested<'m>,
    builder: &mut Builder<'m>,
    node: &'m NodeProto,
    condition: &Value,
    branches: [&'m GraphProto; 2],
) -> Result<Vec<Value>> {
    let mut both = Vec::new();
    for graph in branches {
        // What is wrong with these shapes may be the branch that would not be chosen with them.
        both.push(run(conversion, builder, graph, Vec::new()).map_err(|error| match error {
            Error::InvalidArgument { .. } | Error::Onnx(_) => unsupported(format!(
                "both branches, for a condition that is computed while the network runs: {error}"
            )),
            other => other,
        })?);
    }
    let name = node.output.first().map_or("", String::as_str);
    let is_true = builder.emit(name, Reshape::new([]).into(), &[condition])?;
    let [then, otherwise] = [both.swap_remove(0), both.swap_remove(0)];
    let pairs = then.iter().zip(&otherwise);
    pairs
        .map(|(then, otherwise)| either(builder, name, &is_true, then, otherwise))
        .collect()
}

/// One of two tensors, by a condition that is computed while the network runs.
fn either(builder: &mut Builder<'_>, name: &str, is_true: &Value, then: &Value, otherwise: &Value) -> Result<Value> {
    if let Some(missing @ Value::Missing(_)) = [then, otherwise].into_iter().find(|value| matches!(value, Value::Missing(_))) {
        return Ok(missing.clone());
    }
    let kind = |value: &Value| value.dtype().map(|dtype| TensorType::new(dtype, value.shape()));
    match (kind(then), kind(otherwise)) {
        (Some(one), Some(other)) if one == other => builder.emit(name, Ternary::Where.into(), &[is_true, then, otherwise]),
        (Some(one), Some(other)) => Err(unsupported(format!(
            "branches that give {one} and {other}, for a condition that is computed while the network runs"
        ))),
        _ => Err(unsupported(
            "sequences or optionals, for a condition that is computed while the network runs",
        )),
    }
}

/// The nodes of the body, round by round.
fn repeat<'m>(
    conversion: &mut dyn Nested<'m>,
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
        carried.push(stacked(builder, node, &rows, 0)?);
    }
    Ok(carried)
}

/// What each round gave, along an axis of its own; a negative one counts from the end of what they are together.
pub(super) fn stacked(builder: &mut Builder<'_>, node: &NodeProto, rows: &[Value], at: isize) -> Result<Value> {
    let Some(first) = rows.first() else {
        return Ok(Value::Missing("rows of a loop without rounds".to_owned()));
    };
    let at = axis("onnx", at, first.shape().len() + 1)?;
    let name = node.output.first().map_or("", String::as_str);
    let mut parts = Vec::new();
    for row in rows {
        let mut shape = signed(row.shape());
        shape.insert(at.min(shape.len()), 1);
        parts.push(builder.emit(name, Reshape::new(shape).into(), &[row])?);
    }
    builder.emit(name, Concat::new(at as isize).into(), &parts.iter().collect::<Vec<_>>())
}

/// Converts a graph in the place of its node, and forgets its names.
pub(super) fn run<'m>(
    conversion: &mut dyn Nested<'m>,
    builder: &mut Builder<'m>,
    graph: &'m GraphProto,
    arguments: Vec<Value>,
) -> Result<Vec<Value>> {
    let unrolled = conversion.unrolled();
    *unrolled += graph.node.len() + 1;
    if *unrolled > MOST_NODES {
        return Err(unsupported(format!(
            "more than {MOST_NODES} nodes in branches and rounds of loops"
        )));
    }
    if graph.input.len() != arguments.len() {
        return Err(Error::Onnx(format!(
            "a graph of {} inputs, which is given {}",
            graph.input.len(),
            arguments.len()
        )));
    }
    let names = names(builder, graph)?;
    let outputs = converted(conversion, builder, graph, arguments);
    for name in names {
        builder.values.remove(name);
    }
    outputs
}

/// What a graph gives for these arguments.
fn converted<'m>(
    conversion: &mut dyn Nested<'m>,
    builder: &mut Builder<'m>,
    graph: &'m GraphProto,
    arguments: Vec<Value>,
) -> Result<Vec<Value>> {
    for (input, argument) in graph.input.iter().zip(arguments) {
        builder.values.insert(&input.name, argument);
    }
    for initializer in &graph.initializer {
        let what = format!("initializer {:?}", initializer.name);
        let value = tensor::decode(&what, initializer, &mut builder.budget)?;
        builder.values.insert(&initializer.name, Value::Host(value));
    }
    conversion.nodes(builder, &graph.node)?;
    graph.output.iter().map(|output| builder.value(&output.name)).collect()
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

pub(super) fn attribute<'m>(node: &'m NodeProto, name: &str) -> Result<&'m GraphProto> {
    let found = node.attribute.iter().find(|attribute| attribute.name == name);
    found
        .and_then(|attribute| attribute.g.as_deref())
        .ok_or_else(|| missing(&format!("the graph {name:?}")))
}

pub(super) fn missing(what: &str) -> Error {
    Error::Onnx(format!("{what} is missing"))
}

fn given(inputs: &[Option<Value>], index: usize) -> Option<&Value> {
    inputs.get(index).and_then(Option::as_ref)
}

fn known(builder: &Builder<'_>, value: &Value) -> Result<Tensor> {
    let known = builder.required(value)?;
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
