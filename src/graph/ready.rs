//! What the threads of a session share: where its graphs come from, and what is ready to run for which input shapes.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use ndarray::{ArrayD, ArrayViewD};

use super::answers;
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
use super::cpu::CpuEngine;
use super::gpu::GpuEngine;
use super::kept::Kept;
use super::plan::Plan;
use super::source::{Fold, Source};
use super::{Graph, Pass};
use crate::backend::Backend;
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
use crate::elsewhere::Work;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::lock::lock;
use crate::precision::Precision;
use crate::reference::Answer;
#[cfg(not(target_family = "wasm"))]
use crate::reference::Winograd;

/// Plans that a session keeps unless it is told otherwise.
const PLANS_KEPT: usize = 8;

/// How a session runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) backend: Backend,
    pub(super) passes: Vec<Pass>,
    /// How constants, inputs and what operators make of them are stored.
    pub(super) precision: Precision,
    /// For how many sets of input shapes plans are kept.
    pub(super) plans_kept: Arc<AtomicUsize>,
}

impl Settings {
    pub(crate) fn new(backend: &Backend, passes: &[Pass]) -> Self {
        Self {
            backend: backend.clone(),
            passes: passes.to_vec(),
            precision: Precision::F32,
            plans_kept: Arc::new(AtomicUsize::new(PLANS_KEPT)),
        }
    }

    /// Makes a graph ready. `plans_kept` is for how many sets of input shapes it is run.
    fn ready(&self, graph: Arc<Graph>, plans_kept: Arc<AtomicUsize>) -> Result<Ready> {
        let engine = match &self.backend {
            Backend::Gpu(gpu) => {
                let engine = GpuEngine::new(gpu, &graph, &self.passes, self.precision, plans_kept)?;
                Engine::Gpu(Box::new(engine))
            }
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Backend::Cpu(cpu) => Engine::Cpu(Box::new(CpuEngine::new(cpu, &graph, &self.passes, plans_kept)?)),
            Backend::Reference => Engine::Reference,
        };
        Ok(Ready { graph, engine })
    }
}

/// A graph with what runs it.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) graph: Arc<Graph>,
    pub(super) engine: Engine,
}

#[derive(Debug)]
pub(super) enum Engine {
    Gpu(Box<GpuEngine>),
    #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
    Cpu(Box<CpuEngine>),
    Reference,
}

impl Ready {
    /// Runs on the host.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match &self.engine {
            Engine::Gpu(_) => Err(not_the_hosts()),
            #[cfg(feature = "cpu")]
            Engine::Cpu(engine) => engine.run(inputs),
            Engine::Reference => {
                let answers = answers::answers(&self.graph, inputs, Precision::F32, Winograd::Small)?;
                Ok(answers.iter().map(Answer::to_f32).collect())
            }
        }
    }

    /// Runs on the host, which is the page's one thread: it has its turn after every operator.
    #[cfg(target_family = "wasm")]
    pub(super) async fn run_by_turns(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match &self.engine {
            Engine::Gpu(_) => Err(not_the_hosts()),
            Engine::Reference => {
                let answers = answers::answers_by_turns(&self.graph, inputs, crate::turn::turn).await?;
                Ok(answers.iter().map(Answer::to_f32).collect())
            }
        }
    }
}

fn not_the_hosts() -> Error {
    Error::Gpu("a run of a GPU was begun on the host".to_owned())
}

/// What a run needs that is made once.
#[derive(Debug)]
pub(super) enum Planned {
    Gpu { gpu: Gpu, plan: Arc<Mutex<Plan>> },
    Host(Arc<Ready>),
}

/// A session's settings and what it has made.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) source: Source,
    made: Made,
}

#[derive(Debug)]
enum Made {
    /// The one graph, for any shapes that it takes.
    Once(Arc<Ready>),
    /// A graph for each set of input shapes, of which nothing is used for another.
    Each(Arc<dyn Fold>, Kept<Arc<Ready>>),
}

impl Shared {
    /// Makes a graph ready at once; of a model nothing.
    pub(super) fn new(source: Source, settings: Settings) -> Result<Self> {
        let made = match &source {
            Source::Graph(graph) => Made::Once(Arc::new(settings.ready(Arc::clone(graph), settings.plans_kept.clone())?)),
            Source::Model(model) => Made::Each(Arc::clone(model), Kept::new(settings.plans_kept.clone())),
        };
        Ok(Self { settings, source, made })
    }

    /// The graph for these shapes with what runs it, made where it is not there.
    pub(super) fn ready(&self, shapes: &[Vec<usize>]) -> Result<Arc<Ready>> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        match &self.made {
            Made::Once(ready) => {
                ready.graph.check_inputs(&known)?;
                Ok(Arc::clone(ready))
            }
            Made::Each(model, kept) => {
                // Its weights are found where others have them, before one of those goes.
                let make = || {
                    let graph = Arc::new(model.fold(&known)?);
                    let ready = self.settings.ready(graph, Arc::new(AtomicUsize::new(1)))?;
                    #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
                    if let Engine::Cpu(engine) = &ready.engine {
                        engine.plan(shapes)?;
                    }
                    Ok(Arc::new(ready))
                };
                kept.get_or_make(shapes, make, Ok)
            }
        }
    }

    /// What a run with these shapes needs, made where it is not there.
    pub(super) fn planned(&self, shapes: &[Vec<usize>]) -> Result<Planned> {
        let ready = self.ready(shapes)?;
        let Engine::Gpu(engine) = &ready.engine else {
            return Ok(Planned::Host(ready));
        };
        Ok(Planned::Gpu {
            gpu: engine.gpu.clone(),
            plan: engine.plan(shapes)?,
        })
    }

    /// What a run with these shapes needs, if it is there. Waits for nothing.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn known(&self, shapes: &[Vec<usize>]) -> Option<Planned> {
        let ready = match &self.made {
            Made::Once(ready) => Arc::clone(ready),
            Made::Each(_, kept) => kept.get(shapes)?,
        };
        let Engine::Gpu(engine) = &ready.engine else {
            return Some(Planned::Host(ready));
        };
        Some(Planned::Gpu {
            gpu: engine.gpu.clone(),
            plan: engine.known_plan(shapes)?,
        })
    }

    /// Makes all that a run with these shapes needs, awaited or not.
    pub(super) fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        match self.planned(shapes)? {
            Planned::Gpu { gpu, plan } => {
                let mut plan = lock(&plan);
                let spare = plan.spare_staging(&gpu.context)?;
                plan.spare.push(spare);
            }
            Planned::Host(ready) => {
                #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
                if let Engine::Cpu(engine) = &ready.engine {
                    return engine.prepare(shapes);
                }
                let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
                ready.graph.shapes(&known)?;
            }
        }
        Ok(())
    }

    /// Whether something has been planned for a GPU.
    pub(super) fn has_plans(&self) -> bool {
        match &self.made {
            Made::Once(ready) => matches!(&ready.engine, Engine::Gpu(engine) if engine.has_plans()),
            Made::Each(_, kept) => !kept.is_empty(),
        }
    }

    /// Has a thread of the host's pool do the work of a run.
    #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
    pub(super) fn spawn(&self, work: Work) {
        match &self.settings.backend {
            Backend::Cpu(cpu) => cpu.spawn(work),
            _ => crate::cpu::Cpu::new().spawn(work),
        }
    }
}
