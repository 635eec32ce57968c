//! Runs that end before they are done: they say why, soon, and leave the session as it was.

#![cfg(feature = "cpu")]

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ndarray::{ArrayD, IxDyn};

use crate::cancel::CancelToken;
use crate::cpu::Cpu;
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};
use crate::limits::Limits;
use crate::ops::{Binary, LocalResponseNorm, MatMul, MaxPool2d, Softmax, Unary};
use crate::session::{Backend, Session};
use crate::testing::{self, Random};

/// How long after it was told to stop a run may go on: some ten milliseconds, and what a machine with other work takes for them.
const SOON: Duration = Duration::from_secs(1);

fn graph(make: impl FnOnce(&mut Graph, ValueId) -> Result<ValueId>) -> Graph {
    let mut graph = Graph::new();
    let input = graph.input("input");
    let output = make(&mut graph, input).unwrap();
    graph.output(output).unwrap();
    graph
}

/// Networks that take minutes, each with inputs for that and for a short run.
fn long() -> Vec<(Graph, [usize; 4], [usize; 4])> {
    vec![
        (
            graph(|graph, input| graph.node("wide", LocalResponseNorm::new(1 << 20), &[input])),
            [1, 1 << 18, 2, 2],
            [1, 9, 2, 2],
        ),
        (
            graph(|graph, input| graph.node("pool", MaxPool2d::new(2001).padding(1000).stride(1), &[input])),
            [1, 1, 6000, 6000],
            [1, 1, 20, 30],
        ),
        (
            graph(|graph, mut value| {
                for _ in 0..2000 {
                    value = graph.node("product", MatMul, &[value, value])?;
                    value = graph.node("softmax", Softmax::new(-1), &[value])?;
                }
                Ok(value)
            }),
            [1, 1, 512, 512],
            [1, 1, 8, 8],
        ),
    ]
}

/// A session that only a token stops.
fn unlimited(graph: Graph, backend: &Backend) -> Session {
    let builder = Session::builder().backend(backend.clone());
    builder.limits(Limits::none()).build(graph).unwrap()
}

/// How a run of this session ends that is stopped after a while, and how long after that.
fn stopped(session: &Session, input: &ArrayD<f32>) -> (Error, Duration) {
    let token = CancelToken::new();
    let stoppable = session.until(&token);
    session.prepare(&[input.shape()]).unwrap();
    let (begun, has_begun) = mpsc::channel();
    std::thread::scope(|scope| {
        let run = scope.spawn(move || {
            begun.send(()).unwrap();
            let outcome = stoppable.run(&[input.view()]);
            (outcome.unwrap_err(), Instant::now())
        });
        has_begun.recv().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let cancelled = Instant::now();
        token.cancel();
        let (error, ended) = run.join().unwrap();
        (error, ended.saturating_duration_since(cancelled))
    })
}

fn check(backend: &Backend, number: usize) {
    let (graph, large, small) = long().swap_remove(number);
    let session = unlimited(graph, backend);
    let small = Random::new(3).reals(&small);
    let before = session.run(&[small.view()]).unwrap();
    let (error, after) = stopped(&session, &ArrayD::ones(IxDyn(&large)));
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(after < SOON, "{after:?}");
    assert_eq!(session.run(&[small.view()]).unwrap(), before);
}

#[test]
fn runs_on_the_cpu_stop_within_an_operator_and_between_them() {
    // Threads of its own: others are given the work of other tests while they wait.
    let cpu = Cpu::builder().threads(2).build().unwrap();
    for number in 0..long().len() {
        check(&cpu.clone().into(), number);
    }
}

#[test]
fn runs_on_a_gpu_stop_between_kernels() {
    if let Some(gpu) = testing::gpu().unwrap() {
        check(&gpu.into(), 2);
    }
}

