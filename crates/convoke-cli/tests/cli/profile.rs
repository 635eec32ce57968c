//! `convoke profile` as its user meets it: the table, the JSON and the trace.

use std::path::Path;

use serde_json::Value;

use crate::command::{Run, convoke, has_adapter};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");

fn profile(arguments: &[&str]) -> Run {
    convoke(&[&["profile", MODEL][..], arguments].concat())
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the file is there");
    serde_json::from_str(&text).expect("valid JSON")
}

#[test]
fn profile_shows_every_layer_and_writes_what_it_shows() {
    if has_adapter() {
        shows_every_layer("gpu", &[]);
    }
    shows_every_layer("cpu", &["--adapter", "cpu"]);
}

fn shows_every_layer(name: &str, adapter: &[&str]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let [json, trace] = ["", "_trace"].map(|kind| folder.join(format!("profile_{name}{kind}.json")));
    let [json_text, trace_text] = [&json, &trace].map(|path| path.to_str().expect("UTF-8"));
    let arguments = ["--repetitions", "2", "--json", json_text, "--trace", trace_text];
    let Run { code, stdout, .. } = profile(&[&arguments, adapter].concat());
    assert_eq!(code, Some(0), "{stdout}");
    for part in [
        "measured by ",
        "ceilings ",
        "GFLOP/s",
        "conv1",
        "logits",
        "kernels ",
        "dispatches ",
        "run ",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }

    let numbers = read(&json);
    let layers = numbers["layers"].as_array().expect("layers");
    // Nothing is above a ceiling without a reason, in the table and in the file.
    let above = layers.iter().filter(|layer| layer["of_ceiling"].as_f64() > Some(1.0));
    let explained = |layer: &&Value| layer["above_ceiling"].as_str().is_some_and(|why| stdout.contains(why));
    assert_eq!(above.clone().count(), above.filter(explained).count(), "{stdout}");
    let cells = stdout.split_whitespace().filter_map(|cell| cell.strip_suffix('%'));
    for percent in cells.filter_map(|cell| cell.parse::<f64>().ok()) {
        assert!(percent <= 100.0, "{percent}: {stdout}");
    }
    assert_eq!(numbers["repetitions"], 2);
    assert!(stdout.contains(&format!("{} layers", layers.len())), "{stdout}");
    let sum: f64 = layers.iter().filter_map(|layer| layer["microseconds"].as_f64()).sum();
    let kernels = numbers["microseconds"]["kernels"].as_f64().expect("a time");
    assert!((sum - kernels).abs() < 0.01 && sum > 0.0, "{sum} {kernels}");
    let flops: u64 = layers.iter().filter_map(|layer| layer["flops"].as_u64()).sum();
    // LeNet-5's three convolutions and two linear layers, two for each multiply-add.
    assert_eq!(
        flops,
        2 * (28 * 28 * 6 * 25 + 10 * 10 * 16 * 150 + 120 * 400 + 120 * 84 + 84 * 10)
    );

    let events = read(&trace);
    let events = events["traceEvents"].as_array().expect("events");
    let complete: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(complete.len(), layers.len(), "one event a layer");
    let mut end = 0.0;
    for (event, layer) in complete.iter().zip(layers) {
        assert_eq!(event["name"], layer["node"]);
        let (start, duration) = (event["ts"].as_f64().expect("ts"), event["dur"].as_f64().expect("dur"));
        assert!((start - end).abs() < 0.01 && duration >= 0.0, "{event}");
        assert!(
            event["pid"].is_u64() && event["tid"].is_u64() && event["args"]["outputs"].is_array(),
            "{event}"
        );
        end = start + duration;
    }
}

#[test]
fn the_longest_layers_come_first_where_asked() {
    let Run { stdout, .. } = profile(&["--adapter", "cpu", "--repetitions", "1", "--sort", "time", "--top", "3"]);
    let lines = stdout.lines().skip_while(|line| !line.starts_with("layer ")).skip(1);
    let rows: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let (total, rows) = rows.split_last().expect("rows");
    assert!(rows.len() == 3 && total.contains("not shown"), "{stdout}");
    let percent = |row: &&str| -> f64 {
        let share = row.split_whitespace().find(|cell| cell.ends_with('%')).expect("a share");
        share.trim_end_matches('%').parse().expect("a number")
    };
    let shares: Vec<f64> = rows.iter().map(percent).collect();
    assert!(shares.is_sorted_by(|left, right| left >= right), "{stdout}");
}

#[test]
fn what_cannot_be_profiled_or_written_is_an_error() {
    let refused = |arguments: &[&str], code, part: &str| {
        let run = profile(arguments);
        let stderr = run.stderr;
        assert_eq!(run.code, Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    };
    refused(&["--repetitions", "0"], 2, "--repetitions");
    refused(&["--input", "nothing=random"], 1, "nothing");
    let nowhere = "/no/such/folder/trace.json";
    refused(&["--adapter", "cpu", "--repetitions", "1", "--trace", nowhere], 1, nowhere);
}
