//! `convoke profile`: what a run of a model spends its time on, as a table, as JSON, and as a trace for a browser.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use convoke::profiling::Timing;
use convoke::profiling::{Excess, LayerProfile, Profile};
use convoke::{Backend, Fallback};
use serde_json::{Value, json};

use super::input::InputArguments;
use super::outcome::{self, Outcome};
use super::plan::PlanArguments;
use super::precision::PrecisionArguments;
use super::subject::{File, Subject};
use super::table::write_table;
use super::target::{Target, share, text};

/// A model to profile, and what it reads: random numbers where nothing is said.
#[derive(Debug, Args)]
pub(super) struct ProfileArguments {
    /// The ONNX file, or what `compile` made of one.
    model: PathBuf,
    #[command(flatten)]
    inputs: InputArguments,
    #[command(flatten)]
    plan: PlanArguments,
    /// How many runs are measured; times are the least of them.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repetitions: u32,
    /// The order of the table.
    #[arg(long, value_enum, default_value = "graph")]
    sort: Order,
    /// Show only so many layers, those that take longest.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// Write all numbers to a file; `-` is stdout, here and below, and the table goes to stderr then.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a trace to a file, for `chrome://tracing` and Perfetto.
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
    #[command(flatten)]
    precision: PrecisionArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Order {
    /// As the layers run.
    Graph,
    /// What takes longest first.
    Time,
}

/// Measures a model and shows the table.
pub(super) fn profile(out: &mut dyn Write, arguments: &ProfileArguments, adapter: Option<&str>) -> Outcome {
    let file = File {
        path: &arguments.model,
        external_data: arguments.external_data.as_deref(),
        precision: arguments.precision.get(),
        fallback: Fallback::Never,
    };
    let start = || arguments.plan.apply(Backend::choose(outcome::choice(adapter))?);
    let model = Subject::open(file, start)?;
    let [json, trace_file] = [&arguments.json, &arguments.trace].map(|path| Target::open_some(path.as_deref()));
    let (json, trace_file) = (json?, trace_file?);
    let to_stdout = share([&json, &trace_file].into_iter().flatten())?;
    let feeds = arguments.inputs.prepare(&model, Some("random"))?;
    let views = feeds.only()?;
    let (session, backend) = model.session(start)?;
    let profile = session.profile(&views, arguments.repetitions as usize)?;
    if let Some(target) = json {
        write_json(out, target, &numbers(&profile, &backend))?;
    }
    if let Some(target) = trace_file {
        write_json(out, target, &trace(&profile, &backend))?;
    }
    let mut stderr = io::stderr();
    let out = text(out, &mut stderr, to_stdout);
    let ceilings = profile.ceilings;
    writeln!(out, "measured by {}, the least of {}", profile.timing, profile.repetitions)?;
    let of_bytes = ceilings
        .byte_gops
        .filter(|_| profile.layers.iter().any(LayerProfile::is_of_whole_products));
    writeln!(
        out,
        "ceilings    {:.1} GFLOP/s of multiply-adds, {}{:.1} GB/s copied",
        ceilings.gflops,
        of_bytes.map_or(String::new(), |gops| format!("{gops:.1} GOP/s of bytes, ")),
        ceilings.gbs
    )?;
    writeln!(out)?;
    table(out, &profile, arguments)?;
    writeln!(out)?;
    for (name, time) in [
        ("kernels", profile.kernels()),
        ("dispatches", profile.dispatches),
        ("run", profile.run),
    ] {
        let what = match name {
            "kernels" => "the layers' sum",
            "dispatches" if profile.timing == Timing::Operators => "without reading the clock between them",
            "dispatches" => "in one submission until it is done",
            _ => "with inputs written and outputs read back",
        };
        writeln!(out, "{name:<11} {:.3} ms {what}", milliseconds(time))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each layer, and the total.
fn table(out: &mut dyn Write, profile: &Profile, arguments: &ProfileArguments) -> io::Result<()> {
    let mut shown: Vec<usize> = (0..profile.layers.len()).collect();
    let by_time = |&index: &usize| std::cmp::Reverse(profile.layers[index].time);
    if arguments.sort == Order::Time || arguments.top.is_some() {
        shown.sort_by_key(by_time);
        shown.truncate(arguments.top.map_or(usize::MAX, |top| top as usize));
    }
    if arguments.sort == Order::Graph {
        shown.sort_unstable();
    }
    let head = [
        "layer",
        "operator",
        "output",
        "kernels",
        "ms",
        "share",
        "GFLOP/s",
        "GB/s",
        "of ceiling",
    ];
    let mut rows: Vec<[String; 9]> = vec![head.map(str::to_owned)];
    rows.extend(shown.iter().map(|&index| row(profile, &profile.layers[index])));
    let left_out = profile.layers.len() - shown.len();
    let flops = profile
        .layers
        .iter()
        .fold(0_u64, |sum, layer| sum.saturating_add(layer.flops));
    let seconds = profile.kernels().as_secs_f64();
    let mut total = [(); 9].map(|()| String::new());
    total[0] = match left_out {
        0 => format!("{} layers", profile.layers.len()),
        _ => format!("{} layers, {left_out} not shown", profile.layers.len()),
    };
    total[4] = format!("{:.3}", milliseconds(profile.kernels()));
    if flops > 0 && seconds > 0.0 {
        total[6] = format!("{:.1}", flops as f64 * 1e-9 / seconds);
    }
    rows.push(total);
    write_table(out, &rows, |column| column <= 3)?;
    let reasons = [Excess::Caches, Excess::Winograd, Excess::Ceiling].into_iter();
    let is_shown = |excess: &Excess| {
        shown
            .iter()
            .any(|&index| profile.excess(&profile.layers[index]) == Some(*excess))
    };
    for (index, excess) in reasons.filter(is_shown).enumerate() {
        if index == 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}  over 100%: {excess}", mark(excess))?;
    }
    Ok(())
}

fn row(profile: &Profile, layer: &LayerProfile) -> [String; 9] {
    let number = |value: f64, text: String| if value > 0.0 { text } else { String::new() };
    let shape = layer.outputs.first().map(|shape| extents(shape)).unwrap_or_default();
    let (gflops, gbs, efficiency) = (layer.gflops(), layer.gbs(), profile.efficiency(layer));
    let of_ceiling = match profile.excess(layer) {
        None => format!("{:.0}%", 100.0 * efficiency),
        Some(excess) => format!(">100% {}", mark(excess)),
    };
    [
        shortened(&layer.node),
        layer.operator.to_owned(),
        shape,
        kernels(layer),
        format!("{:.3}", milliseconds(layer.time)),
        format!("{:.1}%", 100.0 * profile.share(layer)),
        number(gflops, format!("{gflops:.1}")),
        number(gbs, format!("{gbs:.1}")),
        number(efficiency, of_ceiling),
    ]
}

/// Stands beside what is above a ceiling, and before the reason below the table.
fn mark(excess: Excess) -> char {
    match excess {
        Excess::Caches => 'c',
        Excess::Winograd => 'w',
        _ => '?',
    }
}

/// The end of a long name, where names differ.
fn shortened(name: &str) -> String {
    const MOST: usize = 40;
    let surplus = name.chars().count().saturating_sub(MOST);
    match surplus {
        0 => name.to_owned(),
        _ => std::iter::once('…').chain(name.chars().skip(surplus + 1)).collect(),
    }
}

/// The kernels in order, and how often one is called again and again.
fn kernels(layer: &LayerProfile) -> String {
    let mut names: Vec<(&str, usize)> = Vec::new();
    for kernel in &layer.kernels {
        match names.last_mut() {
            Some((name, times)) if *name == kernel.name => *times += 1,
            _ => names.push((kernel.name, 1)),
        }
    }
    let text = names.iter().map(|(name, times)| match times {
        1 => (*name).to_owned(),
        _ => format!("{name} x{times}"),
    });
    match names.len() {
        0 => "-".to_owned(),
        _ => text.collect::<Vec<_>>().join(", "),
    }
}

fn extents(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

fn milliseconds(time: Duration) -> f64 {
    1e3 * time.as_secs_f64()
}

fn microseconds(time: Duration) -> f64 {
    1e6 * time.as_secs_f64()
}

/// Everything that was measured.
fn numbers(profile: &Profile, backend: &Backend) -> Value {
    let layer = |layer: &LayerProfile| {
        let kernels = layer.kernels.iter();
        let kernels = kernels.map(|kernel| json!({ "name": kernel.name, "microseconds": microseconds(kernel.time) }));
        json!({
            "node": layer.node,
            "operator": layer.operator,
            "inputs": layer.inputs,
            "outputs": layer.outputs,
            "kernels": kernels.collect::<Vec<_>>(),
            "microseconds": microseconds(layer.time),
            "flops": layer.flops,
            "bytes": layer.bytes,
            "gflops": layer.gflops(),
            "gbs": layer.gbs(),
            "share": profile.share(layer),
            "of_ceiling": profile.efficiency(layer),
            "above_ceiling": profile.excess(layer).map(|excess| excess.to_string()),
        })
    };
    json!({
        "adapter": backend.to_string(),
        "timing": profile.timing.to_string(),
        "repetitions": profile.repetitions,
        "ceilings": {
            "gflops": profile.ceilings.gflops,
            "byte_gops": profile.ceilings.byte_gops,
            "gbs": profile.ceilings.gbs,
        },
        "microseconds": {
            "kernels": microseconds(profile.kernels()),
            "dispatches": microseconds(profile.dispatches),
            "run": microseconds(profile.run),
        },
        "layers": profile.layers.iter().map(layer).collect::<Vec<_>>(),
    })
}

/// The layers one after another, each as long as it took, in the Trace Event Format.
fn trace(profile: &Profile, backend: &Backend) -> Value {
    let named = |kind: &str, name: &str| json!({ "ph": "M", "name": kind, "pid": 1, "tid": 1, "args": { "name": name } });
    let mut events = vec![named("process_name", &backend.to_string()), named("thread_name", "layers")];
    let mut start = Duration::ZERO;
    for layer in &profile.layers {
        events.push(json!({
            "ph": "X",
            "name": layer.node,
            "cat": layer.operator,
            "pid": 1,
            "tid": 1,
            "ts": microseconds(start),
            "dur": microseconds(layer.time),
            "args": {
                "operator": layer.operator,
                "kernels": kernels(layer),
                "inputs": layer.inputs.iter().map(|shape| extents(shape)).collect::<Vec<_>>(),
                "outputs": layer.outputs.iter().map(|shape| extents(shape)).collect::<Vec<_>>(),
                "GFLOP/s": layer.gflops(),
                "GB/s": layer.gbs(),
                "of ceiling": profile.efficiency(layer),
            },
        }));
        start = start.saturating_add(layer.time);
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}

fn write_json(out: &mut dyn Write, target: Target, value: &Value) -> Result<(), Box<dyn Error>> {
    target.write(out, |file| {
        serde_json::to_writer_pretty(&mut *file, value)?;
        Ok(writeln!(file)?)
    })
}
