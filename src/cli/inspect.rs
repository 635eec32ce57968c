//! `convoke inspect`: what an ONNX file holds.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use convoke::onnx::Shapes;

use super::Outcome;
use super::model::open;

/// A model to look at.
#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The ONNX file.
    model: PathBuf,
    /// Read tensors from other files in the model's folder.
    #[arg(long)]
    external_data: bool,
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
