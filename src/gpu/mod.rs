//! The GPU backend: adapters, tensors, and every operator as WGSL kernels.
//!
//! ```no_run
//! use convoke::{PaddingMode, gpu::Gpu, ops::Conv2d};
//! use ndarray::Array4;
//!
//! let gpu = Gpu::new()?;
//! let image = gpu.upload(&Array4::<f32>::ones((1, 3, 32, 32)).into_dyn())?;
//! let weight = gpu.upload(&Array4::<f32>::ones((8, 3, 3, 3)).into_dyn())?;
//! let conv = Conv2d::new().padding(1).padding_mode(PaddingMode::Circular);
//! let features = gpu.conv2d(&image, &weight, None, &conv)?;
//! println!("{}", features.read::<f32>()?);
//! # Ok::<(), convoke::Error>(())
//! ```

mod adapter;
mod builder;
#[cfg(not(target_family = "wasm"))]
mod ceilings;
mod constants;
mod context;
mod cut_loops;
mod device;
mod device_class;
mod dump;
mod engine;
mod faults;
mod halves;
mod joining;
mod opaque;
mod ops;
mod pipeline;
#[cfg(not(target_family = "wasm"))]
mod pipeline_cache;
mod planning;
#[cfg(not(target_family = "wasm"))]
mod poller;
mod pool;
mod readback;
mod recording;
mod shader;
mod tensor;
#[cfg(not(target_family = "wasm"))]
mod timing;
mod tuning;
mod unroll;
#[cfg(test)]
mod validation;
mod writable;
#[cfg(feature = "wrong-kernel")]
mod wrong_kernel;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ndarray::{ArrayBase, Data, Dimension};

pub use adapter::{AdapterChoice, AdapterInfo, AdapterKind};
#[cfg(not(target_family = "wasm"))]
pub use builder::adapters;
pub use builder::{GpuBuilder, adapters_async};
pub use device::{MissingFeature, device_descriptor};
pub use device_class::DeviceClass;
pub use engine::Memory;
pub use ops::{Conv2dAlgorithm, KernelChoice, LayerSignature};
pub use recording::DType;
pub use tensor::{Element, Tensor};
pub use tuning::{Candidate, CandidateOutcome, TunedAdapter, TunedLayer, TuningPlan};

pub(crate) use context::Context;
pub(crate) use engine::Executable;
pub(crate) use ops::lower;
pub(crate) use pool::{BufferPool, PooledBuffer};
pub(crate) use readback::{Readback, staging_buffer};
pub(crate) use recording::{Decision, Recording, SlotId, Value};
#[cfg(not(target_family = "wasm"))]
pub(crate) use tensor::write_at_once;
pub(crate) use tensor::{Stored, stored_bytes, write};

use crate::error::{Error, Result, ensure};
use crate::ops::{
    Activation, AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Conv2d, ConvTranspose2d, Interpolate, Linear,
    MaxPool2d, Op, PRelu, Pad2d, Softmax,
};
use crate::precision::Precision;
use crate::reference::Winograd;

/// An open GPU. Cheap to clone; clones share the device, its compiled kernels and its memory pool. Usable from many threads.
///
/// Its methods run one operator each and return at once; results are awaited when they are read.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(crate) context: Arc<Context>,
    conv2d: Option<Conv2dAlgorithm>,
    tuned: Option<Arc<tuning::Tuned>>,
    class: DeviceClass,
    large_tiles: bool,
}

/// How many objects have been made on a device, whether they still exist or not. See [`Gpu::counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Buffers: tensors, parameters, and what results are read back through.
    pub buffers: usize,
    /// Compiled pipelines.
    pub pipelines: usize,
    /// Bind groups.
    pub bind_groups: usize,
    /// Bytes of weights and other constants that sessions uploaded. One that is on the device already, stored alike, is shared
    /// and uploaded by none.
    pub constant_bytes: u64,
}

impl Gpu {
    /// Opens the best adapter: what `CONVOKE_ADAPTER` names, else a real GPU, else a software adapter.
    #[cfg(not(target_family = "wasm"))]
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Chooses an adapter.
    pub fn builder() -> GpuBuilder {
        GpuBuilder::default()
    }

    /// The adapter.
    pub fn info(&self) -> &AdapterInfo {
        &self.context.info
    }

