//! Where sessions and operators run.

use std::num::NonZero;
use std::thread::available_parallelism;

use convoke::cpu::Cpu;
use convoke::gpu::{self, AdapterChoice};
use convoke::graph::{Graph, ValueId};
use convoke::{Error, TensorView};
use pyo3::prelude::*;

use crate::array::{Array, to_list, views};
use crate::error::to_python;
use crate::operator::Operator;
use crate::session::{Expected, expected_of};

/// A backend, of this process and no other.
#[pyclass(frozen, module = "convoke._convoke")]
pub(crate) struct Backend {
    backend: convoke::Backend,
    process: u32,
}

/// An adapter, as its driver describes it.
#[derive(IntoPyObject)]
struct Adapter {
    name: String,
    kind: String,
    api: String,
    driver: String,
    pci_bus_id: String,
    shader_f16: bool,
}

/// The adapters that can be reached.
#[pyfunction]
pub(crate) fn adapters(py: Python<'_>) -> Vec<impl IntoPyObject<'_>> {
    let describe = |info: gpu::AdapterInfo| Adapter {
        name: info.name,
        kind: info.kind.to_string(),
        api: info.backend,
        driver: info.driver,
        pci_bus_id: info.pci_bus_id,
        shader_f16: info.shader_f16,
    };
    py.detach(|| gpu::adapters().into_iter().map(describe).collect::<Vec<_>>())
}

/// The CPU with threads of its own: those of the process's common pool are gone after a fork.
fn cpu(threads: Option<usize>) -> convoke::Result<convoke::Backend> {
    let asked = || {
        std::env::var("RAYON_NUM_THREADS")
            .ok()?
            .parse()
            .ok()
            .filter(|&threads| threads > 0)
    };
    let threads = threads.or_else(asked);
    let threads = threads.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
    Ok(Cpu::builder().threads(threads).build()?.into())
}

/// The adapter of that name, or of those that `"gpu"` means the one at a place.
fn named(adapter: &str) -> AdapterChoice {
    match adapter.strip_prefix("gpu:").map(str::parse) {
        Some(Ok(place)) => AdapterChoice::from_env().nth(place),
        _ => adapter.into(),
    }
}

fn open(provider: Option<&str>, threads: Option<usize>) -> convoke::Result<convoke::Backend> {
    let chosen = match provider {
        None => convoke::Backend::auto(),
        Some("cpu") => return cpu(threads),
        Some("reference") => convoke::Backend::Reference,
        Some("gpu") => convoke::Backend::choose(AdapterChoice::from_env())?,
        Some(adapter) => convoke::Backend::choose(named(adapter))?,
    };
    match (chosen, provider) {
        (convoke::Backend::Cpu(_), None) => cpu(threads),
        (convoke::Backend::Cpu(_), Some(provider)) => Err(Error::NoAdapter(format!(
            "the provider {provider:?} was asked for, but CONVOKE_ADAPTER asks for the CPU"
        ))),
        (chosen, _) => Ok(chosen),
    }
}

impl Backend {
    /// The backend, in the process that it was made in.
    pub(crate) fn here(&self) -> PyResult<&convoke::Backend> {
        of_this_process(self.process)?;
        Ok(&self.backend)
    }
}

/// Threads and devices do not outlive a fork, and what waits for them would wait forever.
pub(crate) fn of_this_process(process: u32) -> PyResult<()> {
    if process == std::process::id() {
        return Ok(());
    }
    let message =
        "it was made in another process, whose threads and devices this one does not have; make it here, or send it pickled";
    Err(to_python(Error::invalid("session", message)))
}

#[pymethods]
impl Backend {
    #[new]
    fn new(py: Python<'_>, provider: Option<&str>, threads: Option<usize>) -> PyResult<Self> {
        Ok(Self {
            backend: py.detach(|| open(provider, threads)).map_err(to_python)?,
            process: std::process::id(),
        })
    }

    fn __str__(&self) -> String {
        self.backend.to_string()
    }

    /// `gpu`, `cpu` or `reference`.
    #[getter]
    fn kind(&self) -> &'static str {
        match self.backend {
            convoke::Backend::Gpu(_) => "gpu",
            convoke::Backend::Reference => "reference",
            _ => "cpu",
        }
    }

    /// Runs one operator.
    fn run<'py>(&self, py: Python<'py>, operator: &Operator, inputs: Vec<Array<'py>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (backend, inputs) = (self.here()?, views(&inputs));
        let outputs = py.detach(|| session_of(operator, &inputs, backend)?.run_tensors(&inputs));
        to_list(py, outputs.map_err(to_python)?)
    }
}

/// A session of one operator, for inputs of these types.
fn session_of(operator: &Operator, inputs: &[TensorView<'_>], backend: &convoke::Backend) -> convoke::Result<convoke::Session> {
    let mut graph = Graph::new();
    let inputs = inputs.iter().enumerate();
    let inputs: Vec<ValueId> = inputs
        .map(|(index, input)| graph.input_of_type(format!("input {index}"), input.dtype()))
        .collect();
    for output in graph.node_outputs(operator.0.name(), operator.0.clone(), &inputs)? {
        graph.output(output)?;
    }
    convoke::Session::new(graph, backend)
}

/// What an operator should give, with the bound of each element.
#[pyfunction]
pub(crate) fn expected<'py>(py: Python<'py>, operator: &Operator, inputs: Vec<Array<'py>>) -> PyResult<Vec<Expected<'py>>> {
    let inputs = views(&inputs);
    let answers = py.detach(|| session_of(operator, &inputs, &convoke::Backend::Reference)?.answers(&inputs));
    Ok(expected_of(py, answers.map_err(to_python)?))
}
