//! Sessions: a graph made ready for one backend, run any number of times.

mod backend;
#[cfg(not(target_family = "wasm"))]
mod batches;
mod builder;
#[cfg(not(target_family = "wasm"))]
mod certificate;
mod compiled;
mod constants;
mod fallback;
#[cfg(feature = "onnx")]
mod referee;
mod shared;
mod staged;
#[cfg(not(target_family = "wasm"))]
mod stream;
#[cfg(test)]
mod tests;
mod verify;

#[cfg(not(target_family = "wasm"))]
use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD};

/// For tests: a compiled model that was changed, with its checksums made right again.
#[doc(hidden)]
pub use crate::compiled::sealed as sealed_compiled;
pub use backend::Backend;
#[cfg(not(target_family = "wasm"))]
pub use batches::{BatchCounts, BatchOptions, Batches};
pub use builder::SessionBuilder;
#[cfg(not(target_family = "wasm"))]
pub use certificate::{Certificate, CertifiedChoice, CertifiedKernel, CertifiedOperator, CertifiedTensor, Subject};
pub use fallback::{Fallback, OnCpu};
#[cfg(feature = "onnx")]
pub use referee::{Judgement, Verdict};
#[cfg(not(target_family = "wasm"))]
pub use stream::{Latencies, Stream, StreamAnswer, StreamOptions, WhenFull};
pub use verify::Check;

use crate::cancel::{CancelToken, Watch};
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::engine::{Evaluation, run_here, shapes_of, unsupported};
#[cfg(not(target_family = "wasm"))]
use crate::error::ensure;
use crate::error::{Error, Result};
use crate::gpu::TuningPlan;
use crate::gpu::{LayerChoice, Resident};
use crate::graph::passes::Passes;
use crate::graph::{Graph, Kind, Pass, ValueInfo};
#[cfg(feature = "onnx")]
use crate::onnx::{Model, Shapes};
use crate::precision::Precision;
use crate::profiling::Profile;
use crate::reference::{Answer, answers};
use crate::tensor::{Tensor, TensorView};
#[cfg(target_family = "wasm")]
use crate::turn::Turns;
use constants::constants;
use shared::{Ready, Settings, Shared};
use verify::check_values;

/// A graph or a model made ready for one backend. Weights are uploaded once, and sessions on one [`Gpu`](crate::Gpu) share those
/// that are equal; for each set of input shapes the kernels are compiled, buffers shared and bindings made once. A later run
/// with the same shapes writes its inputs, submits once and reads back.
///
/// [`Session::new`] takes a graph. A graph that was made from an ONNX model for certain input shapes refuses all others;
/// `Session::from_model` (feature `onnx`) takes the model itself and makes a graph for whatever shapes come.
///
/// Cheap to clone: weights, plans and all else are shared.
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
    /// What stops its runs.
    token: Option<CancelToken>,
}

