//! What a backend does for a session: a graph made ready once, planned for each set of input shapes, run any number of times.

mod kept;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

pub(crate) use kept::Kept;

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::passes::Passes;
use crate::limits::Limits;
use crate::ops::Winograd;
use crate::precision::Precision;
use crate::profiling::Profile;
use crate::tensor::{Tensor, TensorView};
#[cfg(target_family = "wasm")]
use crate::turn::Turns;

/// The outputs of a run that is under way. The thread that awaits it may be another than the one that began it, but in a
/// browser, where there is one.
#[cfg(not(target_family = "wasm"))]
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Vec<Tensor>>> + Send>>;
#[cfg(target_family = "wasm")]
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Vec<Tensor>>>>>;

/// What is computed where it is asked for: natively the thread waits inside, and it is never pending; a browser's one thread has other
/// things to do meanwhile.
pub(crate) type Here<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// Natively what several threads may use; in a browser, which has one thread, anything.
#[cfg(not(target_family = "wasm"))]
pub(crate) trait Shared: Send + Sync {}
#[cfg(not(target_family = "wasm"))]
impl<T: Send + Sync> Shared for T {}
#[cfg(target_family = "wasm")]
pub(crate) trait Shared {}
#[cfg(target_family = "wasm")]
impl<T> Shared for T {}

/// A graph on one backend.
pub(crate) trait Engine: fmt::Debug + Shared {
    /// Plans and compiles what runs with these shapes of the inputs need.
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()>;

    /// [`prepare`](Self::prepare) with the page's turns between pieces of it.
    #[cfg(target_family = "wasm")]
    fn prepare_by_turns<'a>(&'a self, shapes: &'a [Vec<usize>], _: &'a mut Turns) -> Here<'a, ()> {
        Box::pin(async { self.prepare(shapes) })
    }

    /// Whether a run with these shapes finds everything made. Waits for nothing.
    fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool;

    /// Runs and waits.
    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>>;

    /// Begins a run. The inputs are read or copied before this comes back.
    fn start(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Result<Running>;

    /// Runs with every value kept: the graph, or one after another those that a model takes.
    fn evaluate<'a>(&'a self, inputs: &'a [TensorView<'_>]) -> Here<'a, Vec<Evaluation>>;

    /// Times a plan's kernel calls, one by one and together, and whole runs.
    fn profile<'a>(&'a self, inputs: &'a [TensorView<'_>], repetitions: usize) -> Here<'a, Profile>;

    /// How its numbers differ from those of `f32` arithmetic by the definition.
    fn rounding(&self) -> Rounding {
        Rounding::default()
    }

    /// The graph that runs for these shapes. `graph` is what the engine was made from.
    fn optimized(&self, graph: &Graph, shapes: &[&[usize]]) -> Result<Graph>;
}

/// How an engine makes its plans.
#[derive(Clone, Debug)]
pub(crate) struct PlanSettings {
    pub(crate) passes: Passes,
    /// For how many sets of input shapes they are kept.
    pub(crate) plans_kept: usize,
    pub(crate) limits: Limits,
}

#[cfg(test)]
impl PlanSettings {
    /// One plan by these passes.
    pub(crate) fn by(passes: Passes) -> Self {
        Self {
            passes,
            plans_kept: 1,
            limits: Limits::default(),
        }
    }
}

/// What the bounds of an engine's answers allow for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rounding {
    /// How constants, inputs and results are stored.
    pub(crate) precision: Precision,
    /// Which algorithms may compute convolutions.
    pub(crate) winograd: Winograd,
}

/// A graph with all its values.
#[derive(Debug)]
pub(crate) struct Evaluation {
    /// As the passes left it.
    pub(crate) graph: Graph,
    /// By the number of each value; nothing where it is not computed.
    pub(crate) values: Vec<Option<Tensor>>,
    /// The name and the SHA-256 of the WGSL of each kernel that ran.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) kernels: Vec<(String, String)>,
}

/// Runs, as [`Here`] says.
pub(crate) async fn run_here(engine: &Arc<dyn Engine>, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
    #[cfg(not(target_family = "wasm"))]
    return engine.run(inputs);
    #[cfg(target_family = "wasm")]
    Arc::clone(engine).start(inputs)?.await
}

/// The shapes of arrays, as keys of what is kept.
pub(crate) fn shapes_of(inputs: &[TensorView<'_>]) -> Vec<Vec<usize>> {
    inputs.iter().map(|input| input.shape().to_vec()).collect()
}

/// Something that a backend does not do.
pub(crate) fn unsupported(what: &str) -> Error {
    Error::unsupported("session", what)
}
