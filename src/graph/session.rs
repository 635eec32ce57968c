//! Sessions: a graph made ready for one backend, run any number of times.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayD, ArrayViewD, IxDyn};

use super::{Graph, NAME, Pass};
use crate::backend::Backend;
use crate::error::{Error, Result, ensure};
use crate::gpu::{
    BufferPool, Context, DType, Executable, Gpu, Memory, PooledBuffer, Readback, Tensor, Value, lower, staging_buffer, write,
};
use crate::reference::{self, Answer};

/// A graph made ready for one backend. Weights are uploaded once; for each set of input shapes the kernels are compiled,
/// buffers shared and bindings made once. A later run with the same shapes writes its inputs, submits once and reads back.
#[derive(Debug)]
pub struct Session {
    graph: Graph,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Gpu(GpuEngine),
    Reference,
}

impl Session {
    /// Makes a graph ready, with all passes. Nothing is compiled before the first run, since shapes are not known.
    ///
    /// Errors: a graph without outputs; what uploading the weights may give.
    pub fn new(graph: Graph, backend: &Backend) -> Result<Self> {
        Self::with_passes(graph, backend, &Pass::ALL)
    }

    /// Makes a graph ready, with these passes and no others. The reference always runs the graph as it is.
    ///
    /// Errors: as [`new`](Self::new).
    pub fn with_passes(graph: Graph, backend: &Backend, passes: &[Pass]) -> Result<Self> {
        ensure!(!graph.outputs.is_empty(), NAME, "the graph has no outputs");
        let engine = match backend {
            Backend::Gpu(gpu) => Engine::Gpu(GpuEngine::new(gpu, &graph, passes)?),
            Backend::Reference => Engine::Reference,
        };
        Ok(Self { graph, engine })
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Runs the graph on these inputs and waits for its outputs.
    ///
    /// Errors: the number of inputs, a shape that an operator refuses, and what the GPU may report.
    #[cfg(not(target_family = "wasm"))]
    pub fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match &self.engine {
            Engine::Reference => self.run_reference(inputs),
            Engine::Gpu(engine) => {
                let plan = engine.plan(inputs)?;
                let plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
                match plan.start(&engine.gpu.context, inputs)? {
                    None => plan.split(&[]),
                    Some(readback) => readback.finish_blocking(&engine.gpu.context, |bytes| plan.split(bytes))?,
                }
            }
        }
    }

    /// Runs the graph on these inputs, awaited. Each call has its own staging memory, so that several may be under way.
    pub async fn run_async(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        match &self.engine {
            Engine::Reference => self.run_reference(inputs),
            Engine::Gpu(engine) => {
                let context = &engine.gpu.context;
                let plan = engine.plan(inputs)?;
                // The lock is let go before the first await: the queue orders what was submitted.
                let (readback, split) = {
                    let plan = plan.lock().unwrap_or_else(PoisonError::into_inner);
                    let staging = staging_buffer(context, plan.output_bytes.max(4))?;
                    (plan.start_into(context, inputs, &staging)?, plan.outputs.clone())
                };
                match readback {
                    None => split_outputs(&split, &[]),
                    Some(readback) => readback.finish(context, |bytes| split_outputs(&split, bytes)).await?,
                }
            }
        }
    }

    /// Uploads inputs once, for runs that stay on the GPU. Another run of this session with inputs of the same shapes
    /// replaces them.
    ///
    /// Errors: as [`run`](Self::run); `Unsupported` on a backend without a GPU.
    pub fn resident(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Resident<'_>> {
        let Engine::Gpu(engine) = &self.engine else {
            return Err(Error::unsupported(NAME, "resident runs need a GPU"));
        };
        let plan = engine.plan(inputs)?;
        plan.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_inputs(&engine.gpu.context, inputs)?;
        Ok(Resident { engine, plan })
    }

    fn run_reference(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        let answers = self.answers(inputs)?;
        Ok(answers.iter().map(Answer::to_f32).collect())
    }

