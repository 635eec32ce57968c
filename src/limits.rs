//! How much of a machine a session may take.

use std::str::FromStr;
use std::time::Duration;

use crate::cancel::CancelToken;
use crate::cancel::{self, Watch};
use crate::dtype::TensorType;
use crate::error::{Error, Result};
use crate::graph::work::{count, steps};
use crate::graph::{Graph, Node};

const NAME: &str = "limits";

/// How much of a machine a session may take, for [`SessionBuilder::limits`](crate::session::SessionBuilder::limits) and for reading models.
/// What would take more is refused with an [`Error::OverLimit`](crate::Error::OverLimit) that names the limit.
///
/// Where nothing is said, a limit is what keeps files that nobody trusts from more than about ten seconds and 4 GiB, and what any
/// network's weights and inputs account for on top of that: with P elements of weights that the file has and I of inputs,
/// G = 64 (P + I + 16) (I + 16), which multiplies each of them with each input 64 times over.
///
/// | limit | what | where nothing is said |
/// |---|---|---|
/// | `nodes` | operators of a graph | 1,000,000 |
/// | `operations` | elements that the operators of a run read, write and go through, and their multiplications | 2^36, or G |
/// | `host-bytes` | memory for a run on the CPU, or the reference: results between operators, and weights | 4 GiB, 1024 times the inputs, and 4 times the weights |
/// | `device-bytes` | the same on a GPU | the same |
/// | `loading-seconds` | reading a model | 60 |
/// | `planning-seconds` | making a graph of a model, and planning and compiling it, for one set of input shapes | 60 each |
/// | `run-seconds` | a run | 10, and 1 for each 10^8 operations up to G; none on the reference |
///
/// As text: `run-seconds=60,host-bytes=8G,operations=none`, with `K`, `M`, `G` and `T` for powers of 1024, and `none` for no limit.
/// The environment's `CONVOKE_LIMITS` says so for all sessions whose builder says nothing.
///
/// ```
/// use convoke::{Backend, Error, Limits, Session, graph::Graph, ops::Unary};
///
/// let mut graph = Graph::new();
/// let x = graph.input("x");
/// let relu = graph.node("relu", Unary::Relu, &[x])?;
/// graph.output(relu)?;
/// let limits: Limits = "operations=100".parse()?;
/// let session = Session::builder().backend(Backend::cpu()).limits(limits).build(graph)?;
/// session.prepare(&[&[50]])?;
/// let error = session.prepare(&[&[51]]).unwrap_err();
/// assert!(matches!(error, Error::OverLimit { limit: "operations", .. }));
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    nodes: Option<u64>,
    operations: Option<u64>,
    host_bytes: Option<u64>,
    device_bytes: Option<u64>,
    loading: Option<Duration>,
    planning: Option<Duration>,
    run: Option<Duration>,
}

impl Limits {
    /// What holds where nothing is said.
    pub fn new() -> Self {
        Self::default()
    }

    /// No limit at all.
    pub fn none() -> Self {
        Self {
            nodes: Some(u64::MAX),
            operations: Some(u64::MAX),
            host_bytes: Some(u64::MAX),
            device_bytes: Some(u64::MAX),
            loading: Some(Duration::MAX),
            planning: Some(Duration::MAX),
            run: Some(Duration::MAX),
        }
    }

    /// The most operators of a graph.
    #[must_use]
    pub fn nodes(mut self, most: u64) -> Self {
        self.nodes = Some(most);
        self
    }

    /// The most elements that the operators of a run read, write and go through, and their multiplications.
    #[must_use]
    pub fn operations(mut self, most: u64) -> Self {
        self.operations = Some(most);
        self
    }

    /// The most memory for a run on the CPU.
    #[must_use]
    pub fn host_bytes(mut self, most: u64) -> Self {
        self.host_bytes = Some(most);
        self
    }

    /// The most memory for a run on a GPU.
    #[must_use]
    pub fn device_bytes(mut self, most: u64) -> Self {
        self.device_bytes = Some(most);
        self
    }

    /// The longest that reading a model may take.
    #[must_use]
    pub fn loading(mut self, longest: Duration) -> Self {
        self.loading = Some(longest);
        self
    }

    /// The longest that making a graph and planning it may take.
    #[must_use]
    pub fn planning(mut self, longest: Duration) -> Self {
        self.planning = Some(longest);
        self
    }

    /// The longest that a run may take.
    #[must_use]
    pub fn run(mut self, longest: Duration) -> Self {
        self.run = Some(longest);
        self
    }

