//! `convoke verify`: a model on a GPU or the CPU against the reference, operator by operator.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use convoke::Backend;

use super::against;
use super::fallback::FallbackArguments;
use super::input::InputArguments;
use super::model::{Kind, backend, open};
use super::outcome::{self, Outcome, announce};
use super::plan::PlanArguments;
use super::precision::PrecisionArguments;

/// A model to verify, and what it reads: random numbers where nothing is said.
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// The ONNX file.
    model: PathBuf,
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    plan: PlanArguments,
    /// Where to run; `--adapter` says more.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
    /// Judge somebody else's run instead: the tensors that it had, from a .npz file or from a folder with a `tensors.json`, as
    /// `tools/dump_onnxruntime.py` writes them. Each operator is checked on the inputs that it was given there; for those that are wrong
    /// the likely cause is said.
    #[arg(long, value_name = "FILE.npz|FOLDER", conflicts_with_all = ["input", "backend", "precision", "fallback", "plan"])]
    against: Option<PathBuf>,
    #[command(flatten)]
    precision: PrecisionArguments,
    #[command(flatten)]
    fallback: FallbackArguments,
}

/// Names every operator whose output is not what the reference makes of the same inputs; exit status 1 if there is one.
pub(super) fn verify(out: &mut dyn Write, arguments: &VerifyArguments, adapter: Option<&str>) -> Outcome {
    let model = open(&arguments.model, arguments.external_data.as_deref())?;
    if let Some(path) = &arguments.against {
        return against::judge(out, &model, path);
    }
    let feeds = arguments.inputs.prepare(&model, Some("random"))?;
    let views = feeds.only()?;
    // Without an adapter nobody wants to hear that the CPU is right.
    let backend = match arguments.backend {
        Kind::Auto => Backend::choose(outcome::choice(adapter))?,
        kind => backend(kind, adapter)?,
    };
    let backend = arguments.plan.apply(backend)?;
    announce(&backend);
    let fallback = arguments.fallback.get(arguments.backend, arguments.precision);
    let session = arguments.precision.session(model, &backend, fallback)?;
    let checks = session
        .verify(&views)
        .map_err(|error| arguments.fallback.advise(error, &backend))?;
    let mut wrong = 0;
    for check in &checks {
        if let Some(mismatch) = &check.mismatch {
            wrong += 1;
            writeln!(
                out,
                "WRONG       {} {:?} {:?}: {mismatch}",
                check.operator, check.node, check.shape
            )?;
        }
    }
    if wrong > 0 {
        writeln!(out, "{wrong} of {} operators differ from the reference", checks.len())?;
        return Ok(ExitCode::FAILURE);
    }
    writeln!(
        out,
        "verified    all {} operators are within the bounds of the reference",
        checks.len()
    )?;
    Ok(ExitCode::SUCCESS)
}
