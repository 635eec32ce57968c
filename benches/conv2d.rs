//! Layers of well-known networks, resident (dispatches only) and end to end (upload and read-back included).
//!
//! `cargo bench --bench conv2d` opens the adapter that `CONVOKE_ADAPTER` names, or the best; it verifies every output once.
//! For convolutions criterion's `elem/s` are floating-point operations per second; for pooling, `B/s` are bytes that any
//! implementation moves.
#![expect(clippy::expect_used, reason = "a broken bench ends the run")]

mod support;

use std::cell::OnceCell;
use std::time::Duration;

use convoke::testing::{self, Layer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::BENCH;

/// Those of the table in benches/README.md.
const MEASURED: [&str; 8] = [
    "rn_56_3x3",
    "rn_56_1x1",
    "mb_dw112",
    "edge_1080p_zeros",
    "edge_1080p_reflect",
    "edge_1080p_replicate",
    "edge_1080p_circular",
    "mp_3s2",
];

fn cases() -> impl Iterator<Item = Layer> {
    let mut layers = testing::layers();
    MEASURED
        .into_iter()
        .filter_map(move |name| Some(layers.remove(layers.iter().position(|layer| layer.name == name)?)))
}

fn layers(criterion: &mut Criterion) {
    for case in cases() {
        // Made ready by the first of the two that runs, so that a filter or a listing does no more than it needs.
        let cell = OnceCell::new();
        let ready = || cell.get_or_init(|| BENCH.ready(&case));
        let mut group = criterion.benchmark_group(case.name);
        group
            .sample_size(20)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(2));
        group.throughput(throughput(&case));
        group.bench_function("resident", |bencher| {
            let resident = ready().resident();
            bencher.iter_custom(|rounds| (0..rounds).map(|_| BENCH.time(&resident)).sum());
        });
        group.bench_function("end to end", |bencher| {
            let ready = ready();
            bencher.iter(|| ready.session.run(&[ready.input.view()]).expect("a run"));
        });
        group.finish();
    }
}

/// Known without opening the device.
fn throughput(case: &Layer) -> Throughput {
    let shapes: Vec<&[usize]> = std::iter::once(case.input).chain(case.weight).collect();
    let output: usize = case.op.output_shapes(&shapes).expect("a legal case")[0].iter().product();
    match case.weight {
        Some(weight) => Throughput::Elements(2 * (output * weight[1..].iter().product::<usize>()) as u64),
        None => Throughput::Bytes(4 * (output + case.input.iter().product::<usize>()) as u64),
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
