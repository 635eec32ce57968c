//! Bytes back from the GPU, awaited or blocking. The one place that uses `futures-intrusive`.

use futures_intrusive::channel::shared::{OneshotReceiver, oneshot_channel};

use super::context::Context;
use crate::error::{Error, Result};

/// A copy to the host that is on its way.
#[derive(Debug)]
pub(crate) struct Readback {
    staging: wgpu::Buffer,
    mapped: OneshotReceiver<Result<(), wgpu::BufferAsyncError>>,
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
    /// Submits the commands, whose last act is a copy into `staging`, and starts mapping it.
    pub(crate) fn submit(context: &Context, encoder: wgpu::CommandEncoder, staging: wgpu::Buffer) -> Result<Self> {
        #[cfg_attr(target_family = "wasm", expect(unused_variables, reason = "a browser polls by itself"))]
        let submission = context.queue.submit([encoder.finish()]);
        let (sender, mapped) = oneshot_channel();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            // The receiver is gone where the caller lost interest.
            let _ = sender.send(result);
        });
        context.check()?;
        Ok(Self {
            staging,
            mapped,
            #[cfg(not(target_family = "wasm"))]
            submission,
        })
    }

    /// Waits without blocking the thread and hands the bytes to `read`.
    pub(crate) async fn finish<T>(self, context: &Context, read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        // Natively nobody else drives the device: a thread of its own waits for this submission.
        #[cfg(not(target_family = "wasm"))]
        {
            let device = context.device.clone();
            let submission = self.submission.clone();
            std::thread::spawn(move || {
                device.poll(wgpu::PollType::Wait {
                    submission_index: Some(submission),
                    timeout: None,
                })
            });
        }
        self.collect(context, read).await
    }

    /// Blocks until the bytes are there and hands them to `read`.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn finish_blocking<T>(self, context: &Context, read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let wait = wgpu::PollType::Wait {
            submission_index: Some(self.submission.clone()),
            timeout: None,
        };
        if let Err(error) = context.device.poll(wait) {
            context.check()?;
            return Err(Error::Gpu(error.to_string()));
        }
        pollster::block_on(self.collect(context, read))
    }

    async fn collect<T>(self, context: &Context, read: impl FnOnce(&[u8]) -> T) -> Result<T> {
        let mapped = self.mapped.receive().await;
        context.check()?;
        match mapped {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(Error::Gpu(format!("reading back: {error}"))),
            None => return Err(Error::Gpu("reading back: the mapping was dropped".to_owned())),
        }
        let value = {
            let view = self
                .staging
                .get_mapped_range(..)
                .map_err(|error| Error::Gpu(format!("reading back: {error}")))?;
            read(&view)
        };
        self.staging.unmap();
        Ok(value)
    }
}
