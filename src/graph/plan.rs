//! A graph on the GPU: weights uploaded once, and for each set of input shapes a plan that runs any number of times.

use std::collections::HashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::answers::answers;
use super::kept::Kept;
use super::passes::split_linear;
use super::profile::Layer;
#[cfg(not(target_family = "wasm"))]
use super::verify::{Check, check_values};
use super::{Graph, NAME, Node, Pass, ValueId};
use crate::error::{Error, Result};
#[cfg(not(target_family = "wasm"))]
use crate::gpu::write_at_once;
use crate::gpu::{
    BufferPool, Context, DType, Decision, Executable, Gpu, PooledBuffer, Readback, Recording, SlotId, Stored, Tensor, Value, lower,
    staging_buffer, stored_bytes, write,
};
use crate::precision::Precision;
use crate::reference::Answer;

/// The GPU's part of a session: constants uploaded, a plan for each set of input shapes.
#[derive(Debug)]
pub(super) struct GpuEngine {
    pub(super) gpu: Gpu,
    /// The graph after the passes that need no shapes.
    graph: Graph,
    early_passes: Vec<Pass>,
    /// The passes that are left for when the shapes are known.
    late_passes: Vec<Pass>,
    constants: Vec<Option<Tensor>>,
    /// How constants, inputs and what operators make of them are stored.
    precision: Precision,
    plans: Kept<Arc<Mutex<Plan>>>,
}

/// Everything that runs with one set of input shapes share.
#[derive(Debug)]
pub(super) struct Plan {
    inputs: Vec<Option<Arc<PooledBuffer>>>,
    precision: Precision,
    pub(super) executable: Executable,
    /// The operators that the passes left, whose numbers the dispatches bear.
    pub(super) layers: Vec<Layer>,
    pub(super) outputs: Vec<Output>,
    pub(super) output_bytes: u64,
    /// Memory of the host that results are copied to, unless it maps the outputs themselves.
    pub(super) staging: Option<wgpu::Buffer>,
    /// Staging memory of awaited runs that are over.
    pub(super) spare: Vec<wgpu::Buffer>,
}

/// An output of a plan, and how it is stored.
#[derive(Clone, Debug)]
pub(super) struct Output {
    value: Value,
    precision: Precision,
}

impl Output {
    fn new(value: Value, precision: Precision) -> Self {
        let precision = match value.dtype {
            DType::F32 => precision,
            DType::U32 => Precision::F32,
        };
        Self { value, precision }
    }

    /// In whole words.
    fn bytes(&self) -> u64 {
        stored_bytes(&self.value.shape, self.precision)
    }
}

impl GpuEngine {
    /// Applies the passes that need no shapes and uploads the constants that they leave.
    pub(super) fn new(
        gpu: &Gpu,
        graph: &Graph,
        passes: &[Pass],
        precision: Precision,
        plans_kept: Arc<AtomicUsize>,
    ) -> Result<Self> {
        // From the first pass that uses shapes on, all wait for them: their order stays.
        let late = passes.iter().position(|pass| pass.uses_shapes()).unwrap_or(passes.len());
        let (early, late) = passes.split_at(late);
        let mut early = early.to_vec();
        early.extend(passes.contains(&Pass::RemoveDeadCode).then_some(Pass::RemoveDeadCode));
        let mut engine = Self {
            gpu: gpu.clone(),
            graph: early_graph(gpu, graph, &early)?,
            early_passes: early,
            late_passes: late.to_vec(),
            constants: Vec::new(),
            precision,
            plans: Kept::new(plans_kept),
        };
        let upload = |array: &Arc<ArrayD<f32>>| Tensor::constant(&gpu.context, &array.view(), precision);
        let constants = engine.graph.values.iter();
        let constants = constants.map(|value| value.constant.as_ref().map(upload).transpose());
        engine.constants = constants.collect::<Result<_>>()?;
        Ok(engine)
    }

