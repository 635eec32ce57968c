//! A device with what is kept for it: buffers, pipelines and constants.

use std::ops::Deref;
use std::sync::Arc;
#[cfg(not(target_family = "wasm"))]
use std::sync::{Mutex, Weak};

use crate::error::Result;
use crate::gpu::device::constants::Constants;
use crate::gpu::device::pipeline::{Pipeline, Pipelines};
#[cfg(not(target_family = "wasm"))]
use crate::gpu::device::pipeline_cache::PipelineCache;
use crate::gpu::device::pool::{BufferPool, PooledBuffer};
use crate::gpu::device::raw_device::RawDevice;
use crate::gpu::wgsl::kernel::PipelineKey;
#[cfg(target_family = "wasm")]
use crate::turn::Turns;

/// A device with what is kept for it. Whatever the device does, this does.
#[derive(Debug)]
pub(crate) struct Context {
    raw: RawDevice,
    pub(crate) pool: Arc<BufferPool>,
    pub(crate) pipelines: Pipelines,
    pub(crate) constants: Constants,
    /// How the device was opened, where convoke did it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) opening: Option<Opening>,
    /// The device that took this one's place when it was lost.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) successor: Mutex<Weak<Context>>,
}

/// What a device is opened with, so that another can take its place.
#[cfg(not(target_family = "wasm"))]
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) adapter: wgpu::Adapter,
    pub(crate) pipeline_cache: Option<std::path::PathBuf>,
}

#[cfg(not(target_family = "wasm"))]
impl Opening {
    /// What belongs to a device that was opened so.
    pub(crate) fn context(self, mut raw: RawDevice) -> Context {
        let path = self.pipeline_cache.clone();
        raw.pipeline_cache = path.and_then(|path| PipelineCache::open(&raw.device, &raw.info, path));
        let mut context = Context::new(raw);
        context.opening = Some(self);
        context
    }
}

impl Deref for Context {
    type Target = RawDevice;

    fn deref(&self) -> &RawDevice {
        &self.raw
    }
}

impl Context {
    /// Nothing is kept yet.
    pub(crate) fn new(raw: RawDevice) -> Self {
        Self {
            raw,
            pool: Arc::default(),
            pipelines: Pipelines::default(),
            constants: Constants::default(),
            #[cfg(not(target_family = "wasm"))]
            opening: None,
            #[cfg(not(target_family = "wasm"))]
            successor: Mutex::default(),
        }
    }

    /// A buffer of at least this many bytes, with unspecified content.
    pub(crate) fn take(&self, bytes: u64) -> Result<Arc<PooledBuffer>> {
        BufferPool::take(&self.pool, &self.raw, bytes)
    }

    /// A buffer that begins with these bytes. Where the adapter's memory is the host's, a new one is written in place.
    pub(crate) fn filled(&self, bytes: &[u8]) -> Result<Arc<PooledBuffer>> {
        BufferPool::filled(&self.pool, &self.raw, bytes)
    }

    /// A kernel's pipeline, compiled where it is not there.
    pub(crate) fn pipeline(&self, key: &PipelineKey) -> Result<Arc<Pipeline>> {
        self.pipelines.get(&self.raw, key)
    }

    /// Has the browser compile these pipelines, and waits for them.
    #[cfg(target_family = "wasm")]
    pub(crate) async fn compile_ahead(&self, keys: &[PipelineKey], turns: &mut Turns) {
        self.pipelines.ahead(&self.raw, keys, turns).await;
    }

    /// Has threads compile these pipelines while `work` runs.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn compile_ahead<T>(&self, keys: &[PipelineKey], work: impl FnOnce() -> T) -> T {
        self.pipelines.ahead(&self.raw, keys, work)
    }
}
