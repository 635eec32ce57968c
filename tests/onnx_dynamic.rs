//! Models whose batch, height and width are open, at one set of shapes after another in one session: ONNX Runtime's answers.
//!
//! The models and answers are made by `tools/make_dynamic_cases.py`.

#![expect(clippy::expect_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use convoke::onnx::{Model, Shapes};
use convoke::testing::{compare, compare_close};
use convoke::weights::Weights;
use convoke::{Backend, Error, Gpu, Session};
use ndarray::{ArrayD, ArrayViewD};

const MODELS: [&str; 6] = ["expand", "flatten", "reshape", "resize", "slice", "two_inputs"];
/// Those in which shapes depend on what the model computes.
const STAGED: [&str; 6] = [
    "staged_branch",
    "staged_inner",
    "staged_places",
    "staged_rounds",
    "staged_slice",
    "staged_while",
];
const ROUNDS: usize = 3;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx_dynamic")
}

fn gpu() -> Option<Gpu> {
    convoke::testing::gpu().expect("an adapter")
}

fn model(name: &str) -> Model {
    Model::open(folder().join(format!("{name}.onnx"))).expect("the model")
}

/// Inputs and the answer of each round.
fn rounds(model: &Model, name: &str) -> Vec<(Vec<ArrayD<f32>>, ArrayD<f32>)> {
    let tensors = Weights::open(folder().join("cases.safetensors")).expect("the answers");
    let tensor = |name: String| tensors.get(&name).expect("a tensor").clone();
    let round = |round: usize| {
        let inputs = model.inputs().iter();
        let inputs = inputs.map(|input| tensor(format!("{name}/{round}/in/{}", input.name)));
        (inputs.collect(), tensor(format!("{name}/{round}/out/y")))
    };
    (0..ROUNDS).map(round).collect()
}

fn views(arrays: &[ArrayD<f32>]) -> Vec<ArrayViewD<'_, f32>> {
    arrays.iter().map(|array| array.view()).collect()
}

fn shapes(arrays: &[ArrayD<f32>]) -> Vec<&[usize]> {
    arrays.iter().map(ArrayD::shape).collect()
}

/// Every round on one session, awaited or not, twice and in turns: nothing of one may show in another.
fn check(backend: &Backend, keep: usize) {
    for name in MODELS {
        let model = model(name);
        let rounds = rounds(&model, name);
        let session = Session::builder()
            .backend(backend.clone())
            .keep_plans(keep)
            .build(model)
            .expect("a session");
        assert_eq!(session.outputs()[0].name, "y");
        for index in [0, 1, 2, 1, 0] {
            let (inputs, want) = &rounds[index];
            let context = |error: &dyn std::fmt::Display| format!("{name}, round {index} on {backend}: {error}");
            let inputs = views(inputs);
            let answers = session.answers(&inputs).expect("answers");
            compare(want, &answers[0])
                .map_err(|error| context(&error))
                .expect("the reference");
            let outputs = session.run(&inputs).expect("outputs");
            compare(&outputs[0], &answers[0])
                .map_err(|error| context(&error))
                .expect("a run");
            let awaited = pollster::block_on(session.run_async(&inputs)).expect("outputs");
            assert_eq!(awaited, outputs, "{name}, round {index}");
        }
    }
}

/// What else a session does is for the shapes given, too.
fn check_the_rest(backend: &Backend) {
    for name in MODELS {
        let model = model(name);
        let rounds = rounds(&model, name);
        let session = Session::from_model(model, backend).expect("a session");
        for (inputs, want) in &rounds {
            let checks = session.verify(&views(inputs)).expect("checks");
            assert!(checks.iter().all(|check| check.mismatch.is_none()), "{name}: {checks:?}");
            assert_eq!(
                checks.last().map(|check| check.shape.as_slice()),
                Some(want.shape()),
                "{name}"
            );
            // One is enough: the ceilings are measured each time.
            if name == "reshape" {
                let profile = session.profile(&views(inputs), 1).expect("a profile");
                let layer = profile.layers.last().expect("a layer");
                assert_eq!(layer.outputs[0], want.shape(), "{name}");
            }
            let graph = session.graph(&shapes(inputs)).expect("the graph");
            let all = graph.shapes(&shapes(inputs)).expect("its shapes");
            assert!(all.iter().any(|shape| shape == want.shape()), "{name}");
        }
    }
}

#[test]
fn onnx_runtimes_answers_at_three_shapes_on_the_reference() {
    check(&Backend::Reference, 8);
}

#[cfg(feature = "cpu")]
#[test]
fn onnx_runtimes_answers_at_three_shapes_on_the_cpu() {
    check(&Backend::cpu(), 8);
    check(&Backend::cpu(), 1);
    check_the_rest(&Backend::cpu());
}

