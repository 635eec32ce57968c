//! Nodes in an order that runs. Files should have them so, and some do not.

use std::collections::{HashMap, HashSet};

use super::proto::{GraphProto, NodeProto};
use crate::error::{Error, Result};

/// Checks that every value has one definition, and that each use and output has one. `defined` are the names of inputs and
/// initializers.
pub(super) fn check<'a>(graph: &'a GraphProto, mut defined: HashSet<&'a str>) -> Result<()> {
    for (index, node) in graph.node.iter().enumerate() {
        if node.output.iter().all(String::is_empty) {
            return Err(Error::Onnx(format!("{} has no output", title(index, node))));
        }
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if !defined.insert(output) {
                return Err(Error::Onnx(format!(
                    "{} defines {output:?}, which is defined before",
                    title(index, node)
                )));
            }
        }
    }
    for (index, node) in graph.node.iter().enumerate() {
        let mut inputs = node.input.iter().filter(|input| !input.is_empty());
        if let Some(input) = inputs.find(|input| !defined.contains(input.as_str())) {
            return Err(Error::Onnx(format!(
                "{} uses {input:?}, which nothing defines",
                title(index, node)
            )));
        }
    }
    match graph.output.iter().find(|output| !defined.contains(output.name.as_str())) {
        Some(output) => Err(Error::Onnx(format!("nothing defines the output {:?}", output.name))),
        None => Ok(()),
    }
}

/// Puts nodes, those of graphs in nodes too, in an order in which each use comes after its definition: the order that they have,
/// where it is one.
///
/// Errors: nodes in a circle.
pub(super) fn sort(nodes: &mut Vec<NodeProto>) -> Result<()> {
    for node in nodes.iter_mut() {
        for graph in node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_deref_mut()) {
            sort(&mut graph.node)?;
        }
    }
    let order = order(nodes)?;
    if !order.is_sorted() {
        let mut unsorted: Vec<Option<NodeProto>> = std::mem::take(nodes).into_iter().map(Some).collect();
        nodes.extend(order.into_iter().filter_map(|index| unsorted[index].take()));
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    /// Waits for what it uses.
    Waiting,
    Placed,
}

/// The nodes' indices, each after those of the nodes that it uses.
fn order(nodes: &[NodeProto]) -> Result<Vec<usize>> {
    let mut makers = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        makers.extend(node.output.iter().map(|name| (name.as_str(), index)));
    }
    makers.remove("");
    let mut states = vec![State::Unseen; nodes.len()];
    let mut order = Vec::with_capacity(nodes.len());
    for first in 0..nodes.len() {
        let mut left = vec![first];
        while let Some(&index) = left.last() {
            if states[index] == State::Unseen {
                states[index] = State::Waiting;
                let mut needed = Vec::new();
                note_uses(&nodes[index], &mut |name| needed.extend(makers.get(name)));
                // The first that is used is placed first.
                for maker in needed.into_iter().rev() {
                    match states[maker] {
                        State::Placed => {}
                        State::Unseen => left.push(maker),
                        State::Waiting => {
                            return Err(Error::Onnx(format!(
                                "{} is in a circle of nodes",
                                title(maker, &nodes[maker])
                            )));
                        }
                    }
                }
            } else {
                left.pop();
                if states[index] == State::Waiting {
                    states[index] = State::Placed;
                    order.push(index);
                }
            }
        }
    }
    Ok(order)
}

/// The names that a node reads, and those that the graphs in it read from outside.
fn note_uses<'n>(node: &'n NodeProto, note: &mut dyn FnMut(&'n str)) {
    node.input.iter().for_each(|name| note(name));
    for graph in node.attribute.iter().filter_map(|attribute| attribute.g.as_deref()) {
        let inputs = graph.input.iter().map(|input| &input.name);
        let initializers = graph.initializer.iter().map(|initializer| &initializer.name);
        let outputs = graph.node.iter().flat_map(|node| &node.output);
        let own: HashSet<&str> = inputs.chain(initializers).chain(outputs).map(String::as_str).collect();
        let mut note = |name: &'n str| {
            if !own.contains(name) {
                note(name);
            }
        };
        graph.output.iter().for_each(|output| note(&output.name));
        graph.node.iter().for_each(|node| note_uses(node, &mut note));
    }
}

fn title(index: usize, node: &NodeProto) -> String {
    format!("node {index} {:?} ({})", node.name, node.op_type)
}
