//! What stands in a `Sequential`: an operator with its weights, or layers that are put together.

use super::{Concat, Residual, Sequential};
use crate::error::Result;
use crate::graph::{Graph, ValueId};
use crate::ops::Op;
use crate::weights::Weights;

/// One layer: an operator with the names and shapes of its weights, or several layers put together.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Operator {
        op: Op,
        parameters: Vec<(&'static str, Vec<usize>)>,
    },
    Sequential(Sequential),
    Residual(Residual),
    Concat(Concat),
}

/// `torch.nn.Identity`, and `torch.nn.Dropout` in evaluation mode: nothing is done. It keeps the numbers of the layers after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl<O: Into<Op>> From<O> for Layer {
    fn from(op: O) -> Self {
        Self::with_weights(op, Vec::new())
    }
}

impl From<Identity> for Layer {
    fn from(_: Identity) -> Self {
        Sequential::new().into()
    }
}

impl From<Sequential> for Layer {
    fn from(layers: Sequential) -> Self {
        Self(Kind::Sequential(layers))
    }
}

impl From<Residual> for Layer {
    fn from(block: Residual) -> Self {
        Self(Kind::Residual(block))
    }
}

impl From<Concat> for Layer {
    fn from(branches: Concat) -> Self {
        Self(Kind::Concat(branches))
    }
}

impl Layer {
    /// An operator that reads weights after its first input, by these names.
    pub(super) fn with_weights(op: impl Into<Op>, parameters: Vec<(&'static str, Vec<usize>)>) -> Self {
        let op = op.into();
        Self(Kind::Operator { op, parameters })
    }

    /// Lists the names and shapes of the weights of a layer that is called `name`.
    pub(super) fn list(&self, name: &str, list: &mut Vec<(String, Vec<usize>)>) {
        match &self.0 {
            Kind::Operator { parameters, .. } => {
                list.extend(parameters.iter().map(|(own, shape)| (join(name, own), shape.clone())));
            }
            Kind::Sequential(layers) => layers.list(name, list),
            Kind::Residual(block) => block.list(name, list),
            Kind::Concat(branches) => branches.list(name, list),
        }
    }

    /// Adds a layer that is called `name` to a graph, on `input`, and gives its output.
    pub(super) fn build(&self, graph: &mut Graph, weights: &Weights, name: &str, input: ValueId) -> Result<ValueId> {
        match &self.0 {
            Kind::Operator { op, parameters } => {
                let mut inputs = vec![input];
                for (own, _) in parameters {
                    let key = join(name, own);
                    let array = weights.tensor(&key)?.clone();
                    inputs.push(graph.constant(key, array));
                }
                graph.node(name, op.clone(), &inputs)
            }
            Kind::Sequential(layers) => layers.build(graph, weights, name, input),
            Kind::Residual(block) => block.build(graph, weights, name, input),
            Kind::Concat(branches) => branches.build(graph, weights, name, input),
        }
    }
}

/// A name below another, as in a `state_dict`. The outermost layers stand below nothing.
pub(super) fn join(outer: &str, inner: &str) -> String {
    match outer {
        "" => inner.to_owned(),
        _ => format!("{outer}.{inner}"),
    }
}
