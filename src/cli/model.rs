//! `convoke run`: a model from an ONNX file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use convoke::gpu::AdapterChoice;
use convoke::onnx::{Model, Options};
use convoke::{Backend, Error};
use ndarray::{ArrayD, ArrayView1};
use ndarray_npy::WriteNpyExt;

use super::input::{InputArguments, check_names};
use super::plan::PlanArguments;
use super::precision::PrecisionArguments;
use super::{Outcome, announce};

/// A model, what it reads and what becomes of its answers.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// The ONNX file.
    model: PathBuf,
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    plan: PlanArguments,
    /// Where an output is written.
    #[arg(long, value_name = "NAME=FILE.npy", value_parser = pair)]
    output: Vec<(String, String)>,
    /// Where to run; `--adapter` says more.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// Show so many of the largest scores of the first output.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// Names of the classes, a line each.
    #[arg(long, value_name = "FILE", requires = "top")]
    labels: Option<PathBuf>,
    /// Read tensors from other files in the model's folder.
    #[arg(long)]
    external_data: bool,
    #[command(flatten)]
    precision: PrecisionArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// The best adapter, else the CPU.
    Auto,
    /// An adapter or nothing.
    Gpu,
    /// The CPU.
    Cpu,
    /// The CPU, exact and slow.
    Reference,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Opens a model; whatever is wrong with it, the message names the file.
pub(super) fn open(path: &Path, external_data: bool) -> convoke::Result<Model> {
    let named = |message: &str| format!("{}: {message}", path.display());
    if path
        .metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
    {
        return Err(Error::Onnx(named("the file is empty")));
    }
    Model::open_with(path, &Options::new().external_data(external_data)).map_err(|error| match error {
        Error::Unsupported { operator, message } => Error::Unsupported {
            operator,
            message: named(&message),
        },
        error => error,
    })
}

pub(super) fn backend(kind: Kind, adapter: Option<&str>) -> Result<Backend, Box<dyn std::error::Error>> {
    match (kind, adapter) {
        (Kind::Auto, adapter) => super::backend(adapter),
        (Kind::Reference, None) => Ok(Backend::Reference),
        (Kind::Cpu, None) => Ok(Backend::cpu()),
        (Kind::Cpu | Kind::Reference, Some(adapter)) => {
            let name = if kind == Kind::Cpu { "cpu" } else { "reference" };
            Err(format!("--backend {name} and --adapter {adapter} exclude one another").into())
        }
        (Kind::Gpu, adapter) => {
            let choice = adapter.map_or_else(AdapterChoice::from_env, AdapterChoice::from);
            match Backend::choose(choice)? {
                backend @ Backend::Gpu(_) => Ok(backend),
                _ => Err("--backend gpu, but the adapter asked for is the CPU".into()),
            }
        }
    }
}

/// Runs a model once.
pub(super) fn run(out: &mut dyn Write, arguments: &RunArguments, adapter: Option<&str>) -> Outcome {
    let model = open(&arguments.model, arguments.external_data)?;
    check_names("output", &arguments.output, model.outputs())?;
    let labels = match &arguments.labels {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let labels: Vec<&str> = labels.lines().collect();

    let (graph, inputs) = arguments.inputs.prepare(&model, None)?;
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();

    let backend = arguments.plan.apply(backend(arguments.backend, adapter)?)?;
    announce(&backend);
    let outputs = arguments.precision.session(graph, &backend)?.run(&views)?;
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
            top(out, &row, count as usize, &labels)?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