    /// As the environment says; what cannot be read is logged as a warning.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn from_env() -> Self {
        let Some(text) = crate::environment::limits() else {
            return Self::default();
        };
        text.parse().unwrap_or_else(|error| {
            log::warn!("CONVOKE_LIMITS: {error}");
            Self::default()
        })
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn from_env() -> Self {
        Self::default()
    }

    /// Reads a model, within the time for it and until this token is cancelled.
    pub(crate) async fn loaded<T>(&self, token: Option<&CancelToken>, read: impl Future<Output = Result<T>>) -> Result<T> {
        let watch = Watch::current();
        let watch = token.map_or(watch.clone(), |token| watch.until(token));
        #[cfg(not(target_family = "wasm"))]
        let watch = watch.within("loading-seconds", self.loading.unwrap_or(Duration::from_secs(60)));
        let read = async {
            cancel::check()?;
            let read = read.await?;
            cancel::check()?;
            Ok(read)
        };
        watch.awaiting(read).await
    }

    /// Does what makes a graph ready, within the time for it.
    pub(crate) fn planned<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        #[cfg(not(target_family = "wasm"))]
        let watch = Watch::current().within("planning-seconds", self.planning.unwrap_or(Duration::from_secs(60)));
        #[cfg(target_family = "wasm")]
        let watch = Watch::current();
        watch.entered(|| {
            cancel::check()?;
            work()
        })
    }

    /// Runs what takes this work, within the time for it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn running<T>(&self, work: &Work, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let watch = Watch::current().within("run-seconds", self.run_time(work));
        watch.entered(|| {
            cancel::check()?;
            run()
        })
    }

    /// Runs what has several parts, one after another, within the time for a run where one was set. Each part has, besides, its own
    /// time for its own work.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn running_parts<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(longest) = self.run else { return run() };
        Watch::current().within("run-seconds", longest).entered(run)
    }

    #[cfg(not(target_family = "wasm"))]
    fn run_time(&self, work: &Work) -> Duration {
        self.run.unwrap_or_else(|| work.time())
    }

    /// Refuses a graph of too many operators.
    pub(crate) fn check_nodes(&self, nodes: usize) -> Result<()> {
        let allowed = self.nodes.unwrap_or(1_000_000);
        over("nodes", nodes as u64, allowed, || format!("the graph has {nodes} operators"))
    }

    /// Refuses more operations than are allowed.
    pub(crate) fn check_operations(&self, work: &Work) -> Result<()> {
        let allowed = self.operations.unwrap_or(FEW_OPERATIONS.max(work.given));
        over("operations", work.operations, allowed, || {
            let Some((node, own)) = &work.most else {
                return format!("a run takes {} operations", work.operations);
            };
            format!("a run takes {} operations, {own} of them {node}", work.operations)
        })
    }

    /// Refuses more memory on the CPU than is allowed.
    pub(crate) fn check_host_bytes(&self, work: &Work, bytes: u64) -> Result<()> {
        let allowed = self.host_bytes.unwrap_or_else(|| work.bytes());
        over("host-bytes", bytes, allowed, || {
            format!("a run takes {bytes} bytes of memory")
        })
    }

    /// Refuses inputs of so many bytes that nobody has given, but that are to be made for a run, where that is more than the memory
    /// that a run may take on the CPU.
    ///
    /// Errors: [`Error::OverLimit`].
    pub fn check_inputs(&self, bytes: u64) -> Result<()> {
        let allowed = self.host_bytes.unwrap_or(FEW_BYTES);
        over("host-bytes", bytes, allowed, || {
            format!("inputs take {bytes} bytes of memory")
        })
    }

    /// Refuses more memory on a GPU than is allowed.
    pub(crate) fn check_device_bytes(&self, work: &Work, bytes: u64) -> Result<()> {
        let allowed = self.device_bytes.unwrap_or_else(|| work.bytes());
        over("device-bytes", bytes, allowed, || {
            format!("a run takes {bytes} bytes of the GPU's memory")
        })
    }
}

fn over(limit: &'static str, needed: u64, allowed: u64, what: impl FnOnce() -> String) -> Result<()> {
    if needed <= allowed {
        return Ok(());
    }
    Err(Error::OverLimit {
        limit,
        message: format!("{}, where {allowed} are allowed", what()),
    })
}

/// Operations that any file may ask for.
const FEW_OPERATIONS: u64 = 1 << 36;
/// Memory that any file may ask for.
const FEW_BYTES: u64 = 4 << 30;

