//! Whole networks, resident (dispatches only) and end to end (upload and read-back included), batch 1.
//!
//! `cargo bench --features onnx --bench networks` measures LeNet-5, which is here, and every `NAME/model.onnx` in the folder that
//! `CONVOKE_NETWORKS` names: `tools/make_networks.py --full DIR` writes such. It opens the adapter that `CONVOKE_ADAPTER` names, or
//! the best, and verifies every operator once. Inputs are random.
#![expect(clippy::expect_used, reason = "a broken bench ends the run")]

mod support;

use std::path::{Path, PathBuf};

use convoke::graph::Graph;
use convoke::onnx::{Model, Shapes};
use convoke::testing::Random;
use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::ArrayD;

const LENET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/lenet5.onnx");

fn networks(criterion: &mut Criterion) {
    let mut files = vec![("lenet5".to_owned(), PathBuf::from(LENET))];
    if let Some(folder) = std::env::var_os("CONVOKE_NETWORKS") {
        let entries = std::fs::read_dir(&folder).expect("the folder that CONVOKE_NETWORKS names");
        let entries = entries.map(|entry| entry.expect("an entry of that folder"));
        let models = entries.map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path().join("model.onnx"),
            )
        });
        files.extend(models.filter(|(_, path)| path.is_file()));
        files[1..].sort();
    }
    for (name, path) in files {
        support::bench(criterion, &name, None, || graph(&path));
    }
}

fn graph(path: &Path) -> (Graph, Vec<ArrayD<f32>>) {
    let model = Model::open(path).expect("a readable model");
    let shapes = Shapes::new();
    let graph = model.graph(&shapes).expect("a supported model");
    let mut random = Random::new(1);
    let inputs = model.input_shapes(&shapes).expect("the shapes of its inputs");
    (graph, inputs.iter().map(|shape| random.reals(shape)).collect())
}

criterion_group!(benches, networks);
criterion_main!(benches);
