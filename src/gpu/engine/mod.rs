//! A graph on the GPU: weights uploaded once, and for each set of input shapes a plan that runs any number of times.

mod chains;
mod plan;
mod refusals;
mod resident;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

pub use resident::{LayerChoice, LayerOperand, Resident};

use crate::cancel;
use crate::dtype::TensorType;
#[cfg(not(target_family = "wasm"))]
use crate::elsewhere::{elsewhere, on_a_thread};
use crate::engine::{Engine, Evaluation, Here, Kept, PlanSettings, Rounding, Running, shapes_of};
use crate::error::Result;
use crate::gpu::device::pool::PooledBuffer;
use crate::gpu::device::readback::staging_buffer;
use crate::gpu::device::stored::stored_precision;
use crate::gpu::device::tensor::{Tensor, write};
use crate::gpu::eager::Gpu;
use crate::gpu::lower::elementwise::chain;
use crate::gpu::lower::lower_with;
use crate::gpu::plan::executable::{Executable, Memory};
use crate::gpu::plan::recording::{Recording, Value};
use crate::graph::exact_sums::{self, ExactSums};
use crate::graph::magnitudes::plain_quotients;
use crate::graph::passes::{Passes, split_linear};
use crate::graph::{Graph, ValueId};
use crate::limits::{Limits, Work};
use crate::lock::lock;
use crate::precision::Precision;
use crate::profiling::{Layer, Profile, layers, least};
use crate::tensor::{Tensor as HostTensor, TensorView};
use crate::turn::{Turns, at_once};
use chains::{Group, alone, groups};
use plan::{Output, Plan, are_mappable, for_each_input, split_outputs};

const NAME: &str = "graph";

/// The GPU's part of a session: constants uploaded, a plan for each set of input shapes.
#[derive(Debug)]
pub(crate) struct GpuEngine {
    pub(crate) gpu: Gpu,
    /// The graph after the passes that need no shapes.
    graph: Graph,
    early: Passes,
    /// The passes that are left for when the shapes are known.
    late: Passes,
    constants: Vec<Option<Tensor>>,
    /// In what parts the sums of whole numbers are exact in floats, as far as the graph tells.
    exact: HashMap<ValueId, ExactSums>,
    /// The quotients of numbers of usual magnitude, as far as the graph tells.
    plain: HashSet<ValueId>,
    /// How constants, inputs and what operators make of them are stored.
    precision: Precision,
    limits: Limits,
    plans: Kept<Arc<Mutex<Plan>>>,
}

impl GpuEngine {
    #[cfg(test)]
    pub(crate) fn new(gpu: &Gpu, graph: &Graph, settings: PlanSettings, precision: Precision) -> Result<Self> {
        at_once(Self::by_turns(gpu, graph, settings, precision, &mut Turns::none()))
    }

    /// Applies the passes that need no shapes and uploads the constants that they leave.
    pub(crate) async fn by_turns(
        gpu: &Gpu,
        graph: &Graph,
        settings: PlanSettings,
        precision: Precision,
        turns: &mut Turns,
    ) -> Result<Self> {
        let PlanSettings {
            passes,
            plans_kept,
            limits,
        } = settings;
        let (early, late) = passes.split();
        let mut engine = Self {
            gpu: gpu.clone(),
            graph: early_graph(gpu, graph, &early)?,
            early,
            late,
            constants: Vec::new(),
            exact: HashMap::new(),
            plain: HashSet::new(),
            precision,
            limits,
            plans: Kept::new(plans_kept),
        };
        for value in &engine.graph.values {
            let upload = |tensor: &Arc<HostTensor>| Tensor::constant(&gpu.context, &tensor.view(), precision);
            let uploaded = value.constant.as_ref().map(upload).transpose();
            let uploaded = uploaded.map_err(|error| error.about(&format!("constant {:?}", value.name)))?;
            engine.constants.push(uploaded);
            turns.next().await;
        }
        engine.exact = exact_sums::of_graph(&engine.graph);
        engine.plain = plain_quotients(&engine.graph);
        engine.forget_what_passes_made(graph);
        Ok(engine)
    }

