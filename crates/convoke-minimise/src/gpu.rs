//! One file on one adapter.

use std::collections::BTreeMap;

use convoke::Gpu;
use wgpu::naga;

use crate::case::{Binding, Case, Type};
use crate::error::{Error, Result};
use crate::validity::validated;

/// What a binding that the file writes holds at last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub binding: Binding,
    /// How to read it.
    pub of: Type,
    /// Its bits.
    pub words: Vec<u32>,
}

/// Dispatches a file twice, on buffers made anew, and gives what the bindings hold that it may write.
///
/// Errors: `Argument` where a binding that the file uses is not described, or both dispatches differ, as with a race; `Device` where the
/// device refuses the file or its buffers.
pub fn execute(gpu: &Gpu, text: &str, case: &Case) -> Result<Vec<Held>> {
    let used = bindings(text)?;
    let program = Program::new(gpu, text, used)?;
    let first = program.dispatch(case)?;
    if program.dispatch(case)? != first {
        return Err(Error::Argument(
            "two dispatches of the same gave different results".to_owned(),
        ));
    }
    Ok(first)
}

/// A binding that the entry point uses.
struct Used {
    is_uniform: bool,
    is_written: bool,
    of: Type,
}

/// The bindings that a file's first entry point uses.
fn bindings(text: &str) -> Result<BTreeMap<Binding, Used>> {
    let (module, info) = validated(text).map_err(|message| Error::Device(format!("naga refuses the file: {message}")))?;
    if module.entry_points.is_empty() {
        return Err(Error::Argument("expected a file with an entry point, got none".to_owned()));
    }
    let uses = info.get_entry_point(0);
    let mut used = BTreeMap::new();
    for (handle, variable) in module.global_variables.iter() {
        let Some(at) = variable.binding.as_ref().filter(|_| !uses[handle].is_empty()) else {
            continue;
        };
        let is_written = match variable.space {
            naga::AddressSpace::Storage { access } => access.contains(naga::StorageAccess::STORE),
            _ => false,
        };
        let binding = Used {
            is_uniform: variable.space == naga::AddressSpace::Uniform,
            is_written,
            of: type_of(&module, variable.ty),
        };
        used.insert((at.group, at.binding), binding);
    }
    Ok(used)
}

/// The type of the numbers in it, where it has but one.
fn type_of(module: &naga::Module, handle: naga::Handle<naga::Type>) -> Type {
    let scalar = match &module.types[handle].inner {
        naga::TypeInner::Array { base, .. } => return type_of(module, *base),
        naga::TypeInner::Scalar(scalar) | naga::TypeInner::Vector { scalar, .. } | naga::TypeInner::Matrix { scalar, .. } => {
            *scalar
        }
        _ => return Type::U32,
    };
    match (scalar.kind, scalar.width) {
        (naga::ScalarKind::Float, 4) => Type::F32,
        (naga::ScalarKind::Sint, 4) => Type::I32,
        _ => Type::U32,
    }
}

struct Program<'a> {
    gpu: &'a Gpu,
    pipeline: wgpu::ComputePipeline,
    used: BTreeMap<Binding, Used>,
}

