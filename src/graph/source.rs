//! Where a session's graph comes from.

use std::sync::Arc;

use super::Graph;
use crate::error::Result;

/// A model of which a graph can be made for any input shapes that it allows, anew for each.
pub(crate) trait Fold: std::fmt::Debug + Send + Sync {
    /// The graph for these shapes of its inputs, and for no others.
    ///
    /// Errors: the number of inputs; shapes that the model or an operator refuses.
    fn fold(&self, inputs: &[&[usize]]) -> Result<Graph>;

    /// The names of the outputs in their order.
    fn outputs(&self) -> Vec<String>;
}

/// A graph, or what graphs are made of.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// One graph, whatever the shapes.
    Graph(Arc<Graph>),
    /// One for each set of input shapes.
    #[cfg_attr(not(feature = "onnx"), expect(dead_code, reason = "only ONNX models are folded"))]
    Model(Arc<dyn Fold>),
}