    /// What the outputs should be, with the bound on how far a correct `f32` run may be from it: the reference, whatever
    /// the session's backend.
    ///
    /// Errors: the number of inputs and shapes that an operator refuses.
    pub fn answers(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<Answer>> {
        let graph = &self.graph;
        graph.check_input_count(inputs.len())?;
        let mut values: Vec<Option<Answer>> = graph
            .values
            .iter()
            .map(|value| value.constant.as_ref().map(|array| Answer::exact(array.view())))
            .collect();
        for (value, array) in graph.inputs.iter().zip(inputs) {
            values[value.0] = Some(Answer::exact(array.view()));
        }
        for node in &graph.nodes {
            let operands: Vec<&Answer> = node.inputs.iter().filter_map(|value| values[value.0].as_ref()).collect();
            let outputs = reference::run(&node.op, &operands).map_err(|error| node.locate(error))?;
            for (value, answer) in node.outputs.iter().zip(outputs) {
                values[value.0] = Some(answer);
            }
        }
        Ok(graph.outputs.iter().filter_map(|value| values[value.0].clone()).collect())
    }
}

/// A session's plan with its inputs on the GPU: what remains of a run is the dispatches. For benchmarks, and for inputs
/// that change seldom.
#[derive(Debug)]
pub struct Resident<'a> {
    engine: &'a GpuEngine,
    plan: Arc<Mutex<Plan>>,
}

impl Resident<'_> {
    /// Submits the dispatches and returns at once; [`Gpu::wait`] waits for them.
    pub fn run(&self) -> Result<()> {
        let context = &self.engine.gpu.context;
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("convoke.resident"),
        });
        plan.executable.encode(&mut encoder);
        context.queue.submit([encoder.finish()]);
        context.check()
    }

    /// Reads the outputs of the last run.
    #[cfg(not(target_family = "wasm"))]
    pub fn read(&self) -> Result<Vec<ArrayD<f32>>> {
        let context = &self.engine.gpu.context;
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("convoke.read"),
        });
        match plan.finish(context, encoder, &plan.staging)? {
            None => plan.split(&[]),
            Some(readback) => readback.finish_blocking(context, |bytes| plan.split(bytes))?,
        }
    }

    /// What the buffers take.
    pub fn memory(&self) -> Memory {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).executable.memory()
    }
}

/// The GPU's part of a session: constants uploaded, a plan for each set of input shapes.
#[derive(Debug)]
struct GpuEngine {
    gpu: Gpu,
    /// The graph after the passes that need no shapes.
    graph: Graph,
    /// The passes that are left for when the shapes are known.
    late_passes: Vec<Pass>,
    constants: Vec<Option<Tensor>>,
    plans: Mutex<Plans>,
}

/// The plans by the shapes of the inputs.
type Plans = HashMap<Vec<Vec<usize>>, Arc<Mutex<Plan>>>;

/// Everything that runs with one set of input shapes share.
#[derive(Debug)]
struct Plan {
    inputs: Vec<Option<Arc<PooledBuffer>>>,
    executable: Executable,
    outputs: Vec<Value>,
    output_bytes: u64,
    staging: wgpu::Buffer,
}

impl GpuEngine {
    fn new(gpu: &Gpu, graph: &Graph, passes: &[Pass]) -> Result<Self> {
        // From the first pass that uses shapes on, all wait for them: their order stays.
        let late = passes.iter().position(|pass| pass.uses_shapes()).unwrap_or(passes.len());
        let mut graph = graph.optimized(&passes[..late], None)?;
        if passes.contains(&Pass::RemoveDeadCode) {
            graph = graph.optimized(&[Pass::RemoveDeadCode], None)?;
        }
        let constants = graph
            .values
            .iter()
            .map(|value| value.constant.as_ref().map(|array| gpu.upload(array.as_ref())).transpose())
            .collect::<Result<_>>()?;
        Ok(Self {
            gpu: gpu.clone(),
            graph,
            late_passes: passes[late..].to_vec(),
            constants,
            plans: Mutex::default(),
        })
    }

