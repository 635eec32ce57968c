//! A graph on the CPU: weights packed once, and for each set of input shapes buffers that operators share one after another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ndarray::{ArrayD, ArrayView, IxDyn};
use rayon::prelude::*;

#[cfg(not(target_family = "wasm"))]
use super::awake::Awake;
use super::base::{Prepared, kernel, prepare, ready};
use super::blocked::{self, Layout, rearrange};
#[cfg(target_family = "wasm")]
use super::ceilings::measured;
use super::chain::Output;
use super::chains::{Group, Work, groups};
use super::device::Cpu;
use super::execute::execute;
use super::layouts::{Layouts, choose};
use super::linear::has_few_rows;
use super::lines::Lines;
use super::memory::{Place, Places, keeps_elements, places};
use super::operand::{Operand, array, in_order, with_rearranged};
use super::parallel;
use super::run::run_into_new;
use super::sums::{Operands, sums};
use crate::cancel;
#[cfg(target_family = "wasm")]
use crate::cancel::Watch;
use crate::clock::Instant;
use crate::dtype::{DType, TensorType};
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::elsewhere;
use crate::engine::{Engine, Evaluation, Here, Kept, PlanSettings, Running, shapes_of};
use crate::error::{Error, Result};
use crate::graph::passes::Passes;
use crate::graph::{Graph, Node, ValueData, ValueId, count};
use crate::limits::{Limits, Work as Takes};
use crate::lock::lock;
use crate::ops::{FusedBase, Op};
use crate::profiling::{Ceilings, Layer, Profile, Timed, Timing, layers, least};
use crate::room::{room, zeros};
use crate::shape;
use crate::tensor::{Element, Tensor, TensorView};
use crate::turn::{Turns, at_once};

const NAME: &str = "graph";

/// Operations for which it pays to hand a run over to the pool of threads: it takes some 10 us.
#[cfg_attr(target_family = "wasm", expect(dead_code, reason = "a page has one thread"))]
const WORTH_THREADS: u64 = 1 << 20;

/// The CPU's part of a session.
#[derive(Debug)]
pub(crate) struct CpuEngine {
    cpu: Cpu,
    /// The graph after the passes that need no shapes.
    graph: Graph,
    passes: Passes,
    /// Those that are left for when the shapes are known.
    late: Passes,
    limits: Limits,
    /// Packed weights of all plans by their addresses, so that they outlive those that go.
    packed: Mutex<HashMap<usize, Arc<Prepared>>>,
    plans: Kept<Arc<Plan>>,
}

/// Everything that runs with one set of input shapes share.
#[derive(Debug)]
pub(crate) struct Plan {
    graph: Graph,
    /// Of the graph's values, and after them of those that are rearranged.
    types: Vec<TensorType>,
    layouts: Layouts,
    /// Where each value is.
    places: Places,
    constants: Vec<Option<Arc<Tensor>>>,
    steps: Vec<Step>,
    /// What a run takes.
    #[cfg_attr(
        target_family = "wasm",
        expect(dead_code, reason = "only what blocks has a time to keep, and threads")
    )]
    takes: Takes,
    /// Buffers of runs that are over. A run takes them and holds no lock: on the thread that it waits on, the thread pool may
    /// begin another one of the same plan.
    spare: Mutex<Vec<Memory>>,
}

/// What a run keeps values in.
#[derive(Debug)]
struct Memory {
    buffers: Vec<Lines<f32>>,
    tensors: Vec<Option<Tensor>>,
}

/// Operators that run together; one that changes only the shape does not run.
#[derive(Debug)]
struct Step {
    group: Group,
    prepared: Option<Arc<Prepared>>,
}

impl CpuEngine {
    #[cfg(test)]
    pub(crate) fn new(cpu: &Cpu, graph: &Graph, settings: PlanSettings) -> Result<Self> {
        at_once(Self::by_turns(cpu, graph, settings, &mut Turns::none()))
    }

    /// Applies the passes that need no shapes, and finds weights that others have.
    pub(crate) async fn by_turns(cpu: &Cpu, graph: &Graph, settings: PlanSettings, turns: &mut Turns) -> Result<Self> {
        let PlanSettings {
            passes,
            plans_kept,
            limits,
        } = settings;
        let (early, late) = passes.split();
        let mut graph = early.apply(graph, None)?;
        let share = |value: &mut ValueData| value.constant = value.constant.take().map(|array| cpu.constants.shared(array));
        each_by_turns(cpu, &mut graph.values, share, turns).await;
        Ok(Self {
            cpu: cpu.clone(),
            graph,
            passes,
            late,
            limits,
            packed: Mutex::default(),
            plans: Kept::new(plans_kept),
        })
    }

