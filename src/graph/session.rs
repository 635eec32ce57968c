//! Sessions: a graph made ready for one backend, run any number of times.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ndarray::{ArrayD, ArrayViewD};

use super::answers::answers;
use super::gpu::Tunable;
use super::plan::split_outputs;
#[cfg(not(target_family = "wasm"))]
use super::profile::Profile;
use super::ready::{Engine, Planned, Settings, Shared};
use super::resident::{LayerChoice, Resident};
use super::source::Source;
#[cfg(not(target_family = "wasm"))]
use super::verify::Check;
use super::{Graph, NAME, Pass};
use crate::backend::Backend;
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::error::{Error, Result, ensure};
use crate::gpu::TuningPlan;
use crate::lock::lock;
use crate::precision::Precision;
use crate::reference::{Answer, Winograd};

/// A graph or a model made ready for one backend. Weights are uploaded once, and sessions on one [`Gpu`](crate::Gpu) share those
/// that are equal; for each set of input shapes the kernels are compiled, buffers shared and bindings made once. A later run
/// with the same shapes writes its inputs, submits once and reads back.
///
/// [`Session::new`] takes a graph. A graph that was made from an ONNX model for certain input shapes refuses all others;
/// `Session::from_model` (feature `onnx`) takes the model itself and makes a graph for whatever shapes come.
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

