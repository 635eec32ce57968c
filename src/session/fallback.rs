//! Operators that a GPU does not compute, on the CPU where that is allowed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::backend::Backend;
use super::shared::Settings;
use crate::engine::{Engine, Evaluation, Here, Kept, Rounding, Running, shapes_of, unsupported};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::graph::{Graph, ValueId};
use crate::precision::Precision;
use crate::profiling::Profile;
use crate::tensor::{Tensor, TensorView};

/// What a session on a GPU has the CPU compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// Nothing: what the GPU does not compute is refused.
    #[default]
    Never,
    /// Operators with a tensor that is larger than the adapter binds or computes with.
    TooLarge,
    /// These, and operators that have no kernel for their operands.
    Always,
}

/// An operator that the CPU computes in a session on a GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnCpu {
    /// The node's name.
    pub node: String,
    /// The operator, by its PyTorch name.
    pub operator: &'static str,
    /// Why the GPU does not compute it.
    pub reason: String,
}

/// A graph on a GPU and, where that does not compute an operator, on the CPU: in parts, one after another.
#[derive(Debug)]
pub(super) struct FallbackEngine {
    settings: Settings,
    gpu: Gpu,
    graph: Arc<Graph>,
    made: Kept<Arc<Made>>,
}

/// What runs with one set of input shapes.
#[derive(Debug)]
enum Made {
    /// All of it on the GPU.
    Whole(Arc<dyn Engine>),
    Split {
        parts: Vec<Part>,
        on_cpu: Vec<OnCpu>,
    },
}

#[derive(Debug)]
struct Part {
    engine: Arc<dyn Engine>,
    /// The whole graph's values that it reads and gives.
    inputs: Vec<ValueId>,
    outputs: Vec<ValueId>,
}

impl FallbackEngine {
    pub(super) fn new(settings: &Settings, gpu: &Gpu, graph: Arc<Graph>, plans_kept: usize) -> Self {
        Self {
            settings: settings.clone(),
            gpu: gpu.clone(),
            graph,
            made: Kept::new(plans_kept),
        }
    }

    /// The operators that the CPU computes for these shapes of the inputs.
    pub(super) fn on_cpu(&self, shapes: &[Vec<usize>]) -> Result<Vec<OnCpu>> {
        Ok(match &*self.made(shapes)? {
            Made::Whole(_) => Vec::new(),
            Made::Split { on_cpu, .. } => on_cpu.clone(),
        })
    }

    fn made(&self, shapes: &[Vec<usize>]) -> Result<Arc<Made>> {
        self.made.get_or_make(shapes, || Ok(Arc::new(self.make(shapes)?)), Ok)
    }

    /// The whole on the GPU where that computes it.
    fn make(&self, shapes: &[Vec<usize>]) -> Result<Made> {
        match self.on(self.settings.backend.clone(), Arc::clone(&self.graph), shapes) {
            Ok(engine) => Ok(Made::Whole(engine)),
            Err(error) if error.is_of_this_backend() => self.split(shapes, error),
            Err(error) => Err(error),
        }
    }

    /// Parts on either, since the GPU refused the whole for this reason.
    fn split(&self, shapes: &[Vec<usize>], refusal: Error) -> Result<Made> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let types = self.graph.infer(&known)?;
        let refusals = self.gpu.refusals(&self.graph, &types)?;
        let is_allowed = |error: &Error| self.settings.fallback == Fallback::Always || matches!(error, Error::LimitExceeded { .. });
        let sides: Vec<bool> = refusals.iter().map(Option::is_some).collect();
        if !sides.contains(&true) || !refusals.iter().flatten().all(is_allowed) {
            return Err(refusal);
        }
        let mut parts = Vec::new();
        for (is_on_cpu, nodes) in self.graph.stretches(&sides) {
            let part = self.graph.part(&nodes, &types)?;
            if part.outputs.is_empty() {
                continue;
            }
            let shapes: Vec<Vec<usize>> = part.inputs.iter().map(|input| types[input.0].shape.clone()).collect();
            let backend = if is_on_cpu {
                Backend::cpu()
            } else {
                self.settings.backend.clone()
            };
            parts.push(Part {
                engine: self.on(backend, Arc::new(part.graph), &shapes)?,
                inputs: part.inputs,
                outputs: part.outputs,
            });
        }
        let refused = self.graph.nodes.iter().zip(&refusals);
        let on_cpu = refused.filter_map(|(node, refusal)| {
            Some(OnCpu {
                node: node.name.clone(),
                operator: node.op.name(),
                reason: refusal.as_ref()?.to_string(),
            })
        });
        let on_cpu: Vec<OnCpu> = on_cpu.collect();
        tell(&on_cpu, self.graph.nodes.len());
        Ok(Made::Split { parts, on_cpu })
    }

    /// All of a graph on one backend, ready to run.
    fn on(&self, backend: Backend, graph: Arc<Graph>, shapes: &[Vec<usize>]) -> Result<Arc<dyn Engine>> {
        let settings = Settings {
            backend,
            fallback: Fallback::Never,
            ..self.settings.clone()
        };
        let engine = settings.ready(graph, 1)?.engine;
        engine.prepare(shapes)?;
        Ok(engine)
    }

    /// What the graph's values are before a part ran.
    fn given(&self, inputs: &[TensorView<'_>]) -> HashMap<ValueId, Tensor> {
        let given = self.graph.inputs.iter().zip(inputs);
        let mut values: HashMap<ValueId, Tensor> = given.map(|(&value, input)| (value, input.to_tensor())).collect();
        for &output in &self.graph.outputs {
            if let Some(constant) = &self.graph.values[output.0].constant {
                values.insert(output, Tensor::clone(constant));
            }
        }
        values
    }

    fn outputs(&self, values: &HashMap<ValueId, Tensor>) -> Vec<Tensor> {
        self.graph
            .outputs
            .iter()
            .filter_map(|output| values.get(output).cloned())
            .collect()
    }
}