    /// Lets go of elements that are on the device now and that only the passes made: those of `graph` are there in any case, since
    /// the reference runs it. Small ones stay, for late passes to see what they hold.
    fn forget_what_passes_made(&mut self, graph: &Graph) {
        const SMALL: usize = 1024;
        if !self.late.make_no_constants() {
            return;
        }
        for (index, value) in self.graph.values.iter_mut().enumerate() {
            let own = graph.values.get(index).and_then(|value| value.constant.as_ref());
            let made = value.constant.take_if(|tensor| {
                tensor.shape().iter().product::<usize>() > SMALL && !own.is_some_and(|own| Arc::ptr_eq(own, tensor))
            });
            if let Some(array) = made {
                value.shape = Some(array.shape().to_vec());
            }
        }
    }

    /// The plan for these shapes, made where it is not there.
    fn plan(&self, shapes: &[Vec<usize>]) -> Result<Arc<Mutex<Plan>>> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let check = || self.graph.shapes(&known);
        let make = |_| self.limits.planned(|| Ok(Arc::new(Mutex::new(self.planned(shapes)?))));
        self.plans.get_or_make(shapes, check, make)
    }

    /// The layers that several kernels could compute, for these shapes of the inputs.
    pub(crate) fn kernel_choices(&self, inputs: &[&[usize]]) -> Result<Vec<LayerChoice>> {
        // What is refused takes no memory.
        self.graph.shapes(inputs)?;
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|shape| shape.to_vec()).collect();
        let lowered = self.lower(&shapes, Apart::No)?;
        let Recording { decisions, slots, .. } = &lowered.recording;
        let operand = |value: &ValueId| {
            let value = lowered.values[value.0].as_ref()?;
            let is_constant = value.slot.is_some_and(|slot| slots[slot.0].constant);
            Some(LayerOperand {
                shape: value.shape.clone(),
                is_constant,
            })
        };
        let layers = decisions.iter().map(|&decision| {
            let node = &lowered.graph.nodes[decision.node];
            LayerChoice {
                node: node.name.clone(),
                op: node.op.clone(),
                operands: node.inputs.iter().filter_map(operand).collect(),
                layer: decision.layer,
                choice: decision.choice,
                is_tuned: decision.is_tuned,
            }
        });
        Ok(layers.collect())
    }

    /// Uploads inputs for runs that stay on the GPU.
    pub(crate) fn resident(&self, inputs: &[TensorView<'_>]) -> Result<Resident> {
        let plan = self.plan(&shapes_of(inputs))?;
        lock(&plan).write_inputs(&self.gpu.context, inputs)?;
        Ok(Resident {
            gpu: self.gpu.clone(),
            plan,
        })
    }

    /// A plan for these shapes that nobody else runs. Weights are shared.
    pub(crate) fn bind(&self, shapes: &[Vec<usize>]) -> Result<Resident> {
        let plan = self.limits.planned(|| self.planned(shapes))?;
        Ok(Resident {
            gpu: self.gpu.clone(),
            plan: Arc::new(Mutex::new(plan)),
        })
    }

    fn planned(&self, shapes: &[Vec<usize>]) -> Result<Plan> {
        at_once(self.planned_by_turns(shapes, &mut Turns::none()))
    }

    async fn planned_by_turns(&self, shapes: &[Vec<usize>], turns: &mut Turns) -> Result<Plan> {
        let context = &self.gpu.context;
        let mut lowered = self.lower(shapes, Apart::No)?;
        turns.next().await;
        let outputs: Vec<Output> = lowered
            .graph
            .outputs
            .iter()
            .filter_map(|value| Some(Output::new(lowered.values[value.0].clone()?, self.precision)))
            .collect();
        for output in &outputs {
            lowered.recording.export(&output.value);
        }
        let inputs = lowered.inputs.iter().flatten().map(|input| input.buffer().size());
        let fixed = inputs.chain(outputs.iter().map(Output::bytes)).sum::<u64>();
        let check = |memory: &Memory| {
            let bytes = [memory.planned, memory.constants, fixed]
                .into_iter()
                .fold(0, u64::saturating_add);
            self.limits.check_device_bytes(&lowered.work, bytes)
        };
        let executable = Executable::by_turns(context, &lowered.recording, check, turns).await?;
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
        let input_types = lowered.graph.inputs.iter().zip(shapes).map(|(&value, shape)| {
            let dtype = lowered.graph.input_type(value);
            TensorType::new(dtype, shape.as_slice())
        });
        Ok(Plan {
            input_types: input_types.collect(),
            inputs: lowered.inputs,
            precision: self.precision,
            executable,
            work: lowered.work,
            layers,
            outputs,
            output_bytes,
            staging,
            spare: Vec::new(),
        })
    }

    /// A run that takes long, on a thread that waits for its pieces, since between them it can be stopped.
    #[cfg(not(target_family = "wasm"))]
    fn start_in_pieces(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Running {
        let inputs: Vec<HostTensor> = inputs.iter().map(TensorView::to_tensor).collect();
        Box::pin(elsewhere(on_a_thread, move || {
            self.run(&inputs.iter().map(HostTensor::view).collect::<Vec<_>>())
        }))
    }

    /// Applies the passes that were waiting for shapes and records every operator.
    fn lower(&self, shapes: &[Vec<usize>], apart: Apart) -> Result<Lowered> {
        let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        self.graph.check_inputs(&known)?;
        let graph = self.late.apply(&self.graph, Some(&known))?;
        let context = &self.gpu.context;
        let mut recording = self.gpu.recording();
        recording.precision = self.precision;
        let mut import = |tensor: &Tensor| recording.import(tensor.buffer.clone(), &tensor.shape, tensor.dtype, true);
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
            let dtype = graph.input_type(*value);
            let precision = stored_precision(dtype, self.precision);
            let bytes = context.capabilities.check_stored(NAME, elements, precision.bytes());
            let bytes = bytes.map_err(|error| error.about(&format!("input {:?}", graph.name(*value))))?;
            let buffer = if elements == 0 { None } else { Some(context.take(bytes)?) };
            values[value.0] = Some(recording.import(buffer.clone(), shape, dtype, false));
            inputs.push(buffer);
        }
        let types = graph.infer(&known)?;
        let work = Work::of(&graph, &types);
        self.limits.check_operations(&work)?;
        // What is stored in 16 bits between two functions is rounded there.
        let groups = match (apart, self.precision) {
            (Apart::No, Precision::F32) => groups(&graph, &types, &self.plain),
            _ => alone(&graph),
        };
        for Group { node: index, chain } in groups {
            cancel::check()?;
            let node = &graph.nodes[index];
            recording.node = index;
            if let (Some(chain), &[output]) = (&chain, node.outputs.as_slice()) {
                let value = |id: ValueId| values[id.0].as_ref();
                let result = chain::lower(chain, value, &types[output.0], &mut recording).map_err(|error| node.locate(error))?;
                values[output.0] = Some(result);
                continue;
            }
            let operands: Vec<Value> = node.inputs.iter().filter_map(|value| values[value.0].clone()).collect();
            let exact = node.outputs.first().and_then(|value| self.exact.get(value));
            let outputs = lower_with(&node.op, &operands, exact, &mut recording);
            let outputs = outputs.map_err(|error| node.locate(error))?;
            for (value, output) in node.outputs.iter().zip(outputs) {
                values[value.0] = Some(output);
            }
        }
        Ok(Lowered {
            work,
            graph,
            recording,
            values,
            inputs,
        })
    }
}

