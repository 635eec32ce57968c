//! `convoke bench` as its user meets it: the table, the files, what is refused, and how it ends.

use std::path::Path;

use convoke_bench::Report;

use crate::command::{Run, convoke_with, has_adapter, own_path};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");

/// As little as there is to measure.
const QUICK: [&str; 4] = ["--precision", "50%", "--max-time", "0.05"];

fn bench_with(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    convoke_with(&[&["bench"][..], &QUICK, arguments].concat(), variables)
}

fn bench(arguments: &[&str]) -> Run {
    bench_with(arguments, &[])
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file is there")
}

fn report(path: &Path) -> Report {
    Report::from_json(&text(path)).expect("a report")
}

#[test]
fn a_model_is_measured_checked_and_reported() {
    if !has_adapter() {
        return;
    }
    let json = own_path("bench.json");
    let path = json.to_str().expect("UTF-8");
    let run = bench(&[MODEL, "--backend", "gpu,reference,cpu", "--json", path]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stderr, "", "no progress bar but on a terminal");
    for part in [
        "backend ",
        "CPU (reference)",
        "machine ",
        "load ",
        "checked ",
        "median ms",
        "of ceiling",
        "cold, once",
        "read-back",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let report = report(&json);
    assert_eq!(report.backends.len(), 3);
    assert!(report.model.is_some() && report.environment.command.iter().any(|argument| argument == "bench"));
    let point = &report.cases[0].points[0];
    // LeNet-5's three convolutions and two linear layers, two for each multiply-add.
    let flops = 2 * (28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 120 * 400 + 120 * 84 + 84 * 10);
    assert_eq!((point.flops, point.inputs.as_slice()), (flops, &[vec![1, 1, 28, 28]][..]));
    let [gpu, reference, cpu] = [0, 1, 2].map(|index| point.outcomes[index].measured().expect("times"));
    for measured in [gpu, cpu] {
        let device = measured.device.as_ref().expect("the device's time");
        assert!(device.seconds > 0.0 && device.of_ceiling > 0.0 && device.ceiling_gflops > 0.0);
    }
    let split = gpu.split.expect("the parts");
    assert!(split.upload >= 0.0 && split.dispatch > 0.0 && split.wait + split.read_back > 0.0);
    assert!(gpu.cold.total() > gpu.warm.least, "compiling takes longer than running");
    for other in [reference, cpu] {
        assert!(other.split.is_none() && other.warm.count >= 1);
    }
    assert!(reference.device.is_none(), "the reference has no kernels");
    assert!(cpu.warm.median < reference.warm.median);
}

#[cfg(feature = "wrong-kernel")]
#[test]
fn a_wrong_kernel_is_refused_by_name_and_has_no_times() {
    if !has_adapter() {
        return;
    }
    let json = own_path("bench_wrong.json");
    let path = json.to_str().expect("UTF-8");
    let wrong = [("CONVOKE_WRONG_KERNEL", "pool2d_window:max(result, value)=>min(result, value)")];
    let run = bench_with(&[MODEL, "--json", path], &wrong);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("WRONG       lenet5 on "), "{}", run.stdout);
    assert!(run.stdout.contains("max_pool2d \"pool1\" is wrong"), "{}", run.stdout);
    let report = report(&json);
    assert!(report.has_failed() && report.cases[0].points[0].outcomes[0].measured().is_none());
    let row = run.stdout.lines().find(|line| line.starts_with("lenet5 "));
    assert!(row.is_some_and(|row| row.ends_with("WRONG")), "{}", run.stdout);
}