impl Session {
    /// The same session, whose runs, awaited or not, and whose planning stop when the token is cancelled: on the CPU within some
    /// milliseconds, on a GPU between kernels of a run that takes long, and while it is waited for. They give [`Error::Cancelled`];
    /// other runs are as if nothing had been. In a browser, what a run has begun on a GPU is waited for.
    pub fn until(&self, token: &CancelToken) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            token: Some(token.clone()),
        }
    }

    /// This session, or where its GPU is lost the same one made anew on another device of the same adapter: its graph or model with all
    /// weights is kept on the host. Sessions of one lost device come to be on one device again.
    ///
    /// ```
    /// use convoke::{Backend, Error, Session, graph::Graph, ops::Unary};
    /// use ndarray::ArrayD;
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Unary::Relu, &[x])?;
    /// graph.output(relu)?;
    /// let mut session = Session::new(graph, &Backend::auto())?;
    /// let input = ArrayD::from_elem(vec![8, 3], -1.0);
    /// let outputs = match session.run(&[input.view()]) {
    ///     Err(Error::DeviceLost(_)) => {
    ///         session = session.recover()?;
    ///         session.run(&[input.view()])?
    ///     }
    ///     outcome => outcome?,
    /// };
    /// assert_eq!(outputs[0].sum(), 0.0);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: as [`Gpu::reopened`](crate::Gpu::reopened) and [`SessionBuilder::build`].
    #[cfg(not(target_family = "wasm"))]
    pub fn recover(&self) -> Result<Self> {
        let settings = match &self.shared.settings.backend {
            Backend::Gpu(gpu) if gpu.is_lost() => Settings {
                backend: Backend::Gpu(gpu.reopened()?),
                ..self.shared.settings.clone()
            },
            _ => return Ok(self.clone()),
        };
        let recovered = Self::from_source(self.shared.source.clone(), settings)?;
        Ok(Self {
            token: self.token.clone(),
            ..recovered
        })
    }

    /// Awaits something that the token stops.
    async fn watching<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.token {
            Some(token) => Watch::current().until(token).awaiting(work).await,
            None => work.await,
        }
    }

    /// Does something that the token stops.
    fn watched<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.token {
            Some(token) => Watch::current().until(token).entered(work),
            None => work(),
        }
    }

    /// How each layer that several kernels could compute would be computed for these shapes of the inputs, in the order that
    /// they run. Nothing is compiled.
    ///
    /// Errors: the number of inputs, a shape that an operator refuses; `Unsupported` on a backend without a GPU.
    pub fn kernel_choices(&self, inputs: &[&[usize]]) -> Result<Vec<LayerChoice>> {
        let ready = self.ready(&owned(inputs))?;
        ready.gpu("choices of kernels")?.kernel_choices(inputs)
    }

    /// The operators that the CPU computes for these shapes of the inputs, where that is allowed ([`SessionBuilder::fallback`]).
    ///
    /// Errors: as [`prepare`](Self::prepare).
    pub fn on_cpu(&self, inputs: &[&[usize]]) -> Result<Vec<OnCpu>> {
        let shapes = owned(inputs);
        let ready = self.ready(&shapes)?;
        ready.check_whole("the operators on the CPU")?;
        let engine = ready.fallback.as_ref();
        engine.map_or(Ok(Vec::new()), |engine| engine.on_cpu(&shapes))
    }

    /// A second session of the same graph, computed as another tuning plan says. The weights are the same memory.
    ///
    /// Errors: as [`Gpu::with_tuning`](crate::Gpu::with_tuning); `Unsupported` on a backend without a GPU.
    pub fn retuned(&self, plan: &TuningPlan) -> Result<Self> {
        let Backend::Gpu(gpu) = &self.shared.settings.backend else {
            return Err(unsupported("tuning plans are of GPUs, and this session's backend is none"));
        };
        let settings = Settings {
            backend: Backend::Gpu(gpu.with_tuning(plan)?),
            ..self.shared.settings.clone()
        };
        Self::from_source(self.shared.source.clone(), settings)
    }

    /// The graph that runs for these shapes of the inputs, before any pass: the first one of a model that runs in stages.
    ///
    /// Errors: the number of inputs; shapes that the graph or the model refuses.
    pub fn graph(&self, inputs: &[&[usize]]) -> Result<Arc<Graph>> {
        Ok(Arc::clone(&self.ready(&owned(inputs))?.graph))
    }

    /// The inputs in their order: names, and what is declared of their types and shapes.
    pub fn inputs(&self) -> Vec<ValueInfo> {
        match &self.shared.source.0 {
            Kind::Graph(graph) => graph.inputs.iter().map(|&input| graph.input_info(input)).collect(),
            Kind::Model(model) => model.inputs(),
        }
    }

    /// The outputs in their order: names, and what is declared of their types and shapes.
    pub fn outputs(&self) -> Vec<ValueInfo> {
        match &self.shared.source.0 {
            Kind::Graph(graph) => graph.outputs.iter().map(|&output| graph.output_info(output)).collect(),
            Kind::Model(model) => model.outputs(),
        }
    }

    /// Plans and compiles for these shapes of the inputs, so that the next run with them, awaited or not, makes nothing.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::Unary};
    /// use ndarray::{ArrayD, ArrayViewD};
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Unary::Relu, &[x])?;
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
        self.watched(|| self.shared.prepare(&owned(inputs)))
    }

    /// [`prepare`](Self::prepare), awaited: natively another thread does it. In a browser compiling is the browser's, and
    /// planning takes the one thread that there is, which has its turn after every weight and every kernel.
    ///
    /// Errors: as [`prepare`](Self::prepare).
    pub async fn prepare_async(&self, inputs: &[&[usize]]) -> Result<()> {
        let shapes = owned(inputs);
        #[cfg(not(target_family = "wasm"))]
        return self.prepare_elsewhere(shapes).await;
        #[cfg(target_family = "wasm")]
        return self.prepare_by_turns(&shapes, &mut Turns::new()).await;
    }

    /// Runs the graph on these inputs and waits for its outputs, all of them `f32`.
    ///
    /// Errors: the number of inputs, a type or shape that the graph or an operator refuses, and what the GPU may report; an output
    /// of another type, which [`run_tensors`](Self::run_tensors) gives.
    #[cfg(not(target_family = "wasm"))]
    pub fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        self.floats(self.run_tensors(inputs)?)
    }

    /// Runs the graph on these inputs and waits for its outputs, of whatever type.
    ///
    /// ```
    /// use convoke::{Backend, DType, Session, TensorView, graph::Graph, ops::Slice};
    /// use ndarray::array;
    ///
    /// let mut graph = Graph::new();
    /// let numbers = graph.input_of_type("numbers", DType::I64);
    /// let rest = graph.node("rest", Slice::new([1], [isize::MAX]), &[numbers])?;
    /// graph.output(rest)?;
    /// let session = Session::new(graph, &Backend::auto())?;
    /// let outputs = session.run_tensors(&[array![7_i64, 8, 9].view()])?;
    /// assert_eq!(outputs[0], array![8_i64, 9].into());
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: as [`run`](Self::run), but for the type of outputs.
    #[cfg(not(target_family = "wasm"))]
    pub fn run_tensors<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Vec<Tensor>> {
        let inputs = views(inputs);
        let ready = self.ready_for(&inputs)?;
        self.watched(|| ready.engine.run(&inputs))
    }

    /// Runs the graph on inputs that are given with their names, in any order, and gives the outputs by theirs. Of outputs of one
    /// name the last is given.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::Binary};
    /// use ndarray::array;
    ///
    /// let mut graph = Graph::new();
    /// let (left, right) = (graph.input("left"), graph.input("right"));
    /// let difference = graph.node("difference", Binary::Sub, &[left, right])?;
    /// graph.output(difference)?;
    /// let session = Session::new(graph, &Backend::auto())?;
    /// assert_eq!(session.inputs()[1].to_string(), "right f32[..]");
    /// let (five, two) = (array![5.0_f32], array![2.0_f32]);
    /// let outputs = session.run_named([("right", &two), ("left", &five)])?;
    /// assert_eq!(outputs["difference"], array![3.0_f32].into());
    /// let error = session.run_named([("right", &two)]).unwrap_err().to_string();
    /// assert!(error.contains("left"));
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: a name that no input has, or that is given twice; an input that is not given; as
    /// [`run_tensors`](Self::run_tensors).
    #[cfg(not(target_family = "wasm"))]
    pub fn run_named<'a, 'n, V: Into<TensorView<'a>>>(
        &self,
        inputs: impl IntoIterator<Item = (&'n str, V)>,
    ) -> Result<BTreeMap<String, Tensor>> {
        let inputs = self.in_order(inputs.into_iter().map(|(name, view)| (name, view.into())))?;
        let outputs = self.run_tensors(&inputs)?;
        let names = self.outputs().into_iter().map(|output| output.name);
        Ok(names.zip(outputs).collect())
    }

    /// Inputs by name in the order of the graph's.
    #[cfg(not(target_family = "wasm"))]
    fn in_order<'a, 'n>(&self, given: impl Iterator<Item = (&'n str, TensorView<'a>)>) -> Result<Vec<TensorView<'a>>> {
        let infos = self.inputs();
        let names = || infos.iter().map(|info| info.name.as_str()).collect::<Vec<_>>().join(", ");
        let mut views: Vec<Option<TensorView<'a>>> = vec![None; infos.len()];
        for (name, view) in given {
            let place = infos.iter().position(|info| info.name == name);
            let place = place.ok_or_else(|| Error::invalid("session", format!("expected inputs {}, but got {name:?}", names())))?;
            ensure!(views[place].is_none(), "session", "input {name:?} is given twice");
            views[place] = Some(view);
        }
        let views = infos.iter().zip(views).map(|(info, view)| {
            view.ok_or_else(|| Error::invalid("session", format!("expected inputs {}, but got no {:?}", names(), info.name)))
        });
        views.collect()
    }

    /// Runs the graph on these inputs, awaited. Each call has its own staging memory, so that several may be under way; it is
    /// used again when the call is over.
    ///
    /// Natively the calling thread waits for nothing but a plan that another thread is running just then: what a first run has to
    /// make, another thread makes; one thread for each device waits for results, and one for each run that takes long, from a copy
    /// of the inputs; and the CPU and the reference compute on the pool of threads, from a copy as well. In a browser the reference
    /// computes on the one thread that there is, which has its turn after every operator.
    ///
    /// Errors: as [`run`](Self::run).
    pub async fn run_async(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        self.floats(self.run_tensors_async(inputs).await?)
    }

    /// [`run_tensors`](Self::run_tensors), awaited as [`run_async`](Self::run_async) is.
    ///
    /// Errors: as [`run_tensors`](Self::run_tensors).
    pub async fn run_tensors_async<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Vec<Tensor>> {
        let inputs = views(inputs);
        let shapes = shapes_of(&inputs);
        if !self.shared.is_prepared(&shapes) {
            #[cfg(not(target_family = "wasm"))]
            self.prepare_elsewhere(shapes).await?;
            #[cfg(target_family = "wasm")]
            self.prepare_by_turns(&shapes, &mut Turns::new()).await?;
        }
        let engine = Arc::clone(&self.ready_for(&inputs)?.engine);
        self.watched(|| engine.start(&inputs))?.await
    }

    /// What runs these inputs, whose types are those that the graph takes.
    fn ready_for(&self, inputs: &[TensorView<'_>]) -> Result<Arc<Ready>> {
        let ready = self.ready(&shapes_of(inputs))?;
        ready.graph.check_types(inputs)?;
        Ok(ready)
    }

    /// What runs with these shapes of the inputs.
    fn ready(&self, shapes: &[Vec<usize>]) -> Result<Arc<Ready>> {
        self.watched(|| self.shared.ready(shapes))
    }

    /// Outputs that are all `f32`.
    fn floats(&self, outputs: Vec<Tensor>) -> Result<Vec<ArrayD<f32>>> {
        let floats = outputs.into_iter().enumerate().map(|(index, output)| {
            let dtype = output.dtype();
            output.into_array().map_err(|_| {
                let name = &self.outputs()[index].name;
                let message = format!("expected outputs of f32, but {name:?} is {dtype}; run_tensors gives outputs of any type");
                Error::invalid("session", message)
            })
        });
        floats.collect()
    }

    /// [`prepare_async`](Self::prepare_async), with `listener` told how many of how many kernels a GPU has compiled.
    #[cfg(target_family = "wasm")]
    pub async fn prepare_heard_async(&self, inputs: &[&[usize]], listener: impl FnMut(usize, usize) + 'static) -> Result<()> {
        self.prepare_by_turns(&owned(inputs), &mut Turns::heard_by(listener)).await
    }

    #[cfg(target_family = "wasm")]
    async fn prepare_by_turns(&self, shapes: &[Vec<usize>], turns: &mut Turns) -> Result<()> {
        self.watching(self.shared.prepare_by_turns(shapes, turns)).await
    }

    #[cfg(not(target_family = "wasm"))]
    async fn prepare_elsewhere(&self, shapes: Vec<Vec<usize>>) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        self.watched(|| elsewhere(on_a_thread, move || shared.prepare(&shapes))).await
    }

    /// Uploads inputs once, for runs that stay on the GPU. Another run of this session with inputs of the same shapes
    /// replaces them.
    ///
    /// Errors: as [`run`](Self::run); `Unsupported` on a backend without a GPU.
    pub fn resident<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Resident> {
        let inputs = views(inputs);
        let ready = self.ready_for(&inputs)?;
        ready.gpu("resident runs")?.resident(&inputs)
    }

    /// Makes a plan for these shapes whose inputs the caller writes on the device and whose outputs it uses there: ONNX Runtime's
    /// `IoBinding`. Nothing else runs it, so that several, each with buffers of its own, may be under way; weights are shared.
    ///
    /// Errors: as [`prepare`](Self::prepare); `Unsupported` on a backend without a GPU.
    pub fn bind(&self, shapes: &[&[usize]]) -> Result<Resident> {
        let shapes = owned(shapes);
        let ready = self.ready(&shapes)?;
        self.watched(|| ready.gpu("bound runs")?.bind(&shapes))
    }

    /// Runs the graph and checks each operator by itself: what the backend made of the operator's inputs, against what the
    /// reference makes of the same inputs, within the derived bound. The first check with a mismatch is where a wrong
    /// answer arises. Operators are those that the passes left; every intermediate result is kept and read back, so this
    /// is slow and takes memory. Errors within the bounds are held against random rounding as well ([`Check::is_suspicious`]).
    ///
    /// Errors: as [`run`](Self::run). A mismatch is no error.
    #[cfg(not(target_family = "wasm"))]
    pub fn verify<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Vec<Check>> {
        Ok(self.verified(inputs)?.0)
    }

    /// [`verify`](Self::verify), with the outputs of the run that was checked.
    ///
    /// Errors: as [`verify`](Self::verify).
    #[cfg(not(target_family = "wasm"))]
    pub fn verified<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<(Vec<Check>, Vec<Tensor>)> {
        self.verified_before(inputs, &mut |_| ())
    }

    /// [`verified`](Self::verified), with somebody who is shown each check as it is made: one takes as long as the reference does.
    ///
    /// Errors: as [`verify`](Self::verify).
    #[cfg(not(target_family = "wasm"))]
    pub fn verified_before<'a>(
        &self,
        inputs: &[impl Into<TensorView<'a>> + Clone],
        observer: &mut dyn FnMut(&Check),
    ) -> Result<(Vec<Check>, Vec<Tensor>)> {
        let inputs = views(inputs);
        let ready = self.ready_for(&inputs)?;
        let evaluated = pollster::block_on(self.evaluated(&ready, &inputs, observer))?;
        Ok((evaluated.checks, evaluated.outputs))
    }

    /// `verified_before` of other targets, awaited: the page has its turn between operators.
    ///
    /// Errors: as a run's. A mismatch is no error.
    #[cfg(target_family = "wasm")]
    pub async fn verified_async<'a>(
        &self,
        inputs: &[impl Into<TensorView<'a>> + Clone],
        observer: &mut dyn FnMut(&Check),
    ) -> Result<(Vec<Check>, Vec<Tensor>)> {
        let inputs = views(inputs);
        let ready = self.ready_for(&inputs)?;
        let evaluated = self.evaluated(&ready, &inputs, observer).await?;
        Ok((evaluated.checks, evaluated.outputs))
    }

    /// The checks of a run, its outputs and the kernels that it was computed by. Pending in a browser only.
    async fn evaluated(&self, ready: &Ready, inputs: &[TensorView<'_>], observer: &mut dyn FnMut(&Check)) -> Result<Evaluated> {
        let evaluations = self.watching(ready.engine.evaluate(inputs)).await?;
        let mut checks = Vec::new();
        for Evaluation { graph, values, .. } in &evaluations {
            let rounding = ready.engine.rounding();
            checks.extend(self.watching(check_values(graph, values, rounding, observer)).await?);
        }
        let outputs = match evaluations.as_slice() {
            [Evaluation { graph, values, .. }] if ready.is_whole => {
                graph.outputs.iter().filter_map(|value| values[value.0].clone()).collect()
            }
            _ => self.watching(run_here(&ready.engine, inputs)).await?,
        };
        Ok(Evaluated {
            checks,
            outputs,
            #[cfg(not(target_family = "wasm"))]
            kernels: evaluations.into_iter().flat_map(|evaluation| evaluation.kernels).collect(),
        })
    }

    /// [`verify`](Self::verify), with a certificate of the run: what ran, where and on what, and how near each operator came, so that
    /// somebody else can repeat it. `observer` sees each check as it is made.
    ///
    /// Errors: as [`verify`](Self::verify); `Unsupported` for a model in which shapes depend on what it computes, for an operator that
    /// [is unchecked](Check::is_unchecked), and for a run that is partly on the CPU ([`SessionBuilder::fallback`]).
    #[cfg(not(target_family = "wasm"))]
    pub fn certify<'a>(
        &self,
        inputs: &[impl Into<TensorView<'a>> + Clone],
        observer: &mut dyn FnMut(&Check),
    ) -> Result<(Vec<Check>, Certificate)> {
        let inputs = views(inputs);
        let ready = self.ready_for(&inputs)?;
        ready.check_whole("certificates")?;
        if ready.fallback.is_some() {
            return Err(unsupported(
                "certificates of a session that may have the CPU compute something",
            ));
        }
        let plan = match &ready.on_gpu {
            Some(engine) => engine.kernel_choices(&inputs.iter().map(TensorView::shape).collect::<Vec<_>>())?,
            None => Vec::new(),
        };
        let evaluated = pollster::block_on(self.evaluated(&ready, &inputs, observer))?;
        if let Some(check) = evaluated.checks.iter().find(|check| check.is_unchecked) {
            let own = format!(
                "certificates of an operator without a reference, {} {:?}",
                check.operator, check.node
            );
            return Err(unsupported(&own));
        }
        let certificate = Certificate::new(&ready.graph, &self.shared.settings, &inputs, &evaluated, &plan);
        Ok((evaluated.checks, certificate))
    }

    /// Measures what a run spends its time on: each operator that the passes left, with the time of its kernel calls, the
    /// least of `repetitions` (1 at least) runs, its arithmetic, its memory traffic, and what the device could do at most,
    /// which is measured as well. Outputs are computed and dropped; later runs are as before.
    ///
    /// Errors: as [`run`](Self::run); `Unsupported` on the reference, which has no kernels.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::{Unary, Conv2d}};
    /// use ndarray::Array4;
    ///
    /// let mut graph = Graph::new();
    /// let image = graph.input("image");
    /// let weight = graph.constant("weight", Array4::<f32>::ones((8, 3, 3, 3)).into_dyn());
    /// let features = graph.node("conv", Conv2d::new(), &[image, weight])?;
    /// let active = graph.node("relu", Unary::Relu, &[features])?;
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
    pub fn profile<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone], repetitions: usize) -> Result<Profile> {
        let inputs = views(inputs);
        let engine = &self.ready_for(&inputs)?.engine;
        pollster::block_on(self.watching(engine.profile(&inputs, repetitions.max(1))))
    }

    /// `profile` of other targets, awaited: the page has its turn between operators. Browsers round times.
    ///
    /// Errors: as a run's; `Unsupported` on the reference, which has no kernels.
    #[cfg(target_family = "wasm")]
    pub async fn profile_async<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone], repetitions: usize) -> Result<Profile> {
        let inputs = views(inputs);
        let engine = &self.ready_for(&inputs)?.engine;
        self.watching(engine.profile(&inputs, repetitions.max(1))).await
    }

    /// What the outputs should be, with the bound on how far a correct run may be from it: the reference, whatever the session's
    /// backend. The bound is that of a run in the session's precision; with [`Precision::F16`] it counts the rounding of inputs, of
    /// the weights that the passes left, and of every operator's output, and what is past the largest 16-bit float is infinite.
    ///
    /// Errors: the number of inputs and shapes that an operator refuses.
    pub fn answers<'a>(&self, inputs: &[impl Into<TensorView<'a>> + Clone]) -> Result<Vec<Answer>> {
        let inputs = views(inputs);
        let ready = self.ready_for(&inputs)?;
        ready.check_whole("expected answers")?;
        let rounding = ready.engine.rounding();
        if rounding.precision == Precision::F32 {
            return answers(&ready.graph, &inputs, rounding);
        }
        // The weights that are rounded are those that the passes left.
        let shapes: Vec<&[usize]> = inputs.iter().map(TensorView::shape).collect();
        answers(&ready.engine.optimized(&ready.graph, &shapes)?, &inputs, rounding)
    }
}

