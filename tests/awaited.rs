//! Awaited runs leave the thread that awaits them alone, and prepared ones make nothing. One test after another, in a process
//! whose threads are counted.

#![expect(clippy::expect_used, reason = "a test may fail")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use convoke::graph::Graph;
use convoke::ops::{Conv2d, Unary};
use convoke::testing::Random;
use convoke::{Backend, Gpu, Session};
use ndarray::{ArrayD, ArrayViewD};

const SHAPE: [usize; 4] = [1, 3, 80, 72];

/// Several kernels, and work for some milliseconds.
fn network() -> Graph {
    let (mut graph, mut random) = (Graph::new(), Random::new(1));
    let image = graph.input("image");
    let mut value = image;
    for (index, (kernel, padding)) in [(3, 1), (5, 2), (1, 0)].into_iter().enumerate() {
        let weight = graph.constant("weight", random.reals(&[16, if index == 0 { 3 } else { 16 }, kernel, kernel]));
        let conv = Conv2d::new().padding(padding);
        value = graph.node("conv", conv, &[value, weight]).expect("a node");
        value = graph.node("tanh", Unary::Tanh, &[value]).expect("a node");
    }
    graph.output(value).expect("an output");
    graph
}

fn image() -> ArrayD<f32> {
    Random::new(2).reals(&SHAPE)
}

/// Begins a run and awaits it later: gives what `between` gives once the run has begun.
fn begun<T>(session: &Session, input: ArrayViewD<'_, f32>, between: impl FnOnce() -> T) -> (T, Vec<ArrayD<f32>>) {
    let views = [input];
    let mut run = pin!(session.run_async(&views));
    let first = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(first, Poll::Pending), "the run was done on the thread that began it");
    let found = between();
    (found, pollster::block_on(run).expect("outputs"))
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the threads").count()
}

#[test]
fn awaited_runs_leave_their_thread_alone() {
    on_the_host();
    if convoke::testing::gpu().expect("an adapter").is_some() {
        first_run_compiles_elsewhere();
        prepared_runs_make_nothing();
        #[cfg(target_os = "linux")]
        no_thread_a_run();
    }
}

/// The CPU's pool computes, and so it does for the reference.
fn on_the_host() {
    for backend in [Backend::cpu(), Backend::Reference] {
        let session = Session::new(network(), &backend).expect("a session");
        let image = image();
        let want = session.run(&[image.view()]).expect("outputs");
        assert_eq!(begun(&session, image.view(), || ()).1, want, "{backend}");
        session.prepare(&[&SHAPE]).expect("a plan");
        pollster::block_on(session.prepare_async(&[&SHAPE])).expect("a plan");
        assert_eq!(session.run(&[image.view()]).expect("outputs"), want);
    }
}

fn first_run_compiles_elsewhere() {
    let gpu = Gpu::new().expect("a GPU");
    let session = Session::new(network(), &gpu.clone().into()).expect("a session");
    let image = image();
    let (compiled, outputs) = begun(&session, image.view(), || gpu.compiled_pipelines());
    assert!(
        compiled < gpu.compiled_pipelines(),
        "{compiled} compiled before the call was back"
    );
    assert_eq!(session.run(&[image.view()]).expect("outputs"), outputs);
}

fn prepared_runs_make_nothing() {
    let gpu = Gpu::new().expect("a GPU");
    let session = Session::new(network(), &gpu.clone().into()).expect("a session");
    let other = [2, 3, 40, 50];
    session.prepare(&[&SHAPE]).expect("a plan");
    pollster::block_on(session.prepare_async(&[&other])).expect("a plan");
    let made = gpu.counters();
    assert!(made.buffers > 0 && made.pipelines > 0 && made.bind_groups > 0, "{made:?}");
    for input in [image(), Random::new(3).reals(&other)] {
        let awaited = pollster::block_on(session.run_async(&[input.view()])).expect("outputs");
        assert_eq!(session.run(&[input.view()]).expect("outputs"), awaited);
        assert_eq!(gpu.counters(), made);
    }
    session.prepare(&[&SHAPE]).expect("a plan");
    assert_eq!(gpu.counters(), made);
}

/// However many runs are under way, one thread waits for the device.
#[cfg(target_os = "linux")]
fn no_thread_a_run() {
    let gpu = Gpu::new().expect("a GPU");
    let session = Session::new(network(), &gpu.into()).expect("a session");
    let image = image();
    let views = [image.view()];
    let want = pollster::block_on(session.run_async(&views)).expect("outputs");
    let before = threads();
    let mut runs: Vec<_> = (0..16).map(|_| Box::pin(session.run_async(&views))).collect();
    for run in &mut runs {
        let first = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(first, Poll::Pending));
    }
    let during = threads();
    for run in runs {
        assert_eq!(pollster::block_on(run).expect("outputs"), want);
    }
    assert!(during <= before, "{during} threads, and {before} before");
}
