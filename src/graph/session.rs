//! Sessions: a graph made ready for one backend, run any number of times.

use std::sync::{Arc, Mutex};

use ndarray::{ArrayD, ArrayViewD};

use super::answers::answers;
#[cfg(all(feature = "cpu", not(target_family = "wasm")))]
use super::cpu::CpuEngine;
use super::plan::{GpuEngine, Plan, Tunable, split_outputs};
#[cfg(not(target_family = "wasm"))]
use super::profile::Profile;
#[cfg(not(target_family = "wasm"))]
use super::verify::Check;
use super::{Graph, NAME, Pass};
use crate::backend::Backend;
use crate::error::{Error, Result, ensure};
use crate::gpu::{KernelChoice, LayerSignature, Memory, TuningPlan, staging_buffer};
use crate::lock::lock;
use crate::precision::Precision;
use crate::reference::{Answer, Winograd};

/// A graph made ready for one backend. Weights are uploaded once; for each set of input shapes the kernels are compiled,
/// buffers shared and bindings made once. A later run with the same shapes writes its inputs, submits once and reads back.
#[derive(Debug)]
pub struct Session {
    graph: Graph,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Gpu(Box<GpuEngine>),
    #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
    Cpu(Box<CpuEngine>),
    Reference,
}

impl Session {
    /// Makes a graph ready, with all passes. Nothing is compiled before the first run, since shapes are not known.
    ///
    /// Errors: a graph without outputs; what uploading the weights may give.
    pub fn new(graph: Graph, backend: &Backend) -> Result<Self> {
        Self::with_passes(graph, backend, &Pass::ALL)
    }

    /// Makes a graph ready, with these passes and no others. The reference always runs the graph as it is.
    ///
    /// Errors: as [`new`](Self::new).
    pub fn with_passes(graph: Graph, backend: &Backend, passes: &[Pass]) -> Result<Self> {
        ensure!(!graph.outputs.is_empty(), NAME, "the graph has no outputs");
        let engine = match backend {
            Backend::Gpu(gpu) => Engine::Gpu(Box::new(GpuEngine::new(gpu, &graph, passes)?)),
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Backend::Cpu(cpu) => Engine::Cpu(Box::new(CpuEngine::new(cpu, &graph, passes)?)),
            Backend::Reference => Engine::Reference,
        };
        Ok(Self { graph, engine })
    }

    /// Sets for how many sets of input shapes plans are kept, 8 if this is not called, and at least 1. One more takes the
    /// place of the one that was used least recently; its memory is free when no run of it is under way.
    #[must_use]
    pub fn keep_plans(mut self, plans: usize) -> Self {
        match &mut self.engine {
            Engine::Gpu(engine) => engine.plans_kept = plans,
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(engine) => engine.plans_kept = plans,
            Engine::Reference => {}
        }
        self
    }

