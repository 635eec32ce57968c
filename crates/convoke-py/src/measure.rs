//! Benchmarks and tuning.

use convoke::{Backend as Library, Error};
use convoke_bench::{Case, Environment, ModelFile, Opened, Rule, Sweep, html, measure, table};
use convoke_tune::Tuner;
use pyo3::prelude::*;

use crate::backend::Backend;
use crate::error::to_python;
use crate::interrupt::watched;
use crate::model::{Given, Model, shapes};
use crate::session::{one_of, precision};

/// What was measured: for programs, for a terminal and for a browser.
#[derive(IntoPyObject)]
pub(crate) struct Measured {
    json: String,
    table: String,
    html: String,
    failed: bool,
}

/// Measures a model on backends side by side.
#[pyfunction]
#[pyo3(signature = (model, name, content, backends, given, *, sweep, rule, observer))]
pub(crate) fn bench(
    py: Python<'_>,
    model: &Model,
    name: &str,
    content: &[u8],
    backends: Vec<(String, Bound<'_, Backend>, String)>,
    given: Given,
    sweep: Option<(String, Vec<usize>)>,
    rule: (f64, f64),
    observer: Option<Py<PyAny>>,
) -> PyResult<Measured> {
    let mut opened = Vec::new();
    for (kind, backend, stored) in &backends {
        let backend = backend.get().here()?.clone();
        let backend = Opened::open(kind, || Ok(backend)).map_err(to_python)?;
        opened.push(backend.precision(precision(stored)?));
    }
    let sweep = sweep
        .map(|(what, sizes)| Ok::<_, PyErr>((sweep_of(&what)?, sizes)))
        .transpose()?;
    let sweep = sweep.as_ref().map(|(what, sizes)| (*what, sizes.as_slice()));
    let given: Vec<(String, Vec<usize>)> = given.into_iter().collect();
    let rule = Rule {
        precision: rule.0,
        max_time: rule.1,
    };
    let file = ModelFile::new(name, content);
    let work = watched(py, observer, |watch| {
        let case = Case::model(name, &model.0, 0.0, &given, sweep)?;
        let mut observe = |progress: convoke_bench::Progress| watch.tell(&progress.message, progress.done);
        let report = measure(Environment::read(), Some(file), &[case], &opened, rule, &mut observe);
        Ok(Measured {
            json: report.to_json()?,
            table: table(&report),
            html: html(&report, None)?,
            failed: report.has_failed(),
        })
    });
    work?.map_err(to_python)
}

fn sweep_of(name: &str) -> PyResult<Sweep> {
    match name {
        "batch" => Ok(Sweep::Batch),
        "size" => Ok(Sweep::Size),
        _ => Err(one_of("sweep", "batch or size", name)),
    }
}

/// Measures which kernels are fastest, and gives the plan as JSON.
#[pyfunction]
pub(crate) fn tune(
    py: Python<'_>,
    model: &Model,
    backend: &Backend,
    given: Given,
    max_time: f64,
    observer: Option<Py<PyAny>>,
) -> PyResult<String> {
    let backend = backend.here()?;
    let Library::Gpu(gpu) = backend else {
        let message = format!("kernels of GPUs are tuned, and the backend is {backend}");
        return Err(to_python(Error::unsupported("tune", message)));
    };
    let shapes = shapes(&given);
    let work = watched(py, observer, |watch| {
        let inputs = model.0.input_shapes(&shapes)?;
        let inputs: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        let graph = model.0.graph(&shapes)?;
        let mut observe = |progress: convoke_bench::Progress| watch.tell(&progress.message, progress.done);
        let report = Tuner::new(gpu).max_time(max_time).tune(&graph, &inputs, &mut observe)?;
        report.plan.to_json()
    });
    work?.map_err(to_python)
}
