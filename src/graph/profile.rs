//! What a run of a session spends its time on, layer by layer, against what the device can do.

use std::fmt;
use std::time::Duration;

use super::work::{count, multiply_adds};
use super::{Node, ValueId};
#[cfg(not(target_family = "wasm"))]
use crate::error::Result;
use crate::ops::Op;
use crate::profiling::{Ceilings, Timing};

/// What a run spends its time on. Made by [`Session::profile`](crate::Session::profile).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// How the times of kernel calls were measured.
    pub timing: Timing,
    /// How many runs were measured; every time is the least of them.
    pub repetitions: usize,
    /// What the device can do at most.
    pub ceilings: Ceilings,
    /// The operators that the passes left, in the order that they run.
    pub layers: Vec<LayerProfile>,
    /// All kernel calls of a run, by the host's clock: on a GPU in one submission, from before it until it is done. What
    /// this is more than [`kernels`](Self::kernels) goes to encoding, submitting and waiting.
    pub dispatches: Duration,
    /// A whole [`Session::run`](crate::Session::run) by the host's clock: inputs written, kernel calls, outputs read back.
    pub run: Duration,
}

impl Profile {
    /// The time of all kernel calls: the sum of the layers.
    pub fn kernels(&self) -> Duration {
        self.layers.iter().map(|layer| layer.time).sum()
    }

    /// A layer's part of the time of all kernel calls, from 0 to 1.
    pub fn share(&self, layer: &LayerProfile) -> f64 {
        ratio(layer.time.as_secs_f64(), self.kernels().as_secs_f64())
    }

    /// The least time that a layer can take on this device, in seconds: its arithmetic at the one ceiling, or its bytes at
    /// the other, whichever takes longer.
    pub fn floor(&self, layer: &LayerProfile) -> f64 {
        let arithmetic = layer.flops as f64 / (self.ceilings.gflops * 1e9);
        let traffic = layer.bytes as f64 / (self.ceilings.gbs * 1e9);
        arithmetic.max(traffic)
    }

    /// How near a layer is to its [`floor`](Self::floor): 1 is at it. More than 1 is possible, and [`excess`](Self::excess) says
    /// why. 0 for a layer that takes no time.
    pub fn efficiency(&self, layer: &LayerProfile) -> f64 {
        ratio(self.floor(layer), layer.time.as_secs_f64())
    }

    /// Why a layer is faster than its [`floor`](Self::floor), where it is.
    pub fn excess(&self, layer: &LayerProfile) -> Option<Excess> {
        if self.efficiency(layer) <= 1.0 {
            return None;
        }
        let arithmetic = layer.flops as f64 / (self.ceilings.gflops * 1e9);
        let is_winograd = layer.kernels.iter().any(|kernel| kernel.name.starts_with("winograd"));
        Some(if arithmetic >= self.floor(layer) {
            if is_winograd { Excess::Winograd } else { Excess::Ceiling }
        } else if layer.bytes <= NO_CACHE {
            Excess::Caches
        } else {
            Excess::Ceiling
        })
    }

    /// Measures the ceilings once more where a layer is above one and no algorithm explains it: other processes may have held the
    /// first measurement back. The higher ones count.
    #[cfg(not(target_family = "wasm"))]
    fn against(mut self, measure: impl FnOnce() -> Result<Ceilings>) -> Result<Self> {
        let doubtful = |layer| matches!(self.excess(layer), Some(Excess::Caches | Excess::Ceiling));
        if self.layers.iter().any(doubtful) {
            let again = measure()?;
            self.ceilings.gflops = self.ceilings.gflops.max(again.gflops);
            self.ceilings.gbs = self.ceilings.gbs.max(again.gbs);
        }
        Ok(self)
    }
}

/// Bytes that no cache is thought to hold: what is copied to measure the ceiling of memory.
const NO_CACHE: u64 = 128 << 20;

