//! What runs with one set of input shapes share on the GPU, and how a run goes.

use std::collections::HashSet;
use std::sync::Arc;

use crate::dtype::TensorType;
use crate::error::Result;
use crate::gpu::device::context::Context;
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::device::readback::{Readback, staging_buffer};
use crate::gpu::device::stored::{from_stored, stored_bytes, stored_precision};
use crate::gpu::device::tensor::write;
#[cfg(not(target_family = "wasm"))]
use crate::gpu::device::tensor::write_at_once;
use crate::gpu::plan::executable::Executable;
use crate::gpu::plan::recording::{Recording, SlotId, Value};
use crate::limits::Work;
use crate::precision::Precision;
use crate::profiling::Layer;
use crate::tensor::{Tensor, TensorView};

/// Everything that runs with one set of input shapes share.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) inputs: Vec<Option<Arc<PooledBuffer>>>,
    pub(super) input_types: Vec<TensorType>,
    pub(super) precision: Precision,
    pub(super) executable: Executable,
    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "only what blocks has a time to keep"))]
    pub(super) work: Work,
    /// The operators that the passes left, whose numbers the dispatches bear.
    pub(super) layers: Vec<Layer>,
    pub(super) outputs: Vec<Output>,
    pub(super) output_bytes: u64,
    /// Memory of the host that results are copied to, unless it maps the outputs themselves.
    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "only what blocks reads by it"))]
    pub(super) staging: Option<wgpu::Buffer>,
    /// Staging memory of awaited runs that are over.
    pub(super) spare: Vec<wgpu::Buffer>,
}

/// An output of a plan, and how it is stored.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) value: Value,
    pub(super) precision: Precision,
}

impl Output {
    pub(super) fn new(value: Value, precision: Precision) -> Self {
        let precision = stored_precision(value.dtype, precision);
        Self { value, precision }
    }

    /// In whole words.
    pub(super) fn bytes(&self) -> u64 {
        stored_bytes(&self.value.shape, self.precision)
    }
}

impl Plan {
    /// Memory of the host for the results of one awaited run, put among the `spare` when that is over.
    pub(super) fn spare_staging(&mut self, context: &Context) -> Result<wgpu::Buffer> {
        match self.spare.pop() {
            Some(spare) => Ok(spare),
            None => staging_buffer(context, self.output_bytes.max(4)),
        }
    }

    /// Queues the inputs' writes.
    pub(super) fn write_inputs(&self, context: &Context, inputs: &[TensorView<'_>]) -> Result<()> {
        for_each_input(&self.inputs, inputs, |buffer, array| {
            write(context, buffer, array, self.precision)
        })
    }

    /// Writes the inputs and submits everything. The plan must not run again before the results are read: the host maps them.
    #[cfg(not(target_family = "wasm"))]
    fn start(&self, context: &Context, inputs: &[TensorView<'_>]) -> Result<Option<Readback>> {
        for_each_input(&self.inputs, inputs, |buffer, array| {
            write_at_once(context, buffer, array, self.precision)
        })?;
        self.finish(context, self.encoded(context, self.work.is_long())?, self.staging.as_ref())
    }

    /// A whole run.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn run(&self, context: &Context, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        match self.start(context, inputs)? {
            None => self.split(&[]),
            Some(readback) => readback.finish_blocking(context, |parts| self.split(parts))?,
        }
    }

    /// [`run`](Self::run), as [`Readback::finish_here`] waits.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(clippy::unused_async, reason = "natively the thread waits")
    )]
    pub(super) async fn run_here(&self, context: &Context, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        #[cfg(not(target_family = "wasm"))]
        return self.run(context, inputs);
        #[cfg(target_family = "wasm")]
        match self.start_into(context, inputs, &staging_buffer(context, self.output_bytes.max(4))?)? {
            None => self.split(&[]),
            Some(readback) => readback.finish(context, |parts| self.split(parts)).await?,
        }
    }

    /// Queues the inputs' writes and submits everything up to the copy of the outputs into `staging`. Waits for nothing.
    pub(super) fn start_into(
        &self,
        context: &Context,
        inputs: &[TensorView<'_>],
        staging: &wgpu::Buffer,
    ) -> Result<Option<Readback>> {
        self.write_inputs(context, inputs)?;
        self.finish(context, self.encoded(context, false)?, Some(staging))
    }

    fn encoded(&self, context: &Context, is_long: bool) -> Result<wgpu::CommandEncoder> {
        let mut encoder = context.encoder("convoke.session");
        self.executable.encode(context, is_long, &mut encoder)?;
        Ok(encoder)
    }

    /// Copies the outputs into `staging`, if there is any, and submits; `None` where there is nothing to read.
    pub(super) fn finish(
        &self,
        context: &Context,
        mut encoder: wgpu::CommandEncoder,
        staging: Option<&wgpu::Buffer>,
    ) -> Result<Option<Readback>> {
        if self.output_bytes == 0 {
            return Ok(None);
        }
        let buffers = self.outputs.iter().filter_map(|output| {
            let buffer = self.executable.buffer(&output.value)?;
            Some((buffer.buffer().clone(), output.bytes()))
        });
        let Some(staging) = staging else {
            return Readback::submit(context, encoder, buffers).map(Some);
        };
        let mut offset = 0;
        for (buffer, bytes) in buffers {
            encoder.copy_buffer_to_buffer(&buffer, 0, staging, offset, bytes);
            offset += bytes;
        }
        Readback::submit(context, encoder, [(staging.clone(), offset)]).map(Some)
    }

    pub(super) fn split(&self, parts: &[&[u8]]) -> Result<Vec<Tensor>> {
        split_outputs(&self.outputs, parts)
    }
}

/// Whether the host can map the outputs while no run is under way: each has a buffer that nothing but this plan uses.
pub(super) fn are_mappable(recording: &Recording, outputs: &[Output]) -> bool {
    let slots: Vec<SlotId> = outputs.iter().filter_map(|output| output.value.slot).collect();
    let distinct: HashSet<SlotId> = slots.iter().copied().collect();
    distinct.len() == slots.len() && slots.iter().all(|slot| recording.slots[slot.0].buffer.is_none())
}

/// Hands each array with its buffer to `write`; one without elements has none.
pub(super) fn for_each_input(
    buffers: &[Option<Arc<PooledBuffer>>],
    arrays: &[TensorView<'_>],
    write: impl Fn(&wgpu::Buffer, &TensorView<'_>) -> Result<()>,
) -> Result<()> {
    let mut pairs = buffers.iter().zip(arrays);
    pairs.try_for_each(|(buffer, array)| buffer.as_ref().map_or(Ok(()), |buffer| write(buffer.buffer(), array)))
}

/// Takes the outputs apart that lie one after another, each in one of the parts.
pub(super) fn split_outputs(outputs: &[Output], parts: &[&[u8]]) -> Result<Vec<Tensor>> {
    let mut parts = parts.iter();
    let mut data: &[u8] = &[];
    outputs
        .iter()
        .map(|output| {
            if data.is_empty() && output.bytes() > 0 {
                data = parts.next().copied().unwrap_or_default();
            }
            let (own, rest) = data.split_at(output.bytes() as usize);
            data = rest;
            let Output { value, precision } = output;
            from_stored(value.dtype, &value.shape, own, *precision)
        })
        .collect()
}
