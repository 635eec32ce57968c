//! `convoke run` and `convoke inspect`: models from ONNX files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use convoke::gpu::AdapterChoice;
use convoke::graph::Graph;
use convoke::onnx::{Dim, Model, Options, Shapes, TensorInfo};
use convoke::testing::Random;
use convoke::{Backend, Session};
use ndarray::{ArrayD, ArrayView1};
use ndarray_npy::{ViewNpyError, ViewNpyExt, WriteNpyExt};

use super::{Outcome, picture};

/// The largest array that is read from a file.
const MOST_BYTES: u64 = 4 << 30;

/// A model, what it reads and what becomes of its answers.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// The ONNX file.
    model: PathBuf,
    /// What an input reads: an array of floats as .npy, a .png picture as [N, 1, 28, 28] or [N, 3, H, W] in 0..1, or
    /// `random` numbers, the same in each run.
    #[arg(long, value_name = "NAME=FILE.npy|FILE.png|random", value_parser = pair)]
    input: Vec<(String, String)>,
    /// Where an output is written.
    #[arg(long, value_name = "NAME=FILE.npy", value_parser = pair)]
    output: Vec<(String, String)>,
    /// Where to run; `--adapter` says more.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// Show so many of the largest scores of the first output.
    #[arg(long, value_name = "K")]
    top: Option<usize>,
    /// Names of the classes, a line each.
    #[arg(long, value_name = "FILE", requires = "top")]
    labels: Option<PathBuf>,
    /// Read tensors from other files in the model's folder.
    #[arg(long)]
    external_data: bool,
}

/// A model to look at.
#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The ONNX file.
    model: PathBuf,
    /// Read tensors from other files in the model's folder.
    #[arg(long)]
    external_data: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// The best adapter, else the CPU.
    Auto,
    /// An adapter or nothing.
    Gpu,
    /// The CPU, exact and slow.
    Reference,
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn open(path: &Path, external_data: bool) -> convoke::Result<Model> {
    Model::open_with(path, &Options::new().external_data(external_data))
}

pub(super) fn backend(kind: Kind, adapter: Option<&str>) -> Result<Backend, Box<dyn std::error::Error>> {
    match (kind, adapter) {
        (Kind::Auto, adapter) => super::backend(adapter),
        (Kind::Reference, None) => Ok(Backend::Reference),
        (Kind::Reference, Some(adapter)) => Err(format!("--backend reference and --adapter {adapter} exclude one another").into()),
        (Kind::Gpu, adapter) => {
            let choice = adapter.map_or_else(AdapterChoice::from_env, AdapterChoice::from);
            match Backend::choose(choice)? {
                Backend::Reference => Err("--backend gpu, but the adapter asked for is the CPU".into()),
                backend => Ok(backend),
            }
        }
    }
}

