//! `convoke verify`: a model on a GPU or the CPU against the reference, operator by operator.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use convoke::reference::Scores;
use convoke::session::Check;
use convoke::{Backend, Fallback};
use convoke_cli::dump::Tensors;

use super::against;
use super::fallback::FallbackArguments;
use super::input::InputArguments;
use super::model::{Kind, backend, open};
use super::onnxruntime;
use super::outcome::{self, Outcome};
use super::plan::PlanArguments;
use super::precision::PrecisionArguments;
use super::subject::{File, Subject};
use super::target::Target;

/// A model to verify, and what it reads: random numbers where nothing is said.
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// The ONNX file, or what `compile` made of one.
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
    /// `dump_onnxruntime.py` writes them; or with `ort` a run in ONNX Runtime on random numbers, if python3 has it. Each operator is
    /// checked on the inputs that it was given there; for those that are wrong the likely cause is said.
    #[arg(long, value_name = "FILE.npz|FOLDER|ort", conflicts_with_all = ["input", "backend", "precision", "fallback", "plan"])]
    against: Option<PathBuf>,
    /// Write what ran, where and on what, and how near each operator came: a file that `certify --replay` repeats anywhere.
    #[arg(long, value_name = "OUT.json", conflicts_with_all = ["against", "fallback"])]
    certificate: Option<PathBuf>,
    /// Fail where an operator is suspicious, too: within its bounds, and yet off by more than random rounding would explain.
    #[arg(long, conflicts_with = "against")]
    strict: bool,
    #[command(flatten)]
    precision: PrecisionArguments,
    #[command(flatten)]
    fallback: FallbackArguments,
}

/// Names every operator whose output is not what the reference makes of the same inputs; exit status 1 if there is one. Names those that are
/// suspicious as well, which change the exit status with `--strict` only.
pub(super) fn verify(out: &mut dyn Write, arguments: &VerifyArguments, adapter: Option<&str>) -> Outcome {
    if let Some(path) = &arguments.against {
        let model = open(&arguments.model, arguments.external_data.as_deref())?;
        let tensors = if path == Path::new("ort") {
            onnxruntime::tensors(&arguments.model, arguments.inputs.seed())?
        } else {
            Tensors::open(path)?
        };
        return against::judge(out, &model, &tensors, path);
    }
    let target = Target::open_some(arguments.certificate.as_deref())?;
    let file = File {
        path: &arguments.model,
        external_data: arguments.external_data.as_deref(),
        precision: arguments.precision.get(),
        fallback: match &target {
            Some(_) => Fallback::Never,
            None => arguments.fallback.get(arguments.backend, arguments.precision),
        },
    };
    let start = || arguments.plan.apply(chosen(arguments.backend, adapter)?);
    let model = Subject::open(file, start)?;
    let feeds = arguments.inputs.prepare(&model, Some("random"))?;
    let views = feeds.only()?;
    let (session, backend) = model.session(start)?;
    let advise = |error| arguments.fallback.advise(error, &backend);
    let checks = match target {
        None => session.verify(&views).map_err(advise)?,
        Some(target) => {
            let (checks, certificate) = session.certify(&views, &mut |_| ()).map_err(advise)?;
            let file = Some(arguments.model.display().to_string());
            let text = certificate.about(file, feeds.seed()).to_json()?;
            target.write(out, |file| Ok(file.write_all(text.as_bytes())?))?;
            checks
        }
    };
    tell(out, &checks, arguments.strict)
}

/// What `verify` runs on. Without an adapter nobody wants to hear that the CPU is right.
pub(super) fn chosen(kind: Kind, adapter: Option<&str>) -> Result<Backend, Box<dyn std::error::Error>> {
    match kind {
        Kind::Auto => Ok(Backend::choose(outcome::choice(adapter))?),
        kind => backend(kind, adapter),
    }
}

/// A line for each operator that is wrong or suspicious, and one for all.
pub(super) fn tell(out: &mut dyn Write, checks: &[Check], is_strict: bool) -> Outcome {
    let (mut wrong, mut suspicious) = (0, 0);
    for check in checks {
        let place = format!("{} {:?} {:?}", check.operator, check.node, check.shape);
        if let Some(mismatch) = &check.mismatch {
            wrong += 1;
            writeln!(out, "WRONG       {place}: {mismatch}")?;
        } else if let Some(scores) = check.scores.filter(Scores::is_suspicious) {
            suspicious += 1;
            writeln!(
                out,
                "SUSPICIOUS  {place}: {:.2} of its bound, but errors are {:.1} times what random rounding gives at most, and lean by \
                 {:+.1} standard deviations ({} elements)",
                check.part_of_bound, scores.spread, scores.offset, scores.elements
            )?;
        }
    }
    let count = checks.len();
    if wrong > 0 {
        writeln!(out, "{wrong} of {count} operators differ from the reference")?;
        return Ok(ExitCode::FAILURE);
    }
    let but = if suspicious > 0 {
        format!(", but {suspicious} are suspicious")
    } else {
        String::new()
    };
    writeln!(
        out,
        "verified    all {count} operators are within the bounds of the reference{but}"
    )?;
    Ok(if is_strict && suspicious > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