/// What came of a run with every operator checked.
struct Evaluated {
    checks: Vec<Check>,
    outputs: Vec<Tensor>,
    /// The name and the SHA-256 of the WGSL of each kernel that ran.
    #[cfg(not(target_family = "wasm"))]
    kernels: Vec<(String, String)>,
}

fn views<'a>(inputs: &[impl Into<TensorView<'a>> + Clone]) -> Vec<TensorView<'a>> {
    inputs.iter().cloned().map(Into::into).collect()
}

impl Graph {
    /// The graph after these passes, one after another, for these shapes of the inputs if they are known. Inputs and
    /// outputs keep their order. Constants are computed in `f64` and rounded once.
    ///
    /// Errors: what folding a constant operator may give; shapes that an operator refuses.
    pub fn optimized(&self, passes: &[Pass], shapes: Option<&[&[usize]]>) -> Result<Self> {
        Passes::new(passes, constants).apply(self, shapes)
    }
}

#[cfg(feature = "onnx")]
impl Model {
    /// The graph for these shapes, which refuses others. Its inputs and outputs stand in the order of
    /// [`inputs`](Self::inputs), less those that have a value, and [`outputs`](Self::outputs). Constants whose elements are needed
    /// are computed in `f64` and rounded once.
    ///
    /// Errors: [`Error::Unsupported`] with a list of all nodes that are not supported; what
    /// [`input_shapes`](Self::input_shapes) and the operators refuse; a tensor over the budget.
    pub fn graph(&self, shapes: &Shapes) -> Result<Graph> {
        crate::onnx::graph(self, shapes, constants)
    }
}

#[cfg(feature = "onnx")]
impl Model {
    /// Refuses what a session of this model would refuse when it comes to these shapes, before a device is opened. What depends on
    /// what the network computes is looked at when that is there.
    ///
    /// Errors: as [`graph`](Self::graph), but for shapes that depend on what the network computes.
    pub fn check(&self, shapes: &Shapes) -> Result<()> {
        crate::onnx::check(self, shapes, constants)
    }
}

/// Shapes as keys of what is kept.
fn owned(shapes: &[&[usize]]) -> Vec<Vec<usize>> {
    shapes.iter().map(|shape| shape.to_vec()).collect()
}
