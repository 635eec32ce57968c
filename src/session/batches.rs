//! Single requests from many threads, put together into batches.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_intrusive::channel::shared::{OneshotSender, oneshot_channel};
use ndarray::{Axis, concatenate};

use crate::error::{Error, Result, ensure};
use crate::session::Session;
use crate::tensor::{Element, SharedArray, Tensor, TensorView, each};

const NAME: &str = "batches";

/// How requests are put together, for [`Session::batches`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchOptions {
    /// The most requests of a batch, 8 without anything said. Smaller batches have 1, 2, 4, 8, ... of them, so that a session
    /// makes few plans.
    pub most: usize,
    /// How long the first request of a batch waits for others, 2 ms without anything said.
    pub within: Duration,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self {
            most: 8,
            within: Duration::from_millis(2),
        }
    }
}

/// How many requests were answered, and by how many runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchCounts {
    /// Requests that were answered.
    pub requests: u64,
    /// Runs that answered them.
    pub runs: u64,
}

/// Batches of a session, made by [`Session::batches`]: any number of threads and tasks bring requests, and one thread runs them.
///
/// Dropping it waits for the run that is under way.
#[derive(Debug)]
pub struct Batches {
    requests: Option<Sender<Request>>,
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    runs: AtomicU64,
}

#[derive(Debug)]
struct Request {
    inputs: Vec<Tensor>,
    brought: Instant,
    answer: OneshotSender<Result<Vec<Tensor>>>,
}

impl Session {
    /// Puts single requests together into batches: for servers, whose requests come one by one and are computed faster together.
    ///
    /// The network is one that computes the rows of its inputs' first axis each by itself, and gives outputs with the same first axis. How
    /// many rows a batch has changes which kernels compute it, and so may change an answer within its bounds.
    ///
    /// ```
    /// use convoke::{Backend, Session, graph::Graph, ops::Unary, session::BatchOptions};
    /// use ndarray::ArrayD;
    ///
    /// let mut graph = Graph::new();
    /// let x = graph.input("x");
    /// let relu = graph.node("relu", Unary::Relu, &[x])?;
    /// graph.output(relu)?;
    /// let session = Session::new(graph, &Backend::auto())?;
    /// let batches = session.batches(BatchOptions::default())?;
    /// std::thread::scope(|scope| {
    ///     for number in [-1.0, 2.0, 3.0] {
    ///         let batches = &batches;
    ///         scope.spawn(move || {
    ///             let outputs = batches.run(vec![ArrayD::from_elem(vec![1, 3], number).into()])?;
    ///             assert_eq!(outputs[0].to_f32()[[0, 0]], number.max(0.0));
    ///             Ok::<(), convoke::Error>(())
    ///         });
    ///     }
    /// });
    /// assert_eq!(batches.counts().requests, 3);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    ///
    /// Errors: batches of no request; a thread that the system does not start.
    pub fn batches(&self, options: BatchOptions) -> Result<Batches> {
        ensure!(
            options.most > 0,
            NAME,
            "expected at least one request a batch, but got {options:?}"
        );
        let (sender, receiver) = channel();
        let counts = Arc::new(Counts::default());
        let (session, own) = (self.clone(), Arc::clone(&counts));
        let thread = std::thread::Builder::new()
            .name("convoke-batches".to_owned())
            .spawn(move || work(&session, &receiver, options, &own))
            .map_err(|error| Error::Thread(format!("run batches: {error}")))?;
        Ok(Batches {
            requests: Some(sender),
            counts,
            thread: Some(thread),
        })
    }
}

impl Batches {
    /// Runs one request, inputs of shape [1, ...] in the session's order, together with others; gives outputs of shape [1, ...].
    ///
    /// Errors: as [`run_async`](Self::run_async).
    pub fn run(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
        pollster::block_on(self.run_async(inputs))
    }

    /// [`run`](Self::run), awaited.
    ///
    /// Errors: inputs that are not one row each; those of [`Session::run_tensors`], which concern this request alone.
    pub async fn run_async(&self, inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
        for (index, input) in inputs.iter().enumerate() {
            let shape = input.shape();
            ensure!(
                shape.first() == Some(&1),
                NAME,
                "expected requests of one row, [1, ...], but got input {index} of shape {shape:?}"
            );
        }
        let (answer, answered) = oneshot_channel();
        let request = Request {
            inputs,
            brought: Instant::now(),
            answer,
        };
        let is_sent = self.requests.as_ref().is_some_and(|requests| requests.send(request).is_ok());
        let answered = if is_sent { answered.receive().await } else { None };
        // A run that panicked has said so where it did.
        answered.unwrap_or_else(|| Err(Error::Thread("run batches: it is gone".to_owned())))
    }

