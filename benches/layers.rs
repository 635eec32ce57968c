//! Layers of well-known networks (`convoke_bench::layers`), resident (dispatches only) and end to end (upload and read-back
//! included).
//!
//! `cargo bench --bench layers` opens the adapter that `CONVOKE_ADAPTER` names, or the best; it verifies every output once.
//! For convolutions criterion's `elem/s` are floating-point operations per second; for pooling, `B/s` are bytes that any
//! implementation moves.
#![expect(clippy::expect_used, reason = "a broken bench ends the run")]

mod support;

use convoke::graph::Graph;
use convoke::testing::Random;
use convoke_bench::Layer;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::ArrayD;

fn layers(criterion: &mut Criterion) {
    for layer in convoke_bench::layers() {
        support::bench(criterion, layer.name, Some(throughput(&layer)), || graph(&layer));
    }
}

fn graph(layer: &Layer) -> (Graph, Vec<ArrayD<f32>>) {
    let mut random = Random::new(1);
    let mut graph = Graph::new();
    let mut operands = vec![graph.input("input")];
    operands.extend(layer.weight.map(|shape| graph.constant("weight", random.reals(shape))));
    let output = graph
        .node(layer.name, layer.op.clone(), &operands)
        .expect("a graph of one node");
    graph.output(output).expect("the node's output");
    (graph, vec![random.reals(layer.input)])
}

/// Known without opening the device.
fn throughput(layer: &Layer) -> Throughput {
    let shapes: Vec<&[usize]> = std::iter::once(layer.input).chain(layer.weight).collect();
    let output: usize = layer.op.output_shapes(&shapes).expect("a legal case")[0].iter().product();
    match layer.weight {
        Some(weight) => Throughput::Elements(2 * (output * weight[1..].iter().product::<usize>()) as u64),
        None => Throughput::Bytes(4 * (output + layer.input.iter().product::<usize>()) as u64),
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
