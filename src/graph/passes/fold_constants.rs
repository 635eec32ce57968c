//! Computes operators whose inputs are all constant.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::Graph;
use crate::reference::{self, Answer};

pub(super) fn run(graph: &mut Graph) -> Result<()> {
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let inputs: Option<Vec<Answer>> = node
            .inputs
            .iter()
            .map(|&input| graph.constant_value(input).map(|array| Answer::exact(array.view())))
            .collect();
        let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else {
            continue;
        };
        let answers = reference::run(&node.op, &inputs.iter().collect::<Vec<_>>()).map_err(|error| node.locate(error))?;
        let outputs = node.outputs.clone();
        for (output, answer) in outputs.iter().zip(&answers) {
            graph.values[output.0].constant = Some(Arc::new(answer.to_f32()));
        }
        dead.push(index);
    }
    graph.remove(&dead);
    Ok(())
}
