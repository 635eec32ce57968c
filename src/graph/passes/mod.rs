//! Passes: a graph becomes another that computes the same with less work.

mod affine;
mod dead_code;
mod fold_batch_norm;
mod fold_constants;
mod fold_padding;
mod fold_scale_and_shift;
mod fuse_epilogues;
mod remove_no_ops;
pub(super) mod split_linear;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::{Graph, ValueId};
use crate::error::Result;

/// One rewriting of a graph. Each can be applied by itself; [`Pass::ALL`] is the order that [`Session`](super::Session) uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pass {
    /// Computes operators whose inputs are all constant, once, on the reference.
    FoldConstants,
    /// Folds a batch normalisation with constant parameters into the weights of the convolution before it, plain or
    /// transposed, or of the linear layer where its output is sure to have two dimensions.
    FoldBatchNorm,
    /// Folds products, quotients, sums and differences with constants, one for each channel or one for all, into the
    /// weights of the convolution, transposed convolution or linear layer before them.
    FoldScaleAndShift,
    /// Folds a `Pad2d` into the convolution after it, so that no padded tensor exists.
    FoldPadding,
    /// Removes operators whose output is their input bit for bit: shapes that are kept, slices of everything, one tensor
    /// joined, axes in the same order, padding of nothing, products with 1, sums with -0. It needs the shapes of the inputs
    /// and does nothing without.
    RemoveNoOps,
    /// Makes convolution or linear, residual sum and activation one operator. A sum is a residual sum where both sides
    /// have the same shape, which only known shapes of the inputs can tell; without them activations alone are fused.
    FuseEpilogues,
    /// Removes operators that no output needs, and constants that no operator uses.
    RemoveDeadCode,
}

impl Pass {
    /// All passes in the order in which each finds what the ones before it left.
    pub const ALL: [Self; 7] = [
        Self::FoldConstants,
        Self::FoldBatchNorm,
        Self::FoldScaleAndShift,
        Self::FoldPadding,
        Self::RemoveNoOps,
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
            Self::FuseEpilogues => "fuse epilogues",
            Self::RemoveDeadCode => "remove dead code",
        }
    }

    /// Whether it does more where the shapes of the inputs are known.
    pub(crate) const fn uses_shapes(self) -> bool {
        matches!(self, Self::RemoveNoOps | Self::FuseEpilogues)
    }

    fn apply(self, graph: &mut Graph, shapes: Option<&[&[usize]]>) -> Result<()> {
        match self {
            Self::FoldConstants => fold_constants::run(graph),
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
                    let shapes = graph.shapes(shapes)?;
                    remove_no_ops::run(graph, &shapes);
                }
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

impl Graph {
    /// The graph after these passes, one after another, for these shapes of the inputs if they are known. Inputs and
    /// outputs keep their order.
    ///
    /// Errors: what folding a constant operator may give; shapes that an operator refuses.
    pub fn optimized(&self, passes: &[Pass], shapes: Option<&[&[usize]]>) -> Result<Self> {
        let mut graph = self.clone();
        for pass in passes {
            let before = graph.nodes.len();
            pass.apply(&mut graph, shapes)?;
            log::debug!("{}: {before} operators became {}", pass.name(), graph.nodes.len());
        }
        Ok(graph)
    }
}

/// Who uses and who makes each value.
struct Uses {
    count: HashMap<ValueId, usize>,
    maker: HashMap<ValueId, usize>,
}

impl Uses {
    fn of(graph: &Graph) -> Self {
        let mut count = HashMap::new();
        let mut maker = HashMap::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            for &input in &node.inputs {
                *count.entry(input).or_insert(0) += 1;
            }
            for &output in &node.outputs {
                maker.insert(output, index);
            }
        }
        for &output in &graph.outputs {
            *count.entry(output).or_insert(0) += 1;
        }
        Self { count, maker }
    }

    /// The number of the operator that makes this value, where this is its only use and it may vanish.
    fn sole(&self, value: ValueId) -> Option<usize> {
        (self.count.get(&value) == Some(&1)).then(|| self.maker.get(&value).copied())?
    }
}

impl Graph {
    /// Removes operators by their number.
    fn remove(&mut self, dead: &[usize]) {
        let mut index = 0;
        self.nodes.retain(|_| {
            index += 1;
            !dead.contains(&(index - 1))
        });
    }

    /// The constant behind a value.
    fn constant_value(&self, value: ValueId) -> Option<&ndarray::ArrayD<f32>> {
        self.values[value.0].constant.as_deref()
    }
}