#[test]
fn onnx_runtimes_answers_at_three_shapes_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    check(&gpu.clone().into(), 8);
    check(&gpu.clone().into(), 1);
    check_the_rest(&gpu.into());
}

/// Shapes that were seen make nothing, and later ones upload no weight again.
#[test]
fn plans_are_kept_and_weights_are_shared_across_shapes() {
    if gpu().is_none() {
        return;
    }
    // A device of its own, on which nobody else makes anything.
    let gpu = Gpu::new().expect("a GPU");
    let model = Arc::new(model("flatten"));
    let rounds = rounds(&model, "flatten");
    let backend = Backend::from(gpu.clone());
    let session = Session::builder()
        .backend(backend.clone())
        .keep_plans(2)
        .build(model.clone())
        .expect("a session");
    let run = |session: &Session, index: usize| {
        let (inputs, _): &(Vec<ArrayD<f32>>, _) = &rounds[index];
        session.run(&views(inputs)).expect("outputs");
        gpu.counters()
    };
    let first = run(&session, 0);
    // The weights after batch normalisation was folded into them: 6 x 3 x 3 x 3 + 6 and 5 x 6 + 5.
    assert_eq!(first.constant_bytes, 4 * (162 + 6 + 30 + 5));
    let second = run(&session, 1);
    assert!(second.bind_groups > first.bind_groups, "another plan");
    assert_eq!(second.constant_bytes, first.constant_bytes, "the same weights");
    assert_eq!(run(&session, 0), second, "the first plan is there");
    let third = run(&session, 2);
    assert_eq!(run(&session, 0), third, "the plan that was used least recently went");
    assert!(run(&session, 1).bind_groups > third.bind_groups);
    let other = Session::from_model(model, &backend).expect("a session");
    assert_eq!(
        run(&other, 0).constant_bytes,
        first.constant_bytes,
        "two sessions of one model"
    );
}

/// Shapes, branches and rounds that depend on what is computed: the session goes on with what it knows by then.
fn check_staged(backend: &Backend) {
    for name in STAGED {
        let model = Arc::new(model(name));
        let rounds = rounds(&model, name);
        model
            .check(&Shapes::new().input("x", [1, 3, 6, 5]))
            .expect("a model that runs");
        let session = Session::from_model(Arc::clone(&model), backend).expect("a session");
        for index in [0, 1, 2, 1, 0] {
            let (inputs, want) = &rounds[index];
            let inputs = views(inputs);
            let outputs = session.run(&inputs).expect("outputs");
            compare_close(&outputs[0], want, 1e-4, 1e-5)
                .map_err(|error| format!("{name}, round {index} on {backend}: {error}"))
                .expect("a run");
            let awaited = pollster::block_on(session.run_async(&inputs)).expect("outputs");
            assert_eq!(awaited, outputs, "{name}, round {index}");
        }
        let inputs = views(&rounds[0].0);
        let error = session.answers(&inputs).expect_err("a refusal").to_string();
        assert!(error.contains("shapes depend on what it computes"), "{error}");
        if matches!(backend, Backend::Reference) {
            continue;
        }
        let (checks, outputs) = session.verified(&inputs).expect("checks");
        assert!(checks.iter().all(|check| check.mismatch.is_none()), "{name}: {checks:?}");
        let convolutions = checks.iter().filter(|check| check.operator == "conv2d").count();
        assert_eq!(convolutions, 1, "{name}: of all stages");
        assert_eq!(outputs[0].to_f32(), session.run(&inputs).expect("outputs")[0], "{name}");
        let profile = session.profile(&inputs, 1).expect("a profile");
        assert!(profile.layers.len() > 1, "{name}: layers of all stages");
    }
}

#[test]
fn shapes_that_depend_on_what_is_computed_on_the_reference() {
    check_staged(&Backend::Reference);
}

#[cfg(feature = "cpu")]
#[test]
fn shapes_that_depend_on_what_is_computed_on_the_cpu() {
    check_staged(&Backend::cpu());
}

#[test]
fn shapes_that_depend_on_what_is_computed_on_the_gpu() {
    let Some(gpu) = gpu() else { return };
    check_staged(&gpu.into());
}

