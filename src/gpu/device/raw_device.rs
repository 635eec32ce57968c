//! The device with everything that belongs to it, and the calls on it that can fail.

use crate::gpu::device::capabilities::Capabilities;
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(target_family = "wasm"))]
use std::sync::mpsc::RecvTimeoutError;

#[cfg(target_family = "wasm")]
use futures_intrusive::channel::shared::oneshot_channel;

#[cfg(not(target_family = "wasm"))]
use crate::cancel::Watch;
use crate::error::{Error, Result};
use crate::gpu::device::adapter::AdapterInfo;
use crate::gpu::device::faults::Faults;

/// After how long a wait is asked whether the run is stopped.
#[cfg(not(target_family = "wasm"))]
const ASKED_AFTER: std::time::Duration = std::time::Duration::from_millis(10);

/// A device and its queue, with the calls on them that can fail.
#[derive(Debug)]
pub(crate) struct RawDevice {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    pub(crate) info: AdapterInfo,
    pub(crate) capabilities: Capabilities,
    /// Where pipelines are kept for the next process.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) pipeline_cache: Option<crate::gpu::device::pipeline_cache::PipelineCache>,
    #[cfg(feature = "wrong-kernel")]
    pub(crate) wrong_kernel: Option<crate::gpu::wgsl::wrong_kernel::WrongKernel>,
    pub(crate) made: Made,
    /// Where convoke opened it.
    #[cfg(target_family = "wasm")]
    pub(crate) browser: Option<crate::gpu::device::browser::BrowserDevice>,
    #[cfg(not(target_family = "wasm"))]
    pub(crate) poller: crate::gpu::device::poller::Poller,
    /// Whether storage buffers can be mapped, and are best written and read so.
    pub(crate) maps_storage: bool,
    pub(crate) faults: Faults,
}

/// How many objects were made on a device so far.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) buffers: AtomicUsize,
    pub(crate) bind_groups: AtomicUsize,
}

impl RawDevice {
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
            #[cfg(not(target_family = "wasm"))]
            pipeline_cache: None,
            #[cfg(feature = "wrong-kernel")]
            wrong_kernel: None,
            made: Made::default(),
            #[cfg(target_family = "wasm")]
            browser: None,
            #[cfg(not(target_family = "wasm"))]
            poller: crate::gpu::device::poller::Poller::default(),
            maps_storage,
            faults,
        }
    }

    /// A device that was opened for convoke, which sets its handlers.
    pub(crate) fn owned(device: wgpu::Device, queue: wgpu::Queue, info: AdapterInfo) -> Self {
        let raw = Self::new(device, queue, info);
        raw.faults.watch(&raw.device);
        raw
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
        self.may_fail()?;
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
        self.faults.before_call(&self.device);
        let (made, error) = Faults::caught(&self.device, make);
        match error.or_else(|| self.faults.planted()) {
            Some(error) => Err(self.explained(error)),
            None => Ok(made),
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
        self.may_fail()?;
        let polled = self.device.poll(wgpu::PollType::wait_indefinitely());
        self.check()?;
        polled
            .map(|_| ())
            .map_err(|error| self.explained(Error::Gpu(error.to_string())))
    }

    /// Waits until all work submitted so far is done: natively the thread does, in a browser its event loop goes on.
    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::unused_async, reason = "natively the thread waits")]
    pub(crate) async fn done(&self) -> Result<()> {
        self.wait()
    }

    /// Waits until all work submitted so far is done.
    #[cfg(target_family = "wasm")]
    pub(crate) async fn done(&self) -> Result<()> {
        let (sender, done) = oneshot_channel();
        self.queue.on_submitted_work_done(move || {
            // The receiver is gone where the caller lost interest.
            let _ = sender.send(());
        });
        done.receive().await;
        self.check()
    }

    /// Waits for a submission, or until something stops the run.
    ///
    /// Never by a timeout of wgpu's: where that ends while another thread finds the queue empty, wgpu 30 panics. Its poll has
    /// read by then that the submission is not done, and reads later that nothing is left to be done.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn wait_for(&self, submission: &wgpu::SubmissionIndex) -> Result<()> {
        let watch = Watch::current();
        self.may_fail()?;
        watch.check()?;
        let polled = if watch.may_stop() {
            let ended = self.poller.watch(&self.device, submission.clone())?;
            loop {
                match ended.recv_timeout(ASKED_AFTER) {
                    Ok(polled) => break polled,
                    Err(RecvTimeoutError::Timeout) => watch.check()?,
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(Error::Thread("wait for results: it is gone".to_owned()));
                    }
                }
            }
        } else {
            self.device.poll(wgpu::PollType::Wait {
                submission_index: Some(submission.clone()),
                timeout: None,
            })
        };
        match polled {
            Ok(_) => Ok(()),
            Err(error) => {
                self.check()?;
                Err(self.explained(Error::Gpu(error.to_string())))
            }
        }
    }

    /// Stands before a call that returns its own error instead of reporting it: here tests have it fail.
    pub(crate) fn may_fail(&self) -> Result<()> {
        self.faults.before_call(&self.device);
        match self.faults.planted() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The first error of convoke's calls on the device since the last check; a lost device stays lost.
    pub(crate) fn check(&self) -> Result<()> {
        self.faults.check(&self.device)
    }

    /// Whether the device is gone, as far as anything that was done on it has shown or a try shows now.
    pub(crate) fn is_lost(&self) -> bool {
        self.faults.is_lost(&self.device)
    }

    /// An error as it is, or that the device is lost, where that is behind it.
    pub(crate) fn explained(&self, error: Error) -> Error {
        self.faults.explained(&self.device, error)
    }
}
