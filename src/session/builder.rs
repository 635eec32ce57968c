//! How a session is to be.

#[cfg(feature = "onnx")]
use std::sync::Arc;

use super::Session;
use crate::error::{Error, Result, ensure};
use crate::gpu::TuningPlan;
use crate::graph::passes::Passes;
use crate::graph::{Kind, Pass, Source};
use crate::limits::Limits;
#[cfg(feature = "onnx")]
use crate::onnx::{Model, Shapes};
use crate::precision::Precision;
use crate::session::backend::Backend;
use crate::session::constants::constants;
use crate::session::fallback::Fallback;
use crate::session::shared::{Settings, Shared};

const NAME: &str = "session";

/// How a [`Session`] is to be. Made by [`Session::builder`].
///
/// ```
/// use convoke::{Backend, Precision, Session, graph::Graph, ops::Unary};
/// use ndarray::arr1;
///
/// let mut graph = Graph::new();
/// let x = graph.input("x");
/// let relu = graph.node("relu", Unary::Relu, &[x])?;
/// graph.output(relu)?;
/// match Session::builder().precision(Precision::F16).build(graph) {
///     Ok(session) => {
///         let outputs = session.run(&[arr1(&[1.5_f32, -1.0, 2049.0]).into_dyn().view()])?;
///         assert_eq!(outputs[0].as_slice(), Some(&[1.5, 0.0, 2048.0][..]));
///     }
///     // No adapter, or one without 16-bit floats.
///     Err(error) => assert!(matches!(error, convoke::Error::Unsupported { .. })),
/// }
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionBuilder {
    backend: Option<Backend>,
    passes: Vec<Pass>,
    precision: Precision,
    tuning: Option<TuningPlan>,
    plans_kept: usize,
    fallback: Fallback,
    pub(super) limits: Option<Limits>,
}

impl Default for SessionBuilder {
    fn default() -> Self {
        Self {
            backend: None,
            passes: Pass::ALL.to_vec(),
            precision: Precision::F32,
            tuning: None,
            plans_kept: 8,
            fallback: Fallback::Never,
            limits: None,
        }
    }
}

impl SessionBuilder {
    /// Sets where it runs: [`Backend::auto`] if this is not called.
    pub fn backend(mut self, backend: impl Into<Backend>) -> Self {
        self.backend = Some(backend.into());
        self
    }

    /// Sets the passes that the graph goes through: all, if this is not called. The reference always runs the graph as it is.
    pub fn passes(mut self, passes: &[Pass]) -> Self {
        self.passes = passes.to_vec();
        self
    }

    /// Sets how numbers are stored on the GPU: inputs, weights, and what operators give. Inputs and outputs of runs stay `f32`
    /// arrays.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Has layers computed as a tuning plan says. Layers that it does not name, those of other shapes among them, follow the
    /// rules; [`Session::kernel_choices`] tells which is which.
    pub fn tuning(mut self, plan: &TuningPlan) -> Self {
        self.tuning = Some(plan.clone());
        self
    }

    /// Sets for how many sets of input shapes plans are kept, 8 if this is not called, and at least 1. One more takes the
    /// place of the one that was used least recently; its memory is free when no run of it is under way.
    pub fn keep_plans(mut self, plans: usize) -> Self {
        self.plans_kept = plans;
        self
    }

