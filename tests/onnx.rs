//! ONNX files: ONNX Runtime's answers, LeNet-5's bits, and files that are not what they should be.
//!
//! The models and answers are made by `tools/make_onnx_cases.py` and `tools/export_lenet.py`.

#![expect(clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use convoke::onnx::{Model, Options, Shapes};
use convoke::testing::{Random, compare, compare_exact};
use convoke::weights::Weights;
use convoke::{Backend, Session};
use convoke_digits as digits;
use ndarray::ArrayD;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx")
}

fn lenet() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/lenet5.onnx")
}

/// A model with inputs and outputs by name; an output is to be matched bit for bit or within its bound.
#[derive(Default)]
struct Case {
    inputs: BTreeMap<String, ArrayD<f32>>,
    outputs: BTreeMap<String, (ArrayD<f32>, bool)>,
}

fn cases() -> BTreeMap<String, Case> {
    let tensors = Weights::open(folder().join("cases.safetensors")).expect("the answers");
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    for name in tensors.names() {
        let array = tensors.get(name).expect("a tensor").clone();
        let mut parts = name.split('/').map(str::to_owned);
        let (case, kind, value) = (parts.next(), parts.next(), parts.next());
        let case = cases.entry(case.expect("a case")).or_default();
        let value = value.expect("a name");
        match kind.as_deref() {
            Some("in") => drop(case.inputs.insert(value, array)),
            kind => drop(case.outputs.insert(value, (array, kind == Some("exact")))),
        }
    }
    cases
}

fn check(name: &str, case: &Case, backend: &Backend) -> Result<(), String> {
    let failed = |message: &dyn std::fmt::Display| format!("{name}: {message}");
    let model = Model::open(folder().join(format!("{name}.onnx"))).map_err(|error| failed(&error))?;
    let mut shapes = Shapes::new();
    let mut inputs = Vec::new();
    for input in model.inputs() {
        let array = case.inputs.get(&input.name).ok_or_else(|| failed(input))?;
        shapes = shapes.input(&input.name, array.shape());
        inputs.push(array.view());
    }
    let graph = model.graph(&shapes).map_err(|error| failed(&error))?;
    let session = Session::new(graph, backend).map_err(|error| failed(&error))?;
    let answers = session.answers(&inputs).map_err(|error| failed(&error))?;
    let outputs = session.run(&inputs).map_err(|error| failed(&error))?;
    if outputs.len() != case.outputs.len() {
        return Err(failed(&outputs.len()));
    }
    for ((info, answer), output) in model.outputs().iter().zip(&answers).zip(&outputs) {
        let (want, exact) = &case.outputs[&info.name];
        let outcome = if *exact {
            compare_exact(output, want)
        } else {
            compare(want, answer).and_then(|()| compare(output, answer))
        };
        outcome.map_err(|mismatch| failed(&mismatch))?;
    }
    Ok(())
}

