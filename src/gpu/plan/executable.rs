//! Turns a recording into commands: buffers assigned, pipelines and bind groups made, ready to run any number of times.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cancel;
use crate::error::Result;
use crate::gpu::device::adapter::AdapterKind;
use crate::gpu::device::context::Context;
use crate::gpu::device::pipeline::Pipeline;
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::plan::aliasing::{Bound, Span, writable_inputs};
use crate::gpu::plan::concat_elision::{Joining, join};
use crate::gpu::plan::memory::{Temporaries, lower_bound, share_least};
use crate::gpu::plan::recording::{Dispatch, Recording, SlotId, Value};
use crate::gpu::wgsl::kernel::PipelineKey;
use crate::turn::{Turns, at_once};

/// In how many pieces a run that takes long is submitted.
#[cfg(not(target_family = "wasm"))]
const PIECES: usize = 64;

/// The GPU memory of a plan, in bytes. Inputs and outputs are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Memory {
    /// Buffers for intermediate results, as allocated.
    pub planned: u64,
    /// The most that intermediate results take at the same time: no plan can do with less.
    pub lower_bound: u64,
    /// What intermediate results would take if each had a buffer of its own.
    pub unshared: u64,
    /// Weights, packed forms included.
    pub constants: u64,
}

/// A recording with everything made that its runs need.
#[derive(Debug)]
pub(crate) struct Executable {
    pub(crate) steps: Vec<Step>,
    locations: Vec<Option<Location>>,
    memory: Memory,
}

/// One kernel call, ready to be encoded.
#[derive(Debug)]
pub(crate) struct Step {
    /// The node of the graph that it belongs to.
    pub(crate) node: usize,
    /// The kernel's name.
    pub(crate) kernel: &'static str,
    pipeline: Arc<Pipeline>,
    bind_group: wgpu::BindGroup,
    workgroups: [u32; 3],
}

impl Executable {
    /// Assigns buffers, compiles what is not compiled yet, and runs the constant part. `check` may refuse the memory that all this
    /// takes, before any of it is taken.
    pub(crate) fn new(context: &Context, recording: &Recording, check: impl FnOnce(&Memory) -> Result<()>) -> Result<Self> {
        at_once(Self::by_turns(context, recording, check, &mut Turns::none()))
    }

    /// [`new`](Self::new) with turns after kernels that are made.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(clippy::unused_async, reason = "natively other threads compile meanwhile")
    )]
    pub(crate) async fn by_turns(
        context: &Context,
        recording: &Recording,
        check: impl FnOnce(&Memory) -> Result<()>,
        turns: &mut Turns,
    ) -> Result<Self> {
        let joining = join(recording);
        let every = joining.needed(recording);
        let (locations, memory) = locate(context, recording, &joining, &every, check)?;
        let once: Vec<&Dispatch> = recording.once.iter().collect();
        let keys = bound_keys(recording, &[once.as_slice(), every.as_slice()].concat(), &locations);
        let (once_keys, every_keys) = keys.split_at(once.len());
        #[cfg(target_family = "wasm")]
        context.compile_ahead(&keys, turns).await;
        let make = async {
            let once = steps(context, recording, (&once, once_keys), &locations, turns).await?;
            run_alone(context, "convoke.once", &once);
            steps(context, recording, (&every, every_keys), &locations, turns).await
        };
        #[cfg(not(target_family = "wasm"))]
        let steps = context.compile_ahead(&keys, || at_once(make))?;
        #[cfg(target_family = "wasm")]
        let steps = make.await?;
        context.check()?;
        Ok(Self {
            steps,
            locations,
            memory,
        })
    }

    /// Submits the dispatches by themselves.
    pub(crate) fn submit(&self, context: &Context) -> Result<()> {
        run_alone(context, "convoke.run", &self.steps);
        context.check()
    }

    /// Appends the dispatches to a command buffer. Of a run that takes long some are submitted before, a few at a time and each time
    /// when those before are done, so that what stops the run has the device do no more than that.
    pub(crate) fn encode(&self, context: &Context, is_long: bool, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        let left = if is_long { self.submit_most(context)? } else { &self.steps };
        encode(left, encoder);
        Ok(())
    }

    /// Submits all dispatches but some at the end, and gives these.
    #[cfg(not(target_family = "wasm"))]
    fn submit_most(&self, context: &Context) -> Result<&[Step]> {
        let piece = self.steps.len().div_ceil(PIECES);
        let mut left = self.steps.as_slice();
        while left.len() > piece {
            let (some, others) = left.split_at(piece);
            left = others;
            let mut own = context.encoder("convoke.piece");
            encode(some, &mut own);
            let submission = context.submit(own);
            context.check()?;
            context.wait_for(&submission)?;
        }
        Ok(left)
    }

    /// Nothing waits in a browser.
    #[cfg(target_family = "wasm")]
    fn submit_most(&self, _: &Context) -> Result<&[Step]> {
        Ok(&self.steps)
    }

    /// The buffer behind a value that was imported or exported, which has it to itself.
    pub(crate) fn buffer(&self, value: &Value) -> Option<Arc<PooledBuffer>> {
        let location = self.locations[value.slot?.0].as_ref()?;
        Some(Arc::clone(&location.buffer))
    }

    /// The kernels of a run, each with the SHA-256 of its WGSL.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn kernels(&self, context: &Context) -> Result<Vec<(String, String)>> {
        let kernel = |step: &Step| Ok((step.kernel.to_owned(), step.pipeline.sha256(context)?));
        self.steps.iter().map(kernel).collect()
    }

    /// How many dispatches a run is.
    pub(crate) fn dispatches(&self) -> usize {
        self.steps.len()
    }

    /// What the buffers take.
    pub(crate) fn memory(&self) -> Memory {
        self.memory
    }
}