impl<'a> Program<'a> {
    fn new(gpu: &'a Gpu, text: &str, used: BTreeMap<Binding, Used>) -> Result<Self> {
        let device = gpu.device();
        let pipeline = caught(device, || {
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("minimise_wgsl"),
                source: wgpu::ShaderSource::Wgsl(text.into()),
            });
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some("minimise_wgsl"),
                layout: None,
                module: &module,
                entry_point: None,
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            })
        })?;
        Ok(Self { gpu, pipeline, used })
    }

    fn dispatch(&self, case: &Case) -> Result<Vec<Held>> {
        let device = self.gpu.device();
        for &(group, number) in self.used.keys() {
            if !case.bindings.contains_key(&(group, number)) {
                return Err(Error::Argument(format!(
                    "expected what `@group({group}) @binding({number})` holds, as a comment `//: binding {group}.{number} zeros 16`"
                )));
            }
        }
        let staged = caught(device, || self.submit(case))?;
        let mut held = Vec::new();
        for (binding, buffer) in staged {
            let mapped = map(device, &buffer);
            let bytes = mapped.and_then(|()| buffer.get_mapped_range(..).map_err(|error| Error::Device(error.to_string())))?;
            let words = bytes
                .chunks_exact(4)
                .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
            let of = self.used[&binding].of;
            held.push(Held {
                binding,
                of,
                words: words.collect(),
            });
        }
        Ok(held)
    }

    /// Submits the file on new buffers, and gives copies of those that it may write.
    fn submit(&self, case: &Case) -> Vec<(Binding, wgpu::Buffer)> {
        let device = self.gpu.device();
        let buffers = self
            .used
            .iter()
            .map(|(at, used)| (*at, self.buffer(used, &case.bindings[at])));
        let buffers: BTreeMap<Binding, wgpu::Buffer> = buffers.collect();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline);
            let last = self.used.keys().map(|&(group, _)| group).max();
            for group in last.map_or(0..0, |last| 0..last + 1) {
                pass.set_bind_group(group, &self.bind_group(group, &buffers), &[]);
            }
            let [x, y, z] = case.workgroups;
            pass.dispatch_workgroups(x, y, z);
        }
        let mut staged = Vec::new();
        for (at, buffer) in buffers.iter().filter(|(at, _)| self.used[at].is_written) {
            let staging = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("minimise_wgsl.readback"),
                size: buffer.size(),
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
            staged.push((*at, staging));
        }
        self.gpu.queue().submit([encoder.finish()]);
        staged
    }

    fn buffer(&self, used: &Used, words: &[u32]) -> wgpu::Buffer {
        let usage = if used.is_uniform {
            wgpu::BufferUsages::UNIFORM
        } else {
            wgpu::BufferUsages::STORAGE
        };
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let buffer = self.gpu.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("minimise_wgsl"),
            size: bytes.len() as u64,
            usage: usage | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        self.gpu.queue().write_buffer(&buffer, 0, &bytes);
        buffer
    }

    fn bind_group(&self, group: u32, buffers: &BTreeMap<Binding, wgpu::Buffer>) -> wgpu::BindGroup {
        let within = buffers.iter().filter(|((of, _), _)| *of == group);
        let entries = within.map(|((_, binding), buffer)| wgpu::BindGroupEntry {
            binding: *binding,
            resource: buffer.as_entire_binding(),
        });
        self.gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("minimise_wgsl"),
            layout: &self.pipeline.get_bind_group_layout(group),
            entries: &entries.collect::<Vec<_>>(),
        })
    }
}

fn map(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    caught(device, || {
        buffer.map_async(wgpu::MapMode::Read, .., move |mapped| {
            // Whoever asked waits below.
            let _ = sender.send(mapped);
        });
    })?;
    device
        .poll(wgpu::PollType::wait_indefinitely())
        .map_err(|error| Error::Device(error.to_string()))?;
    let mapped = receiver.recv().map_err(|error| Error::Device(error.to_string()))?;
    mapped.map_err(|error| Error::Device(error.to_string()))
}

/// What `act` gives, where the device reports nothing of it.
fn caught<T>(device: &wgpu::Device, act: impl FnOnce() -> T) -> Result<T> {
    let filters = [
        wgpu::ErrorFilter::OutOfMemory,
        wgpu::ErrorFilter::Internal,
        wgpu::ErrorFilter::Validation,
    ];
    let scopes = filters.map(|filter| device.push_error_scope(filter));
    let made = act();
    // Closed in the opposite order.
    let errors: Vec<_> = scopes
        .into_iter()
        .rev()
        .map(|scope| pollster::block_on(scope.pop()))
        .collect();
    match errors.into_iter().flatten().next() {
        None => Ok(made),
        Some(error) => Err(Error::Device(error.to_string())),
    }
}