/// What was seen makes nothing again, and one graph for all of it there is not.
#[test]
fn stages_are_kept() {
    if gpu().is_none() {
        return;
    }
    let gpu = Gpu::new().expect("a GPU");
    for name in STAGED {
        let model = Arc::new(model(name));
        let rounds = rounds(&model, name);
        let session = Session::from_model(Arc::clone(&model), &gpu.clone().into()).expect("a session");
        let run = || session.run(&views(&rounds[0].0)).expect("outputs");
        let first = run();
        let made = gpu.counters();
        assert_eq!(run(), first, "{name}");
        assert_eq!(gpu.counters(), made, "{name}");
        let error = model.graph(&Shapes::new().input("x", [1, 3, 6, 5])).expect_err("a refusal");
        assert!(matches!(error, Error::Unsupported { .. }), "{name}: {error}");
    }
}

/// A graph was made for certain shapes: others are refused by name, on every backend and by all that takes inputs.
#[test]
fn a_graph_refuses_shapes_that_it_was_not_made_for() {
    let model = model("reshape");
    let graph = model.graph(&Shapes::new().input("x", [1, 3, 6, 5])).expect("the graph");
    let mut backends = vec![Backend::Reference, Backend::cpu()];
    backends.extend(gpu().map(Backend::from));
    for backend in backends {
        let session = Session::new(graph.clone(), &backend).expect("a session");
        let input = ArrayD::zeros(vec![2, 3, 6, 5]);
        let mut outcomes = vec![
            session.run(&[input.view()]).map(drop),
            pollster::block_on(session.run_async(&[input.view()])).map(drop),
            session.answers(&[input.view()]).map(drop),
            session.prepare(&[&[2, 3, 6, 5]]),
            pollster::block_on(session.prepare_async(&[&[2, 3, 6, 5]])),
            session.graph(&[&[2, 3, 6, 5]]).map(drop),
        ];
        if !matches!(backend, Backend::Reference) {
            outcomes.push(session.verify(&[input.view()]).map(drop));
            outcomes.push(session.profile(&[input.view()], 1).map(drop));
        }
        if matches!(backend, Backend::Gpu(_)) {
            outcomes.push(session.resident(&[input.view()]).map(drop));
            outcomes.push(session.kernel_choices(&[&[2, 3, 6, 5]]).map(drop));
        }
        for outcome in outcomes {
            let error = outcome.expect_err("a refusal");
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
            let message = error.to_string();
            for part in ["\"x\"", "expected shape [1, 3, 6, 5]", "got [2, 3, 6, 5]", "from_model"] {
                assert!(message.contains(part), "{message}");
            }
        }
        let input = ArrayD::zeros(vec![1, 3, 6, 5]);
        session.run(&[input.view()]).expect("the shape that it was made for");
    }
}

/// What a model refuses is refused by name, and what is fixed stays so.
#[test]
fn a_models_session_refuses_what_the_model_does() {
    let model = Arc::new(model("two_inputs"));
    let refusal = |fixed: Shapes, inputs: &[&[usize]]| {
        let session = Session::from_model_with(model.clone(), fixed, &Backend::Reference).expect("a session");
        let error = session.prepare(inputs).expect_err("a refusal");
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
        error.to_string()
    };
    let (x, z): (&[usize], &[usize]) = (&[1, 3, 6, 5], &[1, 3, 3, 2]);
    let message = refusal(Shapes::new(), &[x]);
    assert!(
        message.contains("expected 2 inputs (x [n, 3, h, w], z [n, 3, p, q]), but got 1"),
        "{message}"
    );
    let message = refusal(Shapes::new(), &[&[2, 3, 6, 5], z]);
    assert!(
        message.contains("input z") && message.contains("cannot have shape [1, 3, 3, 2]"),
        "{message}"
    );
    let message = refusal(Shapes::new(), &[&[1, 4, 6, 5], z]);
    assert!(
        message.contains("input x") && message.contains("cannot have shape [1, 4, 6, 5]"),
        "{message}"
    );
    let message = refusal(Shapes::new().input("x", [1, 3, 4, 4]), &[x, z]);
    assert!(
        message.contains("input x") && message.contains("expected shape [1, 3, 4, 4]"),
        "{message}"
    );
    let message = refusal(Shapes::new().symbol("h", 7), &[x, z]);
    assert!(
        message.contains("input x") && message.contains("cannot have shape [1, 3, 6, 5]"),
        "{message}"
    );

    let value = ArrayD::from_elem(vec![1, 3, 3, 2], 2.0);
    let fixed = Shapes::new().value("z", value.clone());
    let session = Session::from_model_with(model.clone(), fixed, &Backend::Reference).expect("a session");
    let whole = Session::from_model(model.clone(), &Backend::Reference).expect("a session");
    let input = ArrayD::from_elem(vec![1, 3, 6, 5], 1.5);
    assert_eq!(
        session.run(&[input.view()]).expect("outputs"),
        whole.run(&[input.view(), value.view()]).expect("outputs")
    );
}