    /// Sets how numbers are stored on the GPU: inputs, weights, and what operators give. Inputs and outputs of runs stay `f32`
    /// arrays. Weights are uploaded again.
    ///
    /// Errors: `Unsupported` for [`Precision::F16`] on a backend without a GPU, and on an adapter without 16-bit floats
    /// ([`AdapterInfo::shader_f16`](crate::gpu::AdapterInfo::shader_f16)); what uploading the weights may give.
    ///
    /// ```
    /// use convoke::{Backend, Precision, Session, graph::Graph, ops::Activation};
    /// use ndarray::arr1;
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Activation::Relu, &[x])?;
    /// graph.output(relu)?;
    /// match Session::new(graph, &Backend::auto())?.precision(Precision::F16) {
    ///     Ok(session) => {
    ///         let outputs = session.run(&[arr1(&[1.5_f32, -1.0, 2049.0]).into_dyn().view()])?;
    ///         assert_eq!(outputs[0].as_slice(), Some(&[1.5, 0.0, 2048.0][..]));
    ///     }
    ///     // No adapter, or one without 16-bit floats.
    ///     Err(error) => assert!(matches!(error, convoke::Error::Unsupported { .. })),
    /// }
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn precision(mut self, precision: Precision) -> Result<Self> {
        if let Engine::Gpu(engine) = &mut self.engine {
            engine.set_precision(precision)?;
        } else if precision != Precision::F32 {
            return Err(Error::unsupported(NAME, format!("{precision} needs a GPU")));
        }
        Ok(self)
    }

    /// Computes layers as a tuning plan says, from the first run on. Layers that it does not name, those of other shapes among
    /// them, follow the rules, as without a plan; [`kernel_choices`](Self::kernel_choices) tells which is which.
    ///
    /// Errors: as [`Gpu::with_tuning`](crate::Gpu::with_tuning); a session that has run already; `Unsupported` on a backend
    /// without a GPU.
    pub fn with_tuning(mut self, plan: &TuningPlan) -> Result<Self> {
        let Engine::Gpu(engine) = &mut self.engine else {
            return Err(Error::unsupported(
                NAME,
                "tuning plans are of GPUs, and this session's backend is none",
            ));
        };
        ensure!(
            !engine.has_plans(),
            NAME,
            "a tuning plan is expected before the first run of a session, and it has run already"
        );
        engine.gpu = engine.gpu.with_tuning(plan)?;
        Ok(self)
    }

    /// How each layer that several kernels could compute would be computed for these shapes of the inputs, in the order that
    /// they run. Nothing is compiled.
    ///
    /// Errors: the number of inputs, a shape that an operator refuses; `Unsupported` on a backend without a GPU.
    pub fn kernel_choices(&self, inputs: &[&[usize]]) -> Result<Vec<LayerChoice>> {
        let layers = self.tunable(inputs)?.into_iter();
        Ok(layers
            .map(|layer| LayerChoice {
                node: layer.node.name().to_owned(),
                layer: layer.decision.layer,
                choice: layer.decision.choice,
                is_tuned: layer.decision.is_tuned,
            })
            .collect())
    }

    /// A second session of the same graph, computed as another plan says. The weights are the same memory.
    #[cfg(all(feature = "tune", not(target_family = "wasm")))]
    pub(crate) fn again(&self, plan: &TuningPlan) -> Result<Self> {
        let Engine::Gpu(engine) = &self.engine else {
            return Err(Error::unsupported(
                NAME,
                "tuning plans are of GPUs, and this session's backend is none",
            ));
        };
        Ok(Self {
            graph: self.graph.clone(),
            engine: Engine::Gpu(Box::new(engine.again(plan)?)),
        })
    }

    /// The layers that several kernels could compute, with all that is needed to run one by itself.
    pub(crate) fn tunable(&self, inputs: &[&[usize]]) -> Result<Vec<Tunable>> {
        match &self.engine {
            Engine::Gpu(engine) => engine.tunable(inputs),
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(_) => Err(Error::unsupported(NAME, "kernels are chosen on GPUs")),
            Engine::Reference => Err(Error::unsupported(NAME, "kernels are chosen on GPUs")),
        }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Runs the graph on these inputs and waits for its outputs.
    ///
    /// Errors: the number of inputs, a shape that an operator refuses, and what the GPU may report.
    #[cfg(not(target_family = "wasm"))]
    pub fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match &self.engine {
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(engine) => engine.run(inputs),
            Engine::Reference => self.run_reference(inputs),
            Engine::Gpu(engine) => {
                let plan = engine.plan(inputs)?;
                let plan = lock(&plan);
                match plan.start(&engine.gpu.context, inputs)? {
                    None => plan.split(&[]),
                    Some(readback) => readback.finish_blocking(&engine.gpu.context, |parts| plan.split(parts))?,
                }
            }
        }
    }

    /// Runs the graph on these inputs, awaited. Each call has its own staging memory, so that several may be under way; it is
    /// used again when the call is over.
    pub async fn run_async(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match &self.engine {
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(engine) => engine.run(inputs),
            Engine::Reference => self.run_reference(inputs),
            Engine::Gpu(engine) => {
                let context = &engine.gpu.context;
                let plan = engine.plan(inputs)?;
                // The lock is let go before the first await: the queue orders what was submitted.
                let (readback, staging, split) = {
                    let mut plan = lock(&plan);
                    let staging = match plan.spare.pop() {
                        Some(spare) => spare,
                        None => staging_buffer(context, plan.output_bytes.max(4))?,
                    };
                    (plan.start_into(context, inputs, &staging)?, staging, plan.outputs.clone())
                };
                let outputs = match readback {
                    None => split_outputs(&split, &[]),
                    Some(readback) => readback.finish(context, |parts| split_outputs(&split, parts)).await?,
                };
                // What went wrong may have left it mapped; what ended well has not.
                lock(&plan).spare.push(staging);
                outputs
            }
        }
    }

    /// Uploads inputs once, for runs that stay on the GPU. Another run of this session with inputs of the same shapes
    /// replaces them.
    ///
    /// Errors: as [`run`](Self::run); `Unsupported` on a backend without a GPU.
    pub fn resident(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Resident<'_>> {
        let Engine::Gpu(engine) = &self.engine else {
            return Err(Error::unsupported(NAME, "resident runs need a GPU"));
        };
        let plan = engine.plan(inputs)?;
        lock(&plan).write_inputs(&engine.gpu.context, inputs)?;
        Ok(Resident { engine, plan })
    }

    /// Runs the graph and checks each operator by itself: what the backend made of the operator's inputs, against what the
    /// reference makes of the same inputs, within the derived bound. The first check with a mismatch is where a wrong
    /// answer arises. Operators are those that the passes left; every intermediate result is kept and read back, so this
    /// is slow and takes memory.
    ///
    /// Errors: as [`run`](Self::run). A mismatch is no error.
    #[cfg(not(target_family = "wasm"))]
    pub fn verify(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<Check>> {
        Ok(self.verified(inputs)?.0)
    }

    /// [`verify`](Self::verify) with the outputs of the run that was checked.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn verified(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<(Vec<Check>, Vec<ArrayD<f32>>)> {
        match &self.engine {
            Engine::Gpu(engine) => engine.verify(inputs),
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(engine) => engine.verify(inputs),
            Engine::Reference => Err(Error::unsupported(NAME, "the reference is what others are verified against")),
        }
    }

    /// Measures what a run spends its time on: each operator that the passes left, with the time of its kernel calls, the
    /// least of `repetitions` (1 at least) runs, its arithmetic, its memory traffic, and what the device could do at most,
    /// which is measured as well. Outputs are computed and dropped; later runs are as before.
    ///
    /// Errors: as [`run`](Self::run); `Unsupported` on the reference, which has no kernels.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::{Activation, Conv2d}};
    /// use ndarray::Array4;
    ///
    /// let mut graph = Graph::new();
    /// let image = graph.input("image");
    /// let weight = graph.constant("weight", Array4::<f32>::ones((8, 3, 3, 3)).into_dyn());
    /// let features = graph.node("conv", Conv2d::new(), &[image, weight])?;
    /// let active = graph.node("relu", Activation::Relu, &[features])?;
    /// graph.output(active)?;
    /// let session = Session::new(graph, &Backend::auto())?;
    ///
    /// let image = Array4::<f32>::ones((1, 3, 64, 48)).into_dyn();
    /// # #[cfg(feature = "cpu")] {
    /// let profile = session.profile(&[image.view()], 5)?;
    /// for layer in &profile.layers {
    ///     println!("{} {:?}, {:.1} GFLOP/s", layer.node, layer.time, layer.gflops());
    /// }
    /// // The passes made one layer of two.
    /// assert_eq!(profile.layers.len(), 1);
    /// assert_eq!(profile.layers[0].flops, 2 * (8 * 62 * 46) * (3 * 3 * 3));
    /// # }
    /// # Ok::<(), convoke::Error>(())
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn profile(&self, inputs: &[ArrayViewD<'_, f32>], repetitions: usize) -> Result<Profile> {
        match &self.engine {
            Engine::Gpu(engine) => engine.profile(inputs, repetitions.max(1)),
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(engine) => engine.profile(inputs, repetitions.max(1)),
            Engine::Reference => Err(Error::unsupported(NAME, "the reference has no kernels to profile")),
        }
    }

    fn run_reference(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        let answers = self.answers(inputs)?;
        Ok(answers.iter().map(Answer::to_f32).collect())
    }

    /// What the outputs should be, with the bound on how far a correct run may be from it: the reference, whatever the session's
    /// backend. The bound is that of a run in the session's precision; with [`Precision::F16`] it counts the rounding of inputs, of
    /// the weights that the passes left, and of every operator's output, and what is past the largest 16-bit float is infinite.
    ///
    /// Errors: the number of inputs and shapes that an operator refuses.
    pub fn answers(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<Answer>> {
        let mut winograd = Winograd::Small;
        if let Engine::Gpu(engine) = &self.engine {
            if engine.precision != Precision::F32 {
                return engine.answers(inputs);
            }
            winograd = engine.gpu.winograd();
        }
        answers(&self.graph, inputs, Precision::F32, winograd)
    }
}

/// How a layer of a session is computed. Made by [`Session::kernel_choices`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerChoice {
    /// The node's name.
    pub node: String,
    /// What is computed.
    pub layer: LayerSignature,
    /// How it is computed.
    pub choice: KernelChoice,
    /// Whether a tuning plan says so, and not a rule.
    pub is_tuned: bool,
}

