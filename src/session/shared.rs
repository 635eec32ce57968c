//! What the threads of a session share: where its graphs come from, and what is ready to run for which input shapes.

use std::sync::Arc;

#[cfg(feature = "cpu")]
use crate::cpu::CpuEngine;
#[cfg(target_family = "wasm")]
use crate::engine::Here;
use crate::engine::{Engine, Kept, PlanSettings, unsupported};
use crate::error::Result;
use crate::gpu::GpuEngine;
use crate::graph::passes::Passes;
use crate::graph::{Fold, Graph, Kind, Source};
use crate::limits::Limits;
use crate::precision::Precision;
use crate::reference::ReferenceEngine;
use crate::session::backend::Backend;
use crate::session::constants::constants;
use crate::session::fallback::{Fallback, FallbackEngine};
use crate::session::staged::StagedEngine;
use crate::turn::{Turns, at_once};

/// How a session runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) backend: Backend,
    pub(super) passes: Passes,
    /// How constants, inputs and what operators make of them are stored.
    pub(super) precision: Precision,
    /// For how many sets of input shapes plans are kept.
    pub(super) plans_kept: usize,
    /// What the CPU computes where a GPU does not.
    pub(super) fallback: Fallback,
    /// How much of the machine it may take.
    pub(super) limits: Limits,
}

impl Settings {
    /// Makes a graph ready. `plans_kept` is for how many sets of input shapes it is run.
    pub(super) fn ready(&self, graph: Arc<Graph>, plans_kept: usize) -> Result<Ready> {
        at_once(self.ready_by_turns(graph, plans_kept, &mut Turns::none()))
    }

    async fn ready_by_turns(&self, graph: Arc<Graph>, plans_kept: usize, turns: &mut Turns) -> Result<Ready> {
        self.limits.check_nodes(graph.nodes.len())?;
        let (mut on_gpu, mut fallback) = (None, None);
        let engine: Arc<dyn Engine> = match &self.backend {
            Backend::Gpu(gpu) if self.fallback != Fallback::Never => {
                let engine = FallbackEngine::new(self, gpu, Arc::clone(&graph), plans_kept);
                Arc::clone(fallback.insert(Arc::new(engine))) as _
            }
            Backend::Gpu(gpu) => {
                let engine = GpuEngine::by_turns(gpu, &graph, self.plan_settings(plans_kept), self.precision, turns).await?;
                Arc::clone(on_gpu.insert(Arc::new(engine))) as _
            }
            #[cfg(feature = "cpu")]
            Backend::Cpu(cpu) => Arc::new(CpuEngine::by_turns(cpu, &graph, self.plan_settings(plans_kept), turns).await?),
            Backend::Reference => Arc::new(ReferenceEngine::new(Arc::clone(&graph), self.limits.clone())),
        };
        Ok(Ready {
            graph,
            engine,
            on_gpu,
            fallback,
            is_whole: true,
        })
    }

    fn plan_settings(&self, plans_kept: usize) -> PlanSettings {
        PlanSettings {
            passes: self.passes.clone(),
            plans_kept,
            limits: self.limits.clone(),
        }
    }

    /// Makes ready what a model is for these shapes of its inputs.
    async fn ready_model(&self, model: &Arc<dyn Fold>, shapes: &[&[usize]], turns: &mut Turns) -> Result<Ready> {
        let stage = model.fold(shapes, constants)?;
        turns.next().await;
        if stage.next.is_none() {
            return self.ready_by_turns(stage.graph, 1, turns).await;
        }
        Ok(Ready {
            graph: Arc::clone(&stage.graph),
            engine: Arc::new(StagedEngine::new(self, stage, model.outputs().len())?),
            on_gpu: None,
            fallback: None,
            is_whole: false,
        })
    }
}

