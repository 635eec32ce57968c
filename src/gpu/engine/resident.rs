//! A session's parts that callers hold: inputs kept on the GPU, and how a layer is computed.

use std::sync::{Arc, Mutex};

use super::plan::Plan;
use crate::dtype::DType;
use crate::error::Result;
use crate::gpu::choose::kernel_choice::KernelChoice;
use crate::gpu::choose::signature::LayerSignature;
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::device::stored::stored_precision;
use crate::gpu::device::tensor::Tensor;
use crate::gpu::eager::Gpu;
use crate::gpu::plan::executable::Memory;
use crate::lock::lock;
use crate::ops::Op;
use crate::precision::Precision;
#[cfg(not(target_family = "wasm"))]
use crate::tensor::Tensor as HostTensor;

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

/// A session's plan with its inputs on the GPU: what remains of a run is the dispatches. For programs that have their data there
/// ([`Session::bind`](crate::Session::bind)), for inputs that change seldom, and for benchmarks
/// ([`Session::resident`](crate::Session::resident)).
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

    /// The inputs, for the caller to write: by [`Gpu::picture_input`](crate::Gpu::picture_input), or any way that
    /// [`Tensor::buffer`] allows. Those of [`Session::resident`](crate::Session::resident) are the session's own.
    pub fn inputs(&self) -> Vec<Tensor> {
        let plan = lock(&self.plan);
        let tensors = plan.inputs.iter().zip(&plan.input_types);
        tensors
            .map(|(buffer, kind)| self.tensor(buffer.clone(), &kind.shape, kind.dtype, plan.precision))
            .collect()
    }

    /// The outputs, which every run writes anew. What reads them is encoded, or submitted, after the run.
    pub fn outputs(&self) -> Vec<Tensor> {
        let plan = lock(&self.plan);
        let tensors = plan.outputs.iter().map(|output| {
            let value = &output.value;
            self.tensor(plan.executable.buffer(value), &value.shape, value.dtype, plan.precision)
        });
        tensors.collect()
    }

    fn tensor(&self, buffer: Option<Arc<PooledBuffer>>, shape: &[usize], dtype: DType, precision: Precision) -> Tensor {
        Tensor {
            context: Arc::clone(&self.gpu.context),
            buffer,
            shape: shape.to_vec(),
            dtype,
            precision: stored_precision(dtype, precision),
        }
    }

    /// Appends the dispatches to the caller's commands, as one compute pass: with what makes the inputs before and what uses the
    /// outputs after, in one submission. Nothing is made, submitted or waited for.
    ///
    /// ```no_run
    /// # fn example(session: &convoke::Session, gpu: &convoke::Gpu, frame: &wgpu::Texture) -> convoke::Result<()> {
    /// use convoke::gpu::{PictureLayout, PictureOptions};
    ///
    /// let network = session.bind(&[&[1, 3, 224, 224]])?;
    /// let layout = PictureLayout::of_texture(frame)?;
    /// let picture = gpu.picture_input(layout, &PictureOptions::imagenet(), &network.inputs()[0], 0)?;
    /// // For each frame, among the program's own passes:
    /// let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    /// picture.encode_texture(&mut encoder, frame)?;
    /// network.encode(&mut encoder)?;
    /// gpu.queue().submit([encoder.finish()]);
    /// let scores = network.outputs()[0].read::<f32>()?;
    /// # Ok(()) }
    /// ```
    ///
    /// Errors: none that were seen; what is wrong with the commands wgpu tells when they are finished.
    pub fn encode(&self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        lock(&self.plan).executable.encode(&self.gpu.context, false, encoder)
    }

    /// Reads the outputs of the last run.
    #[cfg(not(target_family = "wasm"))]
    pub fn read(&self) -> Result<Vec<HostTensor>> {
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
