//! `convoke run`: a model from an ONNX file, or a compiled one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueEnum};
use convoke::onnx::{Model, Options, TensorInfo};
use convoke::{Backend, DType, Element, Error, Tensor};
use convoke_cli::npy;
use convoke_vision::Labels;
use ndarray::{ArrayView1, Axis};

use super::fallback::FallbackArguments;
use super::input::{InputArguments, check_names, resolve};
use super::limits;
use super::outcome::{self, Outcome, complain};
use super::picture::Form;
use super::plan::PlanArguments;
use super::precision::PrecisionArguments;
use super::reads::Reads;
use super::stream::StreamArguments;
use super::subject::{File, Subject};
use super::target::{Target, share, text};

/// A model, what it reads and what becomes of its answers.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("named").multiple(true)))]
pub(super) struct RunArguments {
    /// The ONNX file, or what `compile` made of one.
    model: PathBuf,
    #[command(flatten)]
    stream: StreamArguments,
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    plan: PlanArguments,
    /// Where an output is written; NAME= may be left out where the model has one output. `-` is stdout, and what else would
    /// stand there goes to stderr.
    #[arg(long, value_name = "[NAME=]FILE.npy|-", value_parser = output)]
    output: Vec<(Option<String>, String)>,
    /// Where to run; `--adapter` says more.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// Show so many of the largest scores of the first output.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..), group = "named")]
    top: Option<u32>,
    /// Names of the classes, a line each, for --top and --jsonl.
    #[arg(long, value_name = "FILE", requires = "named")]
    labels: Option<PathBuf>,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
    #[command(flatten)]
    precision: PrecisionArguments,
    #[command(flatten)]
    fallback: FallbackArguments,
}

impl RunArguments {
    fn file(&self) -> File<'_> {
        File {
            path: &self.model,
            external_data: self.external_data.as_deref(),
            precision: self.precision.get(),
            fallback: self.fallback.get(self.backend, self.precision),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A real GPU, else the CPU.
    Auto,
    /// An adapter, even a software one, or nothing.
    Gpu,
    /// The CPU.
    Cpu,
    /// The CPU, exact and slow.
    Reference,
}

fn output(text: &str) -> Result<(Option<String>, String), String> {
    let (name, file) = match text.split_once('=') {
        Some((name, file)) => (Some(name.to_owned()), file),
        None => (None, text),
    };
    if file.is_empty() {
        return Err("a file, or `-` for stdout, is expected".to_owned());
    }
    Ok((name, file.to_owned()))
}

/// Opens a model; whatever is wrong with it, the message names the file.
pub(super) fn open(path: &Path, external_data: Option<&Path>) -> convoke::Result<Model> {
    let named = |message: &str| format!("{}: {message}", path.display());
    if path
        .metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
    {
        return Err(Error::Onnx(named("the file is empty")));
    }
    let mut options = Options::new().limits(limits::asked()).until(limits::token());
    if let Some(folder) = external_data {
        options = options.external_folder(folder);
    }
    Model::open_with(path, &options).map_err(|error| match error {
        Error::Unsupported { operator, message } => Error::Unsupported {
            operator,
            message: named(&message),
        },
        error => error,
    })
}

pub(super) fn backend(kind: Kind, adapter: Option<&str>) -> Result<Backend, Box<dyn std::error::Error>> {
    match (kind, adapter) {
        (Kind::Auto, adapter) => outcome::backend(adapter),
        (Kind::Reference, None) => Ok(Backend::Reference),
        (Kind::Cpu, None) => Ok(Backend::cpu()),
        (Kind::Cpu | Kind::Reference, Some(adapter)) => {
            let name = if kind == Kind::Cpu { "cpu" } else { "reference" };
            Err(format!("--backend {name} and --adapter {adapter} exclude one another").into())
        }
        (Kind::Gpu, adapter) => {
            let choice = outcome::choice(adapter);
            match Backend::choose(choice)? {
                backend @ Backend::Gpu(_) => Ok(backend),
                _ => Err("--backend gpu, but the adapter asked for is the CPU".into()),
            }
        }
    }
}

/// Runs a model once, or for each picture of a folder.
pub(super) fn run(out: &mut dyn Write, arguments: &RunArguments, adapter: Option<&str>) -> Outcome {
    let start = || arguments.plan.apply(backend(arguments.backend, adapter)?);
    let model = Subject::open(arguments.file(), start)?;
    let mut targets = targets(&arguments.output, model.outputs())?;
    let to_stdout = share(targets.iter().map(|(_, target)| target))?;
    let labels = match &arguments.labels {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
    };
    if arguments.stream.jsonl {
        return lines(out, arguments, &model, &labels, start);
    }
    let labels: Vec<&str> = labels.lines().collect();

    let feeds = arguments.inputs.prepare(&model, None)?;
    let (session, backend) = model.session(start)?;
    let runs = feeds
        .runs()
        .iter()
        .map(|views| session.run_tensors(views))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| arguments.fallback.advise(error, &backend))?;
    let outputs = together(runs)?;

