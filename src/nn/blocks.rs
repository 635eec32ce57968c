//! Layers that go several ways from one input: residual blocks, and branches side by side.

use super::layer::{Layer, join};
use super::{Sequential, Unary};
use crate::error::Result;
use crate::graph::{Graph, ValueId};
use crate::ops;
use crate::weights::Weights;

/// A residual block: its input goes through a body and past it, the two are added, and an activation may follow. `ResNet`'s
/// blocks are this; without an activation `MobileNetV2`'s, too.
///
/// The names of the body's layers stand directly below the block's, as in torchvision: `layer1.0.conv1.weight`.
#[derive(Clone, Debug, PartialEq)]
pub struct Residual {
    body: Sequential,
    shortcut: Option<(String, Sequential)>,
    activation: Option<Unary>,
}

impl Residual {
    /// The input is added to what the body makes of it; both have one shape, or shapes that broadcast.
    pub fn new(body: Sequential) -> Self {
        Self {
            body,
            shortcut: None,
            activation: None,
        }
    }

    /// Sets what the input goes through past the body, under a name: torchvision's is `downsample`.
    pub fn shortcut(mut self, name: impl Into<String>, shortcut: Sequential) -> Self {
        self.shortcut = Some((name.into(), shortcut));
        self
    }

    /// Sets what the sum goes through.
    pub fn activation(mut self, activation: Unary) -> Self {
        self.activation = Some(activation);
        self
    }

    pub(super) fn list(&self, name: &str, list: &mut Vec<(String, Vec<usize>)>) {
        self.body.list(name, list);
        if let Some((own, shortcut)) = &self.shortcut {
            shortcut.list(&join(name, own), list);
        }
    }

    pub(super) fn build(&self, graph: &mut Graph, weights: &Weights, name: &str, input: ValueId) -> Result<ValueId> {
        let through = self.body.build(graph, weights, name, input)?;
        let past = match &self.shortcut {
            Some((own, shortcut)) => shortcut.build(graph, weights, &join(name, own), input)?,
            None => input,
        };
        let sum = graph.node(join(name, "sum"), ops::Binary::Add, &[through, past])?;
        match self.activation {
            Some(activation) => graph.node(join(name, "activation"), activation, &[sum]),
            None => Ok(sum),
        }
    }
}

/// Branches side by side on one input, their outputs joined along the channels: `torch.cat(..., dim=1)`. With an empty
/// [`Sequential`] or [`Identity`](super::Identity) as a branch the input is passed on beside the others: a U-Net's skip
/// connection, or a layer of `DenseNet`.
///
/// ```
/// use convoke::nn;
///
/// // One level of a U-Net: beside the input what comes of half its size.
/// let below = nn::Sequential::new()
///     .add_named("pool", nn::MaxPool2d::new(2))
///     .add_named("conv", nn::Conv2d::new(8, 16, 3).padding(1))
///     .add_named("up", nn::ConvTranspose2d::new(16, 8, 2).stride(2));
/// let level = nn::Concat::new().add(nn::Identity).add_named("below", below);
/// let net = nn::Sequential::new().add_named("level", level);
/// assert_eq!(net.parameters()[2], ("level.below.up.weight".to_owned(), vec![16, 8, 2, 2]));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Concat {
    branches: Vec<(String, Layer)>,
}

impl Concat {
    /// No branches; at least one is needed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a branch under its number.
    #[expect(clippy::should_implement_trait, reason = "a branch is added, nothing is summed")]
    pub fn add(self, branch: impl Into<Layer>) -> Self {
        let name = self.branches.len().to_string();
        self.add_named(name, branch)
    }

    /// Adds a branch under a name: its weights are `name.weight` and so on.
    pub fn add_named(mut self, name: impl Into<String>, branch: impl Into<Layer>) -> Self {
        self.branches.push((name.into(), branch.into()));
        self
    }

    pub(super) fn list(&self, name: &str, list: &mut Vec<(String, Vec<usize>)>) {
        for (own, branch) in &self.branches {
            branch.list(&join(name, own), list);
        }
    }

    pub(super) fn build(&self, graph: &mut Graph, weights: &Weights, name: &str, input: ValueId) -> Result<ValueId> {
        let build = |(own, branch): &(String, Layer)| branch.build(graph, weights, &join(name, own), input);
        let outputs = self.branches.iter().map(build).collect::<Result<Vec<_>>>()?;
        graph.node(name, ops::Concat::new(1), &outputs)
    }
}