    /// A run whose outputs are dropped.
    #[cfg(not(target_family = "wasm"))]
    fn compute(&self, inputs: &[TensorView<'_>]) -> Result<()> {
        self.with_plan(inputs, |plan, inputs, buffers| self.run_plan(plan, inputs, buffers))
    }

    /// A run within the time for it.
    #[cfg(not(target_family = "wasm"))]
    fn run_plan(&self, plan: &Plan, inputs: &[TensorView<'_>], buffers: &mut Memory) -> Result<()> {
        self.limits.running(&plan.takes, || plan.run_on(&self.cpu, inputs, buffers))
    }

    /// The plan's operators, and how long each took in each of so many runs after a first one.
    async fn time(&self, inputs: &[TensorView<'_>], repetitions: usize) -> Result<(Vec<Layer>, Vec<Timed>)> {
        let plan = self.plan(&shapes_of(inputs))?;
        let rearranged: Vec<Option<Tensor>> = inputs.iter().map(TensorView::rearranged).collect();
        let inputs = with_rearranged(inputs, &rearranged);
        let mut memory = plan.memory();
        let timed = self.time_steps(&plan, &inputs, &mut memory, repetitions).await;
        lock(&plan.spare).push(memory);
        Ok((plan.layers(), timed?))
    }

    #[cfg(not(target_family = "wasm"))]
    #[expect(clippy::unused_async, reason = "natively the thread waits")]
    async fn time_steps(
        &self,
        plan: &Plan,
        inputs: &[TensorView<'_>],
        memory: &mut Memory,
        repetitions: usize,
    ) -> Result<Vec<Timed>> {
        self.cpu.install(|| {
            let mut timed: Vec<Timed> = plan.steps.iter().map(|step| plan.timed(step)).collect();
            let awake = Awake::new();
            plan.run(inputs, memory, Some(&awake))?;
            for _ in 0..repetitions {
                for (step, timed) in plan.steps.iter().zip(&mut timed) {
                    plan.time(step, inputs, memory, timed)?;
                }
            }
            Ok(timed)
        })
    }

    #[cfg(target_family = "wasm")]
    async fn time_steps(
        &self,
        plan: &Plan,
        inputs: &[TensorView<'_>],
        memory: &mut Memory,
        repetitions: usize,
    ) -> Result<Vec<Timed>> {
        let mut timed: Vec<Timed> = plan.steps.iter().map(|step| plan.timed(step)).collect();
        let mut turns = Turns::new();
        for _ in 0..=repetitions {
            for (step, timed) in plan.steps.iter().zip(&mut timed) {
                self.cpu.install(|| plan.time(step, inputs, memory, timed))?;
                turns.next().await;
            }
        }
        // The first run warmed up.
        for timed in &mut timed {
            timed.seconds.remove(0);
        }
        Ok(timed)
    }

    /// A run, as [`Here`] waits.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(clippy::unused_async, reason = "natively the thread waits")
    )]
    async fn run_here(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        #[cfg(not(target_family = "wasm"))]
        return self.run(inputs);
        #[cfg(target_family = "wasm")]
        self.run_by_turns(inputs, &Watch::current()).await
    }

    /// A run whose outputs are dropped, likewise.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(clippy::unused_async, reason = "natively the thread waits")
    )]
    async fn compute_here(&self, inputs: &[TensorView<'_>]) -> Result<()> {
        #[cfg(not(target_family = "wasm"))]
        return self.compute(inputs);
        #[cfg(target_family = "wasm")]
        self.run_here(inputs).await.map(drop)
    }

    /// The ceilings, likewise.
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(clippy::unused_async, reason = "natively the thread waits")
    )]
    async fn ceilings_here(&self) -> Ceilings {
        #[cfg(not(target_family = "wasm"))]
        return self.cpu.ceilings();
        #[cfg(target_family = "wasm")]
        measured().await
    }

