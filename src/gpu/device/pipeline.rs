//! Pipelines, made once for each kernel and set of constants.

use std::collections::HashMap;
#[cfg(not(target_family = "wasm"))]
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[cfg(target_family = "wasm")]
use wasm_bindgen_futures::JsFuture;

#[cfg(not(target_family = "wasm"))]
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::gpu::device::raw_device::RawDevice;
use crate::gpu::wgsl::dump::{dump, dump_for_browsers};
use crate::gpu::wgsl::kernel::{Code, Dialect, Kernel, PipelineKey};
use crate::lock::lock;
#[cfg(target_family = "wasm")]
use crate::turn::Turns;

/// A compiled kernel with the layout of its bindings.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) handle: wgpu::ComputePipeline,
    pub(crate) layout: wgpu::BindGroupLayout,
    #[cfg(not(target_family = "wasm"))]
    key: PipelineKey,
    /// Whether it has been submitted: some drivers finish compiling only then.
    pub(crate) submitted: AtomicBool,
}

/// The pipelines made so far. Each has a lock of its own, so that several are compiled at once, and none twice.
#[derive(Debug, Default)]
pub(crate) struct Pipelines {
    compiled: Mutex<HashMap<PipelineKey, Entry>>,
    made: AtomicUsize,
}

type Entry = Arc<Mutex<Option<Arc<Pipeline>>>>;

