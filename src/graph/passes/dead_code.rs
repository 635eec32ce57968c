//! Removes what no output needs.

use std::collections::HashSet;

use crate::graph::{Graph, ValueId};

pub(super) fn run(graph: &mut Graph) {
    let mut needed: HashSet<ValueId> = graph.outputs.iter().copied().collect();
    let mut dead = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        if node.outputs.iter().any(|output| needed.contains(output)) {
            needed.extend(&node.inputs);
        } else {
            dead.push(index);
        }
    }
    graph.remove(&dead);
    for (index, value) in graph.values.iter_mut().enumerate() {
        if !needed.contains(&ValueId(index)) {
            value.constant = None;
        }
    }
}