impl Part {
    fn views<'v>(&self, values: &'v HashMap<ValueId, Tensor>) -> Vec<TensorView<'v>> {
        self.inputs
            .iter()
            .filter_map(|input| values.get(input).map(Tensor::view))
            .collect()
    }
}

/// Says what runs on the CPU: how many of which operator, and at a finer level which.
fn tell(on_cpu: &[OnCpu], all: usize) {
    let mut counts = BTreeMap::new();
    for OnCpu { node, operator, reason } in on_cpu {
        log::info!("on the CPU: {operator} {node:?}: {reason}");
        *counts.entry(operator).or_insert(0) += 1;
    }
    let counts: Vec<String> = counts
        .into_iter()
        .map(|(operator, count)| format!("{count} x {operator}"))
        .collect();
    log::warn!("{} of {all} operators run on the CPU: {}", on_cpu.len(), counts.join(", "));
}

impl Engine for FallbackEngine {
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        self.made(shapes).map(drop)
    }

    fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool {
        self.made.get(shapes).is_some()
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        let made = self.made(&shapes_of(inputs))?;
        let parts = match &*made {
            Made::Whole(engine) => return engine.run(inputs),
            Made::Split { parts, .. } => parts,
        };
        let mut values = self.given(inputs);
        for part in parts {
            let outputs = part.engine.run(&part.views(&values))?;
            values.extend(part.outputs.iter().copied().zip(outputs));
        }
        Ok(self.outputs(&values))
    }

    fn start(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Result<Running> {
        let made = self.made(&shapes_of(inputs))?;
        if let Made::Whole(engine) = &*made {
            return Arc::clone(engine).start(inputs);
        }
        let mut values = self.given(inputs);
        Ok(Box::pin(async move {
            let parts = match &*made {
                Made::Whole(_) => &[],
                Made::Split { parts, .. } => parts.as_slice(),
            };
            for part in parts {
                let running = Arc::clone(&part.engine).start(&part.views(&values))?;
                let outputs = running.await?;
                values.extend(part.outputs.iter().copied().zip(outputs));
            }
            Ok(self.outputs(&values))
        }))
    }

    fn evaluate<'a>(&'a self, inputs: &'a [TensorView<'_>]) -> Here<'a, Vec<Evaluation>> {
        Box::pin(async move {
            let made = self.made(&shapes_of(inputs))?;
            let parts = match &*made {
                Made::Whole(engine) => return engine.evaluate(inputs).await,
                Made::Split { parts, .. } => parts,
            };
            let mut known = self.given(inputs);
            let mut evaluations = Vec::new();
            for part in parts {
                let evaluated = part.engine.evaluate(&part.views(&known)).await?;
                for evaluation in evaluated {
                    for (&whole, own) in part.outputs.iter().zip(&evaluation.graph.outputs) {
                        known.extend(evaluation.values[own.0].clone().map(|value| (whole, value)));
                    }
                    evaluations.push(evaluation);
                }
            }
            Ok(evaluations)
        })
    }

    fn profile<'a>(&'a self, inputs: &'a [TensorView<'_>], repetitions: usize) -> Here<'a, Profile> {
        Box::pin(async move {
            match &*self.made(&shapes_of(inputs))? {
                Made::Whole(engine) => engine.profile(inputs, repetitions).await,
                Made::Split { .. } => Err(unsupported(
                    "a profile of a run that is partly on the CPU; each backend alone is profiled",
                )),
            }
        })
    }

    fn rounding(&self) -> Rounding {
        Rounding {
            precision: Precision::F32,
            winograd: self.gpu.winograd(),
        }
    }

    fn optimized(&self, graph: &Graph, _: &[&[usize]]) -> Result<Graph> {
        Ok(graph.clone())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::ops::{MaxPool2d, Transpose, Unary};
    use crate::session::Session;
    use crate::testing::{self, Random};

    /// Seven axes apart are more than the kernel of copies has.
    fn seven_axes() -> Graph {
        let mut graph = Graph::new();
        let x = graph.input("x");
        let first = graph.node("tanh", Unary::Tanh, &[x]).unwrap();
        let turned = graph.node("turned", Transpose::new([6, 5, 4, 3, 2, 1, 0]), &[first]).unwrap();
        let last = graph.node("exp", Unary::Exp, &[turned]).unwrap();
        for output in [last, first] {
            graph.output(output).unwrap();
        }
        graph
    }

    fn session(gpu: &Gpu, graph: Graph, fallback: Fallback) -> Session {
        Session::builder()
            .backend(gpu.clone())
            .fallback(fallback)
            .build(graph)
            .unwrap()
    }

    #[test]
    fn what_has_no_kernel_runs_on_the_cpu_where_that_is_allowed() {
        let Some(gpu) = testing::gpu().unwrap() else { return };
        let shape = [2, 3, 2, 3, 2, 3, 2];
        let input = Random::new(7).reals(&shape);
        let want = Session::new(seven_axes(), &Backend::Reference)
            .unwrap()
            .run(&[input.view()])
            .unwrap();
        let allowed = session(&gpu, seven_axes(), Fallback::Always);
        let awaited = pollster::block_on(allowed.run_async(&[input.view()])).unwrap();
        let at_once = allowed.run(&[input.view()]).unwrap();
        assert_eq!(awaited, at_once);
        for (got, want) in at_once.iter().zip(&want) {
            crate::reference::compare_close(got, want, 1e-5, 1e-6).unwrap();
        }
        let on_cpu = allowed.on_cpu(&[&shape]).unwrap();
        assert_eq!(on_cpu.iter().map(|node| node.node.as_str()).collect::<Vec<_>>(), ["turned"]);
        let (checks, outputs) = allowed.verified(&[input.view()]).unwrap();
        assert_eq!(checks.len(), 3);
        assert!(checks.iter().all(|check| check.mismatch.is_none()));
        assert_eq!(outputs, at_once.into_iter().map(Tensor::from).collect::<Vec<_>>());
        for fallback in [Fallback::Never, Fallback::TooLarge] {
            let error = session(&gpu, seven_axes(), fallback).run(&[input.view()]).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains("\"turned\""), "{error}");
        }
    }

    /// A device that computes nothing, with bindings of a mebibyte.
    fn narrow_gpu() -> Gpu {
        let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor {
            required_limits: wgpu::Limits {
                max_storage_buffer_binding_size: 1 << 20,
                ..wgpu::Limits::default()
            },
            ..Default::default()
        });
        let info = wgpu::AdapterInfo::new(wgpu::DeviceType::Other, wgpu::Backend::Noop);
        Gpu::from_device(device, queue, &info).unwrap()
    }

    #[test]
    fn what_is_too_large_for_a_binding_runs_on_the_cpu() {
        let pooled = || {
            let mut graph = Graph::new();
            let x = graph.input("x");
            let first = graph.node("tanh", Unary::Tanh, &[x]).unwrap();
            let pooled = graph.node("pooled", MaxPool2d::new(4), &[first]).unwrap();
            let last = graph.node("exp", Unary::Exp, &[pooled]).unwrap();
            graph.output(last).unwrap();
            graph
        };
        let gpu = narrow_gpu();
        let shape: &[usize] = &[1, 1, 1024, 512];
        let on_cpu = session(&gpu, pooled(), Fallback::TooLarge).on_cpu(&[shape]).unwrap();
        assert_eq!(
            on_cpu.iter().map(|node| node.node.as_str()).collect::<Vec<_>>(),
            ["tanh", "pooled"]
        );
        let input = ArrayD::<f32>::zeros(IxDyn(shape));
        let error = session(&gpu, pooled(), Fallback::Never).run(&[input.view()]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("a tensor's size in bytes (input \"x\") is 2097152"),
            "{error}"
        );
        let small: &[usize] = &[1, 1, 64, 64];
        assert!(
            session(&gpu, pooled(), Fallback::TooLarge)
                .on_cpu(&[small])
                .unwrap()
                .is_empty()
        );
    }
}