/// Submits steps by themselves.
pub(crate) fn run_alone(context: &Context, label: &str, steps: &[Step]) {
    if steps.is_empty() {
        return;
    }
    let mut encoder = context.encoder(label);
    encode(steps, &mut encoder);
    context.submit(encoder);
}

fn encode(steps: &[Step], encoder: &mut wgpu::CommandEncoder) {
    if steps.is_empty() {
        return;
    }
    encode_timed(steps, encoder, None);
}

/// Encodes steps as one pass, at whose ends timestamps may be written.
pub(crate) fn encode_timed(
    steps: &[Step],
    encoder: &mut wgpu::CommandEncoder,
    timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some("convoke"),
        timestamp_writes,
    });
    for step in steps {
        pass.set_pipeline(&step.pipeline.handle);
        pass.set_bind_group(0, &step.bind_group, &[]);
        let [x, y, z] = step.workgroups;
        pass.dispatch_workgroups(x, y, z);
    }
}

/// The memory of a slot: a range of a buffer from here on.
#[derive(Clone, Debug)]
struct Location {
    buffer: Arc<PooledBuffer>,
    offset: u64,
}

/// Gives each slot its memory. Parts of joined tensors lie in them, and intermediate results share buffers.
fn locate(
    context: &Context,
    recording: &Recording,
    joining: &Joining,
    every: &[&Dispatch],
    check: impl FnOnce(&Memory) -> Result<()>,
) -> Result<(Vec<Option<Location>>, Memory)> {
    let temporaries = Temporaries::of(recording, joining, every);
    let alignment = u64::from(recording.capabilities.limits.min_storage_buffer_offset_alignment).max(16);
    let sharing = share_least(&temporaries, alignment, recording.capabilities.limits.max_buffer_size);
    let constants = recording.slots.iter().filter(|slot| slot.constant).map(|slot| slot.bytes);
    let mut memory = Memory {
        planned: sharing.sizes.iter().sum(),
        lower_bound: lower_bound(&temporaries.lives),
        unshared: temporaries.lives.iter().map(|life| life.bytes).sum(),
        constants: constants.sum(),
    };
    check(&memory)?;
    let mut roots: Vec<Option<Location>> = Vec::with_capacity(recording.slots.len());
    for (index, slot) in recording.slots.iter().enumerate() {
        let is_root = joining.place(SlotId(index)).root.0 == index;
        let buffer = match &slot.buffer {
            None if is_root && (slot.constant || slot.exported) => Some(context.take(slot.bytes)?),
            known => known.clone(),
        };
        if let (Some(buffer), Some(data)) = (&buffer, &slot.data) {
            context.write_buffer(buffer.buffer(), bytemuck::cast_slice(data));
        }
        roots.push(buffer.map(|buffer| Location { buffer, offset: 0 }));
    }
    let shared = sharing
        .sizes
        .iter()
        .map(|&bytes| context.take(bytes))
        .collect::<Result<Vec<_>>>()?;
    for (&slot, spot) in temporaries.slots.iter().zip(&sharing.spots) {
        roots[slot.0] = Some(Location {
            buffer: Arc::clone(&shared[spot.buffer]),
            offset: spot.offset,
        });
    }
    memory.planned = shared.iter().map(|buffer| buffer.buffer().size()).sum();
    let locations = joining.places.iter().map(|place| {
        let root = roots[place.root.0].as_ref()?;
        Some(Location {
            buffer: Arc::clone(&root.buffer),
            offset: root.offset + place.offset,
        })
    });
    Ok((locations.collect(), memory))
}

/// The kernel for each dispatch where its slots lie.
fn bound_keys(recording: &Recording, dispatches: &[&Dispatch], locations: &[Option<Location>]) -> Vec<PipelineKey> {
    let span = |slot: &SlotId| {
        locations[slot.0].as_ref().map(|location| Span {
            buffer: Arc::as_ptr(&location.buffer),
            bytes: location.offset..location.offset + recording.slots[slot.0].bytes.max(1),
        })
    };
    let bound: Vec<_> = dispatches
        .iter()
        .map(|dispatch| Bound {
            kernel: &dispatch.key,
            inputs: dispatch.inputs.iter().map(span).collect(),
            outputs: dispatch.outputs.iter().map(span).collect(),
        })
        .collect();
    let masks = writable_inputs(&bound);
    let keys = dispatches.iter().zip(masks).map(|(dispatch, writable)| PipelineKey {
        writable,
        ..dispatch.key.clone()
    });
    keys.collect()
}

