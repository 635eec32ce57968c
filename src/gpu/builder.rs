//! Opening a GPU: which adapter, and the device on it.

use std::sync::Arc;

#[cfg(feature = "wrong-kernel")]
use crate::environment;
use crate::error::{Error, Result};
use crate::gpu::choose::policy::KernelPolicy;
use crate::gpu::device::adapter::{self, AdapterChoice, AdapterInfo};
#[cfg(target_family = "wasm")]
use crate::gpu::device::browser::BrowserDevice;
use crate::gpu::device::context::Context;
#[cfg(not(target_family = "wasm"))]
use crate::gpu::device::context::Opening;
use crate::gpu::device::device_class::DeviceClass;
use crate::gpu::device::features::{MissingFeature, check_limits, device_descriptor, missing};
use crate::gpu::device::raw_device::RawDevice;
use crate::gpu::eager::Gpu;
#[cfg(not(target_family = "wasm"))]
use crate::lock::lock;

/// Chooses an adapter and opens it. Made by [`Gpu::builder`].
///
/// ```
/// use convoke::gpu::Gpu;
/// match Gpu::builder().hardware_only().build() {
///     Ok(gpu) => println!("{}", gpu.info()),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Clone, Debug, Default)]
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

impl GpuBuilder {
    /// What `CONVOKE_ADAPTER` and `CONVOKE_DEVICE_CLASS` say, or any adapter and its own class.
    pub(crate) fn from_env() -> Self {
        Self {
            choice: AdapterChoice::from_env(),
            #[cfg(feature = "wrong-kernel")]
            wrong_kernel: environment::wrong_kernel(),
            #[cfg(feature = "wrong-kernel")]
            loops: environment::loops(),
            ..Self::default()
        }
    }

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
            .map(crate::gpu::wgsl::wrong_kernel::WrongKernel::parse)
            .transpose()?;
        #[cfg(feature = "wrong-kernel")]
        let loops = self.loops.as_deref().map(str::parse).transpose()?;
        let class = match self.class {
            None => DeviceClass::from_env()?,
            class => class,
        };
        let (mut adapters, mut infos): (Vec<_>, Vec<_>) = adapter::enumerate(&adapter::instance()).await.into_iter().unzip();
        let chosen = self.choice.choose(&infos)?;
        let (adapter, info) = (adapters.swap_remove(chosen), infos.swap_remove(chosen));
        log::info!("using {info}");
        let descriptor = device_descriptor(&adapter);
        #[cfg(not(target_family = "wasm"))]
        let request = adapter.request_device(&descriptor);
        #[cfg(target_family = "wasm")]
        let (request, browser) = BrowserDevice::of(|| adapter.request_device(&descriptor));
        let (device, queue) = request
            .await
            .map_err(|error| Error::NoAdapter(format!("{info} could not be opened: {error}")))?;
        let class = class.unwrap_or(DeviceClass::of(info.kind));
        #[cfg_attr(
            not(any(feature = "wrong-kernel", target_family = "wasm")),
            expect(unused_mut, reason = "only tests and browsers change it")
        )]
        let mut raw = RawDevice::owned(device, queue, info);
        #[cfg(target_family = "wasm")]
        {
            raw.browser = Some(browser);
        }
        #[cfg(feature = "wrong-kernel")]
        {
            raw.wrong_kernel = wrong_kernel;
            raw.capabilities.loops = loops.unwrap_or_default();
        }
        #[cfg(not(target_family = "wasm"))]
        let opening = Opening {
            adapter,
            pipeline_cache: self.pipeline_cache,
        };
        #[cfg(not(target_family = "wasm"))]
        let context = opening.context(raw);
        #[cfg(target_family = "wasm")]
        let context = Context::new(raw);
        Ok(Gpu {
            context: Arc::new(context),
            policy: KernelPolicy::rules(class),
        })
    }
}

impl Gpu {
    /// Opens the best adapter: what `CONVOKE_ADAPTER` names, else a real GPU, else a software adapter.
    #[cfg(not(target_family = "wasm"))]
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Chooses an adapter.
    pub fn builder() -> GpuBuilder {
        GpuBuilder::from_env()
    }

    /// Uses a device that the program has already, best made by [`device_descriptor`]: what it lacks and models are slower for
    /// is logged as a warning ([`missing_features`](Self::missing_features) tells it too). Its handlers for uncaught errors and
    /// for its loss stay as they are, and hear nothing of what goes wrong in convoke's calls, which return it. Any number of
    /// these may share a device.
    ///
    /// Errors: `InvalidArgument` for a device that was asked for less than every WebGPU device has and kernels need.
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue, adapter: &wgpu::AdapterInfo) -> Result<Self> {
        check_limits(&device.limits())?;
        let info = AdapterInfo::new(adapter, device.features(), device.limits());
        let gpu = Self {
            policy: KernelPolicy::rules(DeviceClass::of(info.kind)),
            context: Arc::new(Context::new(RawDevice::new(device, queue, info))),
        };
        for missing in gpu.missing_features().iter().filter(|missing| missing.is_slower) {
            log::warn!("{}: a device without {missing}", gpu.info());
        }
        Ok(gpu)
    }

    /// Whether the device is gone: reset by its driver, unplugged, destroyed, or given up by wgpu, which does that where a device has
    /// no memory left for what it must have. All calls on it fail from then on; [`reopened`](Self::reopened) opens another.
    pub fn is_lost(&self) -> bool {
        self.context.is_lost()
    }

    /// This device while it is not lost, else another one of the same adapter, with the same kernels, features and file of pipelines.
    /// All who ask get the same one, as long as somebody has it.
    ///
    /// Errors: `DeviceLost` for a device that the application opened ([`from_device`](Self::from_device)), which is the application's
    /// to replace; `NoAdapter` where the adapter is gone, too.
    #[cfg(not(target_family = "wasm"))]
    pub fn reopened(&self) -> Result<Self> {
        if !self.is_lost() {
            return Ok(self.clone());
        }
        let lost = |why: &str| Error::DeviceLost(format!("{why}; it was {}", self.info()));
        let opening = self.context.opening.as_ref();
        let opening = opening.ok_or_else(|| lost("the application opened the device, and has to open another"))?;
        let mut successor = lock(&self.context.successor);
        if let Some(context) = successor.upgrade() {
            drop(successor);
            let policy = self.policy.clone();
            return Self { context, policy }.reopened();
        }
        let device = opening.adapter.request_device(&device_descriptor(&opening.adapter));
        let (device, queue) = pollster::block_on(device)
            .map_err(|error| Error::NoAdapter(format!("{} could not be opened again: {error}", self.info())))?;
        #[cfg_attr(not(feature = "wrong-kernel"), expect(unused_mut, reason = "only tests change it"))]
        let mut raw = RawDevice::owned(device, queue, self.info().clone());
        #[cfg(feature = "wrong-kernel")]
        {
            raw.capabilities.loops = self.context.capabilities.loops;
        }
        let context = Arc::new(opening.clone().context(raw));
        *successor = Arc::downgrade(&context);
        Ok(Self {
            context,
            policy: self.policy.clone(),
        })
    }

    /// The features that kernels would use and this device lacks, with what that means: all of them are the adapter's fault
    /// where the device was made by [`Gpu::new`] or [`device_descriptor`].
    pub fn missing_features(&self) -> Vec<MissingFeature> {
        missing(self.info(), self.device_class(), self.device().features())
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
