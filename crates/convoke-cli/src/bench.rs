//! `convoke bench`: a model on backends side by side, checked, cold and warm, with a report.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{ArgGroup, Args, ValueEnum};
use convoke::gpu::AdapterChoice;
use convoke::{Backend, Error, Precision};
use convoke_bench::layers;
use convoke_bench::{Case, Comparison, Environment, ModelFile, Opened, Report, Rule, Sweep, csv, html, measure, operators, table};
use indicatif::{ProgressBar, ProgressStyle};

use super::outcome::Outcome;
use super::plan::PlanArguments;
use super::shapes::shape;
use super::subject::{self, Subject};
use super::target::{Target, share, text};

/// What to measure, where, and how well.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true)))]
pub(super) struct BenchArguments {
    /// The ONNX file or the compiled model; its inputs are random.
    #[arg(group = "what")]
    model: Option<PathBuf>,
    /// Measure layers of well-known networks: 21 convolutions and 4 poolings.
    #[arg(long, group = "what")]
    layers: bool,
    /// Measure each operator by a small case.
    #[arg(long, group = "what")]
    ops: bool,
    /// Of layers and operators only those with this in their name.
    #[arg(long, value_name = "TEXT", conflicts_with = "model")]
    only: Option<String>,
    /// What to measure side by side; `--adapter`, which may be repeated, says which GPUs. Without it the GPU, where there is
    /// one, and the CPU.
    #[arg(long, value_enum, value_delimiter = ',')]
    backend: Vec<Kind>,
    /// Measure at these batches, where the first extent is open in the file.
    #[arg(long, value_name = "N,N,..", value_delimiter = ',', conflicts_with_all = ["size", "layers", "ops"])]
    batch: Vec<usize>,
    /// Measure at these heights and widths, where they are open in the file.
    #[arg(long, value_name = "N,N,..", value_delimiter = ',', conflicts_with_all = ["layers", "ops"])]
    size: Vec<usize>,
    /// The shape of an input that the file leaves open; otherwise an open first extent is 1.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape, conflicts_with_all = ["layers", "ops"])]
    shape: Vec<(String, Vec<usize>)>,
    /// How well the median must be known, with 95 % confidence, before no more is measured.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    precision: f64,
    /// The most that the runs of one backend may take at each size.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    max_time: f64,
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    output: OutputArguments,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
}

/// What becomes of the figures.
#[derive(Debug, Args)]
struct OutputArguments {
    /// Write everything to a file; `-` is stdout, here and below, and the table goes to stderr then.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a line for each backend and size to a file.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a report with plots to a file, for a browser.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Compare with what `--json` wrote earlier.
    #[arg(long, value_name = "OLD.json")]
    baseline: Option<PathBuf>,
    /// What a median must differ by, beyond the noise, to count as slower or faster than the baseline.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent, requires = "baseline")]
    threshold: f64,
    /// End with exit status 1 where something is slower than the baseline.
    #[arg(long, requires = "baseline")]
    fail_if_slower: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Each adapter asked for, or the best.
    Gpu,
    /// The same with numbers stored as 16-bit floats.
    GpuF16,
    /// The CPU, fast.
    Cpu,
    /// The CPU, exact and slow.
    Reference,
}

/// `5%` or `5` as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse::<f64>();
    match number {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number / 100.0),
        _ => Err("a percentage above 0 is expected".to_owned()),
    }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 86_400.0 => Ok(number),
        _ => Err("seconds are expected, above 0 and a day at most".to_owned()),
    }
}

/// Opens what is to be measured. A new kind of backend is a line here.
fn backends(kinds: &[Kind], adapters: &[String]) -> Result<Vec<Opened>, Box<dyn std::error::Error>> {
    if kinds.is_empty() {
        if adapters.is_empty() && AdapterChoice::from_env() == AdapterChoice::Cpu {
            return backends(&[Kind::Cpu], adapters);
        }
        return match backends(&[Kind::Gpu, Kind::Cpu], adapters) {
            // Nobody asked for a GPU.
            Err(error) if adapters.is_empty() && matches!(error.downcast_ref(), Some(Error::NoAdapter(_))) => {
                log::warn!("{error}; only the CPU is measured");
                backends(&[Kind::Cpu], adapters)
            }
            result => result,
        };
    }
    let mut opened: Vec<Opened> = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        if kinds[..index].contains(kind) {
            continue;
        }
        match kind {
            Kind::Gpu | Kind::GpuF16 => {
                let (name, precision) = match kind {
                    Kind::GpuF16 => ("gpu-f16", Precision::F16),
                    _ => ("gpu", Precision::F32),
                };
                let asked = adapters.iter().map(|adapter| AdapterChoice::from(adapter.as_str()));
                let mut choices: Vec<AdapterChoice> = asked.collect();
                if choices.is_empty() {
                    choices.push(AdapterChoice::from_env());
                }
                for choice in choices {
                    if choice == AdapterChoice::Cpu {
                        return Err("the adapter asked for is the CPU: use --backend cpu".into());
                    }
                    opened.push(Opened::open(name, || Backend::choose(choice))?.precision(precision));
                }
            }
            Kind::Cpu => opened.push(Opened::open("cpu", || Ok(Backend::cpu()))?),
            Kind::Reference => opened.push(Opened::open("reference", || Ok(Backend::Reference))?),
        }
    }
    let has_gpu = kinds.iter().any(|kind| matches!(kind, Kind::Gpu | Kind::GpuF16));
    if !adapters.is_empty() && !has_gpu {
        return Err("--adapter is given, but no GPU is measured: --backend gpu".into());
    }
    Ok(opened)
}

