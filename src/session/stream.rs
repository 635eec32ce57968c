//! Frames one after another: several under way at once, answers in the order of the frames, and what has no time is left out.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::Running;
use crate::error::{Error, Result, ensure};
use crate::lock::lock;
use crate::session::Session;
use crate::tensor::{Tensor, TensorView};

/// How many of the last latencies are kept.
const KEPT: usize = 4096;

/// What is done with a frame for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// Whoever brings it waits: for files, of which every frame is wanted.
    #[default]
    Wait,
    /// The oldest frame that waits is left out for it: for cameras, of which the newest frame is wanted.
    DropOldest,
}

/// How a [`Stream`] goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Runs under way at once, 2 without anything said: the device is given the next frame while it computes the one before. On the
    /// CPU, whose threads one run takes, 1 is as fast. Answers that nobody has taken are at most as many.
    pub under_way: usize,
    /// Frames that may wait, 1 without anything said.
    pub waiting: usize,
    /// What is done with one more.
    pub when_full: WhenFull,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            under_way: 2,
            waiting: 1,
            when_full: WhenFull::Wait,
        }
    }
}

/// A frame's answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct StreamAnswer {
    /// Which frame it is, counted from 0 as they were brought.
    pub frame: u64,
    /// What [`Session::run_tensors`] gives.
    pub outputs: Result<Vec<Tensor>>,
    /// From when the frame was brought to when its outputs were there.
    pub latency: Duration,
}

/// How long frames took, of the last 4,096 that were answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latencies {
    /// Half of them took no longer.
    pub median: Duration,
    /// 90 of 100 took no longer.
    pub p90: Duration,
    /// 99 of 100 took no longer.
    pub p99: Duration,
    /// The longest.
    pub longest: Duration,
    /// All frames that were answered.
    pub answered: u64,
    /// All frames that were left out.
    pub dropped: u64,
}

/// Frames through a session, made by [`Session::stream`].
///
/// One thread brings frames by [`push`](Self::push), the same or another takes answers by [`next`](Self::next); a thread of its own
/// runs them. Dropping it waits for the runs that are under way; frames that wait are left out.
#[derive(Debug)]
pub struct Stream {
    link: Arc<Link>,
    options: StreamOptions,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Link {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Frame>,
    under_way: usize,
    done: VecDeque<StreamAnswer>,
    /// No more frames come.
    is_finished: bool,
    /// Nothing more is run.
    is_closed: bool,
    brought: u64,
    answered: u64,
    dropped: u64,
    latencies: VecDeque<Duration>,
}

#[derive(Debug)]
struct Frame {
    number: u64,
    inputs: Vec<Tensor>,
    brought: Instant,
}

impl Link {
    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_all();
    }
}

impl Session {
    /// A stream of frames through this session. With shapes that the session has seen, a frame makes nothing on the device.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::Unary, session::StreamOptions};
    /// use ndarray::ArrayD;
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Unary::Relu, &[x])?;
    /// graph.output(relu)?;
    /// let session = Session::new(graph, &Backend::auto())?;
    /// let stream = session.stream(StreamOptions::default())?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         for frame in 0..10 {
    ///             stream.push(vec![ArrayD::from_elem(vec![2, 3], frame as f32 - 5.0).into()])?;
    ///         }
    ///         stream.finish();
    ///         Ok::<(), convoke::Error>(())
    ///     });
    ///     while let Some(answer) = stream.next() {
    ///         let value = answer.outputs?[0].to_f32()[[0, 0]];
    ///         assert_eq!(value, (answer.frame as f32 - 5.0).max(0.0));
    ///     }
    ///     Ok::<(), convoke::Error>(())
    /// })?;
    /// let latencies = stream.latencies();
    /// assert_eq!(latencies.answered, 10);
    /// println!("median {:?}, 99 of 100 within {:?}", latencies.median, latencies.p99);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: options of 0; a thread that the system does not start.
    pub fn stream(&self, options: StreamOptions) -> Result<Stream> {
        ensure!(
            options.under_way > 0 && options.waiting > 0,
            "stream",
            "expected at least one run under way and one frame that may wait, but got {options:?}"
        );
        let link = Arc::new(Link::default());
        let (session, own) = (self.clone(), Arc::clone(&link));
        let thread = std::thread::Builder::new()
            .name("convoke-stream".to_owned())
            .spawn(move || work(&session, &own, options.under_way))
            .map_err(|error| Error::Thread(format!("run a stream: {error}")))?;
        Ok(Stream {
            link,
            options,
            thread: Some(thread),
        })
    }

    fn begin(&self, inputs: &[TensorView<'_>]) -> Result<Running> {
        let engine = Arc::clone(&self.ready_for(inputs)?.engine);
        self.watched(|| engine.start(inputs))
    }
}

