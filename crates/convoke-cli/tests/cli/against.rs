//! Runs in ONNX Runtime, which a program that takes Python's place stands in for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::command::{Run, convoke_with, root};

fn model() -> String {
    root()
        .join("tests/data/onnx_sets/simple/test_single_relu_model/model.onnx")
        .display()
        .to_string()
}

/// `verify --against ort` where `python3` is this shell script.
fn with_python(name: &str, script: &str) -> Run {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let python = folder.join("python3");
    fs::write(&python, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).expect("its permissions");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    convoke_with(&["verify", &model(), "--against", "ort", "--seed", "7"], &[("PATH", &path)])
}

#[test]
fn onnx_runtime_is_asked_for_the_model_and_its_answers_are_judged() {
    let dump = root().join("crates/convoke-cli/tests/data/relu.npz");
    let run = with_python(
        "answers",
        &format!(
            r#"[ "$1" = -c ] && [ "$3 $4 $5 $6" = "{} - --seed 7" ] && exec cat "{}""#,
            model(),
            dump.display()
        ),
    );
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("verified    1 operators"), "{}", run.stdout);
}

#[test]
fn where_onnx_runtime_does_not_answer_the_reason_is_said() {
    let missing = with_python(
        "missing",
        "echo \"ModuleNotFoundError: No module named 'onnxruntime'\" >&2; exit 1",
    );
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("No module named 'onnxruntime'"), "{}", missing.stderr);
    let garbage = with_python("garbage", "echo hello");
    assert_eq!(garbage.code, Some(1));
    assert!(garbage.stderr.contains("no archive of arrays"), "{}", garbage.stderr);
}