/// Why a layer can be faster than the ceilings allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Excess {
    /// Its bytes stay in caches, which are faster than memory. The ceiling is a copy of what no cache holds.
    Caches,
    /// Winograd's algorithm multiplies less than the definition, whose operations are counted.
    Winograd,
    /// The ceiling is too low: other processes were busy while it was measured, twice.
    Ceiling,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caches => "its bytes stay in caches, which are faster than memory, by which the ceiling is measured",
            Self::Winograd => "Winograd's algorithm multiplies less than the definition, whose FLOPs are counted",
            Self::Ceiling => "the ceiling was measured too low: other processes were busy; profile it again",
        })
    }
}

/// One operator of a profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerProfile {
    /// The node's name.
    pub node: String,
    /// The operator, by its PyTorch name.
    pub operator: &'static str,
    /// The shapes of its inputs, weights among them.
    pub inputs: Vec<Vec<usize>>,
    /// The shapes of its outputs.
    pub outputs: Vec<Vec<usize>>,
    /// Its kernel calls in order. None where nothing is left to do: a reshape, parts that are written in place, and what
    /// depends on constants alone and was computed once.
    pub kernels: Vec<KernelProfile>,
    /// Floating-point operations by the operator's definition, whatever the algorithm: two for each multiplication with its
    /// addition, as in [`Graph::multiply_adds`](crate::graph::Graph::multiply_adds); 0 for what is not counted there.
    pub flops: u64,
    /// Bytes that any implementation moves, stored in the session's precision: inputs, weights and outputs once each, of a
    /// slice the part that is read. 0 without kernel calls.
    pub bytes: u64,
    /// The time of its kernel calls in the run where they took least.
    pub time: Duration,
}

/// One kernel call of a layer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KernelProfile {
    /// The kernel's name: on a GPU its file in `shaders/`, or its variant of one. On the CPU how a convolution is computed,
    /// `product` or `direct`, and of other operators their names.
    pub name: &'static str,
    /// Its part of the layer's time.
    pub time: Duration,
}

impl LayerProfile {
    /// 10^9 floating-point operations a second; 0 for a layer that takes no time.
    pub fn gflops(&self) -> f64 {
        ratio(self.flops as f64 * 1e-9, self.time.as_secs_f64())
    }

    /// 10^9 bytes a second; 0 for a layer that takes no time.
    pub fn gbs(&self) -> f64 {
        ratio(self.bytes as f64 * 1e-9, self.time.as_secs_f64())
    }
}

/// 0 where the divisor is 0.
fn ratio(dividend: f64, divisor: f64) -> f64 {
    if divisor > 0.0 { dividend / divisor } else { 0.0 }
}

/// What is known of a layer before it is timed.
#[derive(Debug)]
#[cfg_attr(target_family = "wasm", expect(dead_code, reason = "only native builds profile"))]
pub(super) struct Layer {
    node: String,
    operator: &'static str,
    inputs: Vec<Vec<usize>>,
    outputs: Vec<Vec<usize>>,
    flops: u64,
    bytes: u64,
}