/// Runs what waits until the stream is closed.
fn work(session: &Session, link: &Link, most: usize) {
    /// A thread that ends for whatever reason leaves nobody waiting.
    struct Closing<'a>(&'a Link);
    impl Drop for Closing<'_> {
        fn drop(&mut self) {
            self.0.close();
        }
    }
    let _closing = Closing(link);
    let mut under_way: VecDeque<(Frame, Running)> = VecDeque::new();
    loop {
        let mut state = lock(&link.state);
        let frame = loop {
            if state.is_closed {
                return;
            }
            let has_room = under_way.len() < most && state.done.len() < most;
            if let Some(frame) = has_room.then(|| state.waiting.pop_front()).flatten() {
                state.under_way += 1;
                break Some(frame);
            }
            if !under_way.is_empty() {
                break None;
            }
            state = link.wait(state);
        };
        drop(state);
        link.changed.notify_all();
        if let Some(frame) = frame {
            let views: Vec<_> = frame.inputs.iter().map(Tensor::view).collect();
            // What cannot be run is answered in its turn.
            let running = session.begin(&views).unwrap_or_else(|error| Box::pin(ready(Err(error))));
            drop(views);
            under_way.push_back((frame, running));
        } else if let Some((frame, running)) = under_way.pop_front() {
            let outputs = pollster::block_on(running);
            lock(&link.state).answer(&frame, outputs);
            link.changed.notify_all();
        }
    }
}

impl State {
    fn answer(&mut self, frame: &Frame, outputs: Result<Vec<Tensor>>) {
        let latency = frame.brought.elapsed();
        if self.latencies.len() == KEPT {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
        self.under_way -= 1;
        self.answered += 1;
        self.done.push_back(StreamAnswer {
            frame: frame.number,
            outputs,
            latency,
        });
    }
}

impl Stream {
    /// Brings a frame, the inputs in the session's order, and gives its number. Where there is no room it waits, or leaves out the
    /// oldest that waits, as the options say; so whoever also takes the answers takes them before there are too many.
    ///
    /// Errors: a stream that is finished, or whose thread is gone. What is wrong with the inputs is in the answer.
    pub fn push(&self, inputs: Vec<Tensor>) -> Result<u64> {
        let brought = Instant::now();
        let mut state = lock(&self.link.state);
        while state.waiting.len() >= self.options.waiting && !state.is_closed {
            match self.options.when_full {
                WhenFull::Wait => state = self.link.wait(state),
                WhenFull::DropOldest => {
                    state.waiting.pop_front();
                    state.dropped += 1;
                }
            }
        }
        if state.is_closed || state.is_finished {
            return Err(Error::invalid("stream", "expected frames before the stream is finished"));
        }
        let number = state.brought;
        state.brought += 1;
        state.waiting.push_back(Frame { number, inputs, brought });
        drop(state);
        self.link.changed.notify_all();
        Ok(number)
    }

    /// Says that no more frames come: what was brought is answered.
    pub fn finish(&self) {
        lock(&self.link.state).is_finished = true;
        self.link.changed.notify_all();
    }

    /// The next answer, in the order of the frames; waits for it. `None` once the stream is finished and all is answered.
    pub fn next(&self) -> Option<StreamAnswer> {
        let mut state = lock(&self.link.state);
        loop {
            if let Some(answer) = state.done.pop_front() {
                drop(state);
                self.link.changed.notify_all();
                return Some(answer);
            }
            let is_over = state.is_finished && state.waiting.is_empty() && state.under_way == 0;
            if state.is_closed || is_over {
                return None;
            }
            state = self.link.wait(state);
        }
    }

    /// The next answer, if it is there.
    pub fn try_next(&self) -> Option<StreamAnswer> {
        let answer = lock(&self.link.state).done.pop_front();
        if answer.is_some() {
            self.link.changed.notify_all();
        }
        answer
    }

    /// How long frames took, and how many were left out.
    pub fn latencies(&self) -> Latencies {
        let state = lock(&self.link.state);
        let mut sorted: Vec<Duration> = state.latencies.iter().copied().collect();
        let (answered, dropped) = (state.answered, state.dropped);
        drop(state);
        sorted.sort_unstable();
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1));
        let at = |percent| at(percent).copied().unwrap_or_default();
        Latencies {
            median: at(50),
            p90: at(90),
            p99: at(99),
            longest: at(100),
            answered,
            dropped,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.link.close();
        if let Some(thread) = self.thread.take() {
            // A panic of a run's was printed where it arose.
            let _ = thread.join();
        }
    }
}