#[test]
fn a_sweep_is_written_in_every_form_and_compared_with_itself() {
    let [json, csv, html] = ["bench_sweep.json", "bench_sweep.csv", "bench_sweep.html"].map(own_path);
    let paths = [&json, &csv, &html].map(|path| path.to_str().expect("UTF-8"));
    let arguments = [MODEL, "--backend", "reference", "--batch", "1,3"];
    let files = ["--json", paths[0], "--csv", paths[1], "--html", paths[2]];
    let run = bench(&[&arguments[..], &files].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    let mut report = report(&json);
    let sizes: Vec<usize> = report.cases[0].points.iter().map(|point| point.size).collect();
    assert_eq!(sizes, [1, 3]);
    assert_eq!(text(&csv).lines().count(), 3);
    let page = text(&html);
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg") && page.contains("batch, images"));

    // As if it had been a thousand times as fast, and a thousand times as slow.
    for (factor, verdict, code) in [(1e-3, "SLOWER", 1), (1e3, "faster", 0)] {
        for point in &mut report.cases[0].points {
            let convoke_bench::Outcome::Measured(measured) = &mut point.outcomes[0] else {
                continue;
            };
            let warm = &mut measured.warm;
            for time in [&mut warm.least, &mut warm.median, &mut warm.greatest] {
                *time *= factor;
            }
            warm.interval = None;
        }
        let old = own_path(&format!("bench_{verdict}.json"));
        std::fs::write(&old, report.to_json().expect("JSON")).expect("the file is written");
        let baseline = ["--baseline", old.to_str().expect("UTF-8"), "--fail-if-slower"];
        let run = bench(&[&arguments[..], &baseline].concat());
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        assert_eq!(run.stdout.matches(verdict).count(), 2, "{}", run.stdout);
        // The next factor starts from what this one left.
        for point in &mut report.cases[0].points {
            if let convoke_bench::Outcome::Measured(measured) = &mut point.outcomes[0] {
                let warm = &mut measured.warm;
                for time in [&mut warm.least, &mut warm.median, &mut warm.greatest] {
                    *time /= factor;
                }
            }
        }
    }
}

#[test]
fn heights_and_widths_are_swept_where_the_file_leaves_them_open() {
    let json = own_path("bench_size.json");
    let path = json.to_str().expect("UTF-8");
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/free_size.onnx");
    let reference = ["--backend", "reference"];
    let sized = [model, "--size", "4,9", "--shape", "image=2x3x5x5", "--json", path];
    let run = bench(&[&sized[..], &reference].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let report = report(&json);
    let inputs: Vec<_> = report.cases[0]
        .points
        .iter()
        .map(|point| point.inputs[0].as_slice())
        .collect();
    assert_eq!(inputs, [[2, 3, 4, 4], [2, 3, 9, 9]]);
    // Without a shape there is no height.
    let run = bench(&[&[model, "--batch", "1"][..], &reference].concat());
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(
        run.stderr.contains("extent 2 is open") && run.stderr.contains("--shape"),
        "{}",
        run.stderr
    );
}

#[test]
fn layers_and_operators_are_measured_by_name() {
    for (arguments, cases) in [
        (["--layers", "--only", "gap_7"], 1),
        (["--ops", "--only", "softmax"], 1),
        (["--ops", "--only", "pool2d"], 5),
    ] {
        let json = own_path(&format!("bench{}.json", arguments[2]));
        let path = json.to_str().expect("UTF-8");
        let run = bench(&[&arguments[..], &["--backend", "reference", "--json", path]].concat());
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert_eq!(report(&json).cases.len(), cases, "{}", run.stdout);
    }
}

#[test]
fn what_cannot_be_measured_is_an_error_that_says_why() {
    let refused = |arguments: &[&str], code, part: &str| {
        let run = bench(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{arguments:?}: {}", run.stderr);
    };
    let reference = ["--backend", "reference"];
    refused(&["no/such/model.onnx"], 1, "no/such/model.onnx");
    refused(&[&[MODEL, "--size", "32"][..], &reference].concat(), 1, "height and width");
    refused(&[&[MODEL, "--batch", "0"][..], &reference].concat(), 1, "1 at least");
    refused(&[MODEL, "--batch", "1", "--size", "32"], 2, "--size");
    refused(&[MODEL, "--layers"], 2, "--layers");
    refused(&[], 2, "--layers");
    refused(&["--ops", "--batch", "1"], 2, "--batch");
    refused(&[&["--ops", "--only", "no such"][..], &reference].concat(), 1, "no such");
    refused(&[MODEL, "--fail-if-slower"], 2, "--baseline");
    refused(&[MODEL, "--baseline", MODEL], 1, "lenet5.onnx: ");
    let other = own_path("no_report.json");
    std::fs::write(&other, "{}").expect("the file is written");
    refused(
        &[MODEL, "--baseline", other.to_str().expect("UTF-8")],
        1,
        "not a report of `convoke bench`",
    );
    // A report of operators is no baseline for a model; that is said before anything is measured.
    let [ops, path] = ["bench_ops.json"; 2].map(own_path);
    let run = bench(
        &[
            &["--ops", "--only", "relu", "--json", path.to_str().expect("UTF-8")][..],
            &reference,
        ]
        .concat(),
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    refused(&[MODEL, "--baseline", ops.to_str().expect("UTF-8")], 1, "not of this model");
    refused(&[MODEL, "--precision", "0%"], 2, "--precision");
    refused(&[MODEL, "--max-time", "forever"], 2, "--max-time");
    refused(&[MODEL, "--adapter", "no such adapter"], 1, "no such adapter");
    refused(&[MODEL, "--adapter", "cpu"], 1, "--backend cpu");
    refused(&[&[MODEL, "--adapter", "any"][..], &reference].concat(), 1, "--backend gpu");
    refused(
        &[&[MODEL, "--json", "/no/such/folder/report.json"][..], &reference].concat(),
        1,
        "/no/such/folder/report.json",
    );
}
