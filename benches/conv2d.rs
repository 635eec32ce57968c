//! Layers of well-known networks, resident (dispatches only) and end to end (upload and read-back included).
//!
//! `cargo bench --bench conv2d` opens the adapter that `CONVOKE_ADAPTER` names, or the best; it verifies every output once.
//! For convolutions criterion's `elem/s` are floating-point operations per second; for pooling, `B/s` are bytes that any
//! implementation moves.
#![expect(clippy::expect_used, reason = "a broken bench ends the run")]

mod support;

use std::cell::OnceCell;
use std::time::Duration;

use convoke::PaddingMode;
use convoke::ops::{Conv2d, MaxPool2d, Op};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{BENCH, Case};

fn cases() -> Vec<Case> {
    let conv = |name, input, weight, op: Conv2d| Case {
        name,
        op: op.into(),
        input,
        weight: Some(weight),
    };
    let edge = |name, mode| {
        conv(
            name,
            &[1, 1, 1080, 1920],
            &[1, 1, 3, 3],
            Conv2d::new().padding(1).padding_mode(mode),
        )
    };
    vec![
        conv("rn_56_3x3", &[1, 64, 56, 56], &[64, 64, 3, 3], Conv2d::new().padding(1)),
        conv("rn_56_1x1", &[1, 64, 56, 56], &[256, 64, 1, 1], Conv2d::new()),
        conv(
            "mb_dw112",
            &[1, 32, 112, 112],
            &[32, 1, 3, 3],
            Conv2d::new().padding(1).groups(32),
        ),
        edge("edge_1080p_zeros", PaddingMode::Zeros),
        edge("edge_1080p_reflect", PaddingMode::Reflect),
        edge("edge_1080p_replicate", PaddingMode::Replicate),
        edge("edge_1080p_circular", PaddingMode::Circular),
        Case {
            name: "mp_3s2",
            op: Op::from(MaxPool2d::new(3).stride(2).padding(1)),
            input: &[1, 64, 112, 112],
            weight: None,
        },
    ]
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
fn throughput(case: &Case) -> Throughput {
    let shapes: Vec<&[usize]> = std::iter::once(case.input).chain(case.weight).collect();
    let output: usize = case.op.output_shapes(&shapes).expect("a legal case")[0].iter().product();
    match case.weight {
        Some(weight) => Throughput::Elements(2 * (output * weight[1..].iter().product::<usize>()) as u64),
        None => Throughput::Bytes(4 * (output + case.input.iter().product::<usize>()) as u64),
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
