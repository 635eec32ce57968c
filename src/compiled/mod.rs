//! Compiled models: graphs after the passes that need no shapes, with their weights, in a file that is read in a fraction of the time
//! that its model takes. `docs/compiled.md` has the format.
//!
//! Files need not be trusted. A checksum that was made right again does not help one that is wrong: what it says is checked like an ONNX
//! file's, and what it takes is bounded by its own length.

mod checksum;
mod code;
mod file;
mod graphs;
mod operators;
mod refusal;
mod tensors;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::Arc;

use code::structs;
pub use file::sealed;
pub(crate) use file::{Bytes, begins};
use graphs::{Constants, Described};
use refusal::wrong;
use tensors::Stored;

use crate::error::{Error, Result};
use crate::graph::passes::Evaluate;
use crate::graph::{Dim, Fold, Graph, Kind, Pass, Source, Stage, ValueInfo};

/// What is in a file: a model's graphs, each for the shapes of the inputs that it was made for, or one for any.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The passes that are left for when the shapes are known.
    pub(crate) late: Vec<Pass>,
    pub(crate) inputs: Vec<ValueInfo>,
    pub(crate) outputs: Vec<ValueInfo>,
    pub(crate) graphs: Vec<Made>,
}

/// A graph.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The shapes of the inputs that it was made for; none where it takes any.
    pub(crate) shapes: Option<Vec<Vec<usize>>>,
    pub(crate) graph: Arc<Graph>,
}

/// All that a file has besides the elements of tensors.
#[derive(Debug)]
struct Description {
    /// The version of convoke that made it.
    convoke: String,
    late: Vec<Pass>,
    inputs: Vec<ValueInfo>,
    outputs: Vec<ValueInfo>,
    graphs: Vec<DescribedGraph>,
    tensors: Vec<Stored>,
}

#[derive(Debug)]
struct DescribedGraph {
    shapes: Option<Vec<Vec<usize>>>,
    graph: Described,
}

structs! {
    Description {
        convoke: String, late: Vec<Pass>, inputs: Vec<ValueInfo>, outputs: Vec<ValueInfo>, graphs: Vec<DescribedGraph>,
        tensors: Vec<Stored>,
    }
    DescribedGraph { shapes: Option<Vec<Vec<usize>>>, graph: Described }
}

/// Files have the least byte first, and elements are read as they lie.
fn check_machine() -> Result<()> {
    if cfg!(target_endian = "little") {
        return Ok(());
    }
    Err(Error::unsupported(
        "compiled model",
        "a machine that has the greatest byte first",
    ))
}

impl Compiled {
    /// Writes it.
    pub(crate) fn write(&self, to: &mut dyn Write) -> Result<std::io::Result<()>> {
        check_machine()?;
        let mut constants = Constants::default();
        let describe = |made: &Made| DescribedGraph {
            shapes: made.shapes.clone(),
            graph: Described::of(&made.graph, &mut constants),
        };
        let graphs = self.graphs.iter().map(describe).collect();
        let description = Description {
            convoke: env!("CARGO_PKG_VERSION").to_owned(),
            late: self.late.clone(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            graphs,
            tensors: constants.tensors.iter().map(|tensor| Stored::of(tensor)).collect(),
        };
        let parts: Vec<&[u8]> = constants.tensors.iter().map(|tensor| tensors::bytes(tensor)).collect();
        Ok(file::write(&description, &parts, to))
    }

    /// Reads one.
    ///
    /// Errors: a file that cannot be read; [`Error::Compiled`] for one that is not of this format and layout, was cut or changed, or
    /// contradicts itself.
    pub(crate) fn read(bytes: Bytes<'_>) -> Result<Self> {
        check_machine()?;
        let (description, start, end) = file::read::<Description>(bytes)?;
        let tensors = tensors::read(bytes, &description.tensors, start, end)?;
        let graph = |described: DescribedGraph| {
            let graph = described.graph.graph(&tensors)?;
            let (inputs, outputs) = (description.inputs.len(), description.outputs.len());
            if graph.inputs.len() != inputs || graph.outputs.len() != outputs {
                return Err(wrong(format!(
                    "expected graphs with {inputs} inputs and {outputs} outputs, but got {} and {}",
                    graph.inputs.len(),
                    graph.outputs.len()
                )));
            }
            Ok(Made {
                shapes: described.shapes,
                graph: Arc::new(graph),
            })
        };
        let graphs = description.graphs.into_iter().map(graph).collect::<Result<Vec<_>>>()?;
        let are_known = graphs.iter().all(|made| made.shapes.is_some());
        if graphs.is_empty() || !are_known && graphs.len() > 1 {
            return Err(wrong(format!(
                "expected a graph for each set of shapes or one for all, but got {}",
                graphs.len()
            )));
        }
        log::debug!("compiled by convoke {}: {} graphs", description.convoke, graphs.len());
        Ok(Self {
            late: description.late,
            inputs: description.inputs,
            outputs: description.outputs,
            graphs,
        })
    }

    /// What a session runs.
    pub(crate) fn source(self) -> Source {
        match self.graphs.as_slice() {
            [Made { shapes: None, graph }] => Arc::clone(graph).into(),
            _ => Source(Kind::Model(Arc::new(self))),
        }
    }

    fn shapes(&self) -> impl Iterator<Item = &Vec<Vec<usize>>> {
        self.graphs.iter().filter_map(|made| made.shapes.as_ref())
    }
}

impl Fold for Compiled {
    fn fold(&self, inputs: &[&[usize]], _: Evaluate) -> Result<Stage> {
        let is_for = |made: &&Made| made.shapes.as_ref().is_none_or(|shapes| shapes == inputs);
        let made = self.graphs.iter().find(is_for).ok_or_else(|| {
            let shapes: Vec<String> = self.shapes().map(|shapes| format!("{shapes:?}")).collect();
            let message = format!(
                "expected inputs of shapes {}, which it was compiled for, but got {inputs:?}",
                shapes.join(" or ")
            );
            Error::invalid("compiled model", message)
        })?;
        Ok(Stage {
            graph: Arc::clone(&made.graph),
            gives: (0..self.outputs.len()).collect(),
            next: None,
        })
    }

    /// With the shapes that it was compiled for, where there is one set.
    fn inputs(&self) -> Vec<ValueInfo> {
        let mut inputs = self.inputs.clone();
        if let [
            Made {
                shapes: Some(shapes), ..
            },
        ] = self.graphs.as_slice()
        {
            for (input, shape) in inputs.iter_mut().zip(shapes) {
                input.dims = Some(shape.iter().copied().map(Dim::Known).collect());
            }
        }
        inputs
    }

    fn outputs(&self) -> Vec<ValueInfo> {
        self.outputs.clone()
    }
}
