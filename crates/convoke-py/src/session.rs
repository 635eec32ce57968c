//! Sessions: a model made ready for one backend.

use std::path::PathBuf;
use std::time::Duration;

use convoke::gpu::TuningPlan;
use convoke::graph::Pass;
use convoke::profiling::LayerProfile;
use convoke::reference::Answer;
use convoke::session::Check;
use convoke::{Error, Fallback, Precision, TensorView};
use numpy::{IntoPyArray, PyArrayDyn};
use pyo3::prelude::*;

use crate::array::{Array, to_list, views};
use crate::backend::{Backend, of_this_process};
use crate::error::to_python;
use crate::interrupt::watched;
use crate::model::Model;

/// A session, of this process and no other.
#[pyclass(frozen, module = "convoke._convoke")]
pub(crate) struct Session {
    session: convoke::Session,
    process: u32,
}

/// What an output should be, and how far each element may be from it.
#[derive(IntoPyObject)]
pub(crate) struct Expected<'py> {
    dtype: &'static str,
    values: Bound<'py, PyArrayDyn<f64>>,
    bound: Bound<'py, PyArrayDyn<f64>>,
}

pub(crate) fn expected_of(py: Python<'_>, answers: Vec<Answer>) -> Vec<Expected<'_>> {
    let expected = |answer: Answer| Expected {
        dtype: answer.dtype.name(),
        values: answer.values.into_pyarray(py),
        bound: answer.bound.into_pyarray(py),
    };
    answers.into_iter().map(expected).collect()
}

/// What came of checking one operator.
#[derive(IntoPyObject)]
struct Checked {
    node: String,
    operator: &'static str,
    shape: Vec<usize>,
    mismatch: Option<String>,
}

impl From<Check> for Checked {
    fn from(check: Check) -> Self {
        Self {
            node: check.node,
            operator: check.operator,
            shape: check.shape,
            mismatch: check.mismatch.map(|mismatch| mismatch.to_string()),
        }
    }
}

/// An operator that the CPU computes in a session on a GPU.
#[derive(IntoPyObject)]
struct OnCpu {
    node: String,
    operator: &'static str,
    reason: String,
}

/// What a run spends its time on. Times are seconds.
#[derive(IntoPyObject)]
struct Profile {
    timing: String,
    repetitions: usize,
    ceiling_gflops: f64,
    ceiling_gbs: f64,
    kernels: f64,
    dispatches: f64,
    run: f64,
    layers: Vec<Layer>,
}

#[derive(IntoPyObject)]
struct Layer {
    node: String,
    operator: &'static str,
    inputs: Vec<Vec<usize>>,
    outputs: Vec<Vec<usize>>,
    kernels: Vec<(&'static str, f64)>,
    seconds: f64,
    flops: u64,
    bytes: u64,
    gflops: f64,
    gbs: f64,
    share: f64,
    of_ceiling: f64,
    above_ceiling: Option<String>,
}

impl From<convoke::profiling::Profile> for Profile {
    fn from(profile: convoke::profiling::Profile) -> Self {
        let layer = |layer: &LayerProfile| Layer {
            node: layer.node.clone(),
            operator: layer.operator,
            inputs: layer.inputs.clone(),
            outputs: layer.outputs.clone(),
            kernels: layer
                .kernels
                .iter()
                .map(|kernel| (kernel.name, kernel.time.as_secs_f64()))
                .collect(),
            seconds: layer.time.as_secs_f64(),
            flops: layer.flops,
            bytes: layer.bytes,
            gflops: layer.gflops(),
            gbs: layer.gbs(),
            share: profile.share(layer),
            of_ceiling: profile.efficiency(layer),
            above_ceiling: profile.excess(layer).map(|excess| excess.to_string()),
        };
        Self {
            timing: profile.timing.to_string(),
            repetitions: profile.repetitions,
            ceiling_gflops: profile.ceilings.gflops,
            ceiling_gbs: profile.ceilings.gbs,
            kernels: Duration::as_secs_f64(&profile.kernels()),
            dispatches: profile.dispatches.as_secs_f64(),
            run: profile.run.as_secs_f64(),
            layers: profile.layers.iter().map(layer).collect(),
        }
    }
}

pub(crate) fn precision(name: &str) -> PyResult<Precision> {
    match name {
        "f32" => Ok(Precision::F32),
        "f16" => Ok(Precision::F16),
        _ => Err(one_of("precision", "f32 or f16", name)),
    }
}

fn fallback(name: &str) -> PyResult<Fallback> {
    match name {
        "never" => Ok(Fallback::Never),
        "too_large" => Ok(Fallback::TooLarge),
        "always" => Ok(Fallback::Always),
        _ => Err(one_of("fallback", "never, too_large or always", name)),
    }
}

pub(crate) fn one_of(what: &str, expected: &str, got: &str) -> PyErr {
    to_python(Error::invalid(
        "session",
        format!("{what}: expected {expected}, but got {got:?}"),
    ))
}

impl Session {
    /// The session, in the process that it was made in.
    fn here(&self) -> PyResult<&convoke::Session> {
        of_this_process(self.process)?;
        Ok(&self.session)
    }

    /// Does something with the session and views of arrays while other threads of Python run.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        inputs: &[Array<'_>],
        work: impl FnOnce(&convoke::Session, &[TensorView<'_>]) -> convoke::Result<T> + Send,
    ) -> PyResult<T> {
        let (session, inputs) = (self.here()?, views(inputs));
        py.detach(|| work(session, &inputs)).map_err(to_python)
    }
}

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (model, backend, *, precision, fallback, optimize, tuning_plan, plans_kept))]
    fn new(
        py: Python<'_>,
        model: &Model,
        backend: &Backend,
        precision: &str,
        fallback: &str,
        optimize: bool,
        tuning_plan: Option<PathBuf>,
        plans_kept: usize,
    ) -> PyResult<Self> {
        let mut builder = convoke::Session::builder()
            .backend(backend.here()?.clone())
            .precision(self::precision(precision)?)
            .fallback(self::fallback(fallback)?)
            .passes(if optimize { &Pass::ALL } else { &[] })
            .keep_plans(plans_kept);
        if let Some(path) = tuning_plan {
            builder = builder.tuning(&TuningPlan::open(path).map_err(to_python)?);
        }
        Ok(Self {
            session: py.detach(|| builder.build(model.0.clone())).map_err(to_python)?,
            process: std::process::id(),
        })
    }

    /// Runs on inputs in the model's order.
    fn run<'py>(&self, py: Python<'py>, inputs: Vec<Array<'py>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let outputs = self.with(py, &inputs, |session, views| session.run_tensors(views))?;
        to_list(py, outputs)
    }

    /// Makes ready for these shapes.
    fn prepare(&self, py: Python<'_>, shapes: Vec<Vec<usize>>) -> PyResult<()> {
        let session = self.here()?;
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        py.detach(|| session.prepare(&shapes)).map_err(to_python)
    }

    /// What the CPU computes for these shapes.
    fn on_cpu(&self, py: Python<'_>, shapes: Vec<Vec<usize>>) -> PyResult<Vec<OnCpu>> {
        let session = self.here()?;
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let found = py.detach(|| session.on_cpu(&shapes)).map_err(to_python)?;
        let owned = |found: convoke::session::OnCpu| OnCpu {
            node: found.node,
            operator: found.operator,
            reason: found.reason,
        };
        Ok(found.into_iter().map(owned).collect())
    }

    /// What the outputs should be, with the bound of each element.
    fn expected<'py>(&self, py: Python<'py>, inputs: Vec<Array<'py>>) -> PyResult<Vec<Expected<'py>>> {
        let answers = self.with(py, &inputs, |session, views| session.answers(views))?;
        Ok(expected_of(py, answers))
    }

    /// Checks every operator against the reference.
    fn verify<'py>(&self, py: Python<'py>, inputs: Vec<Array<'py>>, observer: Option<Py<PyAny>>) -> PyResult<Vec<Checked>> {
        let (session, views) = (self.here()?, views(&inputs));
        let checked = watched(py, observer, |watch| {
            session.verified_before(&views, &mut |check| watch.tell(&check.node, 0.0))
        });
        let (checks, _) = checked?.map_err(to_python)?;
        Ok(checks.into_iter().map(Checked::from).collect())
    }

    /// Measures each operator.
    fn profile(&self, py: Python<'_>, inputs: Vec<Array<'_>>, repetitions: usize) -> PyResult<Profile> {
        let profile = self.with(py, &inputs, |session, views| session.profile(views, repetitions))?;
        Ok(profile.into())
    }
}
