//! Which operators a GPU does not compute.

use crate::dtype::TensorType;
use crate::error::{Error, Result};
use crate::gpu::eager::Gpu;
use crate::gpu::lower::lower;
use crate::gpu::plan::recording::Value;
use crate::graph::Graph;

impl Gpu {
    /// Why each node of a graph cannot be computed here, where one cannot: no kernel, or a tensor that no binding holds. `types` are
    /// those of the graph's values. Nothing is compiled or allocated.
    ///
    /// Errors: anything else that lowering an operator may give.
    pub(crate) fn refusals(&self, graph: &Graph, types: &[TensorType]) -> Result<Vec<Option<Error>>> {
        let refusal = |node: &crate::graph::Node| {
            let mut recording = self.recording();
            let operands = node.inputs.iter().map(|value| {
                let is_constant = graph.values[value.0].constant.is_some();
                recording.given(node.op.name(), &types[value.0], is_constant)
            });
            let operands = operands.collect::<Result<Vec<Value>>>();
            match operands.and_then(|operands| lower(&node.op, &operands, &mut recording)) {
                Ok(_) => Ok(None),
                Err(error) if error.is_of_this_backend() => Ok(Some(error)),
                Err(error) => Err(node.locate(error)),
            }
        };
        graph.nodes.iter().map(refusal).collect()
    }
}
