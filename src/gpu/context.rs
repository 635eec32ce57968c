//! The device with everything that belongs to it, and the calls on it that can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::adapter::AdapterInfo;
use super::faults::Faults;
use super::pipeline::Pipelines;
use super::pool::BufferPool;
use crate::error::{Error, Result};
use crate::precision::Precision;

/// What lowering needs to know of a device: plain data, so that plans can be made and tested without one.
#[derive(Clone, Debug)]
pub(crate) struct Capabilities {
    pub(crate) class: super::DeviceClass,
    /// Whether eight invocations in a workgroup of eight can hand values round by subgroup operations.
    pub(crate) broadcast: bool,
    pub(crate) limits: wgpu::Limits,
    /// Whether convolutions may be computed by Winograd's F(4x4, 3x3), whose bounds are wider.
    pub(crate) large_tiles: bool,
    pub(crate) loops: Loops,
}

/// What is made of the rounds that an invocation's loops may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loops {
    /// Long sums are cut up, so that none takes too many.
    #[default]
    Limited,
    /// As well, and kernels end their loops after the rounds that were recorded for them: a test of those numbers.
    Checked,
    /// Sums are whole, however long: for tests of what must notice one that an adapter cuts short.
    Unlimited,
}

impl Capabilities {
    pub(crate) fn new(info: &AdapterInfo, features: wgpu::Features, limits: wgpu::Limits) -> Self {
        let broadcast = features.contains(wgpu::Features::SUBGROUP) && info.subgroup_size.0 >= 8;
        Self {
            class: super::DeviceClass::of(info.kind),
            broadcast,
            limits,
            large_tiles: false,
            loops: Loops::Limited,
        }
    }

    /// Those of a device with every WebGPU device's limits.
    #[cfg(test)]
    pub(crate) fn plain(class: super::DeviceClass, broadcast: bool) -> Self {
        Self {
            class,
            broadcast,
            limits: wgpu::Limits::default(),
            large_tiles: false,
            loops: Loops::Limited,
        }
    }

    /// Whether long sums are cut up.
    pub(crate) fn splits_sums(&self) -> bool {
        self.loops != Loops::Unlimited
    }

    /// Whether kernels end their loops after the rounds that were recorded for them.
    pub(crate) fn checks_rounds(&self) -> bool {
        self.loops == Loops::Checked
    }

    /// Whether handing weights round by subgroup operations pays: where every load is a gather.
    pub(crate) fn prefers_broadcast(&self) -> bool {
        self.broadcast && self.class == super::DeviceClass::Software
    }

    /// Whether drivers may specialise a kernel to its parameters, again and again: software adapters do (see `gpu/opaque.rs`).
    /// What a browser's checks know to be uniform stays so.
    pub(crate) fn hides_parameters(&self) -> bool {
        self.class == super::DeviceClass::Software && !cfg!(target_family = "wasm")
    }

    /// Checks that a tensor of this many elements (4 bytes each) can be bound.
    pub(crate) fn check_elements(&self, operator: &'static str, elements: usize) -> Result<u64> {
        self.check_stored(operator, elements, Precision::F32)
    }

    /// Checks that a tensor of this many numbers can be bound, and gives its bytes.
    pub(crate) fn check_stored(&self, operator: &'static str, elements: usize, precision: Precision) -> Result<u64> {
        let bytes = elements as u64 * precision.bytes() as u64;
        // Bindings are rounded up to whole vec4s.
        let needed = bytes.next_multiple_of(16);
        let limit = self.limits.max_storage_buffer_binding_size.min(self.limits.max_buffer_size);
        if needed > limit {
            return Err(Error::LimitExceeded {
                operator,
                what: "a tensor's size in bytes",
                needed,
                limit,
            });
        }
        Ok(bytes)
    }
}

/// A device, its queue, and what is kept for it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) info: AdapterInfo,
    pub(crate) capabilities: Capabilities,
    pub(crate) pool: Arc<BufferPool>,
    pub(crate) pipelines: Pipelines,
    /// Where pipelines are kept for the next process.
    #[cfg(not(target_family = "wasm"))]
    pub(super) pipeline_cache: Option<super::pipeline_cache::PipelineCache>,
    #[cfg(feature = "wrong-kernel")]
    pub(crate) wrong_kernel: Option<super::wrong_kernel::WrongKernel>,
    pub(crate) made: Made,
    pub(crate) constants: super::constants::Constants,
    #[cfg(not(target_family = "wasm"))]
    pub(crate) poller: super::poller::Poller,
    /// Whether storage buffers can be mapped, and are best written and read so.
    pub(crate) maps_storage: bool,
    faults: Faults,
}

