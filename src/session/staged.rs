//! Models that run in stages: where a shape depends on what the network computes, the rest is planned once that is there.

use std::sync::Arc;

use super::constants::constants;
use super::shared::{Ready, Settings};
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::engine::{Engine, Evaluation, Here, Kept, Rounding, Running, run_here};
use crate::error::{Error, Result};
use crate::graph::{Graph, Next, Stage};
use crate::profiling::Profile;
use crate::tensor::{Tensor, TensorView};
#[cfg(target_family = "wasm")]
use crate::turn::Turns;

/// All stages of a model for certain shapes of its inputs. Each knows those that came after it, for the last few sets of what
/// they depend on.
#[derive(Debug)]
pub(super) struct StagedEngine {
    settings: Settings,
    first: Arc<Part>,
    /// How many outputs the model has.
    outputs: usize,
    rounding: Rounding,
}

/// A stage made ready.
#[derive(Debug)]
struct Part {
    /// Nothing where the graph gives nothing.
    ready: Option<Ready>,
    gives: Vec<usize>,
    after: Option<After>,
}

/// What comes after a stage, and what was made of it.
#[derive(Debug)]
struct After {
    next: Arc<dyn Next>,
    kept: Kept<Arc<Part>>,
}

impl Part {
    fn new(settings: &Settings, stage: Stage) -> Result<Self> {
        let Stage { graph, gives, next } = stage;
        let is_empty = graph.outputs.is_empty();
        Ok(Self {
            ready: (!is_empty).then(|| settings.ready(graph, 1)).transpose()?,
            gives,
            after: next.map(|next| After {
                next,
                kept: Kept::new(settings.plans_kept),
            }),
        })
    }
}

/// What a part reads, and which outputs of the model there are.
struct Reached {
    part: Arc<Part>,
    inputs: Vec<Tensor>,
}

impl StagedEngine {
    pub(super) fn new(settings: &Settings, stage: Stage, outputs: usize) -> Result<Self> {
        let first = Part::new(settings, stage)?;
        let rounding = first.ready.as_ref().map(|ready| ready.engine.rounding());
        Ok(Self {
            settings: settings.clone(),
            first: Arc::new(first),
            outputs,
            rounding: rounding.unwrap_or_default(),
        })
    }

    /// The part that follows, given what one computed. What are outputs of the model are put aside.
    fn after(&self, part: &Part, mut outputs: Vec<Tensor>, finals: &mut [Option<Tensor>]) -> Result<Option<Reached>> {
        let rest = outputs.split_off(part.gives.len());
        for (&place, output) in part.gives.iter().zip(outputs) {
            finals[place] = Some(output);
        }
        let Some(After { next, kept }) = &part.after else {
            return Ok(None);
        };
        let tensors = next.complete(rest, constants)?;
        let key: Vec<Vec<usize>> = tensors
            .iter()
            .zip(next.known())
            .map(|(tensor, &is_known)| key(tensor, is_known))
            .collect();
        let make = |()| {
            let stage = next.stage(&tensors, constants)?;
            Ok(Arc::new(Part::new(&self.settings, stage)?))
        };
        let part = kept.get_or_make(&key, || Ok(()), make)?;
        let inputs = tensors.into_iter().zip(next.known()).filter(|(_, is_known)| !**is_known);
        Ok(Some(Reached {
            part,
            inputs: inputs.map(|(tensor, _)| tensor).collect(),
        }))
    }

    fn finals(finals: Vec<Option<Tensor>>) -> Result<Vec<Tensor>> {
        let all: Option<Vec<Tensor>> = finals.into_iter().collect();
        all.ok_or_else(|| Error::Internal("no stage gave an output of the model".to_owned()))
    }

