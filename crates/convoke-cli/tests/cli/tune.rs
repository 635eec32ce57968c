//! `convoke tune` and `--plan` as their user meets them: the table, the file, what is obeyed and what is refused; and that a
//! wrong kernel does not win.

use std::path::Path;

use convoke::gpu::{CandidateOutcome, TuningPlan};
use serde_json::Value;

use crate::command::{Run, convoke, convoke_with, has_adapter, own_path};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lenet5.onnx");

/// As little as there is to measure.
const QUICK: [&str; 2] = ["--max-time", "0.02"];

fn tune(output: &Path, variables: &[(&str, &str)]) -> Run {
    let path = output.to_str().expect("UTF-8");
    convoke_with(&[&["tune", MODEL, "-o", path][..], &QUICK].concat(), variables)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_model_is_tuned_and_runs_by_the_plan() {
    if !has_adapter() {
        return;
    }
    let file = own_path("tune.json");
    let run = tune(&file, &[]);
    assert_eq!((run.code, run.stderr.lines().count()), (Some(0), 1), "{}", run.stdout);
    assert!(run.stderr.starts_with("running on "), "{}", run.stderr);
    for part in [
        "by rule",
        "chosen",
        "conv2d 1x1x28x28 to 6, kernel 5",
        "linear 1x",
        "tuned ",
        "written to ",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
    let plan = TuningPlan::open(&file).expect("a plan");
    // LeNet-5: three convolutions and two linear layers, all different.
    assert_eq!(plan.layers.len(), 5);
    assert_eq!(plan.convoke, env!("CARGO_PKG_VERSION"));
    for tuned in &plan.layers {
        let by_rule = tuned.by_rule.expect("the rule's choice");
        let [rule, chosen] = [by_rule, tuned.choice].map(|choice| tuned.microseconds(choice).expect("a time"));
        assert!(chosen > 0.0 && tuned.candidates.len() > 1, "{tuned:?}");
        assert!(tuned.choice == by_rule || chosen <= 0.97 * rule, "{tuned:?}");
        for candidate in &tuned.candidates {
            assert!(
                matches!(candidate.outcome, CandidateOutcome::Measured { .. }),
                "{candidate:?}"
            );
        }
    }
    // Times differ from run to run, and so may choices; layers, candidates and their order do not.
    let again = own_path("tune_again.json");
    assert_eq!(tune(&again, &[]).code, Some(0));
    let tried = |plan: &TuningPlan| {
        let layers = plan.layers.iter().map(|tuned| {
            let candidates = tuned.candidates.iter().map(|candidate| candidate.choice);
            (tuned.layer, tuned.by_rule, candidates.collect::<Vec<_>>())
        });
        layers.collect::<Vec<_>>()
    };
    assert_eq!(tried(&plan), tried(&TuningPlan::open(&again).expect("a plan")));

    let run = convoke(&["verify", MODEL, "--plan", path(&file)]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("kernels by a tuning plan") && run.stdout.contains("verified"),
        "{}",
        run.stdout
    );
    let quick = ["--precision", "50%", "--max-time", "0.05", "--backend", "gpu,cpu"];
    let run = convoke(&[&["bench", MODEL, "--plan", path(&file)][..], &quick].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout.matches("kernels by a tuning plan").count(), 1, "{}", run.stdout);
}

/// Whatever the rule says of the first convolution, tiles are taken where a plan says so, and by no other layer.
#[test]
fn a_plan_goes_before_the_rules() {
    if !has_adapter() {
        return;
    }
    let [file, json, outputs] = ["tune_forced.json", "tune_profile.json", "tune_logits.npy"].map(own_path);
    let layer = r#"{"operator": "conv2d", "input": [1, 1, 28, 28], "out_channels": 6, "kernel": [5, 5], "stride": [1, 1],
        "padding": [2, 2, 2, 2], "dilation": [1, 1], "groups": 1}"#;
    let text = format!(
        r#"{{"format": "convoke tuning plan 1", "convoke": "by hand",
            "adapter": {{"name": "", "backend": "", "driver": "", "class": "discrete"}},
            "layers": [{{"layer": {layer}, "choice": "tiled 32x32 splits=2"}}]}}"#
    );
    std::fs::write(&file, text).expect("the file is written");
    let profile = |plan: &[&str]| -> Vec<(String, Vec<String>)> {
        let arguments = [&["profile", MODEL, "--repetitions", "1", "--json", path(&json)][..], plan].concat();
        let run = convoke(&arguments);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        let text = std::fs::read_to_string(&json).expect("the file is there");
        let numbers: Value = serde_json::from_str(&text).expect("JSON");
        let name = |value: &Value| value.as_str().expect("a name").to_owned();
        let layers = numbers["layers"].as_array().expect("layers").iter();
        let kernels = |layer: &Value| {
            let kernels = layer["kernels"].as_array().expect("kernels").iter();
            kernels.map(|kernel| name(&kernel["name"])).collect()
        };
        layers.map(|layer| (name(&layer["node"]), kernels(layer))).collect()
    };
    let (by_rule, by_plan) = (profile(&[]), profile(&["--plan", path(&file)]));
    for (rule, plan) in by_rule.iter().zip(&by_plan) {
        assert_eq!(rule.0, plan.0);
        if rule.0 == "conv1" {
            assert_ne!(rule.1, plan.1);
            assert_eq!(plan.1, ["conv2d_tiled_quads", "sum_splits"]);
        } else {
            assert_eq!(rule.1, plan.1, "{}", rule.0);
        }
    }
    let output = format!("logits={}", path(&outputs));
    let arguments = ["run", MODEL, "--input", "random", "--backend", "gpu", "--output", &output];
    let run = convoke(&[&arguments[..], &["--plan", path(&file)]].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(outputs.is_file());
    let run = convoke(&["verify", MODEL, "--plan", path(&file)]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}

/// The kernel that the rule takes for the convolutions is made wrong: another wins, and it is said.
#[cfg(feature = "wrong-kernel")]
#[test]
fn a_wrong_kernel_does_not_win() {
    use convoke::onnx::{Model, Shapes};
    use convoke::{Backend, Session};

    let Some(gpu) = ::convoke::testing::gpu().expect("an adapter where one is required") else {
        return;
    };
    let model = Model::open(MODEL).expect("a model");
    let graph = model.graph(&Shapes::new()).expect("a graph");
    let session = Session::new(graph, &Backend::Gpu(gpu)).expect("a session");
    let by_rule = session.kernel_choices(&[&[1, 1, 28, 28]]).expect("choices")[0]
        .choice
        .to_string();
    let kernel = match by_rule.as_str() {
        "direct" => "conv2d_direct",
        "direct_broadcast" => "conv2d_direct_broadcast",
        other => panic!("the rule for LeNet-5 is new: {other}"),
    };
    let file = own_path("tune_wrong.json");
    let wrong = format!("{kernel}:fma(values=>fma(0.75 * values");
    let run = tune(&file, &[("CONVOKE_WRONG_KERNEL", &wrong)]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let named = format!("WRONG       conv2d 1x1x28x28 to 6, kernel 5, padding 2 by {by_rule}: ");
    assert!(run.stdout.contains(&named), "{}", run.stdout);
    let plan = TuningPlan::open(&file).expect("a plan");
    let mut refused = 0;
    for tuned in &plan.layers {
        for candidate in &tuned.candidates {
            if let CandidateOutcome::Wrong(message) = &candidate.outcome {
                assert!(message.contains("elements differ"), "{message}");
                assert_eq!(candidate.choice.to_string(), by_rule);
                assert_ne!(tuned.choice, candidate.choice, "{}", tuned.layer);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 3, "all convolutions: {plan:?}");
}

#[test]
fn what_cannot_be_tuned_or_obeyed_is_an_error_that_says_why() {
    let refused = |arguments: &[&str], code, parts: &[&str]| {
        let run = convoke(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}{}", run.stdout, run.stderr);
        for part in parts {
            assert!(run.stderr.contains(part), "{arguments:?}: {part}: {}", run.stderr);
        }
    };
    let never = own_path("tune_never.json");
    refused(&["tune", MODEL], 2, &["--output"]);
    refused(
        &["tune", "no/such/model.onnx", "-o", path(&never)],
        1,
        &["no/such/model.onnx"],
    );
    refused(
        &["tune", MODEL, "-o", "/no/such/folder/plan.json"],
        1,
        &["/no/such/folder/plan.json"],
    );
    refused(&["tune", MODEL, "-o", path(&never), "--max-time", "0"], 2, &["--max-time"]);
    refused(
        &["tune", MODEL, "-o", path(&never), "--shape", "image=1x1x28x28"],
        1,
        &["no such input"],
    );
    refused(
        &["tune", MODEL, "-o", path(&never), "--adapter", "cpu"],
        1,
        &["kernels of GPUs are tuned"],
    );
    assert!(!never.exists());
    let file = own_path("tune_refused.json");

    let entry = |layer: &str, choice: &str| format!(r#"{{"layer": {layer}, "choice": "{choice}"}}"#);
    let with = |layers: &[String]| {
        format!(
            r#"{{"format": "convoke tuning plan 1", "convoke": "0.1.0",
                "adapter": {{"name": "", "backend": "", "driver": "", "class": "software"}}, "layers": [{}]}}"#,
            layers.join(", ")
        )
    };
    let linear = r#"{"operator": "linear", "rows": 1, "in_features": 84, "out_features": 10}"#;
    let good = with(&[entry(linear, "gemm")]);
    std::fs::write(&file, &good).expect("the file is written");
    let plan = ["--plan", path(&file)];
    let backend = ["run", MODEL, "--input", "random", "--backend", "cpu"];
    refused(&[&backend[..], &plan].concat(), 1, &["it chooses kernels of GPUs"]);
    refused(
        &[&backend[..], &["--large-tiles"]].concat(),
        1,
        &["--large-tiles: it chooses kernels of GPUs"],
    );
    refused(
        &[&["bench", MODEL, "--backend", "cpu"][..], &plan].concat(),
        1,
        &["no GPU is measured"],
    );
    if !has_adapter() {
        return;
    }
    assert_eq!(convoke(&[&["verify", MODEL][..], &plan].concat()).code, Some(0));
    let run = convoke(&[&["verify", MODEL, "--large-tiles"][..], &plan].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("kernels by a tuning plan, large tiles"), "{}", run.stderr);
    refused(&["verify", MODEL, "--plan", "no/such/plan.json"], 1, &["no/such/plan.json"]);
    let future = good.replace("plan 1", "plan 9");
    for (text, parts) in [
        ("{", &["tuning plan: ", "EOF"][..]),
        (&future, &["\"convoke tuning plan 1\" is expected", "plan 9"]),
        (
            &with(&[entry(linear, "fastest")]),
            &["layers[0]: the layer linear 1x84 to 10: ", "\"fastest\" came"],
        ),
        (
            &with(&[entry(linear, "gemm_tiled 7x7 splits=1")]),
            &["a tile (128x128", "7x7"],
        ),
        (
            &with(&[entry(linear, "gemm"), entry(linear, "gemm_broadcast")]),
            &["layers[1]", "is layers[0] already"],
        ),
        (
            &with(&[entry(linear, "direct")]),
            &["the layer linear 1x84 to 10 cannot be computed by direct"],
        ),
        (
            &with(&[entry(linear, "gemm_tiled 32x32 splits=900")]),
            &["are not cut in 900"],
        ),
        (&with(&[entry(&linear.replace("84", "0"), "gemm")]), &["of shape [1, 0] came"]),
    ] {
        std::fs::write(&file, text).expect("the file is written");
        refused(&[&["verify", MODEL][..], &plan].concat(), 1, parts);
    }
}
