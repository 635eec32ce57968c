//! ONNX's own test cases (`tests/data/onnx_node`, and whole models in `tests/data/onnx_sets`) and quantised networks as ONNX Runtime
//! computes them (`tests/data/quantised`), a trial each on the reference, on the CPU
//! and on the GPU. What is not supported is named in `unsupported.txt`, which must be right to the letter.
//!
//! Without an adapter the GPU's trials are shown and counted as ignored; with `CONVOKE_REQUIRE_GPU=1` that is a failure.

#[path = "common/adapter.rs"]
mod adapter;
#[path = "common/record.rs"]
mod record;
#[path = "common/root.rs"]
mod root;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use convoke::testing::conformance::{Case, Outcome, Tolerance, find};
use convoke::{Backend, Session, Tensor};
use libtest_mimic::{Arguments, Failed, Trial};
use ndarray::ArrayD;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let data = root::root().join("tests/data");
    let (cases, unsupported) = match (cases(&data), unsupported(&data.join("onnx_node/unsupported.txt"))) {
        (Ok(cases), Ok(unsupported)) => (cases, unsupported),
        (Err(error), _) => return stop(&error),
        (_, Err(error)) => return stop(&error),
    };
    let gpu = adapter::adapter();
    let backends = [
        ("reference", Some(Backend::Reference)),
        ("cpu", Some(Backend::cpu())),
        ("gpu", gpu.map(Backend::from)),
    ];
    let total = cases.len();
    let names: Vec<String> = cases.iter().map(|case| name(case)).collect();
    let mut trials = vec![Trial::test("unsupported.txt names cases", {
        let is_known = |name: &String| {
            names.contains(name)
                || name
                    .strip_prefix("gpu/")
                    .is_some_and(|name| names.iter().any(|known| known == name))
        };
        let unknown: Vec<String> = unsupported.keys().filter(|name| !is_known(name)).cloned().collect();
        move || match unknown.as_slice() {
            [] => Ok(()),
            unknown => Err(format!("no such cases: {}", unknown.join(", ")).into()),
        }
    })];
    let mut passed = Vec::new();
    for (backend_name, backend) in backends {
        let count = Arc::new(AtomicUsize::new(0));
        for (case, name) in cases.iter().zip(&names) {
            let (case, backend, count) = (case.clone(), backend.clone(), count.clone());
            let missing = backend.is_none();
            let trial_name = format!("{backend_name}/{name}");
            let reason = unsupported.get(name).or_else(|| unsupported.get(&trial_name)).cloned();
            let name = name.clone();
            let trial = Trial::test(trial_name, move || match backend {
                Some(backend) => {
                    record::record(&format!("node/{backend_name}"), &name, || outputs(&case, &backend))?;
                    run(&case, &backend, reason.as_deref(), &count)
                }
                None => Ok(()),
            });
            trials.push(trial.with_ignored_flag(missing));
        }
        passed.push((backend, count));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    for (backend, count) in passed {
        if let Some(backend) = backend {
            println!("{} of {total} ONNX cases pass on {backend}", count.load(Ordering::Relaxed));
        }
    }
    conclusion.exit_code()
}

fn stop(message: &dyn std::fmt::Display) -> ExitCode {
    println!("{message}");
    ExitCode::FAILURE
}

fn name(case: &Path) -> String {
    case.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folders of all cases, by their names.
fn cases(data: &Path) -> convoke::Result<Vec<PathBuf>> {
    let mut cases = find(data.join("onnx_node"))?;
    cases.extend(find(data.join("onnx_sets"))?);
    cases.extend(find(data.join("quantised"))?);
    Ok(cases)
}

/// Lines of `case: reason`, or `gpu/case: reason` of what the GPU alone does not run; empty ones and those that start with `#` are for people.
fn unsupported(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut reasons = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, reason) = line
            .split_once(": ")
            .ok_or_else(|| format!("{}: not `case: reason`: {line}", path.display()))?;
        if reasons.insert(name.to_owned(), reason.to_owned()).is_some() {
            return Err(format!("{}: {name} is named twice", path.display()));
        }
    }
    Ok(reasons)
}

/// The outputs of all data sets one after another; none where the case is refused.
fn outputs(folder: &Path, backend: &Backend) -> Vec<ArrayD<f32>> {
    let Ok(case) = Case::open(folder) else { return Vec::new() };
    let run = |set| {
        let (source, inputs) = case.source(set);
        let outputs = Session::new(source, backend)?.run_tensors(&inputs)?;
        Ok::<_, convoke::Error>(outputs.iter().map(Tensor::to_f32).collect())
    };
    let outputs = case.data.iter().map(|set| run(set).unwrap_or_default());
    outputs.flat_map(|outputs: Vec<ArrayD<f32>>| outputs).collect()
}

/// A listed case must be refused, and for the reason that the list gives; any other must pass.
fn run(folder: &PathBuf, backend: &Backend, listed: Option<&str>, passed: &AtomicUsize) -> Result<(), Failed> {
    let outcome = match Case::open(folder) {
        Ok(case) => case.run(backend, Tolerance::default()),
        Err(error) => Outcome::of_error(&error),
    };
    match (outcome, listed) {
        (Outcome::Passed, None) => {
            passed.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        (Outcome::Passed, Some(_)) => Err("now supported: remove it from unsupported.txt".into()),
        (Outcome::Failed(message), _) => Err(message.into()),
        (Outcome::Unsupported(message), None) => Err(format!("not in unsupported.txt: {message}").into()),
        (Outcome::Unsupported(message), Some(reason)) => {
            // Without the paths and the lists' line breaks.
            let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
            if message.contains(reason) {
                Ok(())
            } else {
                Err(format!("unsupported.txt says {reason:?}, but it is: {message}").into())
            }
        }
    }
}