    /// Runs part after part, each as `run` says.
    async fn run_parts(
        &self,
        inputs: &[TensorView<'_>],
        mut run: impl AsyncFnMut(&Arc<dyn Engine>, &[TensorView<'_>]) -> Result<Vec<Tensor>>,
    ) -> Result<Vec<Tensor>> {
        let mut finals = vec![None; self.outputs];
        let outputs = match &self.first.ready {
            Some(ready) => run(&ready.engine, inputs).await?,
            None => Vec::new(),
        };
        let mut reached = self.after(&self.first, outputs, &mut finals)?;
        while let Some(Reached { part, inputs }) = reached {
            let outputs = match &part.ready {
                Some(ready) => run(&ready.engine, &inputs.iter().map(Tensor::view).collect::<Vec<_>>()).await?,
                None => Vec::new(),
            };
            reached = self.after(&part, outputs, &mut finals)?;
        }
        Self::finals(finals)
    }

    async fn run_all(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.run_parts(inputs, async |engine, inputs| run_here(engine, inputs).await)
            .await
    }
}

/// What the next stage depends on: the elements themselves, or the type and shape.
fn key(tensor: &Tensor, is_known: bool) -> Vec<usize> {
    let mut key = vec![tensor.dtype() as usize];
    key.extend(tensor.shape());
    if is_known {
        match tensor {
            Tensor::F32(array) => key.extend(array.iter().map(|element| element.to_bits() as usize)),
            Tensor::F16(array) => key.extend(array.iter().map(|element| usize::from(element.to_bits()))),
            Tensor::I64(array) => key.extend(
                array
                    .iter()
                    .flat_map(|&element| [element as u32 as usize, (element >> 32) as usize]),
            ),
            Tensor::I32(array) => key.extend(array.iter().map(|&element| element as usize)),
            Tensor::U8(array) => key.extend(array.iter().map(|&element| usize::from(element))),
            Tensor::I8(array) => key.extend(array.iter().map(|&element| element as usize)),
            Tensor::Bool(array) => key.extend(array.iter().map(|&element| usize::from(element))),
        }
    }
    key
}

impl Engine for StagedEngine {
    /// Of the first stage: what the others are is not known before.
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        self.first.ready.as_ref().map_or(Ok(()), |ready| ready.engine.prepare(shapes))
    }

    #[cfg(target_family = "wasm")]
    fn prepare_by_turns<'a>(&'a self, shapes: &'a [Vec<usize>], turns: &'a mut Turns) -> Here<'a, ()> {
        match &self.first.ready {
            Some(ready) => ready.engine.prepare_by_turns(shapes, turns),
            None => Box::pin(async { Ok(()) }),
        }
    }

    fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool {
        self.first.ready.as_ref().is_none_or(|ready| ready.engine.is_prepared(shapes))
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        let limits = &self.settings.limits;
        limits.running_parts(|| pollster::block_on(self.run_all(inputs)))
    }

    fn start(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Result<Running> {
        let inputs: Vec<Tensor> = inputs.iter().map(TensorView::to_tensor).collect();
        #[cfg(not(target_family = "wasm"))]
        return Ok(Box::pin(elsewhere(on_a_thread, move || {
            let views: Vec<_> = inputs.iter().map(Tensor::view).collect();
            self.run(&views)
        })));
        #[cfg(target_family = "wasm")]
        Ok(Box::pin(async move {
            let views: Vec<_> = inputs.iter().map(Tensor::view).collect();
            self.run_all(&views).await
        }))
    }

    fn evaluate<'a>(&'a self, inputs: &'a [TensorView<'_>]) -> Here<'a, Vec<Evaluation>> {
        Box::pin(async move {
            let mut evaluations = Vec::new();
            self.run_parts(inputs, async |engine, inputs| {
                evaluations.extend(engine.evaluate(inputs).await?);
                run_here(engine, inputs).await
            })
            .await?;
            Ok(evaluations)
        })
    }

    /// All stages together.
    fn profile<'a>(&'a self, inputs: &'a [TensorView<'_>], repetitions: usize) -> Here<'a, Profile> {
        Box::pin(async move {
            let mut whole: Option<Profile> = None;
            self.run_parts(inputs, async |engine, inputs| {
                let part = engine.profile(inputs, repetitions).await?;
                match &mut whole {
                    Some(whole) => whole.append(part),
                    None => whole = Some(part),
                }
                run_here(engine, inputs).await
            })
            .await?;
            whole.ok_or_else(|| Error::Internal("no stage computes anything".to_owned()))
        })
    }

    fn rounding(&self) -> Rounding {
        self.rounding
    }

    fn optimized(&self, graph: &Graph, _: &[&[usize]]) -> Result<Graph> {
        Ok(graph.clone())
    }
}