/// What a run of a graph takes, as far as shapes tell, and what its weights and inputs account for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    operations: u64,
    /// The operator that takes most, with its operations.
    most: Option<(String, u64)>,
    given: u64,
    input_bytes: u64,
    constant_bytes: u64,
}

impl Work {
    /// Of a graph whose values have these types.
    pub(crate) fn of(graph: &Graph, types: &[TensorType]) -> Self {
        let mut work = Self::default();
        let mut most: Option<(&Node, u64)> = None;
        for node in &graph.nodes {
            let inputs: Vec<&[usize]> = node.inputs.iter().map(|input| types[input.0].shape.as_slice()).collect();
            let outputs: Vec<&[usize]> = node.outputs.iter().map(|output| types[output.0].shape.as_slice()).collect();
            let own = steps(&node.op, &inputs, &outputs);
            work.operations = work.operations.saturating_add(own);
            if most.is_none_or(|(_, most)| most < own) {
                most = Some((node, own));
            }
        }
        work.most = most.map(|(node, own)| (format!("for {} {:?}", node.op.name(), node.name), own));
        let bytes = |kind: &TensorType| count(&kind.shape).saturating_mul(kind.dtype.bytes() as u64);
        let inputs = graph.inputs.iter().map(|input| &types[input.0]);
        let constants = graph.values.iter().zip(types).filter(|(value, _)| value.constant.is_some());
        let all = |sizes: &mut dyn Iterator<Item = u64>| sizes.fold(0, u64::saturating_add);
        let elements = all(&mut inputs.clone().map(|kind| count(&kind.shape)));
        let weights = graph
            .weights
            .unwrap_or_else(|| all(&mut constants.clone().map(|(_, kind)| count(&kind.shape))));
        work.input_bytes = all(&mut inputs.map(bytes));
        work.constant_bytes = all(&mut constants.map(|(_, kind)| bytes(kind)));
        let given = u128::from(weights) + u128::from(elements) + 16;
        let given = given.saturating_mul(u128::from(elements) + 16).saturating_mul(64);
        work.given = u64::try_from(given).unwrap_or(u64::MAX);
        work
    }

    /// The bytes of all constants.
    #[cfg(feature = "cpu")]
    pub(crate) fn constant_bytes(&self) -> u64 {
        self.constant_bytes
    }

    /// Elements that operators read, write and go through, and their multiplications.
    #[cfg(all(feature = "cpu", not(target_family = "wasm")))]
    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    /// Whether a GPU may take longer for it than somebody who stops it wants to wait.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn is_long(&self) -> bool {
        self.operations > 1 << 32
    }

    fn bytes(&self) -> u64 {
        let of_inputs = self.input_bytes.saturating_mul(1024);
        let of_constants = self.constant_bytes.saturating_mul(4);
        FEW_BYTES.saturating_add(of_inputs).saturating_add(of_constants)
    }

    #[cfg(not(target_family = "wasm"))]
    fn time(&self) -> Duration {
        Duration::from_secs(10) + Duration::from_secs(self.operations.min(self.given) / 100_000_000)
    }
}

impl FromStr for Limits {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut limits = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| Error::invalid(NAME, format!("expected NAME=NUMBER, but got {part:?}")))?;
            match name {
                "nodes" => limits.nodes = Some(number(part, value)?),
                "operations" => limits.operations = Some(number(part, value)?),
                "host-bytes" => limits.host_bytes = Some(number(part, value)?),
                "device-bytes" => limits.device_bytes = Some(number(part, value)?),
                "loading-seconds" => limits.loading = Some(seconds(part, value)?),
                "planning-seconds" => limits.planning = Some(seconds(part, value)?),
                "run-seconds" => limits.run = Some(seconds(part, value)?),
                _ => {
                    let known = "nodes, operations, host-bytes, device-bytes, loading-seconds, planning-seconds and run-seconds";
                    return Err(Error::invalid(NAME, format!("expected one of {known}, but got {name:?}")));
                }
            }
        }
        Ok(limits)
    }
}

fn number(part: &str, value: &str) -> Result<u64> {
    let refuse = || {
        Error::invalid(
            NAME,
            format!("{part:?}: expected a whole number, with K, M, G or T after it, or none"),
        )
    };
    if value == "none" {
        return Ok(u64::MAX);
    }
    let (digits, factor) = match value.char_indices().last() {
        Some((end, 'K')) => (&value[..end], 1 << 10),
        Some((end, 'M')) => (&value[..end], 1 << 20),
        Some((end, 'G')) => (&value[..end], 1 << 30),
        Some((end, 'T')) => (&value[..end], 1 << 40),
        _ => (value, 1),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|digits| digits.checked_mul(factor))
        .ok_or_else(refuse)
}