/// A session's plan with its inputs on the GPU: what remains of a run is the dispatches. For benchmarks, and for inputs
/// that change seldom.
#[derive(Debug)]
pub struct Resident<'a> {
    engine: &'a GpuEngine,
    plan: Arc<Mutex<Plan>>,
}

impl Resident<'_> {
    /// Submits the dispatches and returns at once; [`Gpu::wait`](crate::Gpu::wait) waits for them.
    pub fn run(&self) -> Result<()> {
        let plan = lock(&self.plan);
        plan.executable.submit(&self.engine.gpu.context)
    }

    /// Submits so many runs at once, one after another.
    #[cfg(all(feature = "tune", not(target_family = "wasm")))]
    pub(crate) fn run_times(&self, times: usize) -> Result<()> {
        let context = &self.engine.gpu.context;
        let plan = lock(&self.plan);
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("convoke.runs"),
        });
        for _ in 0..times {
            plan.executable.encode(&mut encoder);
        }
        context.queue.submit([encoder.finish()]);
        context.check()
    }

    /// Reads the outputs of the last run.
    #[cfg(not(target_family = "wasm"))]
    pub fn read(&self) -> Result<Vec<ArrayD<f32>>> {
        let context = &self.engine.gpu.context;
        let plan = lock(&self.plan);
        let encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("convoke.read"),
        });
        match plan.finish(context, encoder, plan.staging.as_ref())? {
            None => plan.split(&[]),
            Some(readback) => readback.finish_blocking(context, |parts| plan.split(parts))?,
        }
    }

    /// How many kernel calls a run is.
    pub fn dispatches(&self) -> usize {
        lock(&self.plan).executable.dispatches()
    }

    /// What the buffers take.
    pub fn memory(&self) -> Memory {
        lock(&self.plan).executable.memory()
    }
}