    /// Gives the plan for these inputs buffers for the time of `work`.
    #[cfg(not(target_family = "wasm"))]
    fn with_plan<T>(
        &self,
        inputs: &[TensorView<'_>],
        work: impl FnOnce(&Plan, &[TensorView<'_>], &mut Memory) -> Result<T>,
    ) -> Result<T> {
        let plan = self.plan(&shapes_of(inputs))?;
        let rearranged: Vec<Option<Tensor>> = inputs.iter().map(TensorView::rearranged).collect();
        let inputs = with_rearranged(inputs, &rearranged);
        let mut buffers = plan.memory();
        let outcome = work(&plan, &inputs, &mut buffers);
        lock(&plan.spare).push(buffers);
        outcome
    }

    #[cfg(not(target_family = "wasm"))]
    fn start_on_pool(self: Arc<Self>, inputs: Vec<Tensor>) -> Running {
        let cpu = self.cpu.clone();
        let spawn = move |work| {
            cpu.spawn(work);
            Ok(())
        };
        Box::pin(elsewhere(spawn, move || {
            self.run(&inputs.iter().map(Tensor::view).collect::<Vec<_>>())
        }))
    }

    /// A run on the one thread that a page has, which has its turn between operators.
    #[cfg(target_family = "wasm")]
    async fn run_by_turns(&self, inputs: &[TensorView<'_>], watch: &Watch) -> Result<Vec<Tensor>> {
        let plan = self.plan(&shapes_of(inputs))?;
        let rearranged: Vec<Option<Tensor>> = inputs.iter().map(TensorView::rearranged).collect();
        let inputs = with_rearranged(inputs, &rearranged);
        let mut memory = plan.memory();
        let mut turns = Turns::new();
        for step in &plan.steps {
            watch.clone().entered(|| {
                watch.check()?;
                self.cpu.install(|| plan.step(step, &inputs, &mut memory))
            })?;
            turns.next().await;
        }
        let outputs = plan.outputs(&inputs, &mut memory);
        lock(&plan.spare).push(memory);
        outputs
    }

    fn run_node(&self, plan: &Plan, node: &Node, prepared: Option<&Prepared>, values: &[Option<Tensor>]) -> Result<Vec<Tensor>> {
        let operands = node.inputs.iter().filter_map(|value| values[value.0].as_ref());
        let operands: Vec<TensorView<'_>> = operands.map(Tensor::view).collect();
        let types = plan.types_of(&node.outputs);
        self.cpu.install(|| run_into_new(&node.op, &operands, prepared, &types))
    }

    /// The plan for these shapes, made where it is not there.
    fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Plan>> {
        self.plans.get_or_make(
            shapes,
            || {
                self.limits
                    .planned(|| self.cpu.alone(|| self.make_plan(shapes)).map(Arc::new))
            },
            Ok,
        )
    }

    fn make_plan(&self, inputs: &[Vec<usize>]) -> Result<Plan> {
        let mut plan = self.unpacked_plan(inputs)?;
        at_once(self.pack(&mut plan, &mut Turns::none()))?;
        Ok(plan)
    }

    /// Packs the weights of a plan's operators.
    async fn pack(&self, plan: &mut Plan, turns: &mut Turns) -> Result<()> {
        let Plan {
            graph,
            types,
            constants,
            steps,
            ..
        } = plan;
        let prepare = |step: &mut Step| step.prepared = self.prepared(&graph.nodes[step.group.node], types, constants);
        each_by_turns(&self.cpu, steps, prepare, turns).await;
        cancel::check()
    }

    fn unpacked_plan(&self, inputs: &[Vec<usize>]) -> Result<Plan> {
        let known: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        self.graph.check_inputs(&known)?;
        for shape in &known {
            shape::element_count(NAME, shape)?;
        }
        let graph = self.late.apply(&self.graph, Some(&known))?;
        let mut types = graph.infer(&known)?;
        let takes = Takes::of(&graph, &types);
        self.limits.check_operations(&takes)?;
        let constants = self.constants_of(&graph);
        let groups = groups(&graph, &types);
        let (groups, layouts) = choose(&graph, &mut types, groups);
        let places = places(&graph, &groups, &types, &layouts);
        self.limits
            .check_host_bytes(&takes, places.bytes(&types, &layouts).saturating_add(takes.constant_bytes()))?;
        let runs = |group: &Group| !matches!(group.work, Work::Node) || !keeps_elements(&graph.nodes[group.node].op);
        let steps = groups.into_iter().filter(runs).map(|group| Step { group, prepared: None });
        let steps = steps.collect();
        Ok(Plan {
            graph,
            types,
            layouts,
            places,
            constants,
            steps,
            takes,
            spare: Mutex::default(),
        })
    }

    /// The constants of a plan's graph. Those that late passes left are shared already.
    fn constants_of(&self, graph: &Graph) -> Vec<Option<Arc<Tensor>>> {
        let values = graph.values.iter().enumerate();
        let shared = values.map(|(index, value)| {
            let array = value.constant.as_ref()?;
            let own = self.graph.values.get(index).and_then(|own| own.constant.as_ref());
            let is_shared = own.is_some_and(|own| Arc::ptr_eq(own, array));
            let array = Arc::clone(array);
            Some(if is_shared { array } else { self.cpu.constants.shared(array) })
        });
        shared.collect()
    }

    /// The node's packed weights, those of another session where it has packed the same.
    fn prepared(&self, node: &Node, types: &[TensorType], constants: &[Option<Arc<Tensor>>]) -> Option<Arc<Prepared>> {
        let op = weighted(node, types)?;
        let weight = *node.inputs.get(1)?;
        let array = constants[weight.0].as_ref()?;
        let pack = || Some(Arc::new(prepare(&op, &array.view())?));
        let prepared = self.cpu.constants.packed(array, &op, pack)?;
        ready(&op, &types[node.inputs[0].0].shape, &array.view(), &prepared);
        // Values that late passes made are of one plan alone.
        if weight.0 < self.graph.values.len() {
            lock(&self.packed).insert(Arc::as_ptr(&prepared).addr(), Arc::clone(&prepared));
        }
        Some(prepared)
    }
}

/// Natively on all threads; in a browser one after another, with the page's turns between them.
async fn each_by_turns<T: Send>(cpu: &Cpu, items: &mut [T], work: impl Fn(&mut T) + Send + Sync, turns: &mut Turns) {
    let together = if cfg!(target_family = "wasm") { 1 } else { items.len().max(1) };
    for items in items.chunks_mut(together) {
        cpu.install(|| parallel::for_all(items.par_iter_mut(), &work));
        turns.next().await;
    }
}

impl Engine for CpuEngine {
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        let plan = self.plan(shapes)?;
        let mut spare = lock(&plan.spare);
        if spare.is_empty() {
            let buffers = (0..plan.places.lengths.len()).map(|buffer| plan.new_buffer(buffer));
            spare.push(Memory {
                buffers: buffers.collect::<Result<_>>()?,
                tensors: vec![None; plan.places.tensors],
            });
        }
        Ok(())
    }

    #[cfg(target_family = "wasm")]
    fn prepare_by_turns<'a>(&'a self, shapes: &'a [Vec<usize>], turns: &'a mut Turns) -> Here<'a, ()> {
        Box::pin(async move {
            if self.plans.get(shapes).is_none() {
                let mut plan = self.cpu.alone(|| self.unpacked_plan(shapes))?;
                turns.next().await;
                self.pack(&mut plan, turns).await?;
                self.plans.get_or_make(shapes, || Ok(Arc::new(plan)), Ok)?;
            }
            self.prepare(shapes)
        })
    }

    fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool {
        self.plans.get(shapes).is_some()
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<Tensor>> {
        self.with_plan(inputs, |plan, inputs, buffers| {
            self.run_plan(plan, inputs, buffers)?;
            plan.outputs(inputs, buffers)
        })
    }

    /// Computes on the pool of threads, from a copy of the inputs; in a browser on the thread that there is.
    fn start(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Result<Running> {
        let inputs: Vec<Tensor> = inputs.iter().map(TensorView::to_tensor).collect();
        #[cfg(target_family = "wasm")]
        let watch = Watch::current();
        #[cfg(target_family = "wasm")]
        return Ok(Box::pin(async move {
            self.run_by_turns(&inputs.iter().map(Tensor::view).collect::<Vec<_>>(), &watch)
                .await
        }));
        #[cfg(not(target_family = "wasm"))]
        Ok(self.start_on_pool(inputs))
    }

    /// Runs with every value kept.
    fn evaluate<'a>(&'a self, inputs: &'a [TensorView<'_>]) -> Here<'a, Vec<Evaluation>> {
        Box::pin(async move {
            let plan = self.plan(&shapes_of(inputs))?;
            let mut values: Vec<Option<Tensor>> = plan.constants.iter().map(|constant| constant.as_deref().cloned()).collect();
            for (value, input) in plan.graph.inputs.iter().zip(inputs) {
                values[value.0] = Some(input.rearranged().unwrap_or_else(|| input.to_tensor()));
            }
            let mut turns = Turns::new();
            for (index, node) in plan.graph.nodes.iter().enumerate() {
                let step = plan.steps.iter().find(|step| step.group.node == index);
                let prepared = step.and_then(|step| step.prepared.as_deref());
                let outputs = self.run_node(&plan, node, prepared, &values)?;
                cancel::check()?;
                for (value, output) in node.outputs.iter().zip(outputs) {
                    values[value.0] = Some(output);
                }
                turns.next().await;
            }
            Ok(vec![Evaluation {
                graph: plan.graph.clone(),
                values,
                #[cfg(not(target_family = "wasm"))]
                kernels: Vec::new(),
            }])
        })
    }