impl Engine for GpuEngine {
    fn prepare(&self, shapes: &[Vec<usize>]) -> Result<()> {
        let plan = self.plan(shapes)?;
        let mut plan = lock(&plan);
        let spare = plan.spare_staging(&self.gpu.context)?;
        plan.spare.push(spare);
        Ok(())
    }

    #[cfg(target_family = "wasm")]
    fn prepare_by_turns<'a>(&'a self, shapes: &'a [Vec<usize>], turns: &'a mut Turns) -> Here<'a, ()> {
        Box::pin(async move {
            if self.plans.get(shapes).is_none() {
                let plan = self.planned_by_turns(shapes, turns).await?;
                self.plans.get_or_make(shapes, || Ok(Arc::new(Mutex::new(plan))), Ok)?;
            }
            self.prepare(shapes)
        })
    }

    fn is_prepared(&self, shapes: &[Vec<usize>]) -> bool {
        self.plans.get(shapes).is_some()
    }

    #[cfg(not(target_family = "wasm"))]
    fn run(&self, inputs: &[TensorView<'_>]) -> Result<Vec<HostTensor>> {
        let plan = self.plan(&shapes_of(inputs))?;
        let plan = lock(&plan);
        self.limits.running(&plan.work, || plan.run(&self.gpu.context, inputs))
    }

    /// Each run has its own staging memory, so that several may be under way; it is used again when the run is over.
    fn start(self: Arc<Self>, inputs: &[TensorView<'_>]) -> Result<Running> {
        let shared = self.plan(&shapes_of(inputs))?;
        #[cfg(not(target_family = "wasm"))]
        if lock(&shared).work.is_long() {
            return Ok(self.start_in_pieces(inputs));
        }
        // The lock is let go before the first await: the queue orders what was submitted.
        let (readback, staging, outputs) = {
            let context = &self.gpu.context;
            let mut plan = lock(&shared);
            let staging = plan.spare_staging(context)?;
            (plan.start_into(context, inputs, &staging)?, staging, plan.outputs.clone())
        };
        Ok(Box::pin(async move {
            let outputs = match readback {
                None => split_outputs(&outputs, &[]),
                Some(readback) => {
                    let split = |parts: &[&[u8]]| split_outputs(&outputs, parts);
                    readback.finish(&self.gpu.context, split).await?
                }
            };
            // What went wrong may have left it mapped; what ended well has not.
            lock(&shared).spare.push(staging);
            outputs
        }))
    }

    fn evaluate<'a>(&'a self, inputs: &'a [TensorView<'_>]) -> Here<'a, Vec<Evaluation>> {
        Box::pin(async move {
            let context = &self.gpu.context;
            let mut lowered = self.lower(&shapes_of(inputs), Apart::Yes)?;
            for value in lowered.values.iter().flatten() {
                lowered.recording.export(value);
            }
            let executable = Executable::new(context, &lowered.recording, |_| Ok(()))?;
            for_each_input(&lowered.inputs, inputs, |buffer, array| {
                write(context, buffer, array, self.precision)
            })?;
            executable.submit(context)?;
            let tensor = |value: &Value| Tensor {
                context: Arc::clone(context),
                buffer: executable.buffer(value),
                shape: value.shape.clone(),
                dtype: value.dtype,
                precision: stored_precision(value.dtype, self.precision),
            };
            let mut values = Vec::with_capacity(lowered.values.len());
            for value in &lowered.values {
                values.push(match value {
                    Some(value) => Some(tensor(value).read_any_here().await?),
                    None => None,
                });
            }
            Ok(vec![Evaluation {
                graph: lowered.graph,
                values,
                #[cfg(not(target_family = "wasm"))]
                kernels: executable.kernels(context)?,
            }])
        })
    }

    #[expect(
        clippy::await_holding_lock,
        reason = "natively nothing is awaited, and in a browser the plan is nobody else's"
    )]
    fn profile<'a>(&'a self, inputs: &'a [TensorView<'_>], repetitions: usize) -> Here<'a, Profile> {
        Box::pin(async move {
            let shapes = shapes_of(inputs);
            // In a browser others run while this is waited for: by a plan of their own.
            let plan = if cfg!(target_family = "wasm") {
                Arc::new(Mutex::new(self.planned_by_turns(&shapes, &mut Turns::new()).await?))
            } else {
                self.plan(&shapes)?
            };
            let plan = lock(&plan);
            let context = &self.gpu.context;
            let ceilings = self.gpu.measured().await?;
            plan.write_inputs(context, inputs)?;
            let (timing, timed) = plan.executable.time(context, repetitions).await?;
            let submit = async || {
                plan.executable.submit(context)?;
                context.done().await
            };
            let profile = Profile {
                timing,
                repetitions,
                ceilings,
                layers: layers(&plan.layers, &timed),
                dispatches: least(repetitions, submit).await?,
                run: least(repetitions, async || plan.run_here(context, inputs).await.map(drop)).await?,
            };
            profile.against(async || self.gpu.measured().await).await
        })
    }

    fn rounding(&self) -> Rounding {
        Rounding {
            precision: self.precision,
            winograd: self.gpu.winograd(),
        }
    }

    fn optimized(&self, graph: &Graph, shapes: &[&[usize]]) -> Result<Graph> {
        self.late.apply(&early_graph(&self.gpu, graph, &self.early)?, Some(shapes))
    }
}