/// A graph with what runs it.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) graph: Arc<Graph>,
    pub(super) engine: Arc<dyn Engine>,
    /// The same engine, where it is a GPU's: for what only GPUs do.
    pub(super) on_gpu: Option<Arc<GpuEngine>>,
    /// The same engine, where it may have the CPU compute something.
    pub(super) fallback: Option<Arc<FallbackEngine>>,
    /// Whether the graph is all of it, and not the first stage of a model that has several.
    pub(super) is_whole: bool,
}

impl Ready {
    /// Refuses what is only done with a whole graph.
    pub(super) fn check_whole(&self, what: &str) -> Result<()> {
        if self.is_whole {
            return Ok(());
        }
        Err(unsupported(&format!(
            "{what} of a model in which shapes depend on what it computes"
        )))
    }

    /// The GPU's engine, for what others do not do.
    pub(super) fn gpu(&self, what: &str) -> Result<&Arc<GpuEngine>> {
        self.check_whole(what)?;
        self.on_gpu.as_ref().ok_or_else(|| unsupported(&format!("{what} need a GPU")))
    }
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

/// A graph that was made ready, and for which shapes of the inputs: that of a session without a model for any.
#[derive(Debug)]
pub(super) struct MadeFor {
    pub(super) shapes: Option<Vec<Vec<usize>>>,
    pub(super) ready: Arc<Ready>,
}

impl Shared {
    /// Makes a graph ready at once; of a model nothing.
    pub(super) fn new(source: Source, settings: Settings) -> Result<Self> {
        let made = match &source.0 {
            Kind::Graph(graph) => Made::Once(Arc::new(settings.ready(Arc::clone(graph), settings.plans_kept)?)),
            Kind::Model(model) => Made::Each(Arc::clone(model), Kept::new(settings.plans_kept)),
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
                    self.settings.limits.planned(|| {
                        let ready = at_once(self.settings.ready_model(model, &known, &mut Turns::none()))?;
                        // In a browser the page has its turn before.
                        if ready.on_gpu.is_none() && cfg!(not(target_family = "wasm")) {
                            ready.engine.prepare(shapes)?;
                        }
                        Ok(Arc::new(ready))
                    })
                };
                kept.get_or_make(shapes, make, Ok)
            }
        }
    }

    /// [`prepare`](Self::prepare) with the page's turns between pieces of it. What is prepared twice at the same time is made twice.
    ///
    /// In a box, for the code of what is awaited would else be in every crate that awaits it, and whatever it makes as well.
    #[cfg(target_family = "wasm")]
    pub(super) fn prepare_by_turns<'a>(&'a self, shapes: &'a [Vec<usize>], turns: &'a mut Turns) -> Here<'a, ()> {
        Box::pin(async move {
            let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
            let ready = match &self.made {
                Made::Each(model, kept) if kept.get(shapes).is_none() => {
                    let ready = Arc::new(self.settings.ready_model(model, &known, turns).await?);
                    turns.next().await;
                    kept.get_or_make(shapes, || Ok(ready), Ok)?
                }
                _ => self.ready(shapes)?,
            };
            ready.engine.prepare_by_turns(shapes, turns).await
        })
    }

    /// What was made so far.
    pub(super) fn made(&self) -> Vec<MadeFor> {
        match &self.made {
            Made::Once(ready) => vec![MadeFor {
                shapes: None,
                ready: Arc::clone(ready),
            }],
            Made::Each(_, kept) => {
                let of = |(shapes, ready)| MadeFor {
                    shapes: Some(shapes),
                    ready,
                };
                kept.all().into_iter().map(of).collect()
            }
        }
    }

    /// Whether a run with these shapes finds everything made. Waits for nothing.
    pub(super) fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool {
        match &self.made {
            Made::Once(ready) => ready.engine.is_prepared(shapes),
            Made::Each(_, kept) => kept.get(shapes).is_some_and(|ready| ready.engine.is_prepared(shapes)),
        }
    }

    /// Makes all that a run with these shapes needs, awaited or not.
    pub(super) fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        self.ready(shapes)?.engine.prepare(shapes)
    }
}