    fn profile<'a>(&'a self, inputs: &'a [TensorView<'_>], repetitions: usize) -> Here<'a, Profile> {
        Box::pin(async move {
            let (known, timed) = self.time(inputs, repetitions).await?;
            let profile = Profile {
                timing: Timing::Operators,
                repetitions,
                ceilings: self.ceilings_here().await,
                layers: layers(&known, &timed),
                dispatches: least(repetitions, async || self.compute_here(inputs).await).await?,
                run: least(repetitions, async || self.run_here(inputs).await.map(drop)).await?,
            };
            profile.against(async || Ok(self.ceilings_here().await)).await
        })
    }

    fn optimized(&self, graph: &Graph, shapes: &[&[usize]]) -> Result<Graph> {
        let (early, late) = self.passes.split();
        late.apply(&early.apply(graph, None)?, Some(shapes))
    }
}

impl Plan {
    /// Runs a step, and adds how long it takes.
    fn time(&self, step: &Step, inputs: &[TensorView<'_>], memory: &mut Memory, timed: &mut Timed) -> Result<()> {
        let start = Instant::now();
        self.step(step, inputs, memory)?;
        cancel::check()?;
        timed.seconds.push(start.elapsed().as_secs_f64());
        Ok(())
    }

    /// The operators, as a profile counts them.
    fn layers(&self) -> Vec<Layer> {
        let groups: HashMap<usize, &Group> = self.steps.iter().map(|step| (step.group.node, &step.group)).collect();
        let layers = self.graph.nodes.iter().enumerate().map(|(index, node)| {
            let layer = Layer::new(node, 4, |value| self.types[value.0].shape.as_slice());
            let moved = groups.get(&index).and_then(|group| self.moved(group));
            match moved {
                Some(bytes) => layer.moving(bytes),
                None => layer,
            }
        });
        layers.collect()
    }

    fn timed(&self, step: &Step) -> Timed {
        let node = &self.graph.nodes[step.group.node];
        let shapes: Vec<&[usize]> = (node.inputs.iter())
            .map(|value| self.types[value.0].shape.as_slice())
            .collect();
        Timed {
            node: step.group.node,
            kernel: match step.group.work {
                Work::Chain(_) => "chain",
                Work::Rearrange => "rearrange",
                Work::Node | Work::Blocks | Work::Sums { .. } => kernel(&node.op, &shapes, step.prepared.as_deref()),
            },
            seconds: Vec::new(),
        }
    }

    /// Bytes that operators together read and write, as they store them.
    fn moved(&self, group: &Group) -> Option<u64> {
        if !matches!(group.work, Work::Chain(_) | Work::Sums { .. }) {
            return None;
        }
        let values = group.inputs.iter().chain(&group.outputs).enumerate();
        let bytes = values.map(|(index, value)| {
            let kind = &self.types[value.0];
            // Weights are packed as bytes, whatever they are in the graph.
            let is_weight = index == 1 && matches!(group.work, Work::Sums { .. });
            count(&kind.shape).saturating_mul(if is_weight { 1 } else { kind.dtype.bytes() as u64 })
        });
        Some(bytes.fold(0, u64::saturating_add))
    }

    /// Buffers of a run that is over, or new ones.
    fn memory(&self) -> Memory {
        let spare = lock(&self.spare).pop();
        spare.unwrap_or_else(|| Memory {
            buffers: self.places.lengths.iter().map(|_| Lines::default()).collect(),
            tensors: vec![None; self.places.tensors],
        })
    }

    /// Runs on the device's threads, where there is enough to do for more than this one.
    #[cfg(not(target_family = "wasm"))]
    fn run_on(&self, cpu: &Cpu, inputs: &[TensorView<'_>], memory: &mut Memory) -> Result<()> {
        if self.takes.operations() < WORTH_THREADS {
            return cpu.alone(|| self.run(inputs, memory, None));
        }
        cpu.install(|| self.run(inputs, memory, Some(&Awake::new())))
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>], memory: &mut Memory, awake: Option<&Awake>) -> Result<()> {
        self.steps.iter().try_for_each(|step| {
            if let Some(awake) = awake {
                awake.call();
            }
            self.step(step, inputs, memory)?;
            // What stops it has loops end before they are done.
            cancel::check()
        })
    }

    fn step(&self, step: &Step, inputs: &[TensorView<'_>], memory: &mut Memory) -> Result<()> {
        let node = &self.graph.nodes[step.group.node];
        let values = node.inputs.iter().chain(&node.outputs);
        let is_of_floats = node.outputs.len() == 1 && values.clone().all(|value| self.types[value.0].dtype == DType::F32);
        let outcome = match step.group.work {
            Work::Chain(_) | Work::Sums { .. } | Work::Rearrange => self.step_of_group(step, inputs, memory),
            Work::Blocks => self.step_of_floats(step, inputs, memory),
            Work::Node if is_of_floats => self.step_of_floats(step, inputs, memory),
            Work::Node => self.step_of_any(step, inputs, memory),
        };
        outcome.map_err(|error| node.locate(error))
    }

    /// Operators that are computed together, or a rearrangement, into the one output that there is.
    fn step_of_group(&self, step: &Step, inputs: &[TensorView<'_>], memory: &mut Memory) -> Result<()> {
        let output = step.group.outputs[0];
        let kind = &self.types[output.0];
        match self.places.of_values[output.0] {
            Place::Buffer(buffer) => {
                let mut data = self.taken(buffer, memory)?;
                let length = self.layouts.of_values[output.0].length(&kind.shape);
                let outcome = self.compute(step, inputs, memory, &mut data[..length]);
                memory.buffers[buffer] = data;
                outcome
            }
            Place::Tensor(place) => {
                let before = memory.tensors[place].take();
                let tensor = match kind.dtype {
                    DType::I32 => self.compute_tensor::<i32>(step, inputs, memory, before)?,
                    DType::U8 => self.compute_tensor::<u8>(step, inputs, memory, before)?,
                    DType::I8 => self.compute_tensor::<i8>(step, inputs, memory, before)?,
                    other => return Err(Error::Internal(format!("a chain ends with {other}"))),
                };
                memory.tensors[place] = Some(tensor);
                Ok(())
            }
            place => Err(Error::Internal(format!("{} is in {place:?}", self.graph.name(output)))),
        }
    }

    /// The output over that of the run before, where there was one.
    fn compute_tensor<O: Output + Element>(
        &self,
        step: &Step,
        inputs: &[TensorView<'_>],
        memory: &Memory,
        before: Option<Tensor>,
    ) -> Result<Tensor>
    where
        ArrayD<O>: Into<Tensor>,
    {
        let output = step.group.outputs[0].0;
        let shape = &self.types[output].shape;
        let length = self.layouts.of_values[output].length(shape);
        let shape = match self.layouts.of_values[output] {
            Layout::Plain => shape.as_slice(),
            Layout::Blocked => &[length],
        };
        let before = before.and_then(|tensor| tensor.into_array::<O>().ok());
        let mut array = if let Some(before) = before {
            before
        } else {
            room::<O>(NAME, length)?;
            ArrayD::default(shape)
        };
        self.compute(step, inputs, memory, array.as_slice_mut().unwrap_or_default())?;
        Ok(array.into())
    }

    fn compute<O: Output + Element>(
        &self,
        step: &Step,
        inputs: &[TensorView<'_>],
        memory: &Memory,
        output: &mut [O],
    ) -> Result<()> {
        let views = self.views(&step.group.inputs, inputs, memory)?;
        let op = &self.graph.nodes[step.group.node].op;
        let value = step.group.outputs[0].0;
        let (shape, layout) = (&self.types[value].shape, self.layouts.of_values[value]);
        match &step.group.work {
            Work::Node | Work::Blocks => return Err(Error::Internal(format!("{} is no chain", op.name()))),
            Work::Rearrange => rearrange(shape, layout, in_order(&views[0].array::<O>()?)?, output),
            Work::Chain(chain) => chain.bind(&views, shape, layout)?.run(output),
            Work::Sums { chain, has_zero_point } => {
                let zero_point = if *has_zero_point { first(&views[2])? } else { 0 };
                let left = step.group.inputs[0].0;
                let operands = Operands {
                    left: &views[0],
                    zero_point,
                    right: &views[1],
                    prepared: step.prepared.as_deref(),
                    shape: &self.types[left].shape,
                    layout: self.layouts.of_values[left],
                };
                let chain = chain.bind(&views[2 + usize::from(*has_zero_point)..], shape, layout)?;
                sums(op, &operands, (output, layout), |place, sums, output: &mut [O]| {
                    chain.finish(place, sums, output);
                })?;
            }
        }
        Ok(())
    }

    /// An operator of `f32` alone, into the buffer of its one output.
    fn step_of_floats(&self, step: &Step, inputs: &[TensorView<'_>], memory: &mut Memory) -> Result<()> {
        let node = &self.graph.nodes[step.group.node];
        let prepared = step.prepared.as_deref();
        let output = step.group.outputs[0];
        let Place::Buffer(buffer) = self.places.of_values[output.0] else {
            return Err(Error::Internal(format!("{} has no buffer", node.name)));
        };
        let mut data = self.taken(buffer, memory)?;
        let outcome = self.operands(&step.group.inputs, inputs, memory).and_then(|operands| {
            let shape = &self.types[output.0].shape;
            let layout = self.layouts.of_values[output.0];
            let data = &mut data[..layout.length(shape)];
            match step.group.work {
                Work::Blocks => blocked::run(&node.op, &operands, prepared, shape, data),
                _ => execute(&node.op, &operands, prepared, shape, data),
            }
        });
        memory.buffers[buffer] = data;
        outcome
    }

    /// An operator that has something else, too, into tensors that are made for it.
    fn step_of_any(&self, step: &Step, inputs: &[TensorView<'_>], memory: &mut Memory) -> Result<()> {
        let node = &self.graph.nodes[step.group.node];
        let prepared = step.prepared.as_deref();
        let outputs = {
            let views = self.views(&step.group.inputs, inputs, memory)?;
            run_into_new(&node.op, &views, prepared, &self.types_of(&node.outputs))?
        };
        for (value, output) in node.outputs.iter().zip(outputs) {
            match (self.places.of_values[value.0], output) {
                (Place::Buffer(buffer), Tensor::F32(array)) => {
                    let mut data = self.taken(buffer, memory)?;
                    let elements = array.as_slice().unwrap_or_default();
                    data[..elements.len()].copy_from_slice(elements);
                    memory.buffers[buffer] = data;
                }
                (Place::Tensor(place), output) => memory.tensors[place] = Some(output),
                (place, output) => {
                    let output = output.tensor_type();
                    return Err(Error::Internal(format!("{output} of {} is in {place:?}", node.name)));
                }
            }
        }
        Ok(())
    }

    /// A buffer for a while; the run before may have given it away as an output.
    fn taken(&self, buffer: usize, memory: &mut Memory) -> Result<Lines<f32>> {
        let data = std::mem::take(&mut memory.buffers[buffer]);
        if data.len() < self.places.lengths[buffer] {
            self.new_buffer(buffer)
        } else {
            Ok(data)
        }
    }

    fn new_buffer(&self, buffer: usize) -> Result<Lines<f32>> {
        let length = self.places.lengths[buffer];
        // An output's memory begins with its first element.
        if self.places.are_given[buffer] {
            return Ok(zeros(NAME, length)?.into());
        }
        room::<f32>(NAME, length)?;
        Ok(Lines::new(length))
    }

    fn types_of(&self, values: &[ValueId]) -> Vec<TensorType> {
        values.iter().map(|value| self.types[value.0].clone()).collect()
    }

    fn operands<'a>(&'a self, values: &[ValueId], inputs: &'a [TensorView<'_>], memory: &'a Memory) -> Result<Vec<Operand<'a>>> {
        values.iter().map(|&value| self.operand(value, inputs, memory)).collect()
    }

    /// A value of floats as it lies.
    fn operand<'a>(&'a self, value: ValueId, inputs: &'a [TensorView<'_>], memory: &'a Memory) -> Result<Operand<'a>> {
        let shape = &self.types[value.0].shape;
        let layout = self.layouts.of_values[value.0];
        let data = match self.places.of_values[value.0] {
            Place::Constant(index) => match self.constants[index].as_deref() {
                Some(Tensor::F32(array)) => array.as_slice(),
                _ => None,
            },
            Place::Input(index) => match inputs.get(index) {
                Some(TensorView::F32(array)) => array.as_slice(),
                _ => None,
            },
            Place::Buffer(buffer) => Some(&memory.buffers[buffer][..layout.length(shape)]),
            Place::Nowhere | Place::Tensor(_) => None,
        };
        let data = data.ok_or_else(|| Error::Internal(format!("value {} is no floats in memory", value.0)))?;
        Ok(Operand { shape, data, layout })
    }

    fn views<'a>(&'a self, values: &[ValueId], inputs: &'a [TensorView<'_>], memory: &'a Memory) -> Result<Vec<TensorView<'a>>> {
        values.iter().map(|&value| self.view(value, inputs, memory)).collect()
    }

    /// A value as it lies: in blocks with all elements along one axis.
    fn view<'a>(&'a self, value: ValueId, inputs: &'a [TensorView<'_>], memory: &'a Memory) -> Result<TensorView<'a>> {
        let shape = &self.types[value.0].shape;
        let length = [self.layouts.of_values[value.0].length(shape)];
        let shape = match self.layouts.of_values[value.0] {
            Layout::Plain => shape.as_slice(),
            Layout::Blocked => &length,
        };
        let missing = || Error::Internal(format!("{:?} has no value", self.graph.name(value)));
        match self.places.of_values[value.0] {
            Place::Nowhere => Err(missing()),
            Place::Constant(index) => self.constants[index].as_ref().ok_or_else(missing)?.view().reshaped(shape),
            Place::Input(index) => inputs.get(index).ok_or_else(missing)?.reborrow().reshaped(shape),
            Place::Buffer(buffer) => {
                let data = &memory.buffers[buffer][..length[0]];
                let view = ArrayView::from_shape(IxDyn(shape), data);
                Ok(view.map_err(|error| Error::Internal(error.to_string()))?.into())
            }
            Place::Tensor(place) => memory.tensors[place].as_ref().ok_or_else(missing)?.view().reshaped(shape),
        }
    }

    /// The outputs; one that fills its buffer takes it along.
    fn outputs(&self, inputs: &[TensorView<'_>], memory: &mut Memory) -> Result<Vec<Tensor>> {
        let values = &self.layouts.outputs;
        let places = &self.places.of_values;
        let mut outputs = Vec::with_capacity(values.len());
        for (index, &value) in values.iter().enumerate() {
            let shape = &self.types[value.0].shape;
            let place = places[value.0];
            let is_last = values[index + 1..].iter().all(|later| places[later.0] != place);
            let length: usize = shape.iter().product();
            outputs.push(match place {
                Place::Buffer(buffer) if is_last && self.places.lengths[buffer] == length => {
                    array(NAME, std::mem::take(&mut memory.buffers[buffer]).into_vec(), shape)?
                }
                _ => self.view(value, inputs, memory)?.to_tensor(),
            });
        }
        Ok(outputs)
    }
}

/// The operator of a node whose weights are packed, without what follows it.
fn weighted(node: &Node, types: &[TensorType]) -> Option<Op> {
    let op = match &node.op {
        Op::Fused(fused) => match fused.base {
            FusedBase::Conv(op) => op.into(),
            FusedBase::ConvTranspose(op) => op.into(),
            FusedBase::Linear(op) => op.into(),
        },
        op => op.clone(),
    };
    let is_weighted = match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::ConvInteger(_) | Op::MatMulInteger(_) => true,
        Op::Linear(_) => {
            let shape = &types[node.outputs[0].0].shape;
            !has_few_rows(shape[..shape.len() - 1].iter().product())
        }
        _ => false,
    };
    is_weighted.then_some(op)
}

/// The one element of a tensor of `i32`.
fn first(tensor: &TensorView<'_>) -> Result<i32> {
    let elements = match tensor {
        TensorView::I32(array) => in_order(array)?,
        _ => &[],
    };
    let first = elements.first().copied();
    first.ok_or_else(|| Error::Internal(format!("a zero point of {}", tensor.dtype())))
}
