//! Opening a GPU: which adapter, and the device on it.

use std::sync::Arc;

use super::adapter::{self, AdapterChoice, AdapterInfo};
use super::context::Context;
use super::device::device_descriptor;
#[cfg(not(target_family = "wasm"))]
use super::pipeline_cache::PipelineCache;
use super::{DeviceClass, Gpu};
use crate::error::{Error, Result};

/// Chooses an adapter and opens it. Made by [`Gpu::builder`].
///
/// ```
/// use convoke::gpu::Gpu;
/// match Gpu::builder().hardware_only().build() {
///     Ok(gpu) => println!("{}", gpu.info()),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct GpuBuilder {
    choice: AdapterChoice,
    #[cfg(not(target_family = "wasm"))]
    pipeline_cache: Option<std::path::PathBuf>,
    class: Option<DeviceClass>,
    #[cfg(feature = "wrong-kernel")]
    wrong_kernel: Option<String>,
    #[cfg(feature = "wrong-kernel")]
    loops: Option<String>,
}

impl Default for GpuBuilder {
    /// What `CONVOKE_ADAPTER` and `CONVOKE_DEVICE_CLASS` say, or any adapter and its own class.
    fn default() -> Self {
        Self {
            choice: AdapterChoice::from_env(),
            #[cfg(not(target_family = "wasm"))]
            pipeline_cache: None,
            class: None,
            #[cfg(feature = "wrong-kernel")]
            wrong_kernel: std::env::var(super::wrong_kernel::VARIABLE).ok(),
            #[cfg(feature = "wrong-kernel")]
            loops: std::env::var(super::wrong_kernel::LOOPS).ok(),
        }
    }
}

impl GpuBuilder {
    /// Takes any adapter, the best first, whatever `CONVOKE_ADAPTER` says.
    pub fn any(self) -> Self {
        self.choice(AdapterChoice::Any)
    }

    /// Takes a real GPU only.
    pub fn hardware_only(self) -> Self {
        self.choice(AdapterChoice::Hardware)
    }

    /// Takes a software adapter only.
    pub fn software_only(self) -> Self {
        self.choice(AdapterChoice::Software)
    }

    /// Takes an adapter whose name contains this, whatever the case.
    pub fn named(self, part: impl Into<String>) -> Self {
        self.choice(AdapterChoice::Named(part.into()))
    }

    /// Sets which adapters may be taken.
    pub fn choice(mut self, choice: AdapterChoice) -> Self {
        self.choice = choice;
        self
    }

    /// Keeps compiled pipelines in this file, where the backend can (wgpu's Vulkan): the next process that names it need not
    /// compile them again. It is read when the adapter is opened and written when the last clone of the `Gpu` and all that
    /// lives on it are gone, or by [`Gpu::save_pipelines`]. A file that is missing, not whole, or of another adapter or
    /// driver is as good as none.
    #[cfg(not(target_family = "wasm"))]
    pub fn pipeline_cache(mut self, file: impl Into<std::path::PathBuf>) -> Self {
        self.pipeline_cache = Some(file.into());
        self
    }

    /// Chooses kernels and sizes as for this class of device, whatever the adapter is and `CONVOKE_DEVICE_CLASS` says: for
    /// tests and comparison. Without this, `CONVOKE_DEVICE_CLASS` (`software`, `integrated` or `discrete`) says it.
    pub fn device_class(mut self, class: DeviceClass) -> Self {
        self.class = Some(class);
        self
    }

    /// Makes a kernel wrong on purpose, for tests of what must notice it: `KERNEL:FROM=>TO` replaces text in a kernel's
    /// final WGSL. Without this, `CONVOKE_WRONG_KERNEL` says it. Only with the feature `wrong-kernel`.
    #[cfg(feature = "wrong-kernel")]
    #[doc(hidden)]
    pub fn wrong_kernel(mut self, change: impl Into<String>) -> Self {
        self.wrong_kernel = Some(change.into());
        self
    }

    /// What is made of the rounds that loops may take, for tests: `checked` has kernels end their loops after the rounds that were
    /// recorded for them, `unlimited` leaves long sums whole. Without this, `CONVOKE_LOOPS` says it. Only with the feature
    /// `wrong-kernel`.
    #[cfg(feature = "wrong-kernel")]
    #[doc(hidden)]
    pub fn loops(mut self, loops: impl Into<String>) -> Self {
        self.loops = Some(loops.into());
        self
    }

    /// Opens the adapter.
    #[cfg(not(target_family = "wasm"))]
    pub fn build(self) -> Result<Gpu> {
        pollster::block_on(self.build_async())
    }

    /// Opens the adapter, awaited.
    pub async fn build_async(self) -> Result<Gpu> {
        #[cfg(feature = "wrong-kernel")]
        let wrong_kernel = (self.wrong_kernel.as_deref())
            .map(super::wrong_kernel::WrongKernel::parse)
            .transpose()?;
        #[cfg(feature = "wrong-kernel")]
        let loops = self.loops.as_deref().map(super::wrong_kernel::loops).transpose()?;
        let class = match self.class {
            None => DeviceClass::from_env()?,
            class => class,
        };
        let (mut adapters, mut infos): (Vec<_>, Vec<_>) = adapter::enumerate(&adapter::instance()).await.into_iter().unzip();
        let chosen = self.choice.choose(&infos)?;
        let (adapter, info) = (adapters.swap_remove(chosen), infos.swap_remove(chosen));
        log::info!("using {info}");
        let (device, queue) = adapter
            .request_device(&device_descriptor(&adapter))
            .await
            .map_err(|error| Error::NoAdapter(format!("{info} could not be opened: {error}")))?;
        let class = class.unwrap_or(DeviceClass::of(info.kind));
        let context = Context::owned(device, queue, info);
        #[cfg(not(target_family = "wasm"))]
        let context = {
            let mut context = context;
            context.pipeline_cache =
                (self.pipeline_cache).and_then(|path| PipelineCache::open(&context.device, &context.info, path));
            context
        };
        #[cfg(feature = "wrong-kernel")]
        let context = {
            let mut context = context;
            context.wrong_kernel = wrong_kernel;
            context.capabilities.loops = loops.unwrap_or_default();
            context
        };
        Ok(Gpu {
            context: Arc::new(context),
            conv2d: None,
            tuned: None,
            class,
            large_tiles: false,
        })
    }
}

/// All adapters of this machine.
#[cfg(not(target_family = "wasm"))]
pub fn adapters() -> Vec<AdapterInfo> {
    pollster::block_on(adapters_async())
}

/// All adapters of this machine, awaited. A browser offers one.
pub async fn adapters_async() -> Vec<AdapterInfo> {
    adapter::enumerate(&adapter::instance())
        .await
        .into_iter()
        .map(|(_, info)| info)
        .collect()
}
