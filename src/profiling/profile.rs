//! What a run of a session spends its time on, layer by layer, against what the device can do.

use std::fmt;
use std::time::Duration;

use super::times::{Ceilings, Timing};
use crate::error::Result;

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

    /// Adds a part of the same run that comes after this one, on the same device.
    pub(crate) fn append(&mut self, part: Self) {
        self.layers.extend(part.layers);
        self.dispatches += part.dispatches;
        self.run += part.run;
    }

    /// A layer's part of the time of all kernel calls, from 0 to 1.
    pub fn share(&self, layer: &LayerProfile) -> f64 {
        ratio(layer.time.as_secs_f64(), self.kernels().as_secs_f64())
    }

    /// The least time that a layer can take on this device, in seconds: its arithmetic at the one ceiling, or its bytes at
    /// the other, whichever takes longer.
    pub fn floor(&self, layer: &LayerProfile) -> f64 {
        let arithmetic = self.arithmetic(layer);
        let traffic = layer.bytes as f64 / (self.ceilings.gbs * 1e9);
        arithmetic.max(traffic)
    }

    /// What its operations take at their ceiling, in seconds.
    fn arithmetic(&self, layer: &LayerProfile) -> f64 {
        let ceiling = self.ceilings.byte_gops.filter(|_| layer.is_of_whole_products());
        layer.flops as f64 / (ceiling.unwrap_or(self.ceilings.gflops) * 1e9)
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
        let arithmetic = self.arithmetic(layer);
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
    pub(crate) async fn against(mut self, measure: impl AsyncFnOnce() -> Result<Ceilings>) -> Result<Self> {
        let doubtful = |layer| matches!(self.excess(layer), Some(Excess::Caches | Excess::Ceiling));
        if self.layers.iter().any(doubtful) {
            let again = measure().await?;
            self.ceilings.gflops = self.ceilings.gflops.max(again.gflops);
            self.ceilings.byte_gops = self
                .ceilings
                .byte_gops
                .zip(again.byte_gops)
                .map(|(one, other)| one.max(other));
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
    /// Floating-point operations, or of whole numbers, by the operator's definition, whatever the algorithm: two for each multiplication with its
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
    /// `blocks`, `winograd`, `product` or `direct`, and of other operators their names.
    pub name: &'static str,
    /// Its part of the layer's time.
    pub time: Duration,
}

impl LayerProfile {
    /// Whether it sums products of whole numbers, as quantised layers do.
    pub fn is_of_whole_products(&self) -> bool {
        ["conv_integer", "matmul_integer"].contains(&self.operator)
    }

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