impl Pipelines {
    pub(crate) fn get(&self, device: &RawDevice, key: &PipelineKey) -> Result<Arc<Pipeline>> {
        let entry = lock(&self.compiled).entry(key.clone()).or_default().clone();
        let mut entry = lock(&entry);
        if let Some(pipeline) = &*entry {
            return Ok(Arc::clone(pipeline));
        }
        let pipeline = Arc::new(compile(device, key)?);
        self.made.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::clone(entry.insert(pipeline)))
    }

    /// Has threads compile these pipelines while `work` runs, which gets them when they are there. What cannot be compiled
    /// is for whoever gets it to find out.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn ahead<T>(&self, device: &RawDevice, keys: &[PipelineKey], work: impl FnOnce() -> T) -> T {
        let mut seen = HashSet::new();
        let mut missing: Vec<&PipelineKey> = keys.iter().filter(|&key| seen.insert(key)).collect();
        {
            let compiled = lock(&self.compiled);
            missing.retain(|&key| !compiled.contains_key(key));
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(missing.len());
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let compile = || {
                    while let Some(key) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let _ = self.get(device, key);
                    }
                };
                // Without another thread the work compiles by itself.
                let _ = std::thread::Builder::new().spawn_scoped(scope, compile);
            }
            let result = work();
            next.store(missing.len(), Ordering::Relaxed);
            result
        })
    }

    /// Has the browser compile these pipelines, several at once, and waits for them. What cannot be compiled is for whoever gets it to
    /// find out.
    #[cfg(target_family = "wasm")]
    pub(crate) async fn ahead(&self, device: &RawDevice, keys: &[PipelineKey], turns: &mut Turns) {
        let Some(browser) = device.browser.filter(|_| turns.may_wait()) else {
            return;
        };
        let mut compiling = HashMap::new();
        for key in keys {
            if compiling.contains_key(key) || lock(&self.compiled).contains_key(key) {
                continue;
            }
            if let Ok(text) = text(device, key) {
                let parts = device.scoped(|| Parts::new(device, key, text));
                compiling.insert(key, browser.compiled(&parts.label).map(|promise| (parts, promise)));
            }
            turns.next().await;
        }
        let total = compiling.len();
        for (index, (key, compiling)) in compiling.into_iter().enumerate() {
            if let Ok((parts, promise)) = compiling
                && let Ok(handle) = JsFuture::from(promise).await
            {
                let pipeline = browser.lent(&handle, || device.scoped(|| parts.pipeline(device, key)));
                let entry = lock(&self.compiled).entry(key.clone()).or_default().clone();
                lock(&entry).get_or_insert_with(|| Arc::new(pipeline));
                self.made.fetch_add(1, Ordering::Relaxed);
            }
            turns.tell(index + 1, total);
        }
    }

    /// How many pipelines have been made.
    pub(crate) fn len(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

/// The text that the driver gets.
fn text(device: &RawDevice, key: &PipelineKey) -> Result<String> {
    // What the ceiling's kernel is for is to show the most that a driver can make of it.
    let dialect = if device.capabilities.hides_parameters() && key.kernel != Kernel::CeilingMultiplyAdd.into() {
        Dialect::HiddenUniforms
    } else {
        Dialect::HERE
    };
    let text = key.wgsl(dialect).map_err(Error::Internal)?;
    #[cfg(feature = "wrong-kernel")]
    let text = match &device.wrong_kernel {
        Some(wrong) => wrong.apply(key.kernel.source().name, text)?,
        None => text,
    };
    Ok(text)
}

#[cfg(not(target_family = "wasm"))]
impl Pipeline {
    /// SHA-256 of the WGSL that the driver got, for certificates.
    pub(crate) fn sha256(&self, device: &RawDevice) -> Result<String> {
        Ok(Digest::of(text(device, &self.key)?.as_bytes()))
    }
}

fn compile(device: &RawDevice, key: &PipelineKey) -> Result<Pipeline> {
    let text = text(device, key)?;
    dump(key, &text);
    let made = device.guarded(|| {
        let parts = Parts::new(device, key, text);
        device.faults.before_call(&device.device);
        parts.pipeline(device, key)
    });
    if made.is_ok() {
        dump_for_browsers(key);
    }
    made.map_err(|error| match error {
        Error::Gpu(message) if matches!(key.kernel, Code::Custom(_)) => {
            Error::invalid(key.kernel.source().name, format!("its kernel is refused: {message}"))
        }
        other => other,
    })
}

/// What a pipeline is compiled from.
struct Parts {
    label: String,
    module: wgpu::ShaderModule,
    layout: wgpu::BindGroupLayout,
    pipeline_layout: wgpu::PipelineLayout,
}

impl Parts {
    fn new(device: &RawDevice, key: &PipelineKey, text: String) -> Self {
        let label = format!("convoke.{}", key.kernel.source().name);
        log::debug!("compiling {label} {:?}", key.constants);
        let module = device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(&label),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        device.faults.before_call(&device.device);
        let layout = bind_group_layout(&device.device, &label, key);
        device.faults.before_call(&device.device);
        let pipeline_layout = device.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&label),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        Self {
            label,
            module,
            layout,
            pipeline_layout,
        }
    }

    #[cfg_attr(target_family = "wasm", expect(unused_variables, reason = "certificates are made natively"))]
    fn pipeline(self, device: &RawDevice, key: &PipelineKey) -> Pipeline {
        let handle = device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&self.label),
            layout: Some(&self.pipeline_layout),
            module: &self.module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            #[cfg(not(target_family = "wasm"))]
            cache: device
                .pipeline_cache
                .as_ref()
                .map(crate::gpu::device::pipeline_cache::PipelineCache::handle),
            #[cfg(target_family = "wasm")]
            cache: None,
        });
        Pipeline {
            handle,
            layout: self.layout,
            #[cfg(not(target_family = "wasm"))]
            key: key.clone(),
            submitted: AtomicBool::new(false),
        }
    }
}

fn bind_group_layout(device: &wgpu::Device, label: &str, key: &PipelineKey) -> wgpu::BindGroupLayout {
    let source = key.kernel.source();
    let bindings = (source.inputs.len() + source.outputs.len()) as u32;
    let entries: Vec<_> = (0..=bindings)
        .map(|binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match binding {
                    0 => wgpu::BufferBindingType::Uniform,
                    _ => wgpu::BufferBindingType::Storage {
                        read_only: key.only_reads(binding),
                    },
                },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(label),
        entries: &entries,
    })
}