    /// What the reference makes of the graph that runs, whose weights are those that are rounded. `graph` is what the engine
    /// was made from.
    pub(super) fn answers(&self, graph: &Graph, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<Answer>> {
        let shapes: Vec<&[usize]> = inputs.iter().map(ArrayViewD::shape).collect();
        let graph = early_graph(&self.gpu, graph, &self.early_passes)?.optimized(&self.late_passes, Some(&shapes))?;
        answers(&graph, inputs, self.precision, self.gpu.winograd())
    }

    /// The plan for these shapes, made where it is not there.
    pub(super) fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Mutex<Plan>>> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let check = || self.graph.shapes(&known);
        let make = |_| Ok(Arc::new(Mutex::new(self.make_plan(shapes)?)));
        self.plans.get_or_make(shapes, check, make)
    }

    /// The plan for these shapes, if it is there.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn known_plan(&self, shapes: &[Vec<usize>]) -> Option<Arc<Mutex<Plan>>> {
        self.plans.get(shapes)
    }

    pub(super) fn has_plans(&self) -> bool {
        !self.plans.is_empty()
    }

    /// The layers that several kernels could compute, for these shapes of the inputs.
    pub(super) fn tunable(&self, inputs: &[&[usize]]) -> Result<Vec<Tunable>> {
        // What is refused takes no memory.
        self.graph.shapes(inputs)?;
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|shape| shape.to_vec()).collect();
        let lowered = self.lower(&shapes)?;
        let Recording { decisions, slots, .. } = &lowered.recording;
        let operand = |value: &ValueId| {
            let value = lowered.values[value.0].as_ref()?;
            let is_constant = value.slot.is_some_and(|slot| slots[slot.0].constant);
            Some((value.shape.clone(), is_constant))
        };
        let layers = decisions.iter().map(|&decision| {
            let node = lowered.graph.nodes[decision.node].clone();
            let operands = node.inputs.iter().filter_map(operand).collect();
            Tunable {
                node,
                operands,
                decision,
            }
        });
        Ok(layers.collect())
    }

    fn make_plan(&self, shapes: &[Vec<usize>]) -> Result<Plan> {
        let context = &self.gpu.context;
        let mut lowered = self.lower(shapes)?;
        let outputs: Vec<Output> = lowered
            .graph
            .outputs
            .iter()
            .filter_map(|value| Some(Output::new(lowered.values[value.0].clone()?, self.precision)))
            .collect();
        for output in &outputs {
            lowered.recording.export(&output.value);
        }
        let executable = Executable::new(context, &lowered.recording)?;
        let output_bytes = outputs.iter().map(Output::bytes).sum::<u64>();
        let staging = if context.maps_storage && are_mappable(&lowered.recording, &outputs) {
            None
        } else {
            Some(staging_buffer(context, output_bytes.max(4))?)
        };
        let shape = |value: ValueId| {
            lowered.values[value.0]
                .as_ref()
                .map_or(&[][..], |value| value.shape.as_slice())
        };
        let bytes = self.precision.bytes();
        let layers = lowered
            .graph
            .nodes
            .iter()
            .map(|node| Layer::new(node, bytes, shape))
            .collect();
        Ok(Plan {
            inputs: lowered.inputs,
            precision: self.precision,
            executable,
            layers,
            outputs,
            output_bytes,
            staging,
            spare: Vec::new(),
        })
    }

    /// Applies the passes that were waiting for shapes and records every operator.
    fn lower(&self, shapes: &[Vec<usize>]) -> Result<Lowered> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        self.graph.check_inputs(&known)?;
        let graph = self.graph.optimized(&self.late_passes, Some(&known))?;
        let context = &self.gpu.context;
        let mut recording = self.gpu.recording();
        recording.precision = self.precision;
        let mut import = |tensor: &Tensor| recording.import(tensor.buffer.clone(), &tensor.shape, DType::F32, true);
        let mut values: Vec<Option<Value>> = self.constants.iter().map(|tensor| tensor.as_ref().map(&mut import)).collect();
        // Passes that wait for the shapes may leave constants of their own.
        values.resize(graph.values.len(), None);
        for (value, info) in values.iter_mut().zip(&graph.values) {
            if let (None, Some(array)) = (&value, &info.constant) {
                *value = Some(import(&Tensor::constant(context, &array.view(), self.precision)?));
            }
        }
        let mut inputs = Vec::new();
        for (value, shape) in graph.inputs.iter().zip(shapes) {
            let elements = crate::shape::element_count(NAME, shape)?;
            let bytes = context.capabilities.check_stored(NAME, elements, self.precision)?;
            let buffer = if elements == 0 {
                None
            } else {
                Some(BufferPool::take(context, bytes)?)
            };
            values[value.0] = Some(recording.import(buffer.clone(), shape, DType::F32, false));
            inputs.push(buffer);
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            recording.node = index;
            let operands: Vec<Value> = node.inputs.iter().filter_map(|value| values[value.0].clone()).collect();
            let outputs = lower(&node.op, &operands, &mut recording).map_err(|error| node.locate(error))?;
            for (value, output) in node.outputs.iter().zip(outputs) {
                values[value.0] = Some(output);
            }
        }
        Ok(Lowered {
            graph,
            recording,
            values,
            inputs,
        })
    }

    /// Runs with every value kept, and checks each operator by itself. Gives the outputs as well.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn verify(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<(Vec<Check>, Vec<ArrayD<f32>>)> {
        let context = &self.gpu.context;
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|array| array.shape().to_vec()).collect();
        let mut lowered = self.lower(&shapes)?;
        for value in lowered.values.iter().flatten() {
            lowered.recording.export(value);
        }
        let executable = Executable::new(context, &lowered.recording)?;
        for_each_input(&lowered.inputs, inputs, |buffer, array| {
            write(context, buffer, array, self.precision)
        })?;
        executable.submit(context)?;
        let read = |value: &Value| -> Result<ArrayD<f32>> {
            let tensor = Tensor {
                context: Arc::clone(context),
                buffer: executable.buffer(value),
                shape: value.shape.clone(),
                dtype: value.dtype,
                precision: Output::new(value.clone(), self.precision).precision,
            };
            match value.dtype {
                DType::F32 => tensor.read(),
                DType::U32 => Ok(tensor.read::<u32>()?.mapv(|index| index as f32)),
            }
        };
        let values = lowered
            .values
            .iter()
            .map(|value| value.as_ref().map(read).transpose())
            .collect::<Result<Vec<_>>>()?;
        let checks = check_values(&lowered.graph, &values, self.precision, self.gpu.winograd())?;
        let outputs = lowered.graph.outputs.iter().filter_map(|value| values[value.0].clone());
        Ok((checks, outputs.collect()))
    }
}

