//! ONNX's backend test cases: folders with a model, its inputs and the outputs that it must have.
//!
//! A case is a folder with `model.onnx` and folders `test_data_set_*`, which hold `input_0.pb`, `input_1.pb`, ... and
//! `output_0.pb`, ...: one `TensorProto` a file, in the order of the model's inputs and outputs. ONNX has hundreds of them for
//! its operators, and its model zoo keeps to the same layout.
//!
//! ```
//! use convoke::{Backend, testing::conformance::{Case, Outcome, Tolerance}};
//! let case = Case::open("tests/data/onnx_node/test_maxpool_2d_ceil")?;
//! assert_eq!(case.run(&Backend::Reference, Tolerance::default()), Outcome::Passed);
//! # Ok::<(), convoke::Error>(())
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::Source;
use crate::onnx::{Model, Shapes, open_tensor, tensor_from_bytes};
use crate::precision::Precision;
use crate::reference::{compare_close, compare_exact};
use crate::session::{Backend, Session};
use crate::tensor::{Tensor, TensorView};

/// How far an element may be from the one wanted: `atol + rtol * |want|`, as in `numpy.allclose`. For outputs that the model
/// declares as `FLOAT16` or `BFLOAT16`, `rtol` is at least two units in the last place of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Relative.
    pub rtol: f64,
    /// Absolute.
    pub atol: f64,
}

impl Tolerance {
    /// For an output of this type of ONNX. What a test wants of a type of 16 bits is rounded, often at each of several steps, and
    /// may be two units in the last place from what is computed in 32 bits and not rounded.
    fn of_type(self, element_type: &str) -> Self {
        let unit: f32 = match element_type {
            "FLOAT16" => half::f16::EPSILON.to_f32(),
            "BFLOAT16" => half::bf16::EPSILON.to_f32(),
            _ => return self,
        };
        Self {
            rtol: self.rtol.max(2.0 * f64::from(unit)),
            ..self
        }
    }
}

impl Default for Tolerance {
    /// 1e-3 and 1e-5.
    fn default() -> Self {
        Self { rtol: 1e-3, atol: 1e-5 }
    }
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every output of every data set is as it must be.
    Passed,
    /// An output is not, or a legal model was refused.
    Failed(String),
    /// convoke does not do this.
    Unsupported(String),
}

impl Outcome {
    /// What an error means for a case.
    pub fn of_error(error: &Error) -> Self {
        match error {
            Error::Unsupported { .. } | Error::LimitExceeded { .. } => Self::Unsupported(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Inputs and the outputs wanted for them, each in the order of the model's.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// The folder's name.
    pub name: String,
    /// What the model reads.
    pub inputs: Vec<Tensor>,
    /// What it must give.
    pub outputs: Vec<Tensor>,
}

impl DataSet {
    /// Of the contents of the files, in the order of their names.
    ///
    /// Errors: what [`tensor_from_bytes`] refuses.
    pub fn from_bytes(name: &str, inputs: &[Vec<u8>], outputs: &[Vec<u8>]) -> Result<Self> {
        let read = |kind: &str, files: &[Vec<u8>]| {
            let tensors = files.iter().enumerate();
            let tensors = tensors.map(|(index, bytes)| tensor_from_bytes(&format!("{name}/{kind}_{index}.pb"), bytes));
            tensors.collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            name: name.to_owned(),
            inputs: read("input", inputs)?,
            outputs: read("output", outputs)?,
        })
    }
}

/// A model with data sets.
#[derive(Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// The model.
    pub model: Arc<Model>,
    /// At least one.
    pub data: Vec<DataSet>,
}

/// The folders with a `model.onnx` in this one and below it, itself included, in the order of their paths. Links are not
/// followed.
///
/// Errors: a folder that cannot be read.
pub fn find(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![folder.as_ref().to_path_buf()];
    while let Some(folder) = left.pop() {
        if folder.join("model.onnx").is_file() {
            found.push(folder.clone());
        }
        left.extend(folders(&folder)?);
    }
    found.sort();
    Ok(found)
}

/// The folders in a folder.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// `input_0.pb`, `input_1.pb`, ... until there is no more.
fn tensors(folder: &Path, stem: &str) -> Result<Vec<Tensor>> {
    let mut found = Vec::new();
    loop {
        let path = folder.join(format!("{stem}_{}.pb", found.len()));
        if !path.is_file() {
            return Ok(found);
        }
        found.push(open_tensor(&path)?);
    }
}

impl Case {
    /// Reads a case.
    ///
    /// Errors: files that cannot be read; what [`Model::open`] refuses; no data set; another number of tensors than the model
    /// has inputs or outputs; [`Error::Unsupported`] for element types that are not read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let model = Model::open(folder.join("model.onnx"))?;
        let mut data = Vec::new();
        for path in folders(folder)? {
            let name = name_of(&path);
            if !name.starts_with("test_data_set_") {
                continue;
            }
            let set = DataSet {
                inputs: tensors(&path, "input")?,
                outputs: tensors(&path, "output")?,
                name,
            };
            data.push(set);
        }
        Self::new(&folder.display().to_string(), name_of(folder), model, data)
    }

