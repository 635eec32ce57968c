//! `--precision f16` as its user meets it: where the adapter has 16-bit floats, where it has not, and without a GPU.

use convoke::testing;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");

/// Exit code, stdout and stderr.
fn convoke(arguments: &[&str]) -> (Option<i32>, String, String) {
    let run = crate::command::convoke(arguments);
    (run.code, run.stdout, run.stderr)
}

#[test]
fn f16_runs_where_the_adapter_has_it() {
    let Some(gpu) = testing::gpu().expect("an adapter where one is required") else {
        return;
    };
    let has_it = gpu.info().shader_f16;
    if !has_it {
        println!("only the refusal was tested: {} has no 16-bit floats", gpu.info());
    }
    let bench = ["bench", MODEL, "--backend", "gpu,gpu-f16", "--max-time", "0.1"];
    let (code, stdout, stderr) = convoke(&bench);
    if has_it {
        assert!(code == Some(0) && stdout.contains(" in f16 "), "{stdout}{stderr}");
    } else {
        assert!(code == Some(1) && stdout.contains("SHADER_F16"), "{stdout}{stderr}");
    }
    for (arguments, says) in [
        (&["run", MODEL, "--input", "random", "--backend", "gpu"][..], "logits"),
        (&["verify", MODEL], "all 8 operators"),
        (&["profile", MODEL, "--repetitions", "1"], "ceilings"),
    ] {
        let (code, stdout, stderr) = convoke(&[arguments, &["--precision", "f16"]].concat());
        if has_it {
            assert!(code == Some(0) && stdout.contains(says), "{arguments:?}: {stdout}{stderr}");
        } else {
            assert!(
                code == Some(1) && stderr.contains("SHADER_F16"),
                "{arguments:?}: {stdout}{stderr}"
            );
        }
    }
}

#[test]
fn f16_without_a_gpu_is_refused() {
    for backend in ["cpu", "reference"] {
        let (code, stdout, stderr) = convoke(&["run", MODEL, "--input", "random", "--backend", backend, "--precision", "f16"]);
        assert!(code == Some(1) && stderr.contains("f16 needs a GPU"), "{stdout}{stderr}");
    }
    let (code, ..) = convoke(&["run", MODEL, "--input", "random", "--precision", "bf16"]);
    assert_eq!(code, Some(2));
}
