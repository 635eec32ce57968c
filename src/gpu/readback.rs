//! Buffers mapped for the host: results back from the GPU, awaited or blocking, and inputs written in place.

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

use super::context::Context;
use crate::error::{Error, Result};

/// The beginning of a buffer that is mapped, or will be.
#[derive(Debug)]
struct Mapping {
    buffer: wgpu::Buffer,
    bytes: u64,
    mapped: OneshotReceiver<Result<(), wgpu::BufferAsyncError>>,
}

impl Mapping {
    fn start(context: &Context, mode: wgpu::MapMode, buffer: wgpu::Buffer, bytes: u64) -> Self {
        let (sender, mapped) = oneshot_channel();
        let done = move |result| {
            // The receiver is gone where the caller lost interest.
            let _ = sender.send(result);
        };
        context.scoped(|| buffer.map_async(mode, ..bytes, done));
        Self { buffer, bytes, mapped }
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
pub(crate) fn staging_buffer(context: &Context, bytes: u64) -> Result<wgpu::Buffer> {
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
    let staging = context.create_buffer("convoke.readback", bytes, usage);
    context.check()?;
    Ok(staging)
}

impl Readback {
    /// Submits the commands and starts mapping so many bytes of each buffer, as the commands leave them.
    pub(crate) fn submit(
        context: &Context,
        encoder: wgpu::CommandEncoder,
        buffers: impl IntoIterator<Item = (wgpu::Buffer, u64)>,
    ) -> Result<Self> {
        #[cfg_attr(target_family = "wasm", expect(unused_variables, reason = "a browser polls by itself"))]
        let submission = context.submit(encoder);
        let start = |(buffer, bytes)| Mapping::start(context, wgpu::MapMode::Read, buffer, bytes);
        let parts = buffers.into_iter().map(start).collect();
        context.check()?;
        Ok(Self {
            parts,
            #[cfg(not(target_family = "wasm"))]
            submission,
        })
    }

    /// Waits without blocking the thread and hands each buffer's bytes to `read`.
    pub(crate) async fn finish<T>(self, context: &Context, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        // Natively nobody else drives the device: its poller does, for all who wait.
        #[cfg(not(target_family = "wasm"))]
        context.poller.watch(&context.device, self.submission.clone())?;
        self.collect(context, read).await
    }

    /// Blocks until the bytes are there and hands those of each buffer to `read`.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn finish_blocking<T>(self, context: &Context, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        let wait = wgpu::PollType::Wait {
            submission_index: Some(self.submission.clone()),
            timeout: None,
        };
        if let Err(error) = context.device.poll(wait) {
            context.check()?;
            return Err(context.explained(Error::Gpu(error.to_string())));
        }
        pollster::block_on(self.collect(context, read))
    }

    async fn collect<T>(self, context: &Context, read: impl FnOnce(&[&[u8]]) -> T) -> Result<T> {
        let mut mapped = Ok(());
        for part in &self.parts {
            mapped = mapped.and(part.wait().await);
        }
        context.check()?;
        mapped.map_err(|error| context.explained(error))?;
        let value = {
            let views = self.parts.iter().map(Mapping::view).collect::<Result<Vec<_>>>();
            let views = views.map_err(|error| context.explained(error))?;
            read(&views.iter().map(|view| &**view).collect::<Vec<_>>())
        };
        for part in &self.parts {
            context.scoped(|| part.buffer.unmap());
        }
        Ok(value)
    }
}

/// Writes the beginning of a buffer through a mapping of the buffer itself, once the work on it is done. The buffer is one
/// that can be mapped ([`Context::maps_storage`]).
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_in_place(context: &Context, buffer: &wgpu::Buffer, bytes: &[u8]) -> Result<()> {
    use std::pin::pin;
    use std::task::{self, Poll, Waker};

    let length = bytes.len() as u64;
    let mapping = Mapping::start(context, wgpu::MapMode::Write, buffer.clone(), length);
    // A buffer that no work is on is mapped without a wait for the work on others.
    let polled = context.device.poll(wgpu::PollType::Poll);
    context.check()?;
    polled.map_err(|error| context.explained(told(error)))?;
    let mut mapped = pin!(mapping.wait());
    match mapped.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(mapped) => mapped.map_err(|error| context.explained(error))?,
        Poll::Pending => {
            context.wait()?;
            pollster::block_on(mapped).map_err(|error| context.explained(error))?;
        }
    }
    buffer.get_mapped_range_mut(..length).map_err(told)?.copy_from_slice(bytes);
    context.scoped(|| buffer.unmap());
    Ok(())
}