#[test]
fn a_run_that_is_stopped_gives_its_own_answer_and_others_theirs() {
    let (graph, large, small) = long().swap_remove(0);
    let session = unlimited(graph, &Backend::cpu());
    let small = Random::new(3).reals(&[small[0], 4000, small[2], small[3]]);
    let want = session.run(&[small.view()]).unwrap();
    let token = CancelToken::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let input = ArrayD::ones(IxDyn(&large));
            assert!(matches!(session.until(&token).run(&[input.view()]), Err(Error::Cancelled)));
        });
        std::thread::sleep(Duration::from_millis(20));
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            token.cancel();
        });
        for _ in 0..20 {
            assert_eq!(session.run(&[small.view()]).unwrap(), want);
        }
    });
}

#[test]
fn awaited_runs_and_planning_stop_too() {
    let gpu = testing::gpu().unwrap().map(Backend::from);
    for backend in [Some(Backend::cpu()), gpu].iter().flatten() {
        let (graph, large, small) = long().swap_remove(2);
        let session = unlimited(graph, backend);
        let small = Random::new(3).reals(&small);
        let before = session.run(&[small.view()]).unwrap();
        session.prepare(&[&large]).unwrap();
        let token = CancelToken::new();
        let stoppable = session.until(&token);
        let input = ArrayD::ones(IxDyn(&large));
        std::thread::scope(|scope| {
            let cancelled = scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(200));
                token.cancel();
                Instant::now()
            });
            let outcome = pollster::block_on(stoppable.run_async(&[input.view()]));
            let after = cancelled.join().unwrap().elapsed();
            assert!(matches!(outcome, Err(Error::Cancelled)), "{outcome:?}");
            assert!(after < SOON, "{backend}: {after:?}");
        });
        assert!(matches!(stoppable.prepare(&[&[1, 1, 3, 3]]), Err(Error::Cancelled)));
        assert_eq!(pollster::block_on(session.run_async(&[small.view()])).unwrap(), before);
    }
}

#[test]
fn each_limit_refuses_by_its_name() {
    let two = || {
        graph(|graph, x| {
            let one = graph.node("one", Unary::Tanh, &[x])?;
            graph.node("two", Softmax::new(-1), &[one])
        })
    };
    let outcome = |backend: &Backend, limits: Limits| {
        let session = Session::builder().backend(backend.clone()).limits(limits).build(two())?;
        session.run(&[ArrayD::ones(IxDyn(&[30, 400])).view()])
    };
    let limit = |backend: &Backend, limits: Limits| match outcome(backend, limits) {
        Err(Error::OverLimit { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    let gpu = testing::gpu().unwrap().map(Backend::from);
    for backend in [Some(Backend::cpu()), Some(Backend::Reference), gpu].iter().flatten() {
        assert!(outcome(backend, Limits::new()).is_ok());
        assert_eq!(limit(backend, Limits::new().nodes(1)), "nodes");
        assert_eq!(limit(backend, Limits::new().operations(1000)), "operations");
        assert_eq!(limit(backend, Limits::new().planning(Duration::ZERO)), "planning-seconds");
        assert_eq!(limit(backend, Limits::new().run(Duration::ZERO)), "run-seconds");
        let (own, other) = (Limits::new().host_bytes(1000), Limits::new().device_bytes(1000));
        let (own, other, name) = match backend {
            Backend::Gpu(_) => (other, own, "device-bytes"),
            _ => (own, other, "host-bytes"),
        };
        assert_eq!(limit(backend, own), name);
        assert!(outcome(backend, other).is_ok());
    }
}

#[test]
fn what_the_host_has_no_memory_for_is_an_error() {
    let session = Session::builder()
        .backend(Backend::cpu())
        .limits(Limits::none())
        .build(graph(|graph, x| {
            let wide = graph.constant("shape", ndarray::array![1.0_f32].into_dyn());
            let joined = graph.node("sum", Binary::Add, &[x, wide])?;
            graph.node("expanded", crate::ops::Expand::new([1 << 46]), &[joined])
        }))
        .unwrap();
    let error = session.run(&[ArrayD::ones(IxDyn(&[1])).view()]).unwrap_err();
    assert!(matches!(error, Error::OutOfHostMemory(_)), "{error}");
}
