//! A graph on the CPU: weights packed once, and for each set of input shapes buffers that operators share one after another.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ndarray::{ArrayD, ArrayViewD};

use super::kept::Kept;
use super::profile::Layer;
use super::verify::{Check, check_values};
use super::{Graph, NAME, Node, Pass, ValueId};
use crate::cpu::{self, Cpu, Prepared, Tensor, array, tensor};
use crate::error::{Error, Result};
use crate::lock::lock;
use crate::ops::{Fused, FusedBase, Op};
use crate::precision::Precision;
use crate::profiling::Timed;
use crate::reference::Winograd;
use crate::shape;

/// The CPU's part of a session.
#[derive(Debug)]
pub(super) struct CpuEngine {
    pub(super) cpu: Cpu,
    /// The graph after the passes that need no shapes.
    graph: Graph,
    /// The passes that are left for when the shapes are known.
    late_passes: Vec<Pass>,
    /// Packed weights of all plans, so that they outlive those that go.
    packed: Mutex<Vec<Arc<Prepared>>>,
    plans: Kept<Arc<Plan>>,
}

/// Everything that runs with one set of input shapes share.
#[derive(Debug)]
pub(super) struct Plan {
    graph: Graph,
    shapes: Vec<Vec<usize>>,
    /// Where each value is.
    places: Vec<Place>,
    constants: Vec<Option<Arc<ArrayD<f32>>>>,
    steps: Vec<Step>,
    /// What each buffer must hold.
    lengths: Vec<usize>,
    /// Buffers of runs that are over. A run takes them and holds no lock: on the thread that it waits on, the thread pool may
    /// begin another one of the same plan.
    spare: Mutex<Vec<Buffers>>,
}

type Buffers = Vec<Vec<f32>>;

/// Where a value's elements are during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Constant(usize),
    Input(usize),
    Buffer(usize),
}

/// An operator that runs; one that changes only the shape does not.
#[derive(Debug)]
struct Step {
    node: usize,
    prepared: Option<Arc<Prepared>>,
}

impl CpuEngine {
    pub(super) fn new(cpu: &Cpu, graph: &Graph, passes: &[Pass], plans_kept: Arc<AtomicUsize>) -> Result<Self> {
        // From the first pass that uses shapes on, all wait for them: their order stays.
        let late = passes.iter().position(|pass| pass.uses_shapes()).unwrap_or(passes.len());
        let mut graph = graph.optimized(&passes[..late], None)?;
        if passes.contains(&Pass::RemoveDeadCode) {
            graph = graph.optimized(&[Pass::RemoveDeadCode], None)?;
        }
        for value in &mut graph.values {
            value.constant = value.constant.take().map(|array| cpu.constants.shared(array));
        }
        Ok(Self {
            cpu: cpu.clone(),
            graph,
            late_passes: passes[late..].to_vec(),
            packed: Mutex::default(),
            plans: Kept::new(plans_kept),
        })
    }

