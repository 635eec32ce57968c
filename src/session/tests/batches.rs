//! Single requests put together.

use std::time::{Duration, Instant};

use ndarray::ArrayD;

use crate::error::Result;
use crate::graph::Graph;
use crate::ops::{Conv2d, Unary};
use crate::session::{Backend, BatchOptions, Session};
use crate::tensor::Tensor;
use crate::testing::{self, Random};

/// Of whole numbers, whose sums are exact by whatever kernel.
fn session(backend: &Backend) -> Session {
    let mut graph = Graph::new();
    let image = graph.input("image");
    let weight = graph.constant("weight", ArrayD::from_elem(vec![4, 2, 3, 3], 2.0_f32));
    let features = graph.node("conv", Conv2d::new(), &[image, weight]).unwrap();
    let active = graph.node("relu", Unary::Relu, &[features]).unwrap();
    graph.output(active).unwrap();
    graph.output(features).unwrap();
    Session::new(graph, backend).unwrap()
}

fn request(number: u64, width: usize) -> ArrayD<f32> {
    let mut random = Random::new(number);
    random.reals(&[1, 2, 6, width]).mapv(|value| (value * 100.0).round())
}

fn options(most: usize, within: Duration) -> BatchOptions {
    BatchOptions { most, within }
}

fn backends() -> Vec<Backend> {
    let gpu = testing::gpu().unwrap().map(Backend::from);
    [Some(Backend::Reference), gpu].into_iter().flatten().collect()
}

#[test]
fn each_request_gets_its_own_answer_and_runs_are_shared() {
    for backend in backends() {
        let session = session(&backend);
        let batches = session.batches(options(4, Duration::from_millis(20))).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..6 {
                let (batches, session) = (&batches, &session);
                scope.spawn(move || {
                    for number in 0..10 {
                        // One in five is of another size.
                        let input = request(100 * thread + number, if number % 5 == 3 { 9 } else { 7 });
                        let want = session.run(&[input.view()]).unwrap();
                        let got = batches.run(vec![input.into()]).unwrap();
                        assert_eq!(got.iter().map(Tensor::to_f32).collect::<Vec<_>>(), want);
                    }
                });
            }
        });
        let counts = batches.counts();
        assert_eq!(counts.requests, 60);
        assert!(counts.runs < 50, "{counts:?} on {backend}");
    }
}

#[test]
fn a_full_batch_waits_for_nobody_and_one_alone_only_so_long() {
    let session = session(&Backend::Reference);
    let full = session.batches(options(3, Duration::from_secs(600))).unwrap();
    std::thread::scope(|scope| {
        for number in 0..3 {
            let full = &full;
            scope.spawn(move || full.run(vec![request(number, 7).into()]).unwrap());
        }
    });
    assert_eq!((full.counts().requests, full.counts().runs), (3, 1));

    let alone = session.batches(options(3, Duration::from_millis(50))).unwrap();
    let begun = Instant::now();
    alone.run(vec![request(1, 7).into()]).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(50), "{:?}", begun.elapsed());
}

#[test]
fn what_is_wrong_with_a_request_concerns_no_other() {
    let session = session(&Backend::Reference);
    let batches = session.batches(options(2, Duration::from_millis(20))).unwrap();
    // Three channels where two are expected: alike among themselves, so that they fail together.
    let wrong = || batches.run(vec![ArrayD::<f32>::ones(vec![1, 3, 6, 7]).into()]);
    let right = || batches.run(vec![request(1, 7).into()]);
    let messages: Vec<Result<Vec<Tensor>>> = std::thread::scope(|scope| {
        let threads = [scope.spawn(wrong), scope.spawn(wrong), scope.spawn(right)];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(messages[2].is_ok());
    for wrong in &messages[..2] {
        assert!(wrong.as_ref().unwrap_err().to_string().contains("channels"), "{wrong:?}");
    }
    let rows = batches.run(vec![ArrayD::<f32>::ones(vec![2, 2, 6, 7]).into()]).unwrap_err();
    assert!(rows.to_string().contains("[2, 2, 6, 7]"), "{rows}");
    assert!(session.batches(options(0, Duration::ZERO)).is_err());
}

#[test]
fn whoever_loses_interest_stops_nobody() {
    let batches = session(&Backend::Reference)
        .batches(options(8, Duration::from_millis(10)))
        .unwrap();
    for number in 0..20 {
        {
            let mut given_up = std::pin::pin!(batches.run_async(vec![request(number, 7).into()]));
            let waker = std::task::Waker::noop();
            assert!(
                given_up
                    .as_mut()
                    .poll(&mut std::task::Context::from_waker(waker))
                    .is_pending()
            );
        }
        assert_eq!(batches.run(vec![request(number, 7).into()]).unwrap().len(), 2);
    }
    let counts = batches.counts();
    assert_eq!(counts.requests, 40);
    assert!(counts.runs < 40, "{counts:?}");
}