    /// What was answered so far, and by how many runs.
    pub fn counts(&self) -> BatchCounts {
        BatchCounts {
            requests: self.counts.requests.load(Ordering::Relaxed),
            runs: self.counts.runs.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of a run's was printed where it arose.
            let _ = thread.join();
        }
    }
}

/// Runs what comes until nobody is left to bring more.
fn work(session: &Session, requests: &Receiver<Request>, options: BatchOptions, counts: &Counts) {
    let mut waiting: VecDeque<Request> = VecDeque::new();
    loop {
        let first = match waiting.pop_front() {
            Some(first) => first,
            None => match requests.recv() {
                Ok(first) => first,
                Err(_) => return,
            },
        };
        let by = first.brought + options.within;
        waiting.push_front(first);
        while waiting.len() < options.most {
            match requests.recv_timeout(by.saturating_duration_since(Instant::now())) {
                Ok(request) => waiting.push_back(request),
                Err(_) => break,
            }
        }
        let size = size(&waiting, options.most);
        answer(session, waiting.drain(..size).collect(), counts);
    }
}

/// How many of the first that wait are run together: those whose inputs are alike.
fn size(waiting: &VecDeque<Request>, most: usize) -> usize {
    let types = |request: &Request| request.inputs.iter().map(Tensor::tensor_type).collect::<Vec<_>>();
    let first = waiting.front().map(types);
    let alike = waiting.iter().take_while(|request| Some(types(request)) == first).count();
    match alike.min(most) {
        0 => 0,
        count if count == most => most,
        count => 1 << count.ilog2(),
    }
}

fn answer(session: &Session, batch: Vec<Request>, counts: &Counts) {
    let runs = |count: u64| counts.runs.fetch_add(count, Ordering::Relaxed);
    let told = |request: Request, outputs| {
        counts.requests.fetch_add(1, Ordering::Relaxed);
        // Whoever asked may have lost interest.
        let _ = request.answer.send(outputs);
    };
    if batch.len() > 1 {
        runs(1);
        if let Ok(outputs) = together(session, &batch) {
            batch
                .into_iter()
                .zip(outputs)
                .for_each(|(request, outputs)| told(request, Ok(outputs)));
            return;
        }
    }
    // What fails together is run one by one, so that each is told of its own inputs alone.
    for request in batch {
        runs(1);
        let views: Vec<TensorView<'_>> = request.inputs.iter().map(Tensor::view).collect();
        let outputs = session.run_tensors(&views);
        told(request, outputs);
    }
}

/// The outputs of each request, run as one.
fn together(session: &Session, batch: &[Request]) -> Result<Vec<Vec<Tensor>>> {
    let inputs = batch.first().map_or(0, |request| request.inputs.len());
    let joined = (0..inputs).map(|input| {
        let rows: Vec<&Tensor> = batch.iter().map(|request| &request.inputs[input]).collect();
        joined(&rows)
    });
    let joined = joined.collect::<Result<Vec<_>>>()?;
    let outputs = session.run_tensors(&joined.iter().map(Tensor::view).collect::<Vec<_>>())?;
    for output in &outputs {
        ensure!(
            output.shape().first() == Some(&batch.len()),
            NAME,
            "expected outputs of {} rows, one a request, but got {:?}",
            batch.len(),
            output.shape()
        );
    }
    let rows = (0..batch.len()).map(|row| outputs.iter().map(|output| of_row(output, row)).collect());
    Ok(rows.collect())
}

/// Rows of one type, one after another.
fn joined(rows: &[&Tensor]) -> Result<Tensor> {
    fn of<T: Element>(_: &SharedArray<T>, rows: &[&Tensor]) -> Result<Tensor> {
        let views = rows
            .iter()
            .map(|row| Ok(row.array::<T>()?.view()))
            .collect::<Result<Vec<_>>>()?;
        let joined = concatenate(Axis(0), &views).map_err(|error| Error::invalid(NAME, error.to_string()))?;
        Ok(joined.into())
    }
    each!(Tensor, rows[0], first => of(first, rows))
}

fn of_row(output: &Tensor, row: usize) -> Tensor {
    each!(Tensor, output, array => {
        let row = array.index_axis(Axis(0), row);
        row.insert_axis(Axis(0)).to_owned().into()
    })
}
