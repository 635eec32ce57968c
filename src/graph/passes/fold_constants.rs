//! Computes operators whose inputs are all constant.

use std::sync::Arc;

use ndarray::ArrayD;

use crate::error::Result;
use crate::graph::Graph;
use crate::ops::Op;

/// Computes an operator of constants: what [`Pass::FoldConstants`](super::Pass::FoldConstants) makes constants of.
pub(crate) type Evaluate = fn(&Op, &[&ArrayD<f32>]) -> Result<Vec<ArrayD<f32>>>;

pub(super) fn run(graph: &mut Graph, evaluate: Evaluate) -> Result<()> {
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let inputs: Option<Vec<&ArrayD<f32>>> = node.inputs.iter().map(|&input| graph.constant_value(input)).collect();
        let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else {
            continue;
        };
        let constants = evaluate(&node.op, &inputs).map_err(|error| node.locate(error))?;
        let outputs = node.outputs.clone();
        for (output, constant) in outputs.iter().zip(constants) {
            graph.values[output.0].constant = Some(Arc::new(constant));
        }
        dead.push(index);
    }
    graph.remove(&dead);
    Ok(())
}
