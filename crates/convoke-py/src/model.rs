//! Models from ONNX files.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use convoke::graph::Pass;
use convoke::onnx::{self, Dim, Options, Shapes, TensorInfo};
use pyo3::prelude::*;

use crate::error::to_python;

/// A model that was read and checked.
#[pyclass(frozen, module = "convoke._convoke")]
pub(crate) struct Model(pub(crate) Arc<onnx::Model>);

/// What a file declares of an input or an output.
#[derive(IntoPyObject)]
struct Declared {
    name: String,
    /// ONNX's name of the type.
    element_type: String,
    /// The type that it is computed in.
    dtype: Option<&'static str>,
    shape: Option<Vec<Option<Extent>>>,
}

#[derive(IntoPyObject)]
enum Extent {
    Known(usize),
    Symbol(String),
}

impl From<&TensorInfo> for Declared {
    fn from(info: &TensorInfo) -> Self {
        let extent = |dim: &Dim| match dim {
            Dim::Known(extent) => Some(Extent::Known(*extent)),
            Dim::Symbol(name) => Some(Extent::Symbol(name.clone())),
            Dim::Unknown => None,
        };
        Self {
            name: info.name.clone(),
            element_type: info.element_type(),
            dtype: info.dtype().map(convoke::DType::name),
            shape: info.dims.as_ref().map(|dims| dims.iter().map(extent).collect()),
        }
    }
}

/// What is known of a model where its inputs' shapes are.
#[derive(IntoPyObject)]
struct Work {
    /// Floating-point operations of convolutions and matrix products, two for each multiply-add.
    flops: u64,
    /// How many operators of each name there are before the passes, and after.
    operators: BTreeMap<&'static str, (usize, usize)>,
}

/// Shapes of inputs by name.
pub(crate) type Given = BTreeMap<String, Vec<usize>>;

pub(crate) fn shapes(given: &Given) -> Shapes {
    given.iter().fold(Shapes::new(), |shapes, (name, extents)| {
        shapes.input(name, extents.as_slice())
    })
}

fn options(budget: Option<u64>, external_data: Option<PathBuf>) -> Options {
    let options = budget.map_or_else(Options::new, |budget| Options::new().budget(budget));
    match external_data {
        Some(folder) => options.external_folder(folder),
        None => options,
    }
}

#[pymethods]
impl Model {
    #[staticmethod]
    #[pyo3(signature = (path, *, budget=None, external_data=None))]
    fn open(py: Python<'_>, path: PathBuf, budget: Option<u64>, external_data: Option<PathBuf>) -> PyResult<Self> {
        let options = options(budget, external_data);
        let model = py.detach(|| onnx::Model::open_with(path, &options));
        Ok(Self(Arc::new(model.map_err(to_python)?)))
    }

    #[staticmethod]
    #[pyo3(signature = (content, *, budget=None, external_data=None))]
    fn from_bytes(py: Python<'_>, content: &[u8], budget: Option<u64>, external_data: Option<PathBuf>) -> PyResult<Self> {
        let options = options(budget, external_data);
        let model = py.detach(|| onnx::Model::from_bytes_with(content, &options));
        Ok(Self(Arc::new(model.map_err(to_python)?)))
    }

    fn inputs(&self) -> Vec<Declared> {
        self.0.inputs().iter().map(Declared::from).collect()
    }

    fn outputs(&self) -> Vec<Declared> {
        self.0.outputs().iter().map(Declared::from).collect()
    }

    fn opset(&self) -> i64 {
        self.0.opset()
    }

    fn parameters(&self) -> usize {
        self.0.parameters()
    }

    fn operators(&self) -> BTreeMap<String, usize> {
        self.0.operators()
    }

    fn input_shapes(&self, given: Given) -> PyResult<Vec<Vec<usize>>> {
        self.0.input_shapes(&shapes(&given)).map_err(to_python)
    }

    /// Raises what a session would when it comes to these shapes.
    fn check(&self, py: Python<'_>, given: Given) -> PyResult<()> {
        py.detach(|| self.0.check(&shapes(&given))).map_err(to_python)
    }

    fn work(&self, py: Python<'_>, given: Given) -> PyResult<Work> {
        py.detach(|| self.work_for(&shapes(&given))).map_err(to_python)
    }
}

impl Model {
    fn work_for(&self, shapes: &Shapes) -> convoke::Result<Work> {
        let inputs = self.0.input_shapes(shapes)?;
        let inputs: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        let graph = self.0.graph(shapes)?;
        let optimized = graph.optimized(&Pass::ALL, Some(&inputs))?;
        let mut operators = BTreeMap::new();
        for node in graph.nodes() {
            operators.entry(node.op().name()).or_insert((0, 0)).0 += 1;
        }
        for node in optimized.nodes() {
            operators.entry(node.op().name()).or_insert((0, 0)).1 += 1;
        }
        Ok(Work {
            flops: graph.multiply_adds(&inputs)?.saturating_mul(2),
            operators,
        })
    }
}