/// Makes pipelines, one buffer for all parameters, and bind groups: one for all dispatches of a kernel that bind the same.
#[expect(
    clippy::mutable_key_type,
    reason = "buffers are equal where they are the same, whatever they hold"
)]
async fn steps(
    context: &Context,
    recording: &Recording,
    (dispatches, keys): (&[&Dispatch], &[PipelineKey]),
    locations: &[Option<Location>],
    turns: &mut Turns,
) -> Result<Vec<Step>> {
    if dispatches.is_empty() {
        return Ok(Vec::new());
    }
    let (bytes, offsets) = packed_parameters(context, dispatches);
    let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    let parameters = context.create_buffer("convoke.parameters", bytes.len() as u64, usage);
    context.write_buffer(&parameters, &bytes);

    let storage = |slot: &SlotId| {
        let Location { buffer, offset } = locations[slot.0].as_ref()?;
        // Kernels that work on vec4 may touch the rest of the last one.
        let size = recording.slots[slot.0].bytes.next_multiple_of(16);
        Some(Binding {
            buffer: buffer.buffer(),
            offset: *offset,
            size,
        })
    };
    let mut groups: HashMap<(*const Pipeline, Vec<Binding<'_>>), wgpu::BindGroup> = HashMap::new();
    let mut steps = Vec::with_capacity(dispatches.len());
    for ((dispatch, key), offset) in dispatches.iter().zip(keys).zip(offsets) {
        cancel::check()?;
        let pipeline = context.pipeline(key)?;
        let uniform = Binding {
            buffer: &parameters,
            offset,
            size: dispatch.parameters.len() as u64,
        };
        let slots = dispatch.inputs.iter().chain(&dispatch.outputs);
        let bindings: Vec<_> = std::iter::once(uniform).chain(slots.filter_map(storage)).collect();
        let kernel = dispatch.key.kernel.source().name;
        let group = groups.entry((Arc::as_ptr(&pipeline), bindings));
        let bind_group = group.or_insert_with_key(|(_, bindings)| bind_group(context, &pipeline, kernel, bindings));
        let step = Step {
            node: dispatch.node,
            kernel,
            bind_group: bind_group.clone(),
            pipeline,
            workgroups: dispatch.workgroups,
        };
        finish_compiling(context, &step);
        steps.push(step);
        turns.next().await;
    }
    Ok(steps)
}

/// All kernels' parameters as they lie in one buffer, each form of them once, and where each kernel's begin.
fn packed_parameters<'a>(context: &Context, dispatches: &[&'a Dispatch]) -> (Vec<u8>, Vec<u64>) {
    let alignment = context.capabilities.limits.min_uniform_buffer_offset_alignment as usize;
    let mut bytes = Vec::new();
    let mut known: HashMap<&'a [u8], u64> = HashMap::new();
    let place = |dispatch: &&'a Dispatch| {
        *known.entry(&dispatch.parameters).or_insert_with(|| {
            bytes.resize(bytes.len().next_multiple_of(alignment), 0);
            let offset = bytes.len() as u64;
            bytes.extend_from_slice(&dispatch.parameters);
            offset
        })
    };
    let offsets = dispatches.iter().map(place).collect();
    (bytes, offsets)
}

/// A range of a buffer, as a kernel sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Binding<'a> {
    buffer: &'a wgpu::Buffer,
    offset: u64,
    size: u64,
}

fn bind_group(context: &Context, pipeline: &Pipeline, kernel: &str, bindings: &[Binding<'_>]) -> wgpu::BindGroup {
    let entries: Vec<_> = bindings
        .iter()
        .zip(0..)
        .map(|(&Binding { buffer, offset, size }, binding)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                buffer,
                offset,
                size: std::num::NonZeroU64::new(size),
            }),
        })
        .collect();
    let label = format!("convoke.{kernel}");
    let descriptor = wgpu::BindGroupDescriptor {
        label: Some(&label),
        layout: &pipeline.layout,
        entries: &entries,
    };
    context.made.bind_groups.fetch_add(1, Ordering::Relaxed);
    context.scoped(|| context.device.create_bind_group(&descriptor))
}

/// Software adapters compile a kernel when it first runs: so one workgroup runs now, while the next kernel is being
/// prepared. What it writes is overwritten before anybody reads it.
fn finish_compiling(context: &Context, step: &Step) {
    let software = context.info.kind == AdapterKind::Software;
    if step.pipeline.submitted.swap(true, Ordering::Relaxed) || !software || step.workgroups.contains(&0) {
        return;
    }
    let alone = Step {
        node: step.node,
        kernel: step.kernel,
        pipeline: Arc::clone(&step.pipeline),
        bind_group: step.bind_group.clone(),
        workgroups: [1, 1, 1],
    };
    run_alone(context, "convoke.compile", &[alone]);
}