/// How many objects were made on a device so far.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) buffers: AtomicUsize,
    pub(crate) bind_groups: AtomicUsize,
}

impl Context {
    /// A device that may be anybody's: its handlers stay as they are.
    pub(crate) fn new(device: wgpu::Device, queue: wgpu::Queue, info: AdapterInfo) -> Self {
        let faults = Faults::default();
        #[cfg(target_family = "wasm")]
        faults.watch_loss(&device);
        let capabilities = Capabilities::new(&info, device.features(), device.limits());
        let maps_storage = device.features().contains(wgpu::Features::MAPPABLE_PRIMARY_BUFFERS);
        Self {
            device,
            queue,
            info,
            capabilities,
            pool: Arc::new(BufferPool::default()),
            pipelines: Pipelines::default(),
            #[cfg(not(target_family = "wasm"))]
            pipeline_cache: None,
            #[cfg(feature = "wrong-kernel")]
            wrong_kernel: None,
            made: Made::default(),
            constants: super::constants::Constants::default(),
            #[cfg(not(target_family = "wasm"))]
            poller: super::poller::Poller::default(),
            maps_storage,
            faults,
        }
    }

    /// A device that was opened for convoke, which sets its handlers.
    pub(super) fn owned(device: wgpu::Device, queue: wgpu::Queue, info: AdapterInfo) -> Self {
        let context = Self::new(device, queue, info);
        context.faults.watch(&context.device);
        context
    }

    /// Does something on the device. Whether it failed, the next check tells, and nobody else.
    pub(crate) fn scoped<T>(&self, act: impl FnOnce() -> T) -> T {
        self.faults.scoped(&self.device, act)
    }

    /// A buffer; whether the device could make it, the next check tells.
    pub(crate) fn create_buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.create(label, size, usage, false)
    }

    fn create(&self, label: &str, size: u64, usage: wgpu::BufferUsages, mapped_at_creation: bool) -> wgpu::Buffer {
        self.made.buffers.fetch_add(1, Ordering::Relaxed);
        let descriptor = wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation,
        };
        self.scoped(|| self.device.create_buffer(&descriptor))
    }

    /// Queues a write to the beginning of a buffer.
    pub(crate) fn write_buffer(&self, buffer: &wgpu::Buffer, bytes: &[u8]) {
        self.scoped(|| self.queue.write_buffer(buffer, 0, bytes));
    }

    /// Commands to be filled in and submitted.
    pub(crate) fn encoder(&self, label: &str) -> wgpu::CommandEncoder {
        let descriptor = wgpu::CommandEncoderDescriptor { label: Some(label) };
        self.scoped(|| self.device.create_command_encoder(&descriptor))
    }

    /// Submits commands. What is wrong with any of them is reported here.
    pub(crate) fn submit(&self, encoder: wgpu::CommandEncoder) -> wgpu::SubmissionIndex {
        self.scoped(|| self.queue.submit([encoder.finish()]))
    }

    /// A buffer that can be mapped for writing and begins with these bytes, written through such a mapping.
    pub(crate) fn create_buffer_filled(
        &self,
        label: &str,
        size: u64,
        usage: wgpu::BufferUsages,
        bytes: &[u8],
    ) -> Result<wgpu::Buffer> {
        let buffer = self.create(label, size, usage, true);
        self.check()?;
        buffer
            .get_mapped_range_mut(..bytes.len() as u64)
            .map_err(|error| self.explained(Error::Gpu(error.to_string())))?
            .copy_from_slice(bytes);
        self.scoped(|| buffer.unmap());
        Ok(buffer)
    }

    /// What `make` makes, or the error that the device reported of it and of nothing else: several threads may be at work.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn guarded<T>(&self, make: impl FnOnce() -> T) -> Result<T> {
        match Faults::caught(&self.device, make) {
            (_, Some(error)) => Err(self.explained(error)),
            (made, None) => Ok(made),
        }
    }

    /// What `make` makes, or the first error that the device reported: a browser has one thread.
    #[cfg(target_family = "wasm")]
    pub(crate) fn guarded<T>(&self, make: impl FnOnce() -> T) -> Result<T> {
        let made = self.scoped(make);
        self.check().map(|()| made)
    }

    /// Waits until all work submitted so far is done.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn wait(&self) -> Result<()> {
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        polled
            .map(|_| ())
            .map_err(|error| self.explained(Error::Gpu(error.to_string())))
    }

    /// The first error of convoke's calls on the device since the last check; a lost device stays lost.
    pub(crate) fn check(&self) -> Result<()> {
        self.faults.check(&self.device)
    }

    /// An error as it is, or that the device is lost, where that is behind it.
    pub(crate) fn explained(&self, error: Error) -> Error {
        self.faults.explained(&self.device, error)
    }
}
