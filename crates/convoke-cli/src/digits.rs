//! `convoke digits`: handwritten digits read by LeNet-5, on the backend and on the reference.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use convoke::ops::Softmax;
use convoke::reference::Answer;
use convoke::testing::compare;
use convoke::weights::Weights;
use convoke::{Backend, Session};
use convoke_cli::digit;
use convoke_digits::{self as digits, MODEL, TEST_SET, TestSet};
use ndarray::{ArrayD, Axis};

use super::outcome::{Outcome, announce, complain};

/// Digits drawn beside one another; two of them fit 80 columns.
const DRAWN_IN_A_ROW: usize = 2;

/// What to read, and with which weights.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Pictures (PNG, JPEG, WebP, GIF, BMP) of one digit each, which should fill most of it; without any, the test set is read.
    #[arg(value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Read only the first so many digits of the test set.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "pictures")]
    count: Option<u32>,
    /// Weights of another LeNet-5, as safetensors.
    #[arg(long, value_name = "PATH")]
    model: Option<PathBuf>,
    /// Another test set, as safetensors: `images` U8 [N, 28, 28] and `labels` U8 [N].
    #[arg(long, value_name = "PATH", conflicts_with = "pictures")]
    test_set: Option<PathBuf>,
}

/// Reads pictures, or the test set.
pub(super) fn run(out: &mut dyn Write, arguments: &Arguments, backend: &Backend) -> Outcome {
    let weights = match &arguments.model {
        Some(path) => Weights::open(path)?,
        None => Weights::from_safetensors(MODEL)?,
    };
    announce(backend);
    if !arguments.pictures.is_empty() {
        return read_pictures(out, &arguments.pictures, &weights, backend);
    }
    let mut test_set = match &arguments.test_set {
        Some(path) => TestSet::open(path)?,
        None => TestSet::from_safetensors(TEST_SET)?,
    };
    if arguments.model.is_some() && arguments.test_set.is_none() {
        // PyTorch's logits are those of the other model.
        test_set.logits = None;
    }
    test_set.truncate(arguments.count.map_or(usize::MAX, |count| count as usize));
    if test_set.labels.is_empty() {
        return Err("the test set is empty".into());
    }
    read_test_set(out, &test_set, &weights, backend)
}

/// Each picture with its digit, or a line on stderr that says why not.
fn read_pictures(out: &mut dyn Write, paths: &[PathBuf], weights: &Weights, backend: &Backend) -> Outcome {
    let model = digits::lenet5().add(Softmax::new(1));
    let session = Session::new(model.graph(weights)?, backend)?;
    let mut code = ExitCode::SUCCESS;
    for path in paths {
        let read = std::fs::read(path).map_err(|error| error.to_string());
        let image = match read.and_then(|bytes| digit(&bytes)) {
            Ok(image) => image,
            Err(message) => {
                complain("error", &format!("{}: {message}", path.display()));
                code = ExitCode::FAILURE;
                continue;
            }
        };
        let probabilities = session.run(&[image.view().into_dyn()])?.swap_remove(0);
        let mut ranked: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
        ranked.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        let [first, second, third] = [ranked[0], ranked[1], ranked[2]].map(|(digit, p)| format!("{digit} ({:.1} %)", 100.0 * p));
        writeln!(out, "\n{}: {first}, then {second}, {third}", path.display())?;
        write!(out, "{}", digits::draw(&image))?;
    }
    Ok(code)
}

