//! A session's parts that callers hold: inputs kept on the GPU, and how a layer is computed.

use std::sync::{Arc, Mutex};

use super::plan::Plan;
use crate::error::Result;
use crate::gpu::choose::kernel_choice::KernelChoice;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::eager::Gpu;
use crate::gpu::plan::executable::Memory;
use crate::lock::lock;
use crate::ops::Op;
#[cfg(not(target_family = "wasm"))]
use crate::tensor::Tensor;

/// How a layer of a session is computed. Made by
/// [`Session::kernel_choices`](crate::Session::kernel_choices).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerChoice {
    /// The node's name.
    pub node: String,
    /// The operator, with what was fused to it.
    pub op: Op,
    /// Its operands, in the operator's order.
    pub operands: Vec<LayerOperand>,
    /// What is computed.
    pub layer: LayerSignature,
    /// How it is computed.
    pub choice: KernelChoice,
    /// Whether a tuning plan says so, and not a rule.
    pub is_tuned: bool,
}

/// An operand of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerOperand {
    /// The extents.
    pub shape: Vec<usize>,
    /// Whether it is the same in every run.
    pub is_constant: bool,
}

/// A session's plan with its inputs on the GPU: what remains of a run is the dispatches. For benchmarks, and for inputs
/// that change seldom.
#[derive(Debug)]
pub struct Resident {
    pub(super) gpu: Gpu,
    pub(super) plan: Arc<Mutex<Plan>>,
}

impl Resident {
    /// Submits the dispatches and returns at once; [`Gpu::wait`](crate::Gpu::wait) waits for them.
    pub fn run(&self) -> Result<()> {
        let plan = lock(&self.plan);
        plan.executable.submit(&self.gpu.context)
    }

    /// Submits so many runs at once, one after another: for layers that take less time than a submission.
    pub fn run_times(&self, times: usize) -> Result<()> {
        let context = &self.gpu.context;
        let plan = lock(&self.plan);
        let mut encoder = context.encoder("convoke.runs");
        for _ in 0..times {
            plan.executable.encode(context, false, &mut encoder)?;
        }
        context.submit(encoder);
        context.check()
    }

    /// Reads the outputs of the last run.
    #[cfg(not(target_family = "wasm"))]
    pub fn read(&self) -> Result<Vec<Tensor>> {
        let context = &self.gpu.context;
        let plan = lock(&self.plan);
        let encoder = context.encoder("convoke.read");
        match plan.finish(context, encoder, plan.staging.as_ref())? {
            None => plan.split(&[]),
            Some(readback) => readback.finish_blocking(context, |parts| plan.split(parts))?,
        }
    }

    /// How many kernel calls a run is.
    pub fn dispatches(&self) -> usize {
        lock(&self.plan).executable.dispatches()
    }

    /// What the buffers take.
    pub fn memory(&self) -> Memory {
        lock(&self.plan).executable.memory()
    }
}