fn check_all(backend: &Backend) {
    let cases = cases();
    let files = std::fs::read_dir(folder()).expect("the folder");
    let models = files.filter(|file| {
        let path = file.as_ref().expect("a file").path();
        path.extension().is_some_and(|extension| extension == "onnx")
    });
    assert_eq!(models.count(), cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|(name, case)| check(name, case, backend).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn onnx_runtimes_answers_on_the_reference() {
    check_all(&Backend::Reference);
}

#[test]
fn onnx_runtimes_answers_on_the_gpu() {
    if let Some(gpu) = convoke::testing::gpu().expect("an adapter where one is required") {
        check_all(&gpu.into());
    }
}

#[test]
fn onnx_runtimes_answers_on_the_cpu() {
    check_all(&Backend::cpu());
}

#[test]
fn lenet_is_the_one_from_safetensors_bit_for_bit() {
    let weights = Weights::open("models/lenet5.safetensors").expect("the weights");
    let built = digits::lenet5().graph(&weights).expect("the graph");
    let model = Model::open(lenet()).expect("the model");
    assert_eq!(model.inputs()[0].to_string(), "input [batch, 1, 28, 28]");
    assert_eq!(model.outputs()[0].to_string(), "logits [batch, 10]");
    assert_eq!(model.parameters(), 61_706);
    assert_eq!(model.operators()["Conv"], 3);
    let read = model.graph(&Shapes::new()).expect("the graph");
    assert_eq!(read.nodes().len(), built.nodes().len());
    let mut test_set = digits::TestSet::open("models/digits.safetensors").expect("the test set");
    test_set.truncate(4);
    let images = test_set.images.into_dyn();
    let run = |session: convoke::Result<Session>| session.and_then(|session| session.run(&[images.view()])).expect("logits");
    let read = Session::from_model(model, &Backend::Reference);
    assert_eq!(run(read), run(Session::new(built, &Backend::Reference)));
}

#[test]
fn shapes_fill_in_what_the_file_leaves_open() {
    let model = Model::open(folder().join("view.onnx")).expect("the model");
    assert_eq!(model.inputs()[0].to_string(), "x [n, 3, h, w]");
    let refusal = |shapes: &Shapes| model.graph(shapes).expect_err("a refusal").to_string();
    assert!(refusal(&Shapes::new()).contains("is open"));
    assert!(refusal(&Shapes::new().input("z", [1])).contains("no input \"z\""));
    assert!(refusal(&Shapes::new().input("x", [1, 2, 3])).contains("[1, 2, 3]"));
    assert!(refusal(&Shapes::new().input("x", [1, 2, 3, 4])).contains("expected 3 at axis 1, but got 2"));
    let given = Shapes::new().symbol("h", 4).input("x", [1, 3, 5, 6]);
    assert!(refusal(&given).contains("expected 4 at axis 2 since h is that already, but got 5"));
    let shapes = Shapes::new().symbol("h", 4).symbol("w", 5);
    assert_eq!(model.input_shapes(&shapes).expect("shapes"), [[1, 3, 4, 5]]);
    let graph = model.graph(&shapes).expect("the graph");
    assert_eq!(graph.nodes().len(), 1, "shapes leave nothing in the graph");
}

/// Reads and converts a file that may be anything.
fn survive(bytes: &[u8]) -> bool {
    let options = Options::new().budget(1 << 20);
    Model::from_bytes_with(bytes, &options).is_ok_and(|model| model.graph(&Shapes::new()).is_ok())
}

#[test]
fn every_truncation_ends_in_a_result() {
    for name in ["conv", "halves"] {
        let bytes = std::fs::read(folder().join(format!("{name}.onnx"))).expect("the model");
        assert!(survive(&bytes), "{name}");
        let survivors = (0..bytes.len()).filter(|&length| survive(&bytes[..length])).count();
        // Trailing fields may be missed without harm, but not many.
        assert!(survivors < bytes.len() / 4, "{name}: {survivors} of {}", bytes.len());
    }
}

#[test]
fn ten_thousand_mutations_end_in_a_result() {
    let cases: Vec<Vec<u8>> = cases()
        .keys()
        .map(|name| std::fs::read(folder().join(format!("{name}.onnx"))).expect("the model"))
        .collect();
    let mut random = Random::new(20_261_122);
    let mut read = 0;
    for round in 0..10_000 {
        let mut bytes = cases[round % cases.len()].clone();
        for _ in 0..=random.below(3) {
            let place = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[place] = random.below(256) as u8,
                1 => bytes[place] ^= 1 << random.below(8),
                2 => drop(bytes.remove(place)),
                _ => bytes.insert(place, [0x00, 0x7f, 0x80, 0xff][random.below(4)]),
            }
        }
        read += usize::from(survive(&bytes));
    }
    // Most mutations of numbers give another legal model; those of structure do not.
    assert!((500..9500).contains(&read), "{read}");
}
