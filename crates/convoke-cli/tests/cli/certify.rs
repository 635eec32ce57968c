//! Certificates: written, repeated here and on another backend, and what differs.

use std::path::Path;

use crate::command::{Run, convoke, own_path, root, scratch};

const LENET: &str = "../../models/lenet5.onnx";

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// A certificate of LeNet-5 on the CPU.
fn certified(name: &str, more: &[&str]) -> std::path::PathBuf {
    let path = own_path(name);
    let arguments = ["verify", LENET, "--backend", "cpu", "--certificate", text(&path)];
    let run = convoke(&[&arguments[..], more].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    path
}

fn repeated(certificate: &Path, more: &[&str]) -> Run {
    convoke(&[&["certify", "--replay", text(certificate)][..], more].concat())
}

#[test]
fn a_run_is_repeated_to_the_bit_and_what_differs_is_named() {
    let certificate = certified("certificate.json", &["--strict", "--seed", "3"]);
    let run = repeated(&certificate, &["--backend", "cpu"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("everything is the same, to the bit"), "{}", run.stdout);

    let run = repeated(&certificate, &["--backend", "cpu", "--seed", "4"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("DIFFERS     seed: 3 became 4"), "{}", run.stdout);
    assert!(run.stdout.contains("input \"input\": other elements"), "{}", run.stdout);

    // Another weight, where the file has the first numbers of one.
    let mut model = std::fs::read(root().join("models/lenet5.onnx")).expect("the model");
    let middle = model.len() / 2;
    model[middle] ^= 0x10;
    let other = scratch("another_lenet5.onnx", &model);
    let run = repeated(&certificate, &[text(&other), "--backend", "cpu"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("DIFFERS     model: "), "{}", run.stdout);
    assert!(run.stdout.contains("not repeated: the model is another"), "{}", run.stdout);

    let foreign = scratch("foreign.json", b"{\"format\": \"somebody's\"}");
    let run = repeated(&foreign, &[]);
    assert_eq!(run.code, Some(1));
    for part in ["foreign.json", "convoke certificate 1", "somebody's"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[cfg(feature = "wrong-kernel")]
#[test]
fn a_changed_kernel_is_named() {
    use crate::command::{convoke_with, has_adapter};
    if !has_adapter() {
        return;
    }
    let path = own_path("certificate_gpu.json");
    let run = convoke(&["verify", LENET, "--certificate", text(&path)]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let run = repeated(&path, &[]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("everything is the same, to the bit"), "{}", run.stdout);
    // The windows of the poolings one column too far right.
    let change = "pool2d_window:i32(params.pad_left), i32(params.in_width)=>i32(params.pad_left) + 1, i32(params.in_width)";
    let run = convoke_with(&["certify", "--replay", text(&path)], &[("CONVOKE_WRONG_KERNEL", change)]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("DIFFERS     kernel pool2d_window: its text has changed"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("wrong now: "), "{}", run.stdout);
    // On the CPU there are no kernels, and the answers are right.
    let run = repeated(&path, &["--backend", "cpu"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("DIFFERS     kernel pool2d_window: does not run any more"),
        "{}",
        run.stdout
    );
}
