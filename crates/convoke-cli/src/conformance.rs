//! `convoke conformance`: ONNX's backend test cases.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use convoke::testing::conformance::{Case, Outcome as CaseOutcome, Tolerance, find};

use super::model::{Kind, backend};
use super::outcome::{Outcome, announce};
use super::precision::PrecisionArguments;

/// Where the cases are, and how close the answers must be.
#[derive(Debug, Args)]
pub(super) struct ConformanceArguments {
    /// A folder: every folder in it with `model.onnx` and `test_data_set_*` is a case.
    folder: PathBuf,
    /// Where to run; `--adapter` says more.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// How far an element may be off, relative to the one wanted.
    #[arg(long, default_value_t = Tolerance::default().rtol)]
    rtol: f64,
    /// How far it may be off besides.
    #[arg(long, default_value_t = Tolerance::default().atol)]
    atol: f64,
    #[command(flatten)]
    precision: PrecisionArguments,
}

/// Runs all cases. A line for each that failed or is not supported, then the counts; exit status 1 if one failed or there is
/// none.
pub(super) fn conformance(out: &mut dyn Write, arguments: &ConformanceArguments, adapter: Option<&str>) -> Outcome {
    let tolerance = Tolerance {
        rtol: arguments.rtol,
        atol: arguments.atol,
    };
    let folders = find(&arguments.folder)?;
    if folders.is_empty() {
        return Err(format!("{}: no folder with a model.onnx", arguments.folder.display()).into());
    }
    let backend = backend(arguments.backend, adapter)?;
    announce(&backend);
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for folder in folders {
        let outcome = match Case::open(&folder) {
            Ok(case) => case.run_in(&backend, arguments.precision.get(), tolerance),
            Err(error) => CaseOutcome::of_error(&error),
        };
        let name = folder
            .strip_prefix(&arguments.folder)
            .ok()
            .filter(|name| *name != PathBuf::new());
        let name = name.unwrap_or(&folder).display();
        match outcome {
            CaseOutcome::Passed => passed += 1,
            CaseOutcome::Failed(message) => {
                failed += 1;
                writeln!(out, "FAILED      {name}: {message}")?;
            }
            CaseOutcome::Unsupported(message) => {
                skipped += 1;
                writeln!(out, "skipped     {name}: {}", one_line(&message))?;
            }
        }
    }
    writeln!(out, "{passed} passed, {failed} failed, {skipped} skipped")?;
    Ok(if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A list of nodes in a line of its own each, as one line.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
