//! Branches in the places of their nodes: so can their own nodes wait for what is not known yet.

use std::collections::HashSet;

use super::subgraph::attribute;
use crate::onnx::model::Model;
use crate::onnx::proto::{GraphProto, NodeProto};

/// Whether a node chooses between branches.
pub(super) fn is_branching(node: &NodeProto) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx") && node.op_type == "If"
}

/// What a graph defines.
fn defined(graph: &GraphProto) -> impl Iterator<Item = &str> {
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let initializers = graph.initializer.iter().map(|initializer| &initializer.name);
    outputs
        .chain(initializers)
        .map(String::as_str)
        .filter(|name| !name.is_empty())
}

/// Whether the names of a node's branch are nobody else's in the model.
pub(super) fn is_possible(model: &Model, node: &NodeProto, name: &str) -> bool {
    let Ok(graph) = attribute(node, name) else { return false };
    let names: HashSet<&str> = defined(graph).collect();
    let outputs = model.nodes.iter().flat_map(|node| &node.output);
    let inputs = model.inputs.iter().map(|input| &input.name);
    let mut others = outputs.chain(inputs).chain(model.initializers.keys()).map(String::as_str);
    let is_free = |name: &&str| !model.weights.contains_key(*name);
    graph.output.len() >= node.output.len() && !others.any(|other| names.contains(other)) && names.iter().all(is_free)
}

/// The model with the nodes of a branch in the place of the node, and how many these are.
pub(super) fn branch(model: &Model, index: usize, name: &str) -> (Model, usize) {
    let node = &model.nodes[index];
    let Ok(graph) = attribute(node, name) else {
        return (model.clone(), 1);
    };
    let given = graph.output.iter().zip(&node.output).filter(|(_, output)| !output.is_empty());
    let passed = given.map(|(inner, output)| NodeProto {
        op_type: "Identity".to_owned(),
        input: vec![inner.name.clone()],
        output: vec![output.clone()],
        ..Default::default()
    });
    let nodes: Vec<NodeProto> = graph.node.iter().cloned().chain(passed).collect();
    let added = nodes.len();
    let mut spliced = model.clone();
    let initializers = graph.initializer.iter().cloned();
    spliced
        .initializers
        .extend(initializers.map(|initializer| (initializer.name.clone(), initializer)));
    spliced.nodes.splice(index..=index, nodes);
    (spliced, added)
}