    pub(super) fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        self.with_plan(inputs, |plan, inputs, buffers| {
            self.cpu.install(|| plan.run(inputs, buffers))?;
            plan.outputs(inputs, buffers)
        })
    }

    /// A run whose outputs are dropped.
    pub(super) fn compute(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<()> {
        self.with_plan(inputs, |plan, inputs, buffers| self.cpu.install(|| plan.run(inputs, buffers)))
    }

    /// The plan's operators, and how long each took in each of so many runs after a first one.
    pub(super) fn time(&self, inputs: &[ArrayViewD<'_, f32>], repetitions: usize) -> Result<(Vec<Layer>, Vec<Timed>)> {
        self.with_plan(inputs, |plan, inputs, buffers| {
            let mut timed: Vec<Timed> = plan.steps.iter().map(|step| plan.timed(step)).collect();
            self.cpu.install(|| {
                plan.run(inputs, buffers)?;
                for _ in 0..repetitions {
                    for (step, timed) in plan.steps.iter().zip(&mut timed) {
                        let start = Instant::now();
                        plan.step(step, inputs, buffers)?;
                        timed.seconds.push(start.elapsed().as_secs_f64());
                    }
                }
                Ok(())
            })?;
            let nodes = plan.graph.nodes.iter();
            let layers = nodes.map(|node| Layer::new(node, 4, |value| plan.shapes[value.0].as_slice()));
            Ok((layers.collect(), timed))
        })
    }

    /// Gives the plan for these inputs buffers for the time of `work`.
    fn with_plan<T>(
        &self,
        inputs: &[ArrayViewD<'_, f32>],
        work: impl FnOnce(&Plan, &[Tensor<'_>], &mut Buffers) -> Result<T>,
    ) -> Result<T> {
        let plan = self.plan(&shapes_of(inputs))?;
        let arrays: Vec<_> = inputs.iter().map(|input| input.as_standard_layout()).collect();
        let inputs: Vec<Tensor<'_>> = arrays.iter().filter_map(tensor).collect();
        let spare = lock(&plan.spare).pop();
        let mut buffers = spare.unwrap_or_else(|| vec![Vec::new(); plan.lengths.len()]);
        let outcome = work(&plan, &inputs, &mut buffers);
        lock(&plan.spare).push(buffers);
        outcome
    }

    /// Runs with every value kept, and checks each operator by itself.
    pub(super) fn verify(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<(Vec<Check>, Vec<ArrayD<f32>>)> {
        let plan = self.plan(&shapes_of(inputs))?;
        let mut values: Vec<Option<ArrayD<f32>>> = plan.constants.iter().map(|constant| constant.as_deref().cloned()).collect();
        for (value, input) in plan.graph.inputs.iter().zip(inputs) {
            values[value.0] = Some(input.as_standard_layout().into_owned());
        }
        for (index, node) in plan.graph.nodes.iter().enumerate() {
            let step = plan.steps.iter().find(|step| step.node == index);
            let prepared = step.and_then(|step| step.prepared.as_deref());
            let outputs = self.run_node(&plan, node, prepared, &values)?;
            for (value, output) in node.outputs.iter().zip(outputs) {
                values[value.0] = Some(output);
            }
        }
        let checks = check_values(&plan.graph, &values, Precision::F32, Winograd::Small)?;
        let outputs = plan.graph.outputs.iter().filter_map(|value| values[value.0].clone());
        Ok((checks, outputs.collect()))
    }

    fn run_node(
        &self,
        plan: &Plan,
        node: &Node,
        prepared: Option<&Prepared>,
        values: &[Option<ArrayD<f32>>],
    ) -> Result<Vec<ArrayD<f32>>> {
        let operands: Vec<Tensor<'_>> = node
            .inputs
            .iter()
            .filter_map(|value| values[value.0].as_ref().and_then(tensor))
            .collect();
        let shapes = plan.shapes_of(&node.outputs);
        let mut outputs: Vec<Vec<f32>> = shapes.iter().map(|shape| vec![0.0; shape.iter().product()]).collect();
        let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        self.cpu
            .install(|| cpu::execute(&node.op, &operands, prepared, &shapes, &mut slices))?;
        let outputs = outputs.into_iter().zip(&shapes);
        outputs.map(|(output, shape)| array(node.op.name(), output, shape)).collect()
    }

    /// The plan for these shapes, made where it is not there.
    pub(super) fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Plan>> {
        self.plans.get_or_make(shapes, || Ok(Arc::new(self.make_plan(shapes)?)), Ok)
    }

    /// Makes the plan for these shapes and the buffers of a run.
    pub(super) fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        let plan = self.plan(shapes)?;
        let mut spare = lock(&plan.spare);
        if spare.is_empty() {
            spare.push(plan.lengths.iter().map(|&length| vec![0.0; length]).collect());
        }
        Ok(())
    }

    fn make_plan(&self, inputs: &[Vec<usize>]) -> Result<Plan> {
        let known: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        self.graph.check_inputs(&known)?;
        for shape in &known {
            shape::element_count(NAME, shape)?;
        }
        let graph = self.graph.optimized(&self.late_passes, Some(&known))?;
        let shapes = graph.shapes(&known)?;
        let constants: Vec<Option<Arc<ArrayD<f32>>>> = graph
            .values
            .iter()
            .map(|value| value.constant.clone().map(|array| self.cpu.constants.shared(array)))
            .collect();
        let steps = graph
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| !keeps_elements(&node.op))
            .map(|(index, node)| Step {
                node: index,
                prepared: self.prepared(node, &constants),
            })
            .collect();
        let (places, lengths) = places(&graph, &shapes);
        Ok(Plan {
            graph,
            shapes,
            places,
            constants,
            steps,
            lengths,
            spare: Mutex::default(),
        })
    }

    /// The node's packed weights, those of another session where it has packed the same.
    fn prepared(&self, node: &Node, constants: &[Option<Arc<ArrayD<f32>>>]) -> Option<Arc<Prepared>> {
        let base = match &node.op {
            Op::Conv2d(op) => FusedBase::Conv2d(*op),
            Op::ConvTranspose2d(op) => FusedBase::ConvTranspose2d(*op),
            Op::Fused(Fused { base, .. }) => *base,
            _ => return None,
        };
        let weight = *node.inputs.get(1)?;
        let array = constants[weight.0].as_ref()?;
        let pack = || Some(Arc::new(cpu::prepare(&node.op, tensor(array))?));
        let prepared = self.cpu.constants.packed(array, base, pack)?;
        // Values that late passes made are of one plan alone.
        let mut packed = lock(&self.packed);
        if weight.0 < self.graph.values.len() && !packed.iter().any(|known| Arc::ptr_eq(known, &prepared)) {
            packed.push(Arc::clone(&prepared));
        }
        Some(prepared)
    }
}

/// The arrays' shapes.
fn shapes_of(inputs: &[ArrayViewD<'_, f32>]) -> Vec<Vec<usize>> {
    inputs.iter().map(|array| array.shape().to_vec()).collect()
}

/// Whether an operator's output has its input's elements in the same order.
fn keeps_elements(op: &Op) -> bool {
    matches!(op, Op::Reshape(_) | Op::Flatten(_))
}

/// Gives every value a place, and each buffer a length: a buffer is taken again when nobody needs what it holds.
fn places(graph: &Graph, shapes: &[Vec<usize>]) -> (Vec<Place>, Vec<usize>) {
    let mut places = vec![Place::Nowhere; graph.values.len()];
    for (index, value) in graph.values.iter().enumerate() {
        if value.constant.is_some() {
            places[index] = Place::Constant(index);
        }
    }
    for (index, value) in graph.inputs.iter().enumerate() {
        places[value.0] = Place::Input(index);
    }
    // A value with another shape is the same elements: what is needed is where they come from.
    let mut origins: Vec<usize> = (0..graph.values.len()).collect();
    let mut last_use = vec![0; graph.values.len()];
    for (step, node) in graph.nodes.iter().enumerate() {
        for value in &node.inputs {
            last_use[origins[value.0]] = step;
        }
        if keeps_elements(&node.op) {
            origins[node.outputs[0].0] = origins[node.inputs[0].0];
        }
        for value in &node.outputs {
            last_use[origins[value.0]] = step;
        }
    }
    for value in &graph.outputs {
        last_use[origins[value.0]] = usize::MAX;
    }
    let mut lengths: Vec<usize> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    for (step, node) in graph.nodes.iter().enumerate() {
        if keeps_elements(&node.op) {
            places[node.outputs[0].0] = places[node.inputs[0].0];
        } else {
            for value in &node.outputs {
                let length = shapes[value.0].iter().product();
                // The smallest that is large enough, else the largest there is, made larger.
                let fits = free.iter().enumerate().filter(|&(_, &buffer)| lengths[buffer] >= length);
                let fit = fits.min_by_key(|&(_, &buffer)| lengths[buffer]);
                let fit = fit.or_else(|| free.iter().enumerate().max_by_key(|&(_, &buffer)| lengths[buffer]));
                let fit = fit.map(|(index, _)| index);
                let buffer = if let Some(index) = fit {
                    free.swap_remove(index)
                } else {
                    lengths.push(0);
                    lengths.len() - 1
                };
                lengths[buffer] = lengths[buffer].max(length);
                places[value.0] = Place::Buffer(buffer);
            }
        }
        let mut ended: Vec<usize> = node
            .inputs
            .iter()
            .chain(&node.outputs)
            .map(|value| origins[value.0])
            .collect();
        ended.sort_unstable();
        ended.dedup();
        for origin in ended.into_iter().filter(|&origin| last_use[origin] == step) {
            if let Place::Buffer(buffer) = places[origin] {
                free.push(buffer);
            }
        }
    }
    (places, lengths)
}

impl Plan {
    fn timed(&self, step: &Step) -> Timed {
        let node = &self.graph.nodes[step.node];
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|value| self.shapes[value.0].as_slice()).collect();
        Timed {
            node: step.node,
            kernel: cpu::kernel(&node.op, &shapes),
            seconds: Vec::new(),
        }
    }

    fn run(&self, inputs: &[Tensor<'_>], buffers: &mut Buffers) -> Result<()> {
        self.steps.iter().try_for_each(|step| self.step(step, inputs, buffers))
    }

    fn step(&self, step: &Step, inputs: &[Tensor<'_>], buffers: &mut Buffers) -> Result<()> {
        let node = &self.graph.nodes[step.node];
        let shapes = self.shapes_of(&node.outputs);
        let mut outputs: Vec<(usize, Vec<f32>)> = Vec::with_capacity(1);
        for value in &node.outputs {
            if let Place::Buffer(buffer) = self.places[value.0] {
                let mut data = std::mem::take(&mut buffers[buffer]);
                // The run before may have given it away as an output.
                if data.len() < self.lengths[buffer] {
                    data = vec![0.0; self.lengths[buffer]];
                }
                outputs.push((buffer, data));
            }
        }
        let mut slices: Vec<&mut [f32]> = outputs
            .iter_mut()
            .zip(&shapes)
            .map(|((_, buffer), shape)| &mut buffer[..shape.iter().product()])
            .collect();
        let operands: Vec<Tensor<'_>> = node
            .inputs
            .iter()
            .filter_map(|&value| self.tensor(value, inputs, buffers))
            .collect();
        let outcome = cpu::execute(&node.op, &operands, step.prepared.as_deref(), &shapes, &mut slices);
        for (buffer, data) in outputs {
            buffers[buffer] = data;
        }
        outcome.map_err(|error| node.locate(error))
    }

    fn shapes_of(&self, values: &[ValueId]) -> Vec<Vec<usize>> {
        values.iter().map(|value| self.shapes[value.0].clone()).collect()
    }

    fn tensor<'a>(&'a self, value: ValueId, inputs: &[Tensor<'a>], buffers: &'a Buffers) -> Option<Tensor<'a>> {
        let shape = &self.shapes[value.0];
        let data = match self.places[value.0] {
            Place::Nowhere => return None,
            Place::Constant(index) => self.constants[index].as_ref()?.as_slice()?,
            Place::Input(index) => inputs.get(index)?.data,
            Place::Buffer(buffer) => &buffers[buffer][..shape.iter().product()],
        };
        Some(Tensor { shape, data })
    }

    /// The outputs; one that fills its buffer takes it along.
    fn outputs(&self, inputs: &[Tensor<'_>], buffers: &mut Buffers) -> Result<Vec<ArrayD<f32>>> {
        let values = &self.graph.outputs;
        let mut outputs = Vec::with_capacity(values.len());
        for (index, &value) in values.iter().enumerate() {
            let shape = &self.shapes[value.0];
            let place = self.places[value.0];
            let is_last = values[index + 1..].iter().all(|later| self.places[later.0] != place);
            let length: usize = shape.iter().product();
            let data = match place {
                Place::Buffer(buffer) if is_last && self.lengths[buffer] == length => std::mem::take(&mut buffers[buffer]),
                _ => {
                    let tensor = self.tensor(value, inputs, buffers);
                    let name = self.graph.name(value);
                    let tensor = tensor.ok_or_else(|| Error::invalid(NAME, format!("output {name:?} has no value")))?;
                    tensor.data.to_vec()
                }
            };
            outputs.push(array(NAME, data, shape)?);
        }
        Ok(outputs)
    }
}
