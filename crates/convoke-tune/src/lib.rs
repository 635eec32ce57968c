//! Which kernels are fastest for a model's layers on an adapter, measured: each candidate checked against the reference before
//! it may win, all by turns, and the rule's choice kept unless another is faster beyond the noise.
//!
//! ```no_run
//! use convoke::{Gpu, Session, onnx::{Model, Shapes}};
//! use convoke_tune::Tuner;
//!
//! let gpu = Gpu::new()?;
//! let graph = Model::open("models/lenet5.onnx")?.graph(&Shapes::new())?;
//! let report = Tuner::new(&gpu).tune(&graph, &[&[1, 1, 28, 28]], &mut |_| ())?;
//! report.plan.write("lenet5.tuning.json")?;
//! let session = Session::builder().backend(gpu).tuning(&report.plan).build(graph)?;
//! # Ok::<(), convoke::Error>(())
//! ```

mod layer;
mod whole;

use std::collections::HashMap;

pub use whole::WholeRuns;

use convoke::Backend;
use convoke::Result;
use convoke::Session;
use convoke::gpu::{Candidate, CandidateOutcome, Gpu, LayerSignature, TuningPlan};
use convoke::graph::Graph;
use convoke_bench::Progress;

/// What another kernel must be faster by, as a part of the time of the rule's choice, before it takes its place: with less there
/// is nothing to win, and the next measurement may say the opposite.
pub const LEAST_GAIN: f64 = 0.03;

/// Measures which kernels are fastest for the layers of a model: convolutions that are not transposed, linear layers, and
/// products of two tensors. Other operators have one kernel for each shape.
///
/// Layers that share a [`LayerSignature`] are measured once, the first of them by itself: random weights and inputs, never
/// zeros, with the bias, residual sum and activation that are fused to it, inputs on the GPU, runs without reading back. A
/// sample is as many runs in one submission as take a millisecond, by the host's clock, and candidates take turns, so that what
/// the machine does meanwhile meets all of them alike. A candidate whose answer is not within the bound of the reference, or
/// not the same in the end, may not win; one that takes more than three times as long as the fastest in its first runs is not
/// measured further. The rule's choice is kept unless the 95 % intervals of the two medians do not overlap, and the other's
/// median and least time are both at least [`LEAST_GAIN`] less; and all that once more in a second measurement of these two
/// alone, since the fastest of several is often the luckiest.
#[derive(Clone, Debug)]
pub struct Tuner {
    gpu: Gpu,
    max_time: f64,
}

/// What came of tuning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TuneReport {
    /// How each layer is computed, with all that was measured.
    pub plan: TuningPlan,
    /// The nodes that each layer of the plan stands for.
    pub nodes: Vec<Vec<String>>,
    /// The whole model by the rules and by the plan, by turns, measured as long as a layer; `None` where the rules were kept
    /// throughout. What layers gain alone is not what they gain together, which the noise may hide altogether.
    pub whole: Option<WholeRuns>,
}

impl TuneReport {
    /// The candidates whose answers are wrong, with their layers. They may not win; that there are any is a bug of convoke's or
    /// of the driver's, which is worth reporting.
    pub fn wrong(&self) -> impl Iterator<Item = (&LayerSignature, &Candidate)> {
        let layers = self.plan.layers.iter();
        layers.flat_map(|tuned| {
            let wrong = tuned.candidates.iter();
            let wrong = wrong.filter(|candidate| matches!(candidate.outcome, CandidateOutcome::Wrong(_)));
            wrong.map(|candidate| (&tuned.layer, candidate))
        })
    }
}

impl Tuner {
    /// Two seconds a layer. What the GPU was told of algorithms and plans before does not matter; its class does.
    pub fn new(gpu: &Gpu) -> Self {
        Self {
            gpu: gpu.clone(),
            max_time: 2.0,
        }
    }

    /// Sets the seconds that the runs of all candidates for a layer may take together, as long again for one that is to take the
    /// place of the rule's, and the same for the whole model. Compiling them and the reference come on
    /// top.
    pub fn max_time(mut self, seconds: f64) -> Self {
        self.max_time = seconds;
        self
    }

    /// Measures the layers of a graph for these shapes of its inputs. `observer` is told how far along it is.
    ///
    /// Errors: a graph or shapes that [`Session::run`] refuses; a layer that no candidate computes right; a lost device.
    pub fn tune(&self, graph: &Graph, inputs: &[&[usize]], observer: &mut dyn FnMut(Progress)) -> Result<TuneReport> {
        let mut plan = TuningPlan::new(&self.gpu);
        // Without layers: the rules.
        let gpu = self.gpu.with_conv2d(None).with_tuning(&plan)?;
        let session = Session::new(graph.clone(), &Backend::Gpu(gpu.clone()))?;
        let tunable = session.kernel_choices(inputs)?;
        let mut known: HashMap<LayerSignature, usize> = HashMap::new();
        let mut nodes: Vec<Vec<String>> = Vec::new();
        let mut layers = Vec::new();
        for layer in tunable {
            // What is computed once does not matter.
            if layer.operands.iter().all(|operand| operand.is_constant) {
                continue;
            }
            let name = layer.node.clone();
            let index = *known.entry(layer.layer).or_insert(layers.len());
            if index == layers.len() {
                layers.push(layer);
                nodes.push(vec![name]);
            } else {
                nodes[index].push(name);
            }
        }
        for (index, layer) in layers.iter().enumerate() {
            let mut observe = |step: &str, done: f64| {
                observer(Progress {
                    message: format!("{}: {step}", layer.layer),
                    done: (index as f64 + done) / (1 + layers.len()) as f64,
                });
            };
            plan.layers.push(layer::tune(&gpu, layer, self.max_time, &mut observe)?);
        }
        let is_new = plan.layers.iter().any(|tuned| tuned.by_rule != Some(tuned.choice));
        let whole = if is_new {
            let mut observe = |done: f64| {
                observer(Progress {
                    message: "the whole model".to_owned(),
                    done: (layers.len() as f64 + done) / (1 + layers.len()) as f64,
                });
            };
            whole::measure(&gpu, &session, &plan, inputs, self.max_time, &mut observe)?
        } else {
            None
        };
        Ok(TuneReport { plan, nodes, whole })
    }
}