impl Layer {
    /// `bytes` is what an element takes.
    pub(super) fn new<'a>(node: &Node, bytes: usize, shape: impl Fn(ValueId) -> &'a [usize]) -> Self {
        let shapes = |values: &[ValueId]| values.iter().map(|&value| shape(value).to_vec()).collect();
        // A tensor that is an input twice is read once.
        let mut inputs = node.inputs.clone();
        inputs.sort_unstable_by_key(|value| value.0);
        inputs.dedup();
        let elements = |values: &[ValueId]| {
            let counts = values.iter().map(|&value| count(shape(value)));
            counts.fold(0, u64::saturating_add)
        };
        let (read, written) = (elements(&inputs), elements(&node.outputs));
        let read = if matches!(node.op, Op::Slice(_)) {
            read.min(written)
        } else {
            read
        };
        Self {
            node: node.name.clone(),
            operator: node.op.name(),
            inputs: shapes(&node.inputs),
            outputs: shapes(&node.outputs),
            flops: multiply_adds(node, &shape).saturating_mul(2),
            bytes: read.saturating_add(written).saturating_mul(bytes as u64),
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use std::time::{Duration, Instant};

    use ndarray::ArrayViewD;

    use super::{KernelProfile, Layer, LayerProfile, Profile};
    use crate::error::Result;
    use crate::gpu::Context;
    #[cfg(feature = "cpu")]
    use crate::graph::cpu::CpuEngine;
    use crate::graph::gpu::GpuEngine;
    use crate::graph::plan::Plan;
    use crate::lock::lock;
    use crate::profiling::Timed;
    #[cfg(any(test, feature = "cpu"))]
    use crate::profiling::Timing;

    impl GpuEngine {
        /// Times a plan's kernel calls, one by one and together, and whole runs.
        pub(in crate::graph) fn profile(&self, inputs: &[ArrayViewD<'_, f32>], repetitions: usize) -> Result<Profile> {
            let shapes: Vec<Vec<usize>> = inputs.iter().map(|array| array.shape().to_vec()).collect();
            let plan = self.plan(&shapes)?;
            let plan = lock(&plan);
            let context = &self.gpu.context;
            let ceilings = self.gpu.ceilings()?;
            plan.write_inputs(context, inputs)?;
            let (timing, timed) = plan.executable.time(context, repetitions)?;
            let profile = Profile {
                timing,
                repetitions,
                ceilings,
                layers: layers(&plan.layers, &timed),
                dispatches: least(repetitions, || {
                    plan.executable.submit(context)?;
                    context.wait()
                })?,
                run: least(repetitions, || whole_run(&plan, context, inputs))?,
            };
            profile.against(|| self.gpu.ceilings())
        }
    }

    #[cfg(feature = "cpu")]
    impl CpuEngine {
        /// Times a plan's operators, one by one within runs, runs without their outputs, and whole ones.
        pub(in crate::graph) fn profile(&self, inputs: &[ArrayViewD<'_, f32>], repetitions: usize) -> Result<Profile> {
            let (known, timed) = self.time(inputs, repetitions)?;
            let profile = Profile {
                timing: Timing::Operators,
                repetitions,
                ceilings: self.cpu.ceilings(),
                layers: layers(&known, &timed),
                dispatches: least(repetitions, || self.compute(inputs))?,
                run: least(repetitions, || self.run(inputs).map(drop))?,
            };
            profile.against(|| Ok(self.cpu.ceilings()))
        }
    }

    /// What `Session::run` does with a plan.
    fn whole_run(plan: &Plan, context: &Context, inputs: &[ArrayViewD<'_, f32>]) -> Result<()> {
        let outputs = match plan.start(context, inputs)? {
            None => plan.split(&[]),
            Some(readback) => readback.finish_blocking(context, |parts| plan.split(parts))?,
        };
        outputs.map(drop)
    }

    /// The least time that `run` takes, once more than `repetitions` times: the first warms up.
    fn least(repetitions: usize, mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
        run()?;
        let mut least = Duration::MAX;
        for _ in 0..repetitions {
            let start = Instant::now();
            run()?;
            least = least.min(start.elapsed());
        }
        Ok(least)
    }

    /// Gives each layer its kernel calls, with their times in the repetition where the layer took least.
    fn layers(layers: &[Layer], timed: &[Timed]) -> Vec<LayerProfile> {
        let layers = layers.iter().enumerate();
        let profiles = layers.map(|(index, layer)| {
            let own: Vec<&Timed> = timed.iter().filter(|timed| timed.node == index).collect();
            let repetitions = own.first().map_or(0, |timed| timed.seconds.len());
            let of = |repetition: usize| own.iter().map(|timed| timed.seconds[repetition]).sum::<f64>();
            let best = (0..repetitions).min_by(|&left, &right| of(left).total_cmp(&of(right)));
            let kernels: Vec<KernelProfile> = own
                .iter()
                .map(|timed| KernelProfile {
                    name: timed.kernel,
                    time: Duration::try_from_secs_f64(best.map_or(0.0, |best| timed.seconds[best])).unwrap_or(Duration::MAX),
                })
                .collect();
            LayerProfile {
                node: layer.node.clone(),
                operator: layer.operator,
                inputs: layer.inputs.clone(),
                outputs: layer.outputs.clone(),
                flops: layer.flops,
                bytes: if kernels.is_empty() { 0 } else { layer.bytes },
                time: kernels
                    .iter()
                    .map(|kernel| kernel.time)
                    .fold(Duration::ZERO, Duration::saturating_add),
                kernels,
            }
        });
        profiles.collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::graph::Excess;
        use crate::graph::Graph;
        use crate::ops::{Activation, Binary, Flatten, MatMul, Slice};
        use crate::profiling::Ceilings;

        fn timed(node: usize, kernel: &'static str, seconds: [f64; 2]) -> Timed {
            let seconds = seconds.to_vec();
            Timed { node, kernel, seconds }
        }

        #[test]
        fn layers_have_the_kernel_calls_of_their_best_run() {
            let mut graph = Graph::new();
            let image = graph.input("image");
            let product = graph.node("product", MatMul, &[image, image]).unwrap();
            let flat = graph.node("flat", Flatten::default(), &[product]).unwrap();
            let twice = graph.node("twice", Binary::Add, &[flat, flat]).unwrap();
            let part = graph.node("part", Slice::new([0], [1]).axes([0]), &[twice]).unwrap();
            graph.node("relu", Activation::Relu, &[part]).unwrap();
            let shapes = graph.shapes(&[&[4, 4]]).unwrap();
            let known: Vec<Layer> = (graph.nodes.iter())
                .map(|node| Layer::new(node, 4, |value| shapes[value.0].as_slice()))
                .collect();
            let timed = [
                timed(0, "first", [1.0, 3.0]),
                timed(0, "second", [4.0, 1.0]),
                timed(2, "binary", [2.0, 3.0]),
                timed(3, "copy", [1.0, 0.5]),
            ];
            let profiles = layers(&known, &timed);
            let seconds = |index: usize| profiles[index].time.as_secs_f64();
            assert_eq!([0, 1, 2, 3, 4].map(seconds), [4.0, 0.0, 2.0, 0.5, 0.0]);
            let kernels: Vec<_> = profiles[0]
                .kernels
                .iter()
                .map(|kernel| (kernel.name, kernel.time.as_secs_f64()))
                .collect();
            assert_eq!(kernels, [("first", 3.0), ("second", 1.0)]);
            let numbers: Vec<_> = profiles.iter().map(|layer| (layer.flops, layer.bytes)).collect();
            // [4, 4] by itself, read once and written; what has no kernel moves nothing; of a slice one row.
            assert_eq!(numbers, [(128, 128), (0, 0), (0, 128), (0, 32), (0, 0)]);
        }

        #[test]
        fn what_is_above_a_ceiling_is_explained_or_measured_again() {
            let layer = |kernel: &'static str, flops, bytes| {
                let time = Duration::from_millis(1);
                let kernels = vec![KernelProfile { name: kernel, time }];
                LayerProfile {
                    node: String::new(),
                    operator: "conv2d",
                    inputs: vec![],
                    outputs: vec![],
                    kernels,
                    flops,
                    bytes,
                    time,
                }
            };
            // Twice what a millisecond allows, or half of it.
            let layers = vec![
                layer("winograd_input", 20_000_000, 0),
                layer("gemm", 20_000_000, 0),
                layer("activation", 0, 200_000_000),
                layer("activation", 0, 2_000_000),
                layer("gemm", 5_000_000, 500_000),
            ];
            let ceilings = |gflops, gbs| Ceilings { gflops, gbs };
            let profile = Profile {
                timing: Timing::Submissions,
                repetitions: 1,
                ceilings: ceilings(10.0, 1.0),
                layers,
                dispatches: Duration::ZERO,
                run: Duration::ZERO,
            };
            let excess = |profile: &Profile| -> Vec<_> { profile.layers.iter().map(|layer| profile.excess(layer)).collect() };
            let (caches, winograd, ceiling) = (Some(Excess::Caches), Some(Excess::Winograd), Some(Excess::Ceiling));
            assert_eq!(excess(&profile), [winograd, ceiling, ceiling, caches, None]);
            let again = profile.against(|| Ok(ceilings(40.0, 0.5))).unwrap();
            assert_eq!(
                (again.ceilings, excess(&again)[..2].to_vec()),
                (ceilings(40.0, 1.0), vec![None, None])
            );
        }
    }
}
