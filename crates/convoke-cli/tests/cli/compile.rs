//! `convoke compile`, and `run` with what it wrote.

use crate::command::{convoke, own_path};

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");
const DIGIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/digits/6.png");

#[test]
fn a_compiled_model_runs_in_place_of_its_model() {
    let file = own_path("lenet5.convoke");
    let file = file.to_str().expect("UTF-8");
    let compiled = convoke(&["compile", LENET, "-o", file]);
    assert_eq!(compiled.code, Some(0), "{}", compiled.stderr);
    assert!(
        compiled.stdout.contains("bytes, for input [1, 1, 28, 28]"),
        "{}",
        compiled.stdout
    );
    let run = |model: &str, more: &[&str]| {
        let arguments = ["run", model, "--adapter", "cpu", "--digit", "--top", "3"];
        convoke(&[&arguments[..], more].concat())
    };
    let input = format!("--input={DIGIT}");
    let (own, got) = (run(LENET, &[&input]), run(file, &[&input]));
    assert_eq!((own.code, got.code), (Some(0), Some(0)), "{}", got.stderr);
    assert_eq!(got.stdout, own.stdout);
    assert!(
        got.stdout.lines().any(|line| line.trim_start().starts_with('6')),
        "{}",
        got.stdout
    );

    let lines = |model: &str| convoke(&["run", model, DIGIT, "--adapter", "cpu", "--jsonl"]);
    let (own, got) = (lines(LENET), lines(file));
    assert_eq!((got.code, &got.stdout), (Some(0), &own.stdout), "{}", got.stderr);
    let random = convoke(&["run", file, "--input", "random", "--adapter", "cpu"]);
    assert_eq!(random.code, Some(0), "{}", random.stderr);
    let verified = convoke(&["verify", file, "--adapter", "cpu"]);
    assert_eq!(verified.code, Some(0), "{}{}", verified.stdout, verified.stderr);
    let profiled = convoke(&["profile", file, "--adapter", "cpu", "--repetitions", "1"]);
    assert_eq!(profiled.code, Some(0), "{}", profiled.stderr);
    assert!(profiled.stdout.contains("conv"), "{}", profiled.stdout);
    let certificate = own_path("lenet5-compiled.json");
    let certificate = certificate.to_str().expect("UTF-8");
    let certified = convoke(&["verify", file, "--adapter", "cpu", "--certificate", certificate]);
    assert_eq!(certified.code, Some(0), "{}", certified.stderr);
    let repeated = convoke(&["certify", "--replay", certificate, "--adapter", "cpu"]);
    assert_eq!(repeated.code, Some(0), "{}{}", repeated.stdout, repeated.stderr);
    assert!(repeated.stdout.contains("to the bit"), "{}", repeated.stdout);
    for (arguments, part) in [
        (
            vec!["run", file, "--input", "random", "--external-data", "."],
            "all its weights inside",
        ),
        (vec!["compile", file, "-o", file], "ONNX"),
        (vec!["compile", LENET, "-o", "/nowhere/at/all"], "/nowhere/at/all"),
    ] {
        let refused = convoke(&arguments);
        assert_eq!(refused.code, Some(1), "{}", refused.stderr);
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }

    let mut bytes = std::fs::read(file).expect("a file");
    let last = bytes.len() / 2;
    bytes[last] ^= 1;
    std::fs::write(file, &bytes).expect("a file");
    let changed = run(file, &[&input]);
    assert_eq!(changed.code, Some(1), "{}", changed.stderr);
    assert!(
        changed.stderr.contains("was changed") && changed.stderr.contains("lenet5.convoke"),
        "{}",
        changed.stderr
    );
}

#[test]
fn a_compiled_model_is_inspected_and_measured() {
    let file = own_path("lenet5-inspected.convoke");
    let file = file.to_str().expect("UTF-8");
    let compiled = convoke(&["compile", LENET, "-o", file]);
    assert_eq!(compiled.code, Some(0), "{}", compiled.stderr);
    let inspected = convoke(&["inspect", file]);
    assert_eq!(inspected.code, Some(0), "{}", inspected.stderr);
    for line in [
        "runs        on GPUs and on the CPU",
        "FLOPs       ",
        "operators together",
        "dispatches a run",
    ] {
        assert!(inspected.stdout.contains(line), "{line}: {}", inspected.stdout);
    }
    let line = |text: &str, name: &str| {
        let found = text.lines().find(|line| line.starts_with(name));
        found.map(str::to_owned).expect(name)
    };
    let model = convoke(&["inspect", LENET]).stdout;
    for name in ["FLOPs", "memory"] {
        assert_eq!(line(&inspected.stdout, name), line(&model, name));
    }
    // The model leaves the batch open; what was compiled is for one image.
    assert!(line(&inspected.stdout, "input").contains("[1, 1, 28, 28] FLOAT"));
    let other = convoke(&["inspect", file, "--shape", "input=2x1x28x28"]);
    assert_eq!(other.code, Some(1), "{}", other.stdout);
    assert!(other.stderr.contains("compiled for"), "{}", other.stderr);
    let measured = convoke(&["bench", file, "--backend", "cpu,reference", "--max-time", "0.2"]);
    assert_eq!(measured.code, Some(0), "{}{}", measured.stdout, measured.stderr);
    assert!(measured.stdout.contains("lenet5"), "{}", measured.stdout);
}
