//! `convoke tune`: which kernels are fastest for a model's layers on an adapter, measured, as a table and a plan.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use convoke::Backend;
use convoke::gpu::{CandidateOutcome, TunedLayer};
use convoke_bench::Summary;
use convoke_tune::{TuneReport, Tuner};

use super::bench::{progress_bar, seconds};
use super::model::open;
use super::outcome::{self, Outcome, announce};
use super::shapes::{shape, shapes_of};
use super::table::write_table;
use super::target::{Target, share, text};

/// A model to tune, and where the plan is written.
#[derive(Debug, Args)]
pub(super) struct TuneArguments {
    /// The ONNX file; its inputs and weights are random.
    model: PathBuf,
    /// Where the plan is written, for `--plan` and `SessionBuilder::tuning`; `-` is stdout, and the table goes to stderr then.
    #[arg(short, long, value_name = "PLAN.json")]
    output: PathBuf,
    /// The shape of an input that the file leaves open; otherwise an open first extent is 1. A plan is for these shapes.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape)]
    shape: Vec<(String, Vec<usize>)>,
    /// The most that the runs of all candidates for a layer may take together; compiling and checking them comes on top.
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    max_time: f64,
    /// Measure Winograd's F(4x4, 3x3) as well, whose bounds are eight times as wide. A plan that names it is for runs with
    /// `--large-tiles`.
    #[arg(long)]
    large_tiles: bool,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
}

/// Measures, shows the table and writes the plan. Exit status 1 where a kernel's answer is wrong: it is not in the plan, but
/// somebody should know.
pub(super) fn tune(out: &mut dyn Write, arguments: &TuneArguments, adapter: Option<&str>) -> Outcome {
    let model = open(&arguments.model, arguments.external_data.as_deref())?;
    let shapes = shapes_of(&model, &arguments.shape)?;
    // What cannot be written is seen before anything is measured.
    let target = Target::open(&arguments.output)?;
    let to_stdout = share([&target])?;
    let inputs = model.input_shapes(&shapes)?;
    let inputs: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
    let graph = model.graph(&shapes)?;
    let gpu = match Backend::choose(outcome::choice(adapter))? {
        Backend::Gpu(gpu) if arguments.large_tiles => gpu.with_large_tiles(),
        Backend::Gpu(gpu) => gpu,
        other => return Err(format!("kernels of GPUs are tuned, and the backend is {other}").into()),
    };
    announce(gpu.info());
    let bar = progress_bar();
    let report = Tuner::new(&gpu)
        .max_time(arguments.max_time)
        .tune(&graph, &inputs, &mut |progress| {
            bar.set_position((1000.0 * progress.done) as u64);
            bar.set_message(progress.message);
        });
    bar.finish_and_clear();
    let report = report?;
    let plan = report.plan.to_json()?;
    // Whoever reads the table may stop early; the plan is wanted all the same.
    target.write(out, |file| Ok(file.write_all(plan.as_bytes())?))?;
    let mut stderr = io::stderr();
    let out = text(out, &mut stderr, to_stdout);
    table(out, &report)?;
    writeln!(out, "written to  {}", Path::display(&arguments.output))?;
    let is_wrong = report.wrong().count() > 0;
    Ok(if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Layer by layer: how often it is there, what the rule says and what was chosen, with their times and what is gained.
fn table(out: &mut dyn Write, report: &TuneReport) -> io::Result<()> {
    let heading = ["layer", "nodes", "by rule", "µs", "chosen", "µs", "gain"].map(str::to_owned);
    let mut rows = vec![heading];
    let (mut by_rule, mut chosen, mut changed) = (0.0, 0.0, 0);
    for (tuned, nodes) in report.plan.layers.iter().zip(&report.nodes) {
        let (rule, choice) = times(tuned);
        if let (Some(rule), Some(choice)) = (rule, choice) {
            by_rule += rule * nodes.len() as f64;
            chosen += choice * nodes.len() as f64;
        }
        let is_changed = tuned.by_rule != Some(tuned.choice);
        changed += usize::from(is_changed);
        let number = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1}"));
        rows.push([
            tuned.layer.to_string(),
            nodes.len().to_string(),
            tuned.by_rule.map(|choice| choice.to_string()).unwrap_or_default(),
            number(rule),
            if is_changed {
                tuned.choice.to_string()
            } else {
                "the same".to_owned()
            },
            number(choice),
            match (rule, choice) {
                (Some(rule), Some(choice)) if is_changed => format!("{:.0}%", 100.0 * (rule - choice) / rule),
                _ => String::new(),
            },
        ]);
    }
    writeln!(out)?;
    write_table(out, &rows, |column| matches!(column, 0 | 2 | 4))?;
    writeln!(out)?;
    for tuned in &report.plan.layers {
        for candidate in &tuned.candidates {
            let (word, message) = match &candidate.outcome {
                CandidateOutcome::Wrong(message) => ("WRONG", message),
                CandidateOutcome::Failed(message) => ("did not run", message),
                _ => continue,
            };
            writeln!(out, "{word:<11} {} by {}: {message}", tuned.layer, candidate.choice)?;
        }
    }
    let nodes: usize = report.nodes.iter().map(Vec::len).sum();
    writeln!(
        out,
        "tuned       {nodes} nodes of {} kinds, {changed} of them not by rule: {:.2} ms by rule, {:.2} ms as chosen, each alone",
        rows.len() - 1,
        by_rule / 1e3,
        chosen / 1e3
    )?;
    if let Some(whole) = report.whole {
        let told = |summary: &Summary| {
            let [median, low, high] = [summary.median, summary.range().low, summary.range().high].map(|time| 1e3 * time);
            format!("{median:.2} ms ({low:.2} to {high:.2})")
        };
        let (by_rule, by_plan) = (told(&whole.by_rule), told(&whole.by_plan));
        writeln!(
            out,
            "together    the model by turns: {by_rule} by rule, {by_plan} by this plan"
        )?;
    }
    Ok(())
}

/// The microseconds of the rule's choice and of the one made.
fn times(tuned: &TunedLayer) -> (Option<f64>, Option<f64>) {
    let rule = tuned.by_rule.and_then(|choice| tuned.microseconds(choice));
    (rule, tuned.microseconds(tuned.choice))
}