impl Session {
    /// Makes a graph ready, with all passes. Nothing is compiled before the first run or [`prepare`](Self::prepare), since
    /// shapes are not known.
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
        Self::from_source(Source::Graph(Arc::new(graph)), Settings::new(backend, passes))
    }

    /// Makes ready what graphs come from.
    pub(crate) fn from_source(source: Source, settings: Settings) -> Result<Self> {
        let shared = Arc::new(Shared::new(source, settings)?);
        Ok(Self { shared })
    }

    /// Sets for how many sets of input shapes plans are kept, 8 if this is not called, and at least 1. One more takes the
    /// place of the one that was used least recently; its memory is free when no run of it is under way.
    #[must_use]
    pub fn keep_plans(self, plans: usize) -> Self {
        self.shared.settings.plans_kept.store(plans, Ordering::Relaxed);
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
    pub fn precision(self, precision: Precision) -> Result<Self> {
        let backend = &self.shared.settings.backend;
        if let Backend::Gpu(gpu) = backend {
            gpu.check_precision(NAME, precision)?;
        } else if precision != Precision::F32 {
            return Err(Error::unsupported(
                NAME,
                format!("{precision} needs a GPU (a software adapter will do), and the backend is {backend}"),
            ));
        }
        if precision == self.shared.settings.precision {
            return Ok(self);
        }
        let settings = Settings {
            precision,
            ..self.shared.settings.clone()
        };
        let source = self.shared.source.clone();
        // The memory of what was stored before is free for what comes.
        drop(self);
        if let Backend::Gpu(gpu) = &settings.backend {
            gpu.context.pool.clear();
        }
        Self::from_source(source, settings)
    }

    /// Computes layers as a tuning plan says, from the first run on. Layers that it does not name, those of other shapes among
    /// them, follow the rules, as without a plan; [`kernel_choices`](Self::kernel_choices) tells which is which.
    ///
    /// Errors: as [`Gpu::with_tuning`](crate::Gpu::with_tuning); a session that has run already; `Unsupported` on a backend
    /// without a GPU.
    pub fn with_tuning(self, plan: &TuningPlan) -> Result<Self> {
        let tuned = self.tuned(plan)?;
        ensure!(
            !self.shared.has_plans(),
            NAME,
            "a tuning plan is expected before the first run of a session, and it has run already"
        );
        Self::from_source(self.shared.source.clone(), tuned)
    }

    /// The settings with kernels as a plan says.
    fn tuned(&self, plan: &TuningPlan) -> Result<Settings> {
        let Backend::Gpu(gpu) = &self.shared.settings.backend else {
            return Err(Error::unsupported(
                NAME,
                "tuning plans are of GPUs, and this session's backend is none",
            ));
        };
        Ok(Settings {
            backend: Backend::Gpu(gpu.with_tuning(plan)?),
            ..self.shared.settings.clone()
        })
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
        Self::from_source(self.shared.source.clone(), self.tuned(plan)?)
    }

    /// The layers that several kernels could compute, with all that is needed to run one by itself.
    pub(crate) fn tunable(&self, inputs: &[&[usize]]) -> Result<Vec<Tunable>> {
        match &self.shared.ready(&owned(inputs))?.engine {
            Engine::Gpu(engine) => engine.tunable(inputs),
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(_) => Err(Error::unsupported(NAME, "kernels are chosen on GPUs")),
            Engine::Reference => Err(Error::unsupported(NAME, "kernels are chosen on GPUs")),
        }
    }

    /// The graph that runs for these shapes of the inputs, before any pass.
    ///
    /// Errors: the number of inputs; shapes that the graph or the model refuses.
    pub fn graph(&self, inputs: &[&[usize]]) -> Result<Arc<Graph>> {
        Ok(Arc::clone(&self.shared.ready(&owned(inputs))?.graph))
    }

    /// The names of the outputs, in their order.
    pub fn outputs(&self) -> Vec<String> {
        match &self.shared.source {
            Source::Graph(graph) => graph.outputs.iter().map(|&value| graph.name(value).to_owned()).collect(),
            Source::Model(model) => model.outputs(),
        }
    }

    /// Plans and compiles for these shapes of the inputs, so that the next run with them, awaited or not, makes nothing.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::Activation};
    /// use ndarray::ArrayD;
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Activation::Relu, &[x])?;
    /// graph.output(relu)?;
    /// let session = Session::new(graph, &Backend::auto())?;
    /// session.prepare(&[&[8, 3]])?;
    /// let outputs = session.run(&[ArrayD::from_elem(vec![8, 3], -1.0).view()])?;
    /// assert_eq!(outputs[0].sum(), 0.0);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: the number of inputs, a shape that an operator refuses, and what the GPU may report.
    pub fn prepare(&self, inputs: &[&[usize]]) -> Result<()> {
        self.shared.prepare(&owned(inputs))
    }

    /// [`prepare`](Self::prepare), awaited: natively another thread does it. In a browser compiling is the browser's, and
    /// planning takes the one thread that there is.
    ///
    /// Errors: as [`prepare`](Self::prepare).
    pub async fn prepare_async(&self, inputs: &[&[usize]]) -> Result<()> {
        let shapes = owned(inputs);
        #[cfg(not(target_family = "wasm"))]
        {
            let shared = Arc::clone(&self.shared);
            elsewhere(on_a_thread, move || shared.prepare(&shapes)).await
        }
        #[cfg(target_family = "wasm")]
        self.shared.prepare(&shapes)
    }

    /// Runs the graph on these inputs and waits for its outputs.
    ///
    /// Errors: the number of inputs, a shape that an operator refuses, and what the GPU may report.
    #[cfg(not(target_family = "wasm"))]
    pub fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match self.shared.planned(&shapes_of(inputs))? {
            Planned::Gpu { gpu, plan } => {
                let plan = lock(&plan);
                match plan.start(&gpu.context, inputs)? {
                    None => plan.split(&[]),
                    Some(readback) => readback.finish_blocking(&gpu.context, |parts| plan.split(parts))?,
                }
            }
            Planned::Host(ready) => ready.run(inputs),
        }
    }

    /// Runs the graph on these inputs, awaited. Each call has its own staging memory, so that several may be under way; it is
    /// used again when the call is over.
    ///
    /// Natively the calling thread waits for nothing but a plan that another thread is running just then: what a first run has to
    /// make, another thread makes; one thread for each device waits for results; and the CPU and the reference compute on the
    /// pool of threads, from a copy of the inputs. In a browser the reference computes on the one thread that there is,
    /// which has its turn after every operator.
    ///
    /// Errors: as [`run`](Self::run).
    pub async fn run_async(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        let shapes = shapes_of(inputs);
        #[cfg(not(target_family = "wasm"))]
        let planned = match self.shared.known(&shapes) {
            _ if !matches!(self.shared.settings.backend, Backend::Gpu(_)) => return self.run_on_the_pool(shapes, inputs).await,
            Some(planned) => planned,
            None => {
                let shared = Arc::clone(&self.shared);
                elsewhere(on_a_thread, move || shared.planned(&shapes)).await?
            }
        };
        #[cfg(target_family = "wasm")]
        let planned = self.shared.planned(&shapes)?;
        match planned {
            Planned::Gpu { gpu, plan } => {
                let context = &gpu.context;
                // The lock is let go before the first await: the queue orders what was submitted.
                let (readback, staging, split) = {
                    let mut plan = lock(&plan);
                    let staging = plan.spare_staging(context)?;
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
            #[cfg(not(target_family = "wasm"))]
            Planned::Host(ready) => ready.run(inputs),
            #[cfg(target_family = "wasm")]
            Planned::Host(ready) => ready.run_by_turns(inputs).await,
        }
    }

    /// A run on the host, by other threads.
    #[cfg(not(target_family = "wasm"))]
    async fn run_on_the_pool(&self, shapes: Vec<Vec<usize>>, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        let inputs: Vec<ArrayD<f32>> = inputs.iter().map(ArrayViewD::to_owned).collect();
        let shared = Arc::clone(&self.shared);
        let run = move || {
            let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
            shared.ready(&shapes)?.run(&views)
        };
        #[cfg(feature = "cpu")]
        let spawn = |work| {
            self.shared.spawn(work);
            Ok(())
        };
        // Without a pool.
        #[cfg(not(feature = "cpu"))]
        let spawn = on_a_thread;
        elsewhere(spawn, run).await
    }

    /// Uploads inputs once, for runs that stay on the GPU. Another run of this session with inputs of the same shapes
    /// replaces them.
    ///
    /// Errors: as [`run`](Self::run); `Unsupported` on a backend without a GPU.
    pub fn resident(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Resident> {
        let Planned::Gpu { gpu, plan } = self.shared.planned(&shapes_of(inputs))? else {
            return Err(Error::unsupported(NAME, "resident runs need a GPU"));
        };
        lock(&plan).write_inputs(&gpu.context, inputs)?;
        Ok(Resident { gpu, plan })
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
        match &self.shared.ready(&shapes_of(inputs))?.engine {
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
        match &self.shared.ready(&shapes_of(inputs))?.engine {
            Engine::Gpu(engine) => engine.profile(inputs, repetitions.max(1)),
            #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
            Engine::Cpu(engine) => engine.profile(inputs, repetitions.max(1)),
            Engine::Reference => Err(Error::unsupported(NAME, "the reference has no kernels to profile")),
        }
    }

    /// What the outputs should be, with the bound on how far a correct run may be from it: the reference, whatever the session's
    /// backend. The bound is that of a run in the session's precision; with [`Precision::F16`] it counts the rounding of inputs, of
    /// the weights that the passes left, and of every operator's output, and what is past the largest 16-bit float is infinite.
    ///
    /// Errors: the number of inputs and shapes that an operator refuses.
    pub fn answers(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<Answer>> {
        let ready = self.shared.ready(&shapes_of(inputs))?;
        let mut winograd = Winograd::Small;
        if let Engine::Gpu(engine) = &ready.engine {
            if self.shared.settings.precision != Precision::F32 {
                return engine.answers(&ready.graph, inputs);
            }
            winograd = engine.gpu.winograd();
        }
        answers(&ready.graph, inputs, Precision::F32, winograd)
    }
}

/// The arrays' shapes.
fn shapes_of(inputs: &[ArrayViewD<'_, f32>]) -> Vec<Vec<usize>> {
    inputs.iter().map(|array| array.shape().to_vec()).collect()
}

/// Shapes as keys of what is kept.
fn owned(shapes: &[&[usize]]) -> Vec<Vec<usize>> {
    shapes.iter().map(|shape| shape.to_vec()).collect()
}