/// Measures, shows the table and writes the files. Exit status 1 where an answer is wrong or a run failed.
pub(super) fn bench(out: &mut dyn Write, arguments: &BenchArguments, adapters: &[String]) -> Outcome {
    let environment = Environment::read();
    let rule = Rule {
        precision: arguments.precision,
        max_time: arguments.max_time,
    };
    let output = &arguments.output;
    // What is no report is seen before anything is measured.
    let baseline = output.baseline.as_deref().map(read_report).transpose()?;
    // And so is what cannot be written.
    let [json, csv_file, html_file] = [&output.json, &output.csv, &output.html].map(|path| Target::open_some(path.as_deref()));
    let (json, csv_file, html_file) = (json?, csv_file?, html_file?);
    let to_stdout = share([&json, &csv_file, &html_file].into_iter().flatten())?;
    let start = Instant::now();
    let model = match &arguments.model {
        Some(path) => Some((path, Subject::of_file(path, arguments.external_data.as_deref())?)),
        None => None,
    };
    let read = start.elapsed().as_secs_f64();
    let sweep = match (arguments.batch.as_slice(), arguments.size.as_slice()) {
        ([], []) => None,
        ([], sizes) => Some((Sweep::Size, sizes)),
        (batches, _) => Some((Sweep::Batch, batches)),
    };
    let mut cases = match &model {
        Some((path, model)) => {
            let name = path.file_stem().map_or("model".into(), |stem| stem.to_string_lossy());
            vec![match model.kind() {
                subject::Kind::Model(model) => Case::model(&name, model, read, &arguments.shape, sweep)?,
                subject::Kind::Compiled(session, _) => Case::compiled(&name, session, read, &arguments.shape, sweep)?,
            }]
        }
        None if arguments.layers => layers().iter().map(Case::layer).collect(),
        None => operators(),
    };
    if let Some(only) = &arguments.only {
        cases.retain(|case| case.name().contains(only));
        if cases.is_empty() {
            return Err(format!("--only {only}: there is no such layer or operator").into());
        }
    }
    let file = model.as_ref().map(|(path, _)| fingerprint(path)).transpose()?;
    if let Some(old) = &baseline {
        Comparison::check(old, file.as_ref())?;
    }
    let mut backends = backends(&arguments.backend, adapters)?;
    arguments
        .plan
        .apply_to_gpus(backends.iter_mut().map(|opened| &mut opened.backend))?;
    let bar = progress_bar();
    let report = measure(environment, file, &cases, &backends, rule, &mut |progress| {
        bar.set_position((1000.0 * progress.done) as u64);
        bar.set_message(progress.message);
    });
    bar.finish_and_clear();
    // Whoever reads the table may stop early; the files are wanted all the same.
    let mut stderr = io::stderr();
    let text_out = text(out, &mut stderr, to_stdout);
    let shown = write!(text_out, "{}", table(&report)).and_then(|()| text_out.flush());
    let mut write = |target: Target, text: &str| target.write(out, |file| Ok(file.write_all(text.as_bytes())?));
    // The figures are written before a comparison may fail.
    if let Some(target) = json {
        write(target, &report.to_json()?)?;
    }
    if let Some(target) = csv_file {
        write(target, &csv(&report))?;
    }
    let compared = baseline
        .map(|old| Comparison::new(&old, &report, output.threshold))
        .transpose();
    if let Some(target) = html_file {
        let comparison = compared.as_ref().ok().and_then(Option::as_ref);
        write(target, &html(&report, comparison)?)?;
    }
    shown?;
    let comparison = compared?;
    if let Some(comparison) = &comparison {
        write!(text(out, &mut stderr, to_stdout), "\n{}", comparison.table())?;
    }
    let is_slower = comparison.is_some_and(|comparison| comparison.is_slower());
    let has_failed = report.has_failed() || (output.fail_if_slower && is_slower);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A bar of a thousand steps; none but on a terminal.
pub(super) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(1000);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}% {msg}") {
        bar.set_style(style);
    }
    bar
}

fn read_report(path: &Path) -> Result<Report, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    Report::from_json(&text).map_err(|error| named(&error))
}

/// Size and hash of a file, so that another model under the same name is noticed.
fn fingerprint(path: &Path) -> Result<ModelFile, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(ModelFile::new(&path.display().to_string(), &bytes))
}
