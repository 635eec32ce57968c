//! `convoke compile`: a model from an ONNX file as a compiled model.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use convoke::{Backend, Session};

use super::limits;
use super::model::open;
use super::outcome::Outcome;
use super::reads::Reads;
use super::shapes::{shape, shapes_of};

/// A model and where it is written.
#[derive(Debug, Args)]
pub(super) struct CompileArguments {
    /// The ONNX file.
    model: PathBuf,
    /// The file that is written. `run` takes it in place of the model, on every backend.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The shape of an input that the file leaves open; otherwise an open first extent is 1. What is compiled is for these shapes and no
    /// others.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape)]
    shape: Vec<(String, Vec<usize>)>,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
}

/// Applies the passes that need no device and writes what they leave.
pub(super) fn compile(out: &mut dyn Write, arguments: &CompileArguments) -> Outcome {
    let model = open(&arguments.model, arguments.external_data.as_deref())?;
    let shapes = model.checked(&shapes_of(&model, &arguments.shape)?)?;
    let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    // The reference makes nothing of its own of a graph.
    let session = Session::builder()
        .backend(Backend::Reference)
        .limits(limits::asked())
        .build(model)?
        .until(limits::token());
    session.prepare(&known)?;
    session.save(&arguments.output)?;
    let bytes = arguments.output.metadata()?.len();
    let inputs: Vec<String> = (session.inputs().iter().zip(&shapes))
        .map(|(input, shape)| format!("{} {shape:?}", input.name))
        .collect();
    writeln!(
        out,
        "{}: {bytes} bytes, for {}",
        arguments.output.display(),
        inputs.join(", ")
    )?;
    Ok(ExitCode::SUCCESS)
}
