//! Computes operators whose inputs are all constant.

use std::sync::Arc;

use crate::cancel;
use crate::error::Result;
use crate::graph::{Graph, ValueId};
use crate::ops::Op;
use crate::tensor::Tensor;

/// Computes an operator of constants: what [`Pass::FoldConstants`](super::Pass::FoldConstants) makes constants of. Nothing is given
/// where that would take too much time or memory before a network runs.
pub(crate) type Evaluate = fn(&Op, &[&Tensor]) -> Result<Option<Vec<Tensor>>>;

pub(super) fn run(graph: &mut Graph, evaluate: Evaluate) -> Result<()> {
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let constant = |input: &ValueId| graph.values[input.0].constant.as_deref();
        let inputs: Option<Vec<&Tensor>> = node.inputs.iter().map(constant).collect();
        let Some(inputs) = inputs.filter(|inputs| !inputs.is_empty()) else {
            continue;
        };
        cancel::check()?;
        let Some(constants) = evaluate(&node.op, &inputs).map_err(|error| node.locate(error))? else {
            continue;
        };
        let outputs = node.outputs.clone();
        for (output, constant) in outputs.iter().zip(constants) {
            let value = &mut graph.values[output.0];
            value.dtype = constant.dtype();
            value.constant = Some(Arc::new(constant));
        }
        dead.push(index);
    }
    graph.remove(&dead);
    Ok(())
}