    fn plan(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Arc<Mutex<Plan>>> {
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|array| array.shape().to_vec()).collect();
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&shapes) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(Mutex::new(self.make_plan(&shapes)?));
        plans.insert(shapes, Arc::clone(&plan));
        Ok(plan)
    }

    fn make_plan(&self, shapes: &[Vec<usize>]) -> Result<Plan> {
        self.graph.check_input_count(shapes.len())?;
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let graph = &self.graph.optimized(&self.late_passes, Some(&known))?;
        let context = &self.gpu.context;
        let mut recording = self.gpu.recording();
        let mut import = |tensor: &Tensor| recording.import(tensor.buffer.clone(), &tensor.shape, DType::F32, true);
        let mut values: Vec<Option<Value>> = self.constants.iter().map(|tensor| tensor.as_ref().map(&mut import)).collect();
        let mut inputs = Vec::new();
        for (value, shape) in graph.inputs.iter().zip(shapes) {
            let elements = crate::shape::element_count(NAME, shape)?;
            let bytes = context.capabilities.check_elements(NAME, elements)?;
            let buffer = if elements == 0 {
                None
            } else {
                Some(BufferPool::take(context, bytes)?)
            };
            values[value.0] = Some(recording.import(buffer.clone(), shape, DType::F32, false));
            inputs.push(buffer);
        }
        for node in &graph.nodes {
            let operands: Vec<Value> = node.inputs.iter().filter_map(|value| values[value.0].clone()).collect();
            let outputs = lower(&node.op, &operands, &mut recording).map_err(|error| node.locate(error))?;
            for (value, output) in node.outputs.iter().zip(outputs) {
                values[value.0] = Some(output);
            }
        }
        let outputs: Vec<Value> = graph.outputs.iter().filter_map(|value| values[value.0].clone()).collect();
        for output in &outputs {
            if output.dtype != DType::F32 {
                return Err(Error::unsupported(
                    NAME,
                    "an output of indices; read it with Gpu::max_pool2d_with_indices",
                ));
            }
            recording.export(output);
        }
        let executable = Executable::new(context, &recording)?;
        let output_bytes = outputs.iter().map(bytes).sum::<u64>();
        let staging = staging_buffer(context, output_bytes.max(4))?;
        Ok(Plan {
            inputs,
            executable,
            outputs,
            output_bytes,
            staging,
        })
    }
}

impl Plan {
    fn write_inputs(&self, context: &Context, inputs: &[ArrayViewD<'_, f32>]) -> Result<()> {
        for (buffer, array) in self.inputs.iter().zip(inputs) {
            if let Some(buffer) = buffer {
                write(context, buffer.buffer(), array);
            }
        }
        context.check()
    }

    #[cfg(not(target_family = "wasm"))]
    fn start(&self, context: &Context, inputs: &[ArrayViewD<'_, f32>]) -> Result<Option<Readback>> {
        self.start_into(context, inputs, &self.staging)
    }

    /// Writes the inputs and submits everything up to the copy of the outputs into `staging`.
    fn start_into(&self, context: &Context, inputs: &[ArrayViewD<'_, f32>], staging: &wgpu::Buffer) -> Result<Option<Readback>> {
        self.write_inputs(context, inputs)?;
        let mut encoder = context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor {
            label: Some("convoke.session"),
        });
        self.executable.encode(&mut encoder);
        self.finish(context, encoder, staging)
    }

    /// Copies the outputs into `staging` and submits; `None` where there is nothing to copy.
    fn finish(&self, context: &Context, mut encoder: wgpu::CommandEncoder, staging: &wgpu::Buffer) -> Result<Option<Readback>> {
        if self.output_bytes == 0 {
            return Ok(None);
        }
        let mut offset = 0;
        for output in &self.outputs {
            if let Some(buffer) = self.executable.buffer(output) {
                encoder.copy_buffer_to_buffer(buffer.buffer(), 0, staging, offset, bytes(output));
                offset += bytes(output);
            }
        }
        Readback::submit(context, encoder, staging.clone()).map(Some)
    }

    fn split(&self, bytes: &[u8]) -> Result<Vec<ArrayD<f32>>> {
        split_outputs(&self.outputs, bytes)
    }
}

fn bytes(value: &Value) -> u64 {
    value.shape.iter().product::<usize>() as u64 * 4
}

/// Takes the outputs apart that lie one after another.
fn split_outputs(outputs: &[Value], mut data: &[u8]) -> Result<Vec<ArrayD<f32>>> {
    outputs
        .iter()
        .map(|output| {
            let (own, rest) = data.split_at(bytes(output) as usize);
            data = rest;
            ArrayD::from_shape_vec(IxDyn(&output.shape), bytemuck::pod_collect_to_vec(own))
                .map_err(|error| Error::Gpu(format!("reading back: {error}")))
        })
        .collect()
}
