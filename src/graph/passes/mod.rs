//! Passes: a graph becomes another that computes the same with less work.

mod affine;
mod dead_code;
mod fold_batch_norm;
mod fold_constants;
mod fold_padding;
mod fold_scale_and_shift;
mod fuse_attention;
mod fuse_epilogues;
mod fuse_gelu;
mod fuse_silu;
mod remove_no_ops;
pub(crate) mod split_linear;
#[cfg(test)]
mod tests;

pub(crate) use fold_constants::Evaluate;

use super::Graph;
use crate::cancel;
use crate::error::Result;

/// One rewriting of a graph. Each can be applied by itself; [`Pass::ALL`] is the order that [`Session`](crate::Session) uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pass {
    /// Computes operators whose inputs are all constant, once.
    FoldConstants,
    /// Folds a batch normalisation with constant parameters into the weights of the convolution before it, plain or
    /// transposed, or of the linear layer where its output is sure to have two dimensions.
    FoldBatchNorm,
    /// Folds products, quotients, sums and differences with constants, one for each channel or one for all, into the
    /// weights of the convolution, transposed convolution or linear layer before them.
    FoldScaleAndShift,
    /// Folds a `Pad2d` into the convolution after it, so that no padded tensor exists.
    FoldPadding,
    /// Makes half of something by `1 + erf` of it, as exporters write it, one `gelu`.
    FuseGelu,
    /// Makes the product of something with its sigmoid, as exporters write it, one `silu`.
    FuseSilu,
    /// Removes operators whose output is their input bit for bit: shapes that are kept, slices of everything, one tensor
    /// joined, axes in the same order, padding of nothing, numbers of the type that they are to have, products with 1, sums with -0. It needs the shapes of the inputs
    /// and does nothing without.
    RemoveNoOps,
    /// Makes two matrix products with a softmax between them, as exporters write attention, one operator, which needs no memory for
    /// the scores. It needs the shapes of the inputs and does nothing without.
    FuseAttention,
    /// Makes convolution or linear, residual sum and activation one operator. A sum is a residual sum where both sides
    /// have the same shape, which only known shapes of the inputs can tell; without them activations alone are fused.
    FuseEpilogues,
    /// Removes operators that no output needs, and constants that no operator uses.
    RemoveDeadCode,
}

impl Pass {
    /// All passes in the order in which each finds what the ones before it left.
    pub const ALL: [Self; 10] = [
        Self::FoldConstants,
        Self::FoldBatchNorm,
        Self::FoldScaleAndShift,
        Self::FoldPadding,
        Self::FuseGelu,
        Self::FuseSilu,
        Self::RemoveNoOps,
        Self::FuseAttention,
        Self::FuseEpilogues,
        Self::RemoveDeadCode,
    ];

    /// The pass's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FoldConstants => "fold constants",
            Self::FoldBatchNorm => "fold batch normalisation",
            Self::FoldScaleAndShift => "fold scale and shift",
            Self::FoldPadding => "fold padding",
            Self::RemoveNoOps => "remove no-ops",
            Self::FuseAttention => "fuse attention",
            Self::FuseGelu => "fuse gelu",
            Self::FuseSilu => "fuse silu",
            Self::FuseEpilogues => "fuse epilogues",
            Self::RemoveDeadCode => "remove dead code",
        }
    }

    /// Whether it does more where the shapes of the inputs are known.
    pub(crate) const fn uses_shapes(self) -> bool {
        matches!(self, Self::RemoveNoOps | Self::FuseAttention | Self::FuseEpilogues)
    }

    fn apply(self, graph: &mut Graph, shapes: Option<&[&[usize]]>, evaluate: Evaluate) -> Result<()> {
        match self {
            Self::FoldConstants => fold_constants::run(graph, evaluate),
            Self::FoldBatchNorm => {
                fold_batch_norm::run(graph);
                Ok(())
            }
            Self::FoldScaleAndShift => {
                fold_scale_and_shift::run(graph);
                Ok(())
            }
            Self::FoldPadding => {
                fold_padding::run(graph);
                Ok(())
            }
            Self::RemoveNoOps => {
                if let Some(shapes) = shapes {
                    let types = graph.infer(shapes)?;
                    remove_no_ops::run(graph, &types);
                }
                Ok(())
            }
            Self::FuseAttention => {
                if let Some(shapes) = shapes {
                    let shapes = graph.shapes(shapes)?;
                    fuse_attention::run(graph, &shapes);
                }
                Ok(())
            }
            Self::FuseGelu => {
                fuse_gelu::run(graph);
                Ok(())
            }
            Self::FuseSilu => {
                fuse_silu::run(graph);
                Ok(())
            }
            Self::FuseEpilogues => {
                let shapes = shapes.map(|shapes| graph.shapes(shapes)).transpose()?;
                fuse_epilogues::run(graph, shapes.as_deref());
                Ok(())
            }
            Self::RemoveDeadCode => {
                dead_code::run(graph);
                Ok(())
            }
        }
    }
}

/// Passes in order, and what computes constants.
#[derive(Clone, Debug)]
pub(crate) struct Passes {
    passes: Vec<Pass>,
    evaluate: Evaluate,
}

impl Passes {
    pub(crate) fn new(passes: &[Pass], evaluate: Evaluate) -> Self {
        Self {
            passes: passes.to_vec(),
            evaluate,
        }
    }

    /// Those that need no shapes, and those that wait for them: from the first that uses shapes on all do, so that their order
    /// stays.
    pub(crate) fn split(&self) -> (Self, Self) {
        let late = self.passes.iter().position(|pass| pass.uses_shapes());
        let (early, late) = self.passes.split_at(late.unwrap_or(self.passes.len()));
        let mut early = early.to_vec();
        early.extend(self.passes.contains(&Pass::RemoveDeadCode).then_some(Pass::RemoveDeadCode));
        (Self::new(&early, self.evaluate), Self::new(late, self.evaluate))
    }

    /// The passes in their order.
    pub(crate) fn passes(&self) -> &[Pass] {
        &self.passes
    }

    /// Whether none of them makes constants.
    pub(crate) fn make_no_constants(&self) -> bool {
        let mut passes = self.passes.iter();
        passes.all(|&pass| pass.uses_shapes() || matches!(pass, Pass::FuseGelu | Pass::FuseSilu | Pass::RemoveDeadCode))
    }

    /// The graph after these passes, one after another, for these shapes of the inputs if they are known. Inputs and outputs
    /// keep their order.
    ///
    /// Errors: what folding a constant operator may give; shapes that an operator refuses.
    pub(crate) fn apply(&self, graph: &Graph, shapes: Option<&[&[usize]]>) -> Result<Graph> {
        let mut graph = graph.clone();
        for pass in &self.passes {
            cancel::check()?;
            let before = graph.nodes.len();
            pass.apply(&mut graph, shapes, self.evaluate)?;
            log::debug!("{}: {before} operators became {}", pass.name(), graph.nodes.len());
        }
        Ok(graph)
    }
}
