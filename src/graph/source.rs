//! Where a session's graph comes from.

use std::sync::Arc;

use super::passes::Evaluate;
use super::{Graph, ValueInfo};
use crate::error::Result;
use crate::tensor::Tensor;

/// A model of which graphs can be made for any input shapes that it allows, anew for each.
pub(crate) trait Fold: std::fmt::Debug + Send + Sync {
    /// The graph for these shapes of its inputs, and for no others; the first of several where a shape depends on what is computed.
    /// `evaluate` computes operators of constants.
    ///
    /// Errors: the number of inputs; shapes that the model or an operator refuses.
    fn fold(&self, inputs: &[&[usize]], evaluate: Evaluate) -> Result<Stage>;

    /// What it reads.
    fn inputs(&self) -> Vec<ValueInfo>;

    /// What it gives.
    fn outputs(&self) -> Vec<ValueInfo>;
}

/// A graph for certain shapes, and what comes after it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) graph: Arc<Graph>,
    /// Which outputs of the model the first outputs of the graph are, each by its place. What else the graph gives, the next stage reads.
    pub(crate) gives: Vec<usize>,
    pub(crate) next: Option<Arc<dyn Next>>,
}

/// What is left of a model once a stage has run: operators whose outputs' shapes depend on elements, and all that depends on these.
pub(crate) trait Next: std::fmt::Debug + Send + Sync {
    /// What the stage gave besides outputs of the model, and after that what operators give whose outputs may have any shape. They
    /// are computed here.
    fn complete(&self, given: Vec<Tensor>, evaluate: Evaluate) -> Result<Vec<Tensor>>;

    /// Which of these the next graph depends on with all their elements. The others it reads as inputs, in their order, and it
    /// depends on their types and shapes alone.
    fn known(&self) -> &[bool];

    /// The next stage.
    fn stage(&self, tensors: &[Tensor], evaluate: Evaluate) -> Result<Stage>;
}

/// What a session runs: a graph, or a model of which graphs are made.
#[derive(Clone, Debug)]
pub struct Source(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// One graph, whatever the shapes.
    Graph(Arc<Graph>),
    /// One for each set of input shapes.
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