/// The graph after passes that need no shapes, with layers that the device can bind.
fn early_graph(gpu: &Gpu, graph: &Graph, passes: &Passes) -> Result<Graph> {
    let mut graph = passes.apply(graph, None)?;
    let limits = &gpu.context.capabilities.limits;
    let most = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) / 4;
    split_linear::run(&mut graph, usize::try_from(most).unwrap_or(usize::MAX));
    Ok(graph)
}

/// Whether every value of the graph is wanted, or functions of elements may be computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Apart {
    Yes,
    No,
}

/// A graph made ready for the shapes of its inputs, with what each of its values became.
struct Lowered {
    /// What a run takes.
    work: Work,
    graph: Graph,
    recording: Recording,
    values: Vec<Option<Value>>,
    inputs: Vec<Option<Arc<PooledBuffer>>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Pass;
    use crate::ops::{BatchNorm, Conv2d};
    use crate::reference::{answers, compare_close, constants};
    use crate::testing::{self, Random};

    /// Weights that passes made are on the device alone, and the host has the graph's own ones once.
    #[test]
    fn the_host_keeps_no_second_copy_of_weights() {
        let Some(gpu) = testing::gpu().unwrap() else { return };
        let (mut graph, mut random) = (Graph::new(), Random::new(1));
        let image = graph.input("image");
        let first = graph.constant("first", random.reals(&[24, 8, 3, 3]));
        let second = graph.constant("second", random.reals(&[16, 24, 3, 3]));
        let plain = graph.node("plain", Conv2d::new(), &[image, first]).unwrap();
        let conv = graph.node("conv", Conv2d::new(), &[plain, second]).unwrap();
        let parameters = [1, 2, 3, 4].map(|_| graph.constant("parameter", random.reals(&[16]).mapv(|x| x.abs() + 0.5)));
        let inputs = [&[conv][..], &parameters].concat();
        let normalised = graph.node("bn", BatchNorm::new(), &inputs).unwrap();
        graph.output(normalised).unwrap();
        let engine = |passes: &[Pass]| {
            let passes = Passes::new(passes, |op, inputs| constants(op, inputs).map(Some));
            GpuEngine::new(&gpu, &graph, PlanSettings::by(passes), Precision::F32).unwrap()
        };

        let kept = engine(&Pass::ALL);
        let held: Vec<&Arc<HostTensor>> = kept.graph.values.iter().filter_map(|value| value.constant.as_ref()).collect();
        let own = |array: &Arc<HostTensor>| {
            let mut values = graph.values.iter().filter_map(|value| value.constant.as_ref());
            values.any(|value| Arc::ptr_eq(value, array))
        };
        assert!(held.iter().all(|array| own(array) || array.shape() == [16]), "{held:?}");
        assert_eq!(
            kept.constants.iter().flatten().count(),
            3,
            "two weights and a bias are on the device"
        );
        let shape: &[usize] = &[1, 8, 12, 10];
        let input = random.reals(shape);
        let shapes = kept.graph.shapes(&[shape]).unwrap();
        assert_eq!(shapes[normalised.0], [1, 16, 8, 6]);
        // What 16-bit floats round are the weights that the passes left: they are to be had again.
        let of = |graph: &Graph| {
            let mut answers = answers(graph, &[input.view().into()], kept.rounding()).unwrap();
            answers.swap_remove(0)
        };
        let optimized = kept.optimized(&graph, &[shape]).unwrap();
        assert!(optimized.nodes.len() < graph.nodes.len());
        compare_close(&of(&optimized).to_f32(), &of(&graph).to_f32(), 1e-5, 1e-5).unwrap();

        // Passes that fold when the shapes are known need the elements.
        let late: Vec<Pass> = Pass::ALL.iter().rev().copied().collect();
        let held = engine(&late).graph.values;
        assert_eq!(held.iter().filter(|value| value.constant.is_some()).count(), 6);
    }
}
