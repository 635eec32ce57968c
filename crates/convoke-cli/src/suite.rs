//! `convoke suite`: operators at boundaries, run or written as files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, Subcommand};
use convoke::gpu::DeviceClass;
use convoke::onnx::Model;
use convoke::{Backend, Precision, Session};
use convoke_suite::{Case, Counts, Outcome as CaseOutcome, Part, Way, cases, export};

use super::limits;
use super::model::{Kind, backend};
use super::outcome::{Outcome, announce};
use super::precision::Stored;
use super::stream::progress;

/// Whether to run or to write.
#[derive(Debug, Args)]
pub(super) struct SuiteArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the cases: on a GPU by the rules of every class of devices, in every precision that the adapter has.
    Run(RunArguments),
    /// Write the cases as folders with a model, inputs, and the reference's answers.
    Export(ExportArguments),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Where to run; `--adapter` says more. The reference is what all are held against, and does not run.
    #[arg(long, value_enum, default_value = "auto")]
    backend: Kind,
    /// In this precision alone.
    #[arg(long, value_enum)]
    precision: Option<Stored>,
    /// By the rules of this class of devices alone: software, integrated or discrete.
    #[arg(long, value_name = "CLASS")]
    device_class: Option<DeviceClass>,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Debug, Args)]
struct ExportArguments {
    /// Where the folders go.
    folder: PathBuf,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Debug, Args)]
struct Choice {
    /// Leave out the cases that take long.
    #[arg(long)]
    quick: bool,
    /// Only cases whose names hold this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

impl Choice {
    fn cases(&self) -> Result<Vec<Case>, String> {
        let mut chosen = cases(if self.quick { Part::Quick } else { Part::Whole });
        chosen.retain(|case| case.name.contains(&self.only));
        if chosen.is_empty() {
            return Err(format!("no case has {:?} in its name", self.only));
        }
        Ok(chosen)
    }
}

/// Runs or writes the cases. Exit status 1 if one failed.
pub(super) fn suite(out: &mut dyn Write, arguments: &SuiteArguments, adapter: Option<&str>) -> Outcome {
    match &arguments.action {
        Action::Export(arguments) => write(out, &arguments.choice.cases()?, &arguments.folder),
        Action::Run(arguments) => run(out, arguments, adapter),
    }
}

fn write(out: &mut dyn Write, cases: &[Case], folder: &Path) -> Outcome {
    for case in cases {
        export(case, folder)?;
    }
    writeln!(out, "{} cases in {}", cases.len(), folder.display())?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each case that failed or was refused, then the counts of each way; where it is cancelled, of the cases so far.
fn run(out: &mut dyn Write, arguments: &RunArguments, adapter: Option<&str>) -> Outcome {
    let cases = arguments.choice.cases()?;
    let backend = backend(arguments.backend, adapter)?;
    let ways = ways(arguments, &backend)?;
    announce(&backend);
    let started = Instant::now();
    let mut counts = vec![Counts::default(); ways.len()];
    let mut done = 0;
    let bar = progress(cases.len(), "cases");
    for case in &cases {
        let begun = Instant::now();
        let outcomes = case.run(&ways);
        if limits::token().is_cancelled() {
            break;
        }
        for ((way, outcome), counts) in ways.iter().zip(outcomes).zip(&mut counts) {
            counts.add(&outcome);
            bar.suspend(|| tell(out, &format!("{}, {}", case.name, way.name), &outcome))?;
        }
        log::info!("{}: {:.1} s", case.name, begun.elapsed().as_secs_f64());
        done += 1;
        bar.inc(1);
    }
    bar.finish_and_clear();
    for (way, counts) in ways.iter().zip(&counts) {
        writeln!(out, "{}: {counts}", way.name)?;
    }
    writeln!(out, "{done} cases in {:.1} s", started.elapsed().as_secs_f64())?;
    if done < cases.len() {
        return Err(format!("cancelled with {} cases to go", cases.len() - done).into());
    }
    let has_failed = counts.iter().any(|counts| counts.failed > 0);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn tell(out: &mut dyn Write, name: &str, outcome: &CaseOutcome) -> std::io::Result<()> {
    match outcome {
        CaseOutcome::Passed => Ok(()),
        CaseOutcome::Failed(message) => writeln!(out, "FAILED      {name}: {message}"),
        CaseOutcome::Refused(message) => writeln!(out, "too large   {name}: {message}"),
    }
}

/// Every way that is asked for and that the backend has.
fn ways(arguments: &RunArguments, backend: &Backend) -> Result<Vec<Way<'static>>, String> {
    let precision = arguments.precision.map(Precision::from);
    let Backend::Gpu(gpu) = backend else {
        if matches!(backend, Backend::Reference) {
            return Err("the reference is what backends are held against: expected --backend gpu or cpu".to_owned());
        }
        if arguments.device_class.is_some() || precision == Some(Precision::F16) {
            return Err(format!(
                "--device-class and --precision f16 are for GPUs, and this runs on {backend}"
            ));
        }
        return Ok(vec![way("cpu", backend.clone(), Precision::F32)]);
    };
    let has_f16 = gpu.info().shader_f16;
    let precisions = match precision {
        Some(Precision::F16) if !has_f16 => return Err(format!("{backend} has no 16-bit floats")),
        Some(precision) => vec![precision],
        None if has_f16 => vec![Precision::F32, Precision::F16],
        None => vec![Precision::F32],
    };
    let classes = arguments.device_class.map_or(DeviceClass::ALL.to_vec(), |class| vec![class]);
    let of_class = |&class: &DeviceClass| {
        let backend = Backend::Gpu(gpu.with_device_class(class));
        let named = |&precision: &Precision| way(&format!("{class}, {precision}"), backend.clone(), precision);
        precisions.iter().map(named).collect::<Vec<_>>()
    };
    Ok(classes.iter().flat_map(of_class).collect())
}

/// Sessions that go by the limits and the interrupts that the command hears of, and otherwise take as long as they do: how fast a machine
/// is is not what cases are about.
fn way(name: &str, backend: Backend, precision: Precision) -> Way<'static> {
    Way {
        name: name.to_owned(),
        precision,
        session: Box::new(move |model: Model| {
            let builder = Session::builder().backend(backend.clone()).precision(precision);
            let session = builder
                .limits(limits::asked_over("run-seconds=none"))
                .build(Arc::new(model))?;
            Ok(session.until(limits::token()))
        }),
    }
}
