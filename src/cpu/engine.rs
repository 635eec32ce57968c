//! A graph on the CPU: weights packed once, and for each set of input shapes buffers that operators share one after another.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use ndarray::{ArrayD, ArrayViewD};

use super::base::{Prepared, kernel, prepare};
use super::device::Cpu;
use super::execute::execute;
use super::memory::{Place, keeps_elements, places};
use super::tensor::{Tensor, array, tensor};
use crate::elsewhere::elsewhere;
use crate::engine::{Engine, Evaluation, Kept, Running, shapes_of};
use crate::error::{Error, Result};
use crate::graph::passes::Passes;
use crate::graph::{Graph, Node, ValueId};
use crate::lock::lock;
use crate::ops::{Fused, FusedBase, Op};
use crate::profiling::{Layer, Profile, Timed, Timing, layers, least};
use crate::shape;

const NAME: &str = "graph";

/// The CPU's part of a session.
#[derive(Debug)]
pub(crate) struct CpuEngine {
    cpu: Cpu,
    /// The graph after the passes that need no shapes.
    graph: Graph,
    passes: Passes,
    /// Those that are left for when the shapes are known.
    late: Passes,
    /// Packed weights of all plans, so that they outlive those that go.
    packed: Mutex<Vec<Arc<Prepared>>>,
    plans: Kept<Arc<Plan>>,
}

/// Everything that runs with one set of input shapes share.
#[derive(Debug)]
pub(crate) struct Plan {
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

/// An operator that runs; one that changes only the shape does not.
#[derive(Debug)]
struct Step {
    node: usize,
    prepared: Option<Arc<Prepared>>,
}

impl CpuEngine {
    pub(crate) fn new(cpu: &Cpu, graph: &Graph, passes: &Passes, plans_kept: usize) -> Result<Self> {
        let (early, late) = passes.split();
        let mut graph = early.apply(graph, None)?;
        for value in &mut graph.values {
            value.constant = value.constant.take().map(|array| cpu.constants.shared(array));
        }
        Ok(Self {
            cpu: cpu.clone(),
            graph,
            passes: passes.clone(),
            late,
            packed: Mutex::default(),
            plans: Kept::new(plans_kept),
        })
    }

    /// A run whose outputs are dropped.
    fn compute(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<()> {
        self.with_plan(inputs, |plan, inputs, buffers| self.cpu.install(|| plan.run(inputs, buffers)))
    }

    /// The plan's operators, and how long each took in each of so many runs after a first one.
    fn time(&self, inputs: &[ArrayViewD<'_, f32>], repetitions: usize) -> Result<(Vec<Layer>, Vec<Timed>)> {
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
            .install(|| execute(&node.op, &operands, prepared, &shapes, &mut slices))?;
        let outputs = outputs.into_iter().zip(&shapes);
        outputs.map(|(output, shape)| array(node.op.name(), output, shape)).collect()
    }

    /// The plan for these shapes, made where it is not there.
    fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Plan>> {
        self.plans.get_or_make(shapes, || Ok(Arc::new(self.make_plan(shapes)?)), Ok)
    }

    fn make_plan(&self, inputs: &[Vec<usize>]) -> Result<Plan> {
        let known: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        self.graph.check_inputs(&known)?;
        for shape in &known {
            shape::element_count(NAME, shape)?;
        }
        let graph = self.late.apply(&self.graph, Some(&known))?;
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
        let pack = || Some(Arc::new(prepare(&node.op, tensor(array))?));
        let prepared = self.cpu.constants.packed(array, base, pack)?;
        // Values that late passes made are of one plan alone.
        let mut packed = lock(&self.packed);
        if weight.0 < self.graph.values.len() && !packed.iter().any(|known| Arc::ptr_eq(known, &prepared)) {
            packed.push(Arc::clone(&prepared));
        }
        Some(prepared)
    }
}

impl Engine for CpuEngine {
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        let plan = self.plan(shapes)?;
        let mut spare = lock(&plan.spare);
        if spare.is_empty() {
            spare.push(plan.lengths.iter().map(|&length| vec![0.0; length]).collect());
        }
        Ok(())
    }

    fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool {
        self.plans.get(shapes).is_some()
    }

    fn run(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Vec<ArrayD<f32>>> {
        self.with_plan(inputs, |plan, inputs, buffers| {
            self.cpu.install(|| plan.run(inputs, buffers))?;
            plan.outputs(inputs, buffers)
        })
    }

    /// Computes on the pool of threads, from a copy of the inputs.
    fn start(self: Arc<Self>, inputs: &[ArrayViewD<'_, f32>]) -> Result<Running> {
        let inputs: Vec<ArrayD<f32>> = inputs.iter().map(ArrayViewD::to_owned).collect();
        let cpu = self.cpu.clone();
        let spawn = move |work| {
            cpu.spawn(work);
            Ok(())
        };
        Ok(Box::pin(elsewhere(spawn, move || {
            self.run(&inputs.iter().map(|input| input.view()).collect::<Vec<_>>())
        })))
    }

    /// Runs with every value kept.
    fn evaluate(&self, inputs: &[ArrayViewD<'_, f32>]) -> Result<Evaluation> {
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
        Ok(Evaluation {
            graph: plan.graph.clone(),
            values,
        })
    }

    fn profile(&self, inputs: &[ArrayViewD<'_, f32>], repetitions: usize) -> Result<Profile> {
        let (known, timed) = self.time(inputs, repetitions)?;
        let profile = Profile {
            timing: Timing::Operators,
            repetitions,
            ceilings: self.cpu.ceilings(),
            layers: layers(&known, &timed),
            dispatches: least(repetitions, || self.compute(inputs))?,
            run: least(repetitions, || self.run(inputs).map(drop))?,
        };
        profile.against(|| Ok(self.cpu.ceilings()))
    }

    fn optimized(&self, graph: &Graph, shapes: &[&[usize]]) -> Result<Graph> {
        let (early, late) = self.passes.split();
        late.apply(&early.apply(graph, None)?, Some(shapes))
    }
}

impl Plan {
    fn timed(&self, step: &Step) -> Timed {
        let node = &self.graph.nodes[step.node];
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|value| self.shapes[value.0].as_slice()).collect();
        Timed {
            node: step.node,
            kernel: kernel(&node.op, &shapes),
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
        let outcome = execute(&node.op, &operands, step.prepared.as_deref(), &shapes, &mut slices);
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