    // Whoever reads the lines may stop early; the files are wanted all the same.
    for (info, array) in model.outputs().iter().zip(&outputs) {
        if let Some(index) = targets.iter().position(|(name, _)| *name == info.name) {
            let (_, target) = targets.swap_remove(index);
            target.write(out, |file| npy::write(array, file))?;
        }
    }
    let mut stderr = io::stderr();
    let out = text(out, &mut stderr, to_stdout);
    for (info, array) in model.outputs().iter().zip(&outputs) {
        summarise(out, &info.name, array)?;
    }
    if let (Some(count), Some(scores)) = (arguments.top, outputs.first().map(Tensor::to_f32)) {
        let classes = scores.shape().last().copied().unwrap_or(1);
        if let Some(path) = arguments.labels.as_ref().filter(|_| labels.len() != classes) {
            let path = path.display();
            complain(
                "warning",
                &format!(
                    "{path}: expected {classes} labels, one for each class, but got {}",
                    labels.len()
                ),
            );
        }
        let pictures = feeds.pictures();
        let rows = scores.rows().into_iter().len().max(1);
        for (index, row) in scores.rows().into_iter().enumerate() {
            writeln!(out)?;
            // Each picture has as many rows.
            if let Some(picture) = pictures.get(index * pictures.len() / rows) {
                writeln!(out, "{}", picture.display())?;
            }
            top(out, &row, count as usize, &labels)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `--jsonl`: a line for each picture.
fn lines(
    out: &mut dyn Write,
    arguments: &RunArguments,
    model: &Subject<'_>,
    labels: &str,
    start: impl FnOnce() -> Result<Backend, Box<dyn std::error::Error>>,
) -> Outcome {
    let form = match model.inputs() {
        [info] if info.dtype().is_none_or(|dtype| dtype == DType::F32) => Form::of(info)?,
        inputs => {
            let names: Vec<String> = inputs.iter().map(ToString::to_string).collect();
            return Err(format!(
                "--jsonl takes a model with one input, of floats, but it has {}",
                names.join(", ")
            )
            .into());
        }
    };
    let (session, _) = model.session(start)?;
    let top = arguments.top.unwrap_or(5) as usize;
    let options = arguments.inputs.pictures();
    arguments
        .stream
        .run(out, &session, form, options, &Labels::parse(labels), top)
}

/// The outputs that are written, with their files opened.
fn targets(given: &[(Option<String>, String)], outputs: &[TensorInfo]) -> Result<Vec<(String, Target)>, String> {
    let mut named = Vec::new();
    for (name, file) in given {
        named.push((resolve("output", name.as_deref(), file, outputs)?, file));
    }
    check_names("output", named.iter().map(|(name, _)| name.as_str()), outputs)?;
    let open = |(name, file): (String, &String)| Ok((name, Target::open(Path::new(file))?));
    named.into_iter().map(open).collect()
}

/// The outputs of all runs, one after another along the first axis.
fn together(mut runs: Vec<Vec<Tensor>>) -> Result<Vec<Tensor>, Box<dyn std::error::Error>> {
    if runs.len() == 1 {
        return Ok(runs.swap_remove(0));
    }
    let count = runs.first().map_or(0, Vec::len);
    let join = |index: usize| {
        let parts: Vec<&Tensor> = runs.iter().map(|outputs| &outputs[index]).collect();
        match parts.first().map(|part| part.dtype()) {
            Some(DType::F16) => joined::<half::f16>(&parts),
            Some(DType::I64) => joined::<i64>(&parts),
            Some(DType::I32) => joined::<i32>(&parts),
            Some(DType::U8) => joined::<u8>(&parts),
            Some(DType::I8) => joined::<i8>(&parts),
            Some(DType::Bool) => joined::<bool>(&parts),
            _ => joined::<f32>(&parts),
        }
    };
    (0..count).map(join).collect()
}

fn joined<T: Element>(parts: &[&Tensor]) -> Result<Tensor, Box<dyn std::error::Error>> {
    let parts = parts
        .iter()
        .map(|part| part.array::<T>())
        .collect::<convoke::Result<Vec<_>>>()?;
    let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
    Ok(match views.first() {
        Some(first) if first.ndim() == 0 => ndarray::stack(Axis(0), &views)?.into(),
        _ => ndarray::concatenate(Axis(0), &views)?.into(),
    })
}

/// Type, where it is not `f32`, shape, least, largest and mean.
fn summarise(out: &mut dyn Write, name: &str, tensor: &Tensor) -> io::Result<()> {
    match tensor.dtype() {
        DType::F32 => write!(out, "{name} {:?}", tensor.shape())?,
        _ => write!(out, "{name} {}", tensor.tensor_type())?,
    }
    let array = tensor.to_f32();
    if !array.is_empty() {
        let least = array.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = array.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mean = array.iter().map(|&value| f64::from(value)).sum::<f64>() / array.len() as f64;
        write!(out, ": {least} to {largest}, mean {mean:.6}")?;
    }
    writeln!(out)
}

/// The largest scores, a line each: class, score and name.
fn top(out: &mut dyn Write, scores: &ArrayView1<'_, f32>, count: usize, labels: &[&str]) -> io::Result<()> {
    let mut ranked: Vec<(usize, f32)> = scores.iter().copied().enumerate().collect();
    ranked.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    for (class, score) in ranked.into_iter().take(count) {
        let label = labels.get(class).copied().unwrap_or_default();
        writeln!(out, "{}", format!("{class:>6}  {score:<12} {label}").trim_end())?;
    }
    Ok(())
}