    /// Sets what the CPU computes in a session on a GPU: nothing, if this is not called. What runs there is logged, and
    /// [`Session::on_cpu`] names it. Such a session has no [`resident`](Session::resident) runs. Other backends compute all or nothing.
    ///
    /// ```
    /// use convoke::{Backend, Fallback, Session, graph::Graph, ops::Unary};
    /// use ndarray::ArrayD;
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Unary::Relu, &[x])?;
    /// graph.output(relu)?;
    /// let session = Session::builder().backend(Backend::auto()).fallback(Fallback::Always).build(graph)?;
    /// let outputs = session.run(&[ArrayD::from_elem(vec![2, 3], -1.0).view()])?;
    /// assert_eq!(outputs[0].sum(), 0.0);
    /// assert!(session.on_cpu(&[&[2, 3]])?.is_empty(), "every GPU computes relu");
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn fallback(mut self, fallback: Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Sets how much of the machine the session may take: what [`Limits`] and the environment's `CONVOKE_LIMITS` say, if this is not
    /// called.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Makes a graph ready, or a model (feature `onnx`). Nothing is compiled before the first run or [`Session::prepare`], since
    /// shapes are not known.
    ///
    /// Errors: a graph without outputs; what uploading the weights may give; `Unsupported` for [`Precision::F16`] and for a
    /// tuning plan on a backend without a GPU, and for [`Precision::F16`] on an adapter without 16-bit floats
    /// ([`AdapterInfo::shader_f16`](crate::gpu::AdapterInfo::shader_f16)); as
    /// [`Gpu::with_tuning`](crate::Gpu::with_tuning) for a tuning plan.
    pub fn build(self, source: impl Into<Source>) -> Result<Session> {
        #[cfg(not(target_family = "wasm"))]
        let backend = self.backend.unwrap_or_else(Backend::auto);
        #[cfg(target_family = "wasm")]
        let backend = self
            .backend
            .ok_or_else(|| Error::invalid(NAME, "expected a backend, but got none; Backend::auto_async finds one"))?;
        let backend = match (self.tuning, backend) {
            (None, backend) => backend,
            (Some(plan), Backend::Gpu(gpu)) => Backend::Gpu(gpu.with_tuning(&plan)?),
            (Some(_), _) => {
                return Err(Error::unsupported(
                    NAME,
                    "tuning plans are of GPUs, and this session's backend is none",
                ));
            }
        };
        if let Backend::Gpu(gpu) = &backend {
            gpu.check_precision(NAME, self.precision)?;
        } else if self.precision != Precision::F32 {
            return Err(Error::unsupported(
                NAME,
                format!(
                    "{} needs a GPU (a software adapter will do), and the backend is {backend}",
                    self.precision
                ),
            ));
        }
        if self.fallback != Fallback::Never && self.precision != Precision::F32 {
            return Err(Error::unsupported(
                NAME,
                format!(
                    "a fallback to the CPU, which computes in f32, with numbers of {}",
                    self.precision
                ),
            ));
        }
        let settings = Settings {
            backend,
            passes: Passes::new(&self.passes, constants),
            precision: self.precision,
            plans_kept: self.plans_kept,
            fallback: self.fallback,
            limits: self.limits.unwrap_or_else(Limits::from_env),
        };
        Session::from_source(source.into(), settings)
    }
}

impl Session {
    /// Chooses how a session is to be.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Makes a graph ready with all passes, in `f32`.
    ///
    /// Errors: as [`SessionBuilder::build`].
    pub fn new(source: impl Into<Source>, backend: &Backend) -> Result<Self> {
        Self::builder().backend(backend.clone()).build(source)
    }

    /// Makes a model ready for whatever shapes its inputs come in. What the file leaves open may be another batch or size in
    /// every run: for each set of input shapes a graph is made of the model and planned, and kept as
    /// [`SessionBuilder::keep_plans`] says; weights are shared. An `Arc` of a model may be given as well, for several sessions.
    ///
    /// ```
    /// use convoke::{Backend, Session, onnx::Model};
    /// use ndarray::Array4;
    ///
    /// let session = Session::from_model(Model::open("models/lenet5.onnx")?, &Backend::auto())?;
    /// for batch in [1, 8, 3] {
    ///     let logits = session.run(&[Array4::<f32>::zeros((batch, 1, 28, 28)).into_dyn().view()])?;
    ///     assert_eq!(logits[0].shape(), [batch, 10]);
    /// }
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: none before the first run or [`prepare`](Self::prepare), which give what
    /// [`Model::graph`](crate::onnx::Model::graph) gives.
    #[cfg(feature = "onnx")]
    pub fn from_model(model: impl Into<Arc<Model>>, backend: &Backend) -> Result<Self> {
        Self::new(model.into(), backend)
    }

    /// As [`from_model`](Self::from_model), with some things fixed: inputs that have a [`value`](Shapes::value) are constants, and
    /// runs read the others, in their order; where extents or shapes are given, others are refused.
    ///
    /// ```
    /// use convoke::{Backend, Session, onnx::{Model, Shapes}};
    /// use ndarray::ArrayD;
    ///
    /// let model = Model::open("tests/data/onnx_node/test_reshape_extended_dims/model.onnx")?;
    /// let fixed = Shapes::new().value("shape", ndarray::array![2_i64, 3, 2, 2].into_dyn());
    /// let session = Session::from_model_with(model, fixed, &Backend::auto())?;
    /// let outputs = session.run(&[ArrayD::zeros(vec![2, 3, 4]).view()])?;
    /// assert_eq!(outputs[0].shape(), [2, 3, 2, 2]);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: as [`from_model`](Self::from_model).
    #[cfg(feature = "onnx")]
    pub fn from_model_with(model: impl Into<Arc<Model>>, fixed: Shapes, backend: &Backend) -> Result<Self> {
        Self::new((model.into(), fixed), backend)
    }

    /// Makes ready what graphs come from.
    pub(crate) fn from_source(source: Source, settings: Settings) -> Result<Self> {
        if let Kind::Graph(graph) = &source.0 {
            ensure!(!graph.outputs.is_empty(), NAME, "the graph has no outputs");
        }
        Ok(Self {
            shared: Shared::new(source, settings)?.into(),
            token: None,
        })
    }
}
