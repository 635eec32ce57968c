//! Frames one after another.

use std::time::Duration;

use ndarray::ArrayD;

use crate::graph::Graph;
use crate::ops::{Conv2d, Unary};
use crate::session::{Backend, Session, StreamOptions, WhenFull};
use crate::testing::{self, Random};

fn session(backend: &Backend) -> Session {
    let (mut graph, mut random) = (Graph::new(), Random::new(1));
    let image = graph.input("image");
    let weight = graph.constant("weight", random.reals(&[4, 2, 3, 3]));
    let features = graph.node("conv", Conv2d::new().padding(1), &[image, weight]).unwrap();
    let active = graph.node("relu", Unary::Relu, &[features]).unwrap();
    graph.output(active).unwrap();
    Session::new(graph, backend).unwrap()
}

fn frame(number: u64) -> ArrayD<f32> {
    Random::new(number).reals(&[1, 2, 6, 7])
}

fn backends() -> Vec<Backend> {
    let gpu = testing::gpu().unwrap().map(Backend::from);
    [Some(Backend::Reference), gpu].into_iter().flatten().collect()
}

#[test]
fn answers_come_in_the_order_of_the_frames_and_each_is_its_own() {
    for backend in backends() {
        let session = session(&backend);
        for under_way in 1..4 {
            let options = StreamOptions {
                under_way,
                waiting: 2,
                ..StreamOptions::default()
            };
            let stream = session.stream(options).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for number in 0..40 {
                        // One in seven is no frame of this network.
                        let input = if number % 7 == 3 {
                            ArrayD::zeros(vec![1, 3, 4, 4])
                        } else {
                            frame(number)
                        };
                        assert_eq!(stream.push(vec![input.into()]).unwrap(), number);
                    }
                    stream.finish();
                });
                for number in 0..40 {
                    let answer = stream.next().unwrap();
                    assert_eq!(answer.frame, number);
                    match answer.outputs {
                        Ok(outputs) => {
                            let want = session.run(&[frame(number).view()]).unwrap();
                            assert_eq!(outputs[0].to_f32(), want[0], "{number}");
                        }
                        Err(error) => assert!(number % 7 == 3 && error.to_string().contains("conv"), "{number}: {error}"),
                    }
                }
                assert!(stream.next().is_none() && stream.try_next().is_none());
            });
            let latencies = stream.latencies();
            assert_eq!((latencies.answered, latencies.dropped), (40, 0));
            assert!(latencies.median <= latencies.p90 && latencies.p90 <= latencies.p99 && latencies.p99 <= latencies.longest);
            assert!(
                stream
                    .push(vec![frame(0).into()])
                    .unwrap_err()
                    .to_string()
                    .contains("finished")
            );
        }
    }
}

/// A consumer that is slow sees the newest frames, and each frame is answered or counted as left out.
#[test]
fn the_newest_frame_wins_where_that_was_asked_for() {
    let session = session(&Backend::Reference);
    let options = StreamOptions {
        under_way: 1,
        waiting: 1,
        when_full: WhenFull::DropOldest,
    };
    let stream = session.stream(options).unwrap();
    for number in 0..100 {
        stream.push(vec![frame(number).into()]).unwrap();
        if number == 50 {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    stream.finish();
    let mut seen = Vec::new();
    while let Some(answer) = stream.next() {
        let want = session.run(&[frame(answer.frame).view()]).unwrap();
        assert_eq!(answer.outputs.unwrap()[0].to_f32(), want[0]);
        seen.push(answer.frame);
    }
    assert!(seen.is_sorted() && seen.last() == Some(&99), "{seen:?}");
    // Nobody took answers before: one was there, one under way, one waiting.
    assert!(seen.len() <= 4, "{seen:?}");
    let latencies = stream.latencies();
    assert_eq!(latencies.answered + latencies.dropped, 100);
}

#[test]
fn streams_that_are_dropped_end_at_once_and_spoil_nothing() {
    for backend in backends() {
        let session = session(&backend);
        for taken in 0..4 {
            let stream = session
                .stream(StreamOptions {
                    waiting: 8,
                    ..StreamOptions::default()
                })
                .unwrap();
            for number in 0..6 {
                stream.push(vec![frame(number).into()]).unwrap();
            }
            for number in 0..taken {
                assert_eq!(stream.next().unwrap().frame, number);
            }
            drop(stream);
            session.run(&[frame(1).view()]).unwrap();
        }
        let error = session
            .stream(StreamOptions {
                under_way: 0,
                ..StreamOptions::default()
            })
            .map(|_| ())
            .unwrap_err();
        assert!(error.to_string().contains("under way"), "{error}");
    }
}

/// Frames of known shapes make nothing on the device.
#[test]
fn frames_make_nothing() {
    let Some(gpu) = testing::gpu().unwrap() else { return };
    let session = session(&gpu.clone().into());
    let stream = session.stream(StreamOptions::default()).unwrap();
    let run = |frames: u64| {
        std::thread::scope(|scope| {
            scope.spawn(|| (0..frames).try_for_each(|number| stream.push(vec![frame(number % 5).into()]).map(drop)));
            for _ in 0..frames {
                stream.next().unwrap().outputs.unwrap();
            }
        });
    };
    run(20);
    let made = gpu.counters();
    run(300);
    assert_eq!(gpu.counters(), made);
}
