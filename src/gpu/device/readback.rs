//! Buffers mapped for the host: results back from the GPU, awaited or blocking, and inputs written in place.

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

use crate::error::{Error, Result};
use crate::gpu::device::faults::Faults;
use crate::gpu::device::raw_device::RawDevice;

/// The beginning of a buffer that is mapped, or will be.
#[derive(Debug)]
struct Mapping {
    device: wgpu::Device,
    buffer: wgpu::Buffer,
    bytes: u64,
    mapped: OneshotReceiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Mapping {
    fn start(device: &RawDevice, mode: wgpu::MapMode, buffer: wgpu::Buffer, bytes: u64) -> Self {
        let (sender, mapped) = oneshot_channel();
        let done = move |result| {
            // The receiver is gone where the caller lost interest.
            let _ = sender.send(result);
        };
        device.scoped(|| buffer.map_async(mode, ..bytes, done));
        Self {
            device: device.device.clone(),
            buffer,
            bytes,
            mapped,
        }
    }

    async fn wait(&self) -> Result<()> {
        match self.mapped.receive().await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(told(error)),
            None => Err(told("the mapping was dropped")),
        }
    }

    fn view(&self) -> Result<wgpu::BufferView> {
        self.buffer.get_mapped_range(..self.bytes).map_err(told)
    }
}

/// Whatever came of it, the buffer is mapped no longer, nor will be: others may use it.
impl Drop for Mapping {
    fn drop(&mut self) {
        // What is wrong with a buffer that failed to be mapped has been told.
        Faults::ignored(&self.device, || self.buffer.unmap());
    }
}

fn told(error: impl std::fmt::Display) -> Error {
    Error::Gpu(format!("mapping a buffer: {error}"))
}

/// Results on their way to the host.
#[derive(Debug)]
pub(crate) struct Readback {
    parts: Vec<Mapping>,
    #[cfg(not(target_family = "wasm"))]
    submission: wgpu::SubmissionIndex,
}

/// A buffer that results are copied into to be mapped.
pub(crate) fn staging_buffer(device: &RawDevice, bytes: u64) -> Result<wgpu::Buffer> {
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
    let staging = device.create_buffer("convoke.readback", bytes, usage);
    device.check()?;
    Ok(staging)
}

impl Readback {
    /// Submits the commands and starts mapping so many bytes of each buffer, as the commands leave them.
    pub(crate) fn submit(
        device: &RawDevice,
        encoder: wgpu::CommandEncoder,
        buffers: impl IntoIterator<Item = (wgpu::Buffer, u64)>,
    ) -> Result<Self> {
        #[cfg_attr(target_family = "wasm", expect(unused_variables, reason = "a browser polls by itself"))]
        let submission = device.submit(encoder);
        let start = |(buffer, bytes)| Mapping::start(device, wgpu::MapMode::Read, buffer, bytes);
        let parts = buffers.into_iter().map(start).collect();
        device.check()?;
        Ok(Self {
            parts,
            #[cfg(not(target_family = "wasm"))]
            submission,
        })
    }

    /// Waits without blocking the thread and hands each buffer's bytes to `read`.
    pub(crate) async fn finish<T>(self, device: &RawDevice, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        // Natively nobody else drives the device: its poller does, for all who wait.
        #[cfg(not(target_family = "wasm"))]
        device.poller.watch(&device.device, self.submission.clone())?;
        self.collect(device, read).await
    }

    /// Blocks until the bytes are there and hands those of each buffer to `read`.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn finish_blocking<T>(self, device: &RawDevice, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        device.wait_for(&self.submission)?;
        pollster::block_on(self.collect(device, read))
    }

    /// [`finish`](Self::finish) for who waits where it is called: natively the thread, with no other one's waking in the time.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(clippy::unused_async, reason = "natively the thread waits")
    )]
    pub(crate) async fn finish_here<T>(self, device: &RawDevice, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        #[cfg(not(target_family = "wasm"))]
        return self.finish_blocking(device, read);
        #[cfg(target_family = "wasm")]
        self.finish(device, read).await
    }

    async fn collect<T>(self, device: &RawDevice, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        let mut mapped = Ok(());
        for part in &self.parts {
            mapped = mapped.and(part.wait().await);
        }
        #[cfg(target_family = "wasm")]
        if mapped.is_err() {
            hear_of_loss(device).await;
        }
        device.check()?;
        device.may_fail()?;
        mapped.map_err(|error| device.explained(error))?;
        let value = {
            let views = self.parts.iter().map(Mapping::view).collect::<Result<Vec<_>>>();
            let views = views.map_err(|error| device.explained(error))?;
            read(&views.iter().map(|view| &**view).collect::<Vec<_>>())
        };
        Ok(value)
    }
}

/// Gives the browser time to say that the device is lost: that a mapping failed for it, it says before.
#[cfg(target_family = "wasm")]
async fn hear_of_loss(device: &RawDevice) {
    for _ in 0..20 {
        if device.is_lost() {
            return;
        }
        crate::turn::pause(5).await;
    }
}

/// Writes the beginning of a buffer through a mapping of the buffer itself, once the work on it is done. The buffer is one
/// that can be mapped ([`RawDevice::maps_storage`]).
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_in_place(device: &RawDevice, buffer: &wgpu::Buffer, bytes: &[u8]) -> Result<()> {
    use std::pin::pin;
    use std::task::{self, Poll, Waker};

    let length = bytes.len() as u64;
    let mapping = Mapping::start(device, wgpu::MapMode::Write, buffer.clone(), length);
    // A buffer that no work is on is mapped without a wait for the work on others.
    device.may_fail()?;
    let polled = device.device.poll(wgpu::PollType::Poll);
    device.check()?;
    polled.map_err(|error| device.explained(told(error)))?;
    let mut mapped = pin!(mapping.wait());
    match mapped.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(mapped) => mapped.map_err(|error| device.explained(error))?,
        Poll::Pending => {
            device.wait()?;
            pollster::block_on(mapped).map_err(|error| device.explained(error))?;
        }
    }
    device.may_fail()?;
    let mut view = buffer
        .get_mapped_range_mut(..length)
        .map_err(|error| device.explained(told(error)))?;
    view.copy_from_slice(bytes);
    Ok(())
}
