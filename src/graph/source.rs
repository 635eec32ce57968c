//! Where a session's graph comes from.

use std::sync::Arc;

use super::passes::Evaluate;
use super::{Graph, ValueInfo};
use crate::error::Result;

/// A model of which a graph can be made for any input shapes that it allows, anew for each.
pub(crate) trait Fold: std::fmt::Debug + Send + Sync {
    /// The graph for these shapes of its inputs, and for no others. `evaluate` computes operators of constants.
    ///
    /// Errors: the number of inputs; shapes that the model or an operator refuses.
    fn fold(&self, inputs: &[&[usize]], evaluate: Evaluate) -> Result<Graph>;

    /// What it reads.
    fn inputs(&self) -> Vec<ValueInfo>;

    /// What it gives.
    fn outputs(&self) -> Vec<ValueInfo>;
}

/// What a session runs: a graph, or a model of which graphs are made.
#[derive(Clone, Debug)]
pub struct Source(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// One graph, whatever the shapes.
    Graph(Arc<Graph>),
    /// One for each set of input shapes.
    #[cfg_attr(not(feature = "onnx"), expect(dead_code, reason = "only ONNX models are folded"))]
    Model(Arc<dyn Fold>),
}

impl From<Graph> for Source {
    fn from(graph: Graph) -> Self {
        Arc::new(graph).into()
    }
}

impl From<Arc<Graph>> for Source {
    fn from(graph: Arc<Graph>) -> Self {
        Self(Kind::Graph(graph))
    }
}