/// The graph after passes that need no shapes, with layers that the device can bind.
fn early_graph(gpu: &Gpu, graph: &Graph, passes: &[Pass]) -> Result<Graph> {
    let mut graph = graph.optimized(passes, None)?;
    let limits = &gpu.context.capabilities.limits;
    let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) / 4;
    split_linear::run(&mut graph, usize::try_from(most).unwrap_or(usize::MAX));
    Ok(graph)
}

/// A layer that several kernels could compute.
#[derive(Debug)]
pub(crate) struct Tunable {
    pub(crate) node: Node,
    /// The shapes of its operands, and whether each is the same in every run.
    #[cfg_attr(
        not(all(feature = "tune", not(target_family = "wasm"))),
        expect(dead_code, reason = "only the tuner asks")
    )]
    pub(crate) operands: Vec<(Vec<usize>, bool)>,
    pub(crate) decision: Decision,
}

/// A graph made ready for the shapes of its inputs, with what each of its values became.
struct Lowered {
    graph: Graph,
    recording: Recording,
    values: Vec<Option<Value>>,
    inputs: Vec<Option<Arc<PooledBuffer>>>,
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
    pub(super) fn write_inputs(&self, context: &Context, inputs: &[ArrayViewD<'_, f32>]) -> Result<()> {
        for_each_input(&self.inputs, inputs, |buffer, array| {
            write(context, buffer, array, self.precision)
        })
    }

    /// Writes the inputs and submits everything. The plan must not run again before the results are read: the host maps them.
    #[cfg(not(target_family = "wasm"))]
    pub(super) fn start(&self, context: &Context, inputs: &[ArrayViewD<'_, f32>]) -> Result<Option<Readback>> {
        for_each_input(&self.inputs, inputs, |buffer, array| {
            write_at_once(context, buffer, array, self.precision)
        })?;
        self.finish(context, self.encoded(context), self.staging.as_ref())
    }

    /// Queues the inputs' writes and submits everything up to the copy of the outputs into `staging`. Waits for nothing.
    pub(super) fn start_into(
        &self,
        context: &Context,
        inputs: &[ArrayViewD<'_, f32>],
        staging: &wgpu::Buffer,
    ) -> Result<Option<Readback>> {
        self.write_inputs(context, inputs)?;
        self.finish(context, self.encoded(context), Some(staging))
    }

    fn encoded(&self, context: &Context) -> wgpu::CommandEncoder {
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("convoke.session"),
        });
        self.executable.encode(&mut encoder);
        encoder
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

    pub(super) fn split(&self, parts: &[&[u8]]) -> Result<Vec<ArrayD<f32>>> {
        split_outputs(&self.outputs, parts)
    }
}

/// Whether the host can map the outputs while no run is under way: each has a buffer that nothing but this plan uses.
fn are_mappable(recording: &Recording, outputs: &[Output]) -> bool {
    let slots: Vec<SlotId> = outputs.iter().filter_map(|output| output.value.slot).collect();
    let distinct: HashSet<SlotId> = slots.iter().copied().collect();
    distinct.len() == slots.len() && slots.iter().all(|slot| recording.slots[slot.0].buffer.is_none())
}

/// Hands each array with its buffer to `write`; one without elements has none.
fn for_each_input(
    buffers: &[Option<Arc<PooledBuffer>>],
    arrays: &[ArrayViewD<'_, f32>],
    write: impl Fn(&wgpu::Buffer, &ArrayViewD<'_, f32>) -> Result<()>,
) -> Result<()> {
    let mut pairs = buffers.iter().zip(arrays);
    pairs.try_for_each(|(buffer, array)| buffer.as_ref().map_or(Ok(()), |buffer| write(buffer.buffer(), array)))
}

/// An index as the `f32` that it is: a graph's values are real numbers.
///
/// Errors: indices beyond 2^24, up to where `f32` has every whole number.
pub(super) fn whole_number(index: u32) -> Result<f32> {
    const MOST: u32 = 1 << f32::MANTISSA_DIGITS;
    if index > MOST {
        return Err(Error::unsupported(
            NAME,
            format!("an output with the index {index}: as f32 only those up to {MOST} are exact"),
        ));
    }
    Ok(index as f32)
}

/// Takes the outputs apart that lie one after another, each in one of the parts.
pub(super) fn split_outputs(outputs: &[Output], parts: &[&[u8]]) -> Result<Vec<ArrayD<f32>>> {
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
            let own = &own[..value.shape.iter().product::<usize>() * precision.bytes()];
            let elements = match value.dtype {
                DType::F32 => f32::from_stored(own, *precision),
                DType::U32 => u32::from_stored(own, *precision)
                    .into_iter()
                    .map(whole_number)
                    .collect::<Result<_>>()?,
            };
            ArrayD::from_shape_vec(IxDyn(&value.shape), elements).map_err(|error| Error::Gpu(format!("reading back: {error}")))
        })
        .collect()
}