    /// The device, for programs that use wgpu beside convoke.
    pub fn device(&self) -> &wgpu::Device {
        &self.context.device
    }

    /// The queue, for programs that use wgpu beside convoke.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.context.queue
    }

    /// The same GPU with one algorithm for every convolution; where it does not apply, the convolution is an error.
    /// `None` leaves the choice to the rule.
    pub fn with_conv2d(&self, algorithm: impl Into<Option<Conv2dAlgorithm>>) -> Self {
        Self {
            conv2d: algorithm.into(),
            ..self.clone()
        }
    }

    /// The same GPU, which may compute convolutions by Winograd's F(4x4, 3x3) where its rules or a tuning plan find that faster:
    /// 3x3 kernels with stride 1, dilation 1 and one group, 1.1 to 1.6 times as fast on a software adapter. Errors are three
    /// times as large on average, and bounds eight times as wide (`docs/numerics.md`), in
    /// [`Session::answers`](crate::Session::answers) and [`Session::verify`](crate::Session::verify) as well; sums of whole
    /// numbers are no longer exact. Everything else stays as it is.
    pub fn with_large_tiles(&self) -> Self {
        Self {
            large_tiles: true,
            ..self.clone()
        }
    }

    /// Which of Winograd's algorithms may compute a convolution, for [`reference::run_allowing`](crate::reference::run_allowing).
    pub fn winograd(&self) -> Winograd {
        if self.large_tiles || self.conv2d == Some(Conv2dAlgorithm::WinogradLarge) {
            Winograd::Large
        } else {
            Winograd::Small
        }
    }

    /// The same GPU with kernels and sizes chosen as for another class of device, for tests and comparison: answers are the
    /// same within their bounds, but slower.
    pub fn with_device_class(&self, class: DeviceClass) -> Self {
        Self { class, ..self.clone() }
    }

    /// The class of device that kernels and sizes are chosen for: the adapter's own, unless another was asked for.
    pub fn device_class(&self) -> DeviceClass {
        self.class
    }

    /// How many pipelines have been compiled on this device.
    pub fn compiled_pipelines(&self) -> usize {
        self.context.pipelines.len()
    }

    /// What has been made on this device so far. Runs of a [`Session`](crate::Session) with shapes that it has seen make
    /// nothing.
    pub fn counters(&self) -> Counters {
        let made = &self.context.made;
        Counters {
            buffers: made.buffers.load(Ordering::Relaxed),
            pipelines: self.compiled_pipelines(),
            bind_groups: made.bind_groups.load(Ordering::Relaxed),
            constant_bytes: self.context.constants.uploaded(),
        }
    }

    /// Copies an array of any rank and layout to the GPU.
    pub fn upload<S: Data<Elem = f32>, D: Dimension>(&self, array: &ArrayBase<S, D>) -> Result<Tensor> {
        Tensor::upload(&self.context, &array.view().into_dyn(), Precision::F32)
    }

    /// Writes the compiled pipelines to the file that [`GpuBuilder::pipeline_cache`] names. Nothing where none is named, or
    /// the backend keeps none.
    ///
    /// Errors: a file that cannot be written.
    #[cfg(not(target_family = "wasm"))]
    pub fn save_pipelines(&self) -> Result<()> {
        match &self.context.pipeline_cache {
            Some(cache) => cache.save(),
            None => Ok(()),
        }
    }

    /// Waits until all work submitted so far is done.
    #[cfg(not(target_family = "wasm"))]
    pub fn wait(&self) -> Result<()> {
        self.context.wait()
    }

    /// Runs any operator; inputs in the order that [`Op`] gives.
    pub fn run(&self, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        let mut recording = self.recording();
        let values: Vec<Value> = inputs
            .iter()
            .map(|tensor| {
                ensure!(
                    Arc::ptr_eq(&tensor.context, &self.context),
                    op.name(),
                    "an input lives on another GPU: {}",
                    tensor.context.info
                );
                Ok(recording.import(tensor.buffer.clone(), &tensor.shape, tensor.dtype, false))
            })
            .collect::<Result<_>>()?;
        let outputs = lower(op, &values, &mut recording)?;
        for output in &outputs {
            recording.export(output);
        }
        let executable = Executable::new(&self.context, &recording)?;
        executable.submit(&self.context)?;
        Ok(outputs
            .into_iter()
            .map(|output| Tensor {
                context: Arc::clone(&self.context),
                buffer: executable.buffer(&output),
                shape: output.shape,
                dtype: output.dtype,
                precision: Precision::F32,
            })
            .collect())
    }

    /// Checks that this device can store numbers so.
    pub(crate) fn check_precision(&self, operator: &'static str, precision: Precision) -> Result<()> {
        let features = self.context.device.features();
        if precision == Precision::F16 && !features.contains(wgpu::Features::SHADER_F16) {
            let message = format!("16-bit floats: {} has no SHADER_F16", self.info());
            return Err(Error::unsupported(operator, message));
        }
        Ok(())
    }

    /// What lowering is told of the device.
    pub(crate) fn capabilities(&self) -> context::Capabilities {
        context::Capabilities {
            class: self.class,
            large_tiles: self.winograd() == Winograd::Large,
            ..self.context.capabilities.clone()
        }
    }

    pub(crate) fn recording(&self) -> Recording {
        Recording {
            tuned: self.tuned.clone(),
            ..Recording::new(self.capabilities(), self.conv2d)
        }
    }

    fn run_one(&self, op: impl Into<Op>, inputs: &[&Tensor]) -> Result<Tensor> {
        Ok(self.run(&op.into(), inputs)?.swap_remove(0))
    }

    /// 2-D convolution; see [`Conv2d`].
    pub fn conv2d(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, op: &Conv2d) -> Result<Tensor> {
        let inputs: Vec<_> = [input, weight].into_iter().chain(bias).collect();
        self.run_one(*op, &inputs)
    }

    /// Transposed convolution; see [`ConvTranspose2d`].
    pub fn conv_transpose2d(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, op: &ConvTranspose2d) -> Result<Tensor> {
        let inputs: Vec<_> = [input, weight].into_iter().chain(bias).collect();
        self.run_one(*op, &inputs)
    }

    /// Resizing; see [`Interpolate`].
    pub fn interpolate(&self, input: &Tensor, op: &Interpolate) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// Padding and cropping; see [`Pad2d`].
    pub fn pad2d(&self, input: &Tensor, op: &Pad2d) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// Maximum over windows; see [`MaxPool2d`].
    pub fn max_pool2d(&self, input: &Tensor, op: &MaxPool2d) -> Result<Tensor> {
        self.run_one(op.return_indices(false), &[input])
    }

    /// Maximum over windows and the places of the maxima (`u32`, in the `H * W` plane); see [`MaxPool2d`].
    pub fn max_pool2d_with_indices(&self, input: &Tensor, op: &MaxPool2d) -> Result<(Tensor, Tensor)> {
        let mut outputs = self.run(&op.return_indices(true).into(), &[input])?;
        let indices = outputs.swap_remove(1);
        Ok((outputs.swap_remove(0), indices))
    }

    /// Average over windows; see [`AvgPool2d`].
    pub fn avg_pool2d(&self, input: &Tensor, op: &AvgPool2d) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// The p-norm of windows; see [`LpPool2d`](crate::ops::LpPool2d).
    pub fn lp_pool2d(&self, input: &Tensor, op: &crate::ops::LpPool2d) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// Average pooling to a given size; see [`AdaptiveAvgPool2d`].
    pub fn adaptive_avg_pool2d(&self, input: &Tensor, op: &AdaptiveAvgPool2d) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// Maximum pooling to a given size; see [`AdaptiveMaxPool2d`].
    pub fn adaptive_max_pool2d(&self, input: &Tensor, op: &AdaptiveMaxPool2d) -> Result<Tensor> {
        self.run_one(op.return_indices(false), &[input])
    }

    /// Maximum pooling to a given size and the places of the maxima; see [`AdaptiveMaxPool2d`].
    pub fn adaptive_max_pool2d_with_indices(&self, input: &Tensor, op: &AdaptiveMaxPool2d) -> Result<(Tensor, Tensor)> {
        let mut outputs = self.run(&op.return_indices(true).into(), &[input])?;
        let indices = outputs.swap_remove(1);
        Ok((outputs.swap_remove(0), indices))
    }

    /// A function of each element; see [`Activation`].
    pub fn activation(&self, input: &Tensor, op: &Activation) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// `PReLU` with learned slopes; see [`PRelu`].
    pub fn prelu(&self, input: &Tensor, slope: &Tensor) -> Result<Tensor> {
        self.run_one(PRelu, &[input, slope])
    }

    /// Softmax or log-softmax; see [`Softmax`].
    pub fn softmax(&self, input: &Tensor, op: &Softmax) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// The fully connected layer; see [`Linear`].
    pub fn linear(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let inputs: Vec<_> = [input, weight].into_iter().chain(bias).collect();
        self.run_one(Linear, &inputs)
    }

    /// Batched matrix product; see [`MatMul`](crate::ops::MatMul).
    pub fn matmul(&self, left: &Tensor, right: &Tensor) -> Result<Tensor> {
        self.run_one(crate::ops::MatMul, &[left, right])
    }

    /// Batch normalisation with given statistics; `parameters` are mean, variance, weight and bias. See [`BatchNorm`].
    pub fn batch_norm(&self, input: &Tensor, parameters: [&Tensor; 4], op: &BatchNorm) -> Result<Tensor> {
        let [mean, variance, weight, bias] = parameters;
        self.run_one(*op, &[input, mean, variance, weight, bias])
    }

    /// Normalisation of each plane by its own statistics; see [`InstanceNorm`](crate::ops::InstanceNorm).
    pub fn instance_norm(&self, input: &Tensor, weight: &Tensor, bias: &Tensor, op: &crate::ops::InstanceNorm) -> Result<Tensor> {
        self.run_one(*op, &[input, weight, bias])
    }

    /// Normalisation by neighbouring channels; see [`LocalResponseNorm`](crate::ops::LocalResponseNorm).
    pub fn local_response_norm(&self, input: &Tensor, op: &crate::ops::LocalResponseNorm) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// Elementwise sum with broadcasting; see [`Binary::Add`].
    pub fn add(&self, left: &Tensor, right: &Tensor) -> Result<Tensor> {
        self.run_one(Binary::Add, &[left, right])
    }

    /// Elementwise product with broadcasting; see [`Binary::Mul`].
    pub fn mul(&self, left: &Tensor, right: &Tensor) -> Result<Tensor> {
        self.run_one(Binary::Mul, &[left, right])
    }

    /// Any elementwise arithmetic of two tensors, with broadcasting; see [`Binary`].
    pub fn binary(&self, left: &Tensor, right: &Tensor, op: Binary) -> Result<Tensor> {
        self.run_one(op, &[left, right])
    }

    /// Joins any number of tensors along an axis; see [`Concat`](crate::ops::Concat).
    pub fn concat(&self, inputs: &[&Tensor], axis: isize) -> Result<Tensor> {
        self.run_one(crate::ops::Concat::new(axis), inputs)
    }

    /// Ranges of some axes, in steps; see [`Slice`](crate::ops::Slice).
    pub fn slice(&self, input: &Tensor, op: &crate::ops::Slice) -> Result<Tensor> {
        self.run_one(op.clone(), &[input])
    }

    /// The axes in another order; see [`Transpose`](crate::ops::Transpose).
    pub fn transpose(&self, input: &Tensor, permutation: &[isize]) -> Result<Tensor> {
        self.run_one(crate::ops::Transpose::new(permutation), &[input])
    }

    /// Broadcasts to a shape; see [`Expand`](crate::ops::Expand).
    pub fn expand(&self, input: &Tensor, shape: &[isize]) -> Result<Tensor> {
        self.run_one(crate::ops::Expand::new(shape), &[input])
    }

    /// Sum, mean or maximum along axes; see [`Reduce`](crate::ops::Reduce).
    pub fn reduce(&self, input: &Tensor, op: &crate::ops::Reduce) -> Result<Tensor> {
        self.run_one(op.clone(), &[input])
    }

    /// The same elements under another shape, without a copy; see [`Reshape`](crate::ops::Reshape).
    pub fn reshape(&self, input: &Tensor, shape: &[isize]) -> Result<Tensor> {
        self.run_one(crate::ops::Reshape::new(shape), &[input])
    }

    /// Merges dimensions into one, without a copy; see [`Flatten`](crate::ops::Flatten).
    pub fn flatten(&self, input: &Tensor, op: &crate::ops::Flatten) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }
}