/// Runs a model once.
pub(super) fn run(out: &mut dyn Write, arguments: &RunArguments, adapter: Option<&str>) -> Outcome {
    let model = open(&arguments.model, arguments.external_data)?;
    check_names("input", &arguments.input, model.inputs())?;
    check_names("output", &arguments.output, model.outputs())?;
    let labels = match &arguments.labels {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let labels: Vec<&str> = labels.lines().collect();

    let source_of = |info: &TensorInfo| {
        let given = arguments.input.iter().find(|(name, _)| *name == info.name);
        given
            .map(|(_, source)| source.clone())
            .ok_or_else(|| format!("input {info} is missing: --input {}=FILE.npy, FILE.png or random", info.name))
    };
    let (graph, inputs) = prepare(&model, &source_of)?;
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();

    let backend = backend(arguments.backend, adapter)?;
    writeln!(out, "running on  {backend}")?;
    let outputs = Session::new(graph, &backend)?.run(&views)?;
    for (info, array) in model.outputs().iter().zip(&outputs) {
        summarise(out, &info.name, array)?;
        if let Some((_, path)) = arguments.output.iter().find(|(name, _)| *name == info.name) {
            let file = File::create(path).map_err(|error| format!("{path}: {error}"))?;
            array.write_npy(file).map_err(|error| format!("{path}: {error}"))?;
        }
    }
    if let (Some(count), Some(scores)) = (arguments.top, outputs.first()) {
        for row in scores.rows() {
            writeln!(out)?;
            top(out, &row, count, &labels)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A graph and what its inputs read.
type Prepared = (Graph, Vec<ArrayD<f32>>);

/// The graph for the shapes of its inputs, and the inputs: each read from its source, or random.
pub(super) fn prepare(
    model: &Model,
    source_of: &dyn Fn(&TensorInfo) -> Result<String, String>,
) -> Result<Prepared, Box<dyn std::error::Error>> {
    let mut shapes = Shapes::new();
    let mut arrays = Vec::new();
    for info in model.inputs() {
        let source = source_of(info)?;
        let array = if source == "random" {
            None
        } else {
            Some(read(Path::new(&source), info).map_err(|error| format!("{source}: {error}"))?)
        };
        if let Some(array) = &array {
            shapes = shapes.input(&info.name, array.shape());
        }
        arrays.push(array);
    }
    let input_shapes = model.input_shapes(&shapes)?;
    let graph = model.graph(&shapes)?;
    // Only now: the graph's inputs are within the budget.
    let mut random = Random::new(0);
    let inputs = arrays
        .into_iter()
        .zip(&input_shapes)
        .map(|(array, shape)| array.unwrap_or_else(|| random.reals(shape)))
        .collect();
    Ok((graph, inputs))
}

/// What `--input` may name twice or wrongly.
pub(super) fn check_names(kind: &str, given: &[(String, String)], known: &[TensorInfo]) -> Result<(), String> {
    for (index, (name, _)) in given.iter().enumerate() {
        if known.iter().all(|info| info.name != *name) {
            return Err(format!("there is no {kind} {name:?}; there is {}", list(known)));
        }
        if given[..index].iter().any(|(other, _)| other == name) {
            return Err(format!("{kind} {name:?} is given twice"));
        }
    }
    Ok(())
}

fn list(infos: &[TensorInfo]) -> String {
    infos.iter().map(TensorInfo::to_string).collect::<Vec<_>>().join(", ")
}

/// Shape, least, largest and mean.
fn summarise(out: &mut dyn Write, name: &str, array: &ArrayD<f32>) -> std::io::Result<()> {
    write!(out, "{name} {:?}", array.shape())?;
    if !array.is_empty() {
        let least = array.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = array.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mean = array.iter().map(|&value| f64::from(value)).sum::<f64>() / array.len() as f64;
        write!(out, ": {least} to {largest}, mean {mean:.6}")?;
    }
    writeln!(out)
}

/// The largest scores, a line each: class, score and name.
fn top(out: &mut dyn Write, scores: &ArrayView1<'_, f32>, count: usize, labels: &[&str]) -> std::io::Result<()> {
    let mut ranked: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    ranked.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    for (class, score) in ranked.into_iter().take(count) {
        let label = labels.get(class).copied().unwrap_or_default();
        writeln!(out, "{}", format!("{class:>6}  {score:<12} {label}").trim_end())?;
    }
    Ok(())
}

/// An array from a file, or a message that does not name it.
fn read(path: &Path, info: &TensorInfo) -> Result<ArrayD<f32>, String> {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("npy") => read_npy(path),
        Some("png") => read_png(path, info),
        _ => Err("neither .npy, .png nor random".to_owned()),
    }
}

fn read_png(path: &Path, info: &TensorInfo) -> Result<ArrayD<f32>, String> {
    match info.dims.as_deref() {
        Some([_, Dim::Known(1), Dim::Known(28), Dim::Known(28)]) => Ok(picture::read(path)?.into_dyn()),
        Some([_, Dim::Known(3), Dim::Known(height), Dim::Known(width)]) => Ok(picture::colour(path, *height, *width)?.into_dyn()),
        _ => Err(format!(
            "a picture for input {info}: only for [N, 1, 28, 28] and [N, 3, H, W]"
        )),
    }
}

/// Of `f32`, or of `f64`, which is rounded. The header is not trusted: the elements must be there.
fn read_npy(path: &Path) -> Result<ArrayD<f32>, String> {
    let io = |error: std::io::Error| error.to_string();
    let metadata = path.metadata().map_err(io)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES {
        return Err(format!("not a plain file of at most {MOST_BYTES} bytes"));
    }
    // Aligned for either type.
    let mut words = vec![0_u64; (metadata.len() as usize).div_ceil(8)];
    let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..metadata.len() as usize];
    File::open(path).and_then(|mut file| file.read_exact(bytes)).map_err(io)?;
    match ndarray::ArrayViewD::<f32>::view_npy(bytes) {
        Ok(view) => Ok(view.to_owned()),
        Err(ViewNpyError::WrongDescriptor(_)) => match ndarray::ArrayViewD::<f64>::view_npy(bytes) {
            Ok(view) => Ok(view.mapv(|value| value as f32)),
            Err(error) => Err(format!("not an array of floats: {error}")),
        },
        Err(error) => Err(error.to_string()),
    }
}

/// Says what a model is.
pub(super) fn inspect(out: &mut dyn Write, arguments: &InspectArguments) -> Outcome {
    let model = open(&arguments.model, arguments.external_data)?;
    writeln!(out, "opset       {}", model.opset())?;
    for (kind, infos) in [("input", model.inputs()), ("output", model.outputs())] {
        for info in infos {
            writeln!(out, "{kind:<11} {info} {}", info.element_type())?;
        }
    }
    writeln!(out, "parameters  {}", model.parameters())?;
    let shapes = Shapes::new();
    let work = model.input_shapes(&shapes).and_then(|inputs| {
        let graph = model.graph(&shapes)?;
        let inputs: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        graph.multiply_adds(&inputs)
    });
    match work {
        Ok(work) => writeln!(out, "FLOPs       {} (convolutions and linear layers)", work.saturating_mul(2))?,
        Err(error) => writeln!(out, "FLOPs       not known: {error}")?,
    }
    writeln!(out, "operators")?;
    for (operator, count) in model.operators() {
        writeln!(out, "    {count:>6}  {operator}")?;
    }
    Ok(ExitCode::SUCCESS)
}
