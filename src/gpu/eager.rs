//! An open GPU, and every operator as one call.

use crate::gpu::choose::policy::KernelPolicy;
use crate::gpu::choose::problem::Conv2dAlgorithm;
use crate::gpu::device::adapter::AdapterInfo;
use crate::gpu::device::capabilities::Capabilities;
use crate::gpu::device::context::Context;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::device::tensor::Tensor;
use crate::gpu::lower::lower;
use crate::gpu::plan::executable::Executable;
use crate::gpu::plan::recording::{Recording, Value};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ndarray::{ArrayBase, Data, Dimension};

use crate::error::{Error, Result, ensure};
use crate::ops::Winograd;
use crate::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Conv2d, ConvTranspose2d, Interpolate, Linear, MaxPool2d,
    Op, PRelu, Pad2d, Softmax, Unary,
};
use crate::precision::Precision;
use crate::tensor::{Element, TensorView};

/// An open GPU. Cheap to clone; clones share the device, its compiled kernels and its memory pool. Usable from many threads.
///
/// Its methods run one operator each and return at once; results are awaited when they are read.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(crate) context: Arc<Context>,
    pub(crate) policy: KernelPolicy,
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

    /// The browser's `GPUDevice`, for a page's own JavaScript beside convoke: `undefined` once it is lost, or where the program opened it.
    #[cfg(target_family = "wasm")]
    pub fn browser_device(&self) -> wasm_bindgen::JsValue {
        self.context
            .browser
            .map_or(wasm_bindgen::JsValue::UNDEFINED, |device| device.handle())
    }

    /// A `GPUBuffer` of [`browser_device`](Self::browser_device), as wgpu has it: of so many bytes, for these usages. It stays the page's,
    /// which destroys it.
    ///
    /// Errors: `Unsupported` where the program opened the device.
    #[cfg(target_family = "wasm")]
    pub fn browser_buffer(&self, buffer: &wasm_bindgen::JsValue, size: u64, usage: wgpu::BufferUsages) -> Result<wgpu::Buffer> {
        let Some(device) = self.context.browser else {
            let message = "buffers of a page on a device that the program opened";
            return Err(Error::unsupported("gpu", message));
        };
        let descriptor = wgpu::BufferDescriptor {
            label: Some("convoke.page"),
            size,
            usage,
            mapped_at_creation: false,
        };
        Ok(device.lent(buffer, || self.device().create_buffer(&descriptor)))
    }

    /// The same GPU with one algorithm for every convolution; where it does not apply, the convolution is an error.
    /// `None` leaves the choice to the rule.
    pub fn with_conv2d(&self, algorithm: impl Into<Option<Conv2dAlgorithm>>) -> Self {
        self.with_policy(KernelPolicy {
            conv2d: algorithm.into(),
            ..self.policy.clone()
        })
    }

    /// The same GPU, which may compute convolutions by Winograd's F(4x4, 3x3) where its rules or a tuning plan find that faster:
    /// 3x3 kernels with stride 1, dilation 1 and one group, 1.1 to 1.6 times as fast on a software adapter. Errors are three
    /// times as large on average, and bounds eight times as wide (`docs/numerics.md`), in
    /// [`Session::answers`](crate::Session::answers) and [`Session::verify`](crate::Session::verify) as well; sums of whole
    /// numbers are no longer exact. Everything else stays as it is.
    pub fn with_large_tiles(&self) -> Self {
        self.with_policy(KernelPolicy {
            large_tiles: true,
            ..self.policy.clone()
        })
    }

    /// Which of Winograd's algorithms may compute a convolution, for [`reference::run_allowing`](crate::reference::run_allowing).
    pub fn winograd(&self) -> Winograd {
        self.policy.winograd()
    }

    /// The same GPU with kernels and sizes chosen as for another class of device, for tests and comparison: answers are the
    /// same within their bounds, but slower.
    pub fn with_device_class(&self, class: DeviceClass) -> Self {
        self.with_policy(KernelPolicy {
            class,
            ..self.policy.clone()
        })
    }

    /// The class of device that kernels and sizes are chosen for: the adapter's own, unless another was asked for.
    pub fn device_class(&self) -> DeviceClass {
        self.policy.class
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

    /// Copies an array of any element type, rank and layout to the GPU.
    ///
    /// Errors: `Unsupported` for an `i64` that an `i32` cannot hold; what the GPU may report.
    pub fn upload<S: Data<Elem: Element>, D: Dimension>(&self, array: &ArrayBase<S, D>) -> Result<Tensor> {
        Tensor::upload(&self.context, &array.view().into(), Precision::F32)
    }

    /// [`upload`](Self::upload) of whatever type of elements there is.
    ///
    /// Errors: as [`upload`](Self::upload).
    pub fn upload_any<'a>(&self, tensor: impl Into<TensorView<'a>>) -> Result<Tensor> {
        Tensor::upload(&self.context, &tensor.into(), Precision::F32)
    }

    /// Writes the compiled pipelines to the file that [`GpuBuilder::pipeline_cache`](crate::gpu::GpuBuilder::pipeline_cache) names. Nothing where none is named, or
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
                self.check_own(op.name(), tensor)?;
                Ok(recording.import(tensor.buffer.clone(), &tensor.shape, tensor.dtype, false))
            })
            .collect::<Result<_>>()?;
        let outputs = lower(op, &values, &mut recording)?;
        for output in &outputs {
            recording.export(output);
        }
        let executable = Executable::new(&self.context, &recording, |_| Ok(()))?;
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

    /// Refuses a tensor that is not on this device.
    pub(crate) fn check_own(&self, operator: &'static str, tensor: &Tensor) -> Result<()> {
        ensure!(
            Arc::ptr_eq(&tensor.context, &self.context),
            operator,
            "an input lives on another GPU: {}",
            tensor.context.info
        );
        Ok(())
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

    /// The same device with another policy.
    pub(crate) fn with_policy(&self, policy: KernelPolicy) -> Self {
        Self {
            context: Arc::clone(&self.context),
            policy,
        }
    }

    /// What lowering is told of the device.
    pub(crate) fn capabilities(&self) -> Capabilities {
        self.policy.capabilities(&self.context.capabilities)
    }

    pub(crate) fn recording(&self) -> Recording {
        Recording::new(&self.context.capabilities, self.policy.clone())
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
    pub fn lp_pool2d(&self, input: &Tensor, op: &crate::ops::LpPool) -> Result<Tensor> {
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

    /// A function of each element; see [`Unary`].
    pub fn unary(&self, input: &Tensor, op: Unary) -> Result<Tensor> {
        self.run_one(op, &[input])
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

    /// Scaled dot-product attention; see [`ScaledDotProductAttention`](crate::ops::ScaledDotProductAttention).
    pub fn scaled_dot_product_attention(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        mask: Option<&Tensor>,
        op: crate::ops::ScaledDotProductAttention,
    ) -> Result<Tensor> {
        let mut inputs = vec![query, key, value];
        inputs.extend(mask);
        self.run_one(op, &inputs)
    }

    /// Batched matrix product of whole numbers; see [`MatMulInteger`](crate::ops::MatMulInteger).
    pub fn matmul_integer(&self, left: &Tensor, right: &Tensor) -> Result<Tensor> {
        self.run_one(crate::ops::MatMulInteger, &[left, right])
    }

    /// Convolution of whole numbers; see [`ConvInteger`](crate::ops::ConvInteger).
    pub fn conv_integer(&self, input: &Tensor, weight: &Tensor, op: &crate::ops::ConvInteger) -> Result<Tensor> {
        self.run_one(*op, &[input, weight])
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

    /// Normalisation along the last axes; see [`LayerNorm`](crate::ops::LayerNorm).
    pub fn layer_norm(&self, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, op: &crate::ops::LayerNorm) -> Result<Tensor> {
        let inputs: Vec<_> = [input, weight].into_iter().chain(bias).collect();
        self.run_one(*op, &inputs)
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

    /// Any function of the elements of two tensors, with broadcasting; see [`Binary`].
    pub fn binary(&self, left: &Tensor, right: &Tensor, op: Binary) -> Result<Tensor> {
        self.run_one(op, &[left, right])
    }

    /// Any function of the elements of three tensors, with broadcasting; see [`Ternary`](crate::ops::Ternary).
    pub fn ternary(&self, first: &Tensor, second: &Tensor, third: &Tensor, op: crate::ops::Ternary) -> Result<Tensor> {
        self.run_one(op, &[first, second, third])
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

    /// Parts along an axis by indices; see [`Gather`](crate::ops::Gather).
    pub fn index_select(&self, data: &Tensor, axis: isize, indices: &Tensor) -> Result<Tensor> {
        self.run_one(crate::ops::Gather::new(axis), &[data, indices])
    }

    /// Elements along an axis, each by an index of its own; see [`GatherElements`](crate::ops::GatherElements).
    pub fn gather(&self, data: &Tensor, axis: isize, indices: &Tensor) -> Result<Tensor> {
        self.run_one(crate::ops::GatherElements::new(axis), &[data, indices])
    }

    /// A tensor with elements updated at places that indices name; see [`ScatterElements`](crate::ops::ScatterElements).
    pub fn scatter(&self, data: &Tensor, indices: &Tensor, updates: &Tensor, op: crate::ops::ScatterElements) -> Result<Tensor> {
        self.run_one(op, &[data, indices, updates])
    }

    /// Samples at places that a grid names; see [`GridSample`](crate::ops::GridSample).
    pub fn grid_sample(&self, input: &Tensor, grid: &Tensor, op: &crate::ops::GridSample) -> Result<Tensor> {
        self.run_one(*op, &[input, grid])
    }

    /// One direction of a recurrent layer; `inputs` and outputs as [`Recurrent`](crate::ops::Recurrent) has them.
    pub fn recurrent(&self, inputs: &[&Tensor], op: &crate::ops::Recurrent) -> Result<Vec<Tensor>> {
        self.run(&(*op).into(), inputs)
    }

    /// Sum, product, mean or maximum along axes; see [`Reduce`](crate::ops::Reduce).
    pub fn reduce(&self, input: &Tensor, op: &crate::ops::Reduce) -> Result<Tensor> {
        self.run_one(op.clone(), &[input])
    }

    /// The place of the largest or the smallest element along an axis; see [`ArgReduce`](crate::ops::ArgReduce).
    pub fn arg_reduce(&self, input: &Tensor, op: &crate::ops::ArgReduce) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// The largest or the smallest elements along an axis and their places; see [`TopK`](crate::ops::TopK).
    pub fn top_k(&self, input: &Tensor, op: &crate::ops::TopK) -> Result<(Tensor, Tensor)> {
        let mut outputs = self.run(&(*op).into(), &[input])?;
        let places = outputs.swap_remove(1);
        Ok((outputs.swap_remove(0), places))
    }

    /// The sum or the product of each element along an axis with all before it; see [`Cumulative`](crate::ops::Cumulative).
    pub fn cumulative(&self, input: &Tensor, op: &crate::ops::Cumulative) -> Result<Tensor> {
        self.run_one(*op, &[input])
    }

    /// Weighted sums along an axis; see [`Resample`](crate::ops::Resample).
    pub fn resample(&self, input: &Tensor, op: &crate::ops::Resample) -> Result<Tensor> {
        self.run_one(op.clone(), &[input])
    }

    /// Regions of images, each pooled to one size; see [`RoiAlign`](crate::ops::RoiAlign).
    pub fn roi_align(&self, input: &Tensor, regions: &Tensor, op: &crate::ops::RoiAlign) -> Result<Tensor> {
        self.run_one(*op, &[input, regions])
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