/// Accuracy, agreement with the reference and with PyTorch, time per image, and drawings.
fn read_test_set(out: &mut dyn Write, test_set: &TestSet, weights: &Weights, backend: &Backend) -> Outcome {
    let graph = digits::lenet5().graph(weights)?;
    let images = test_set.images.view().into_dyn();
    let count = test_set.labels.len();

    let started = Instant::now();
    let session = Session::new(graph, backend)?;
    let on_device = match backend {
        Backend::Gpu(_) | Backend::Cpu(_) => {
            let one = images.slice_axis(Axis(0), (0..1).into());
            session.run(&[one.view()])?;
            let first = started.elapsed();
            let logits = session.run(&[images.view()])?.swap_remove(0);
            let alone = steady(|| session.run(&[one.view()]).map(|_| ()))?;
            let batch = steady(|| session.run(&[images.view()]).map(|_| ()))? / count as u32;
            Some((logits, first, alone, batch))
        }
        _ => None,
    };
    let started = Instant::now();
    let answer = session.answers(&[images.view()])?.swap_remove(0);
    let by_reference = started.elapsed() / count as u32;

    let logits = on_device
        .as_ref()
        .map_or_else(|| answer.to_f32(), |(logits, ..)| logits.clone());
    let read = digits::classes(&logits);
    let labels: Vec<usize> = test_set.labels.iter().copied().map(usize::from).collect();
    let wrong: Vec<usize> = (0..count).filter(|&index| read[index] != labels[index]).collect();
    let right = count - wrong.len();
    let percent = 100.0 * right as f64 / count as f64;
    writeln!(out, "accuracy    {percent:.2} %: {right} of {count} test digits")?;
    let device = if matches!(backend, Backend::Gpu(_)) { "GPU" } else { "CPU" };
    let mut within_bounds = true;
    if on_device.is_some() {
        within_bounds &= report_agreement(out, device, &logits, &answer)?;
    }
    if let Some(logits) = &test_set.logits {
        within_bounds &= report_agreement(out, "PyTorch", logits, &answer)?;
    }

    writeln!(out, "\ntime per image, input and output included")?;
    if let Some((_, first, alone, batch)) = on_device {
        writeln!(
            out,
            "    {:>10}  the first of all: kernels are compiled, weights uploaded or packed",
            time(first)
        )?;
        writeln!(out, "    {:>10}  one by one, from then on", time(alone))?;
        writeln!(out, "    {:>10}  in batches of {count}", time(batch))?;
    }
    writeln!(
        out,
        "    {:>10}  on the reference: float64 on one core, with its error bounds",
        time(by_reference)
    )?;

    // Some that are read well, then all that are not.
    let good = (0..count).filter(|index| !wrong.contains(index)).take(2 * DRAWN_IN_A_ROW);
    let shown: Vec<usize> = good.chain(wrong.iter().copied()).collect();
    for row in shown.chunks(DRAWN_IN_A_ROW) {
        let images = test_set.images.select(Axis(0), row);
        let captions = row.iter().map(|&index| match (read[index], labels[index]) {
            (read, label) if read == label => format!("{:<28}", format!("read as {read}")),
            (read, label) => format!("{:<28}", format!("misread as {read}, is a {label}")),
        });
        let captions: Vec<String> = captions.collect();
        write!(out, "\n{}{}\n", digits::draw(&images), captions.join("  ").trim_end())?;
    }
    if within_bounds {
        return Ok(ExitCode::SUCCESS);
    }
    Err("these logits are wrong; please report this with the lines above".into())
}

/// Says how far these logits are from the reference's; false where one is further than a correct `f32` run may be.
fn report_agreement(out: &mut dyn Write, name: &str, logits: &ArrayD<f32>, answer: &Answer) -> std::io::Result<bool> {
    let (got, want) = (digits::classes(logits), digits::classes(&answer.to_f32()));
    let (count, same) = (want.len(), got.iter().zip(&want).filter(|(got, want)| got == want).count());
    let differences = logits
        .iter()
        .zip(&answer.values)
        .map(|(&got, want)| (f64::from(got) - want).abs());
    let largest = differences.fold(0.0, f64::max);
    let bound = answer.bound.iter().copied().fold(f64::INFINITY, f64::min);
    writeln!(
        out,
        "{name:<11} same digit as the reference for {same} of {count}; logits within {largest:.1e} (derived bound {bound:.1e})"
    )?;
    if let Err(mismatch) = compare(logits, answer) {
        complain("error", &format!("{name}: {mismatch}"));
        return Ok(false);
    }
    Ok(true)
}

/// The median time of a run, once it has run before.
fn steady(mut run: impl FnMut() -> convoke::Result<()>) -> convoke::Result<Duration> {
    run()?;
    let started = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || (started.elapsed() < Duration::from_millis(300) && times.len() < 1000) {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// With three digits.
fn time(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1e3;
    let decimals = match milliseconds {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{milliseconds:.decimals$} ms")
}