    /// A case of the contents of its files. The model is looked at before the data sets are.
    ///
    /// Errors: as [`open`](Self::open), but for files that cannot be read.
    pub fn from_bytes(name: &str, model: &[u8], data: impl IntoIterator<Item = Result<DataSet>>) -> Result<Self> {
        let model = Model::from_bytes(model)?;
        Self::new(name, name.to_owned(), model, data.into_iter().collect::<Result<_>>()?)
    }

    fn new(place: &str, name: String, model: Model, data: Vec<DataSet>) -> Result<Self> {
        for set in &data {
            for (kind, found, wanted) in [
                ("inputs", set.inputs.len(), model.inputs().len()),
                ("outputs", set.outputs.len(), model.outputs().len()),
            ] {
                if found != wanted {
                    let set = &set.name;
                    return Err(Error::Onnx(format!(
                        "{place}/{set}: {found} {kind}, but the model has {wanted}"
                    )));
                }
            }
        }
        if data.is_empty() {
            return Err(Error::Onnx(format!("{place}: no test_data_set_*")));
        }
        let model = Arc::new(model);
        Ok(Self { name, model, data })
    }

    /// Runs all data sets on a backend.
    #[cfg(not(target_family = "wasm"))]
    pub fn run(&self, backend: &Backend, tolerance: Tolerance) -> Outcome {
        self.run_in(backend, Precision::F32, tolerance)
    }

    /// As [`run`](Self::run), with numbers stored so. 16-bit floats need a tolerance of their own.
    #[cfg(not(target_family = "wasm"))]
    pub fn run_in(&self, backend: &Backend, precision: Precision, tolerance: Tolerance) -> Outcome {
        let run = |set| {
            let (session, inputs) = self.session(set, backend, precision)?;
            session.run_tensors(&inputs)
        };
        self.outcome(self.data.iter().map(run), tolerance)
    }

    /// [`run_in`](Self::run_in), awaited.
    pub async fn run_in_async(&self, backend: &Backend, precision: Precision, tolerance: Tolerance) -> Outcome {
        let mut runs = Vec::new();
        for set in &self.data {
            runs.push(match self.session(set, backend, precision) {
                Ok((session, inputs)) => session.run_tensors_async(&inputs).await,
                Err(error) => Err(error),
            });
        }
        self.outcome(runs, tolerance)
    }

    fn session<'a>(&self, set: &'a DataSet, backend: &Backend, precision: Precision) -> Result<(Session, Vec<TensorView<'a>>)> {
        let (source, inputs) = self.source(set);
        let builder = Session::builder().backend(backend.clone()).precision(precision);
        Ok((builder.build(source)?, inputs))
    }

    /// What the data sets' runs, one after another, come to.
    fn outcome(&self, runs: impl IntoIterator<Item = Result<Vec<Tensor>>>, tolerance: Tolerance) -> Outcome {
        for (set, run) in self.data.iter().zip(runs) {
            match run.map(|outputs| self.check(set, &outputs, tolerance)) {
                Ok(Ok(())) => {}
                Ok(Err(message)) => return Outcome::Failed(format!("{}: {message}", set.name)),
                Err(error) => return Outcome::of_error(&error),
            }
        }
        Outcome::Passed
    }

    /// Whether these are the outputs that a data set must have.
    fn check(&self, set: &DataSet, outputs: &[Tensor], tolerance: Tolerance) -> Result<(), String> {
        for ((info, got), want) in self.model.outputs().iter().zip(outputs).zip(&set.outputs) {
            let tolerance = tolerance.of_type(&info.element_type());
            let compared = match (got, want) {
                (Tensor::F32(got), Tensor::F32(want)) => compare_close(got, want, tolerance.rtol, tolerance.atol),
                _ if got.dtype() != want.dtype() => {
                    let (want, got) = (want.dtype(), got.dtype());
                    return Err(format!("output {info}: expected {want}, but got {got}"));
                }
                _ => compare_exact(got, want),
            };
            if let Err(mismatch) = compared {
                return Err(format!("output {info}: {mismatch}"));
            }
        }
        Ok(())
    }

    /// What a session of a data set is made from, and what it reads. Inputs of types that networks do not read are fixed.
    pub fn source<'a>(&self, set: &'a DataSet) -> (Source, Vec<TensorView<'a>>) {
        let mut shapes = Shapes::new();
        let mut views = Vec::new();
        for (info, value) in self.model.inputs().iter().zip(&set.inputs) {
            if info.dtype().is_none() {
                shapes = shapes.value(&info.name, value.clone());
            } else {
                views.push(value.view());
            }
        }
        ((Arc::clone(&self.model), shapes).into(), views)
    }
}