fn seconds(part: &str, value: &str) -> Result<Duration> {
    if value == "none" {
        return Ok(Duration::MAX);
    }
    let seconds = value.parse::<f64>().ok();
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| Error::invalid(NAME, format!("{part:?}: expected a number of seconds, 0 or more, or none")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Conv2d, LocalResponseNorm};
    use ndarray::ArrayD;

    /// The time for a run is for all its parts together, and a part's own time for its own work stands beside it.
    #[cfg(not(target_family = "wasm"))]
    #[test]
    fn parts_share_the_time_for_a_run() {
        let (limits, work) = (Limits::new().run(Duration::from_millis(50)), Work::default());
        let part = || {
            limits.running(&work, || {
                std::thread::sleep(Duration::from_millis(30));
                Ok(())
            })
        };
        assert!(part().and_then(|()| part()).is_ok());
        let together = limits.running_parts(|| part().and_then(|()| part()).and_then(|()| part()));
        assert!(
            matches!(
                together,
                Err(Error::OverLimit {
                    limit: "run-seconds",
                    ..
                })
            ),
            "{together:?}"
        );
        assert!(Limits::new().running_parts(part).is_ok());
    }

    #[test]
    fn text_says_each_limit() {
        let limits: Limits =
            "nodes=7, operations=2K,host-bytes=3M,device-bytes=4G,loading-seconds=1.5,planning-seconds=none,run-seconds=2"
                .parse()
                .unwrap();
        let expected = Limits::new()
            .nodes(7)
            .operations(2 << 10)
            .host_bytes(3 << 20)
            .device_bytes(4 << 30)
            .loading(Duration::from_millis(1500))
            .planning(Duration::MAX)
            .run(Duration::from_secs(2));
        assert_eq!(limits, expected);
        assert_eq!("".parse::<Limits>().unwrap(), Limits::new());
        for wrong in [
            "nodes",
            "nodes=",
            "nodes=-1",
            "nodes=G",
            "bytes=1",
            "run-seconds=-1",
            "operations=20000000T",
        ] {
            let message = wrong.parse::<Limits>().unwrap_err().to_string();
            assert!(message.contains("expected"), "{wrong}: {message}");
        }
    }

    fn work(graph: &Graph, shape: &[usize]) -> Work {
        Work::of(graph, &graph.infer(&[shape]).unwrap())
    }

    #[test]
    fn work_that_weights_and_inputs_account_for_is_no_reason_to_refuse() {
        let mut graph = Graph::new();
        let image = graph.input("image");
        let mut features = image;
        for layer in 0..20 {
            let channels = if layer == 0 { 3 } else { 64 };
            let weight = graph.constant("weight", ArrayD::<f32>::zeros(vec![64, channels, 3, 3]));
            features = graph.node("conv", Conv2d::new().padding(1), &[features, weight]).unwrap();
        }
        graph.output(features).unwrap();
        let large = work(&graph, &[1, 3, 2048, 2048]);
        assert!(large.operations > FEW_OPERATIONS);
        Limits::new().check_operations(&large).unwrap();
        assert!(Limits::new().run_time(&large) > Duration::from_secs(10 * 60));
        assert!(Limits::new().check_operations(&work(&graph, &[1, 3, 8, 8])).is_ok());
        let message = Limits::new().operations(9).check_operations(&large).unwrap_err().to_string();
        assert!(
            message.contains("operations") && message.contains("conv2d \"conv\""),
            "{message}"
        );
    }

    #[test]
    fn work_of_little_that_is_given_is_refused() {
        let mut graph = Graph::new();
        let x = graph.input("x");
        let wide = graph.node("wide", LocalResponseNorm::new(1 << 20), &[x]).unwrap();
        graph.output(wide).unwrap();
        // As a file may expand a single number.
        graph.weights = Some(0);
        let mut work = work(&graph, &[1, 1 << 20, 1, 1]);
        work.given = 0;
        let message = Limits::new().check_operations(&work).unwrap_err().to_string();
        assert!(message.contains("local_response_norm \"wide\""), "{message}");
        assert_eq!(Limits::new().run_time(&work), Duration::from_secs(10));
    }
}
