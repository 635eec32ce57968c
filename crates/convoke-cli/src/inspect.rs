//! `convoke inspect`: what an ONNX file holds, and what the passes and the plan make of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use convoke::gpu::{DeviceClass, Memory};
use convoke::graph::{Graph, Pass};
use convoke::onnx::{Model, Shapes};
use convoke::wgpu;
use convoke::{Gpu, Session};
use ndarray::{ArrayD, IxDyn};

use super::devices::bytes;
use super::model::open;
use super::outcome::Outcome;

/// A model to look at.
#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The ONNX file.
    model: PathBuf,
    /// The shape of an input that the file leaves open; otherwise an open first extent is 1.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape)]
    shape: Vec<(String, Vec<usize>)>,
    /// Read tensors from other files in the model's folder.
    #[arg(long)]
    external_data: bool,
}

pub(super) fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let parse = || {
        let (name, extents) = text.split_once('=')?;
        let extents = extents.split('x').map(|extent| extent.parse().ok()).collect::<Option<_>>()?;
        Some((name.to_owned(), extents))
    };
    parse().ok_or_else(|| "NAME=1x3x224x224 is expected".to_owned())
}

/// What `--shape` gives, of inputs that the model has.
pub(super) fn shapes_of(model: &Model, given: &[(String, Vec<usize>)]) -> Result<Shapes, String> {
    let mut shapes = Shapes::new();
    for (name, extents) in given {
        if model.inputs().iter().all(|info| info.name != *name) {
            return Err(format!("--shape {name}: there is no such input"));
        }
        shapes = shapes.input(name, extents.as_slice());
    }
    Ok(shapes)
}

/// Says what a model is.
pub(super) fn inspect(out: &mut dyn Write, arguments: &InspectArguments) -> Outcome {
    let model = open(&arguments.model, arguments.external_data)?;
    let shapes = shapes_of(&model, &arguments.shape)?;
    writeln!(out, "opset       {}", model.opset())?;
    for (kind, infos) in [("input", model.inputs()), ("output", model.outputs())] {
        for info in infos {
            writeln!(out, "{kind:<11} {info} {}", info.element_type())?;
        }
    }
    writeln!(out, "parameters  {}", model.parameters())?;
    let described = Described::new(&model, &shapes);
    match &described {
        Ok(described) => writeln!(out, "FLOPs       {} (convolutions and matrix products)", described.flops)?,
        Err(error) => writeln!(out, "FLOPs       not known: {error}")?,
    }
    writeln!(out, "operators")?;
    for (operator, count) in model.operators() {
        writeln!(out, "    {count:>6}  {operator}")?;
    }
    if let Ok(described) = described {
        described.write(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is known where the shapes of the inputs are.
struct Described {
    flops: u64,
    /// By operator: how many before the passes and after.
    operators: BTreeMap<&'static str, [usize; 2]>,
    /// Plans before the passes and after, or why there are none.
    plans: convoke::Result<[Plan; 2]>,
}

struct Plan {
    dispatches: usize,
    memory: Memory,
}

impl Described {
    fn new(model: &Model, shapes: &Shapes) -> convoke::Result<Self> {
        let inputs = model.input_shapes(shapes)?;
        let graph = model.graph(shapes)?;
        let known: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        let flops = graph.multiply_adds(&known)?.saturating_mul(2);
        let optimized = graph.optimized(&Pass::ALL, Some(&known))?;
        let mut operators = BTreeMap::new();
        for (column, graph) in [&graph, &optimized].into_iter().enumerate() {
            for node in graph.nodes() {
                operators.entry(node.op().name()).or_insert([0, 0])[column] += 1;
            }
        }
        let plans = plan(&graph, &inputs, &[]).and_then(|before| Ok([before, plan(&graph, &inputs, &Pass::ALL)?]));
        Ok(Self { flops, operators, plans })
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "passes      before    after")?;
        for (operator, [before, after]) in &self.operators {
            writeln!(out, "            {before:>6} {after:>8}  {operator}")?;
        }
        let sum = |column: usize| self.operators.values().map(|counts| counts[column]).sum::<usize>();
        writeln!(out, "            {:>6} {:>8}  operators together", sum(0), sum(1))?;
        let [before, after] = match &self.plans {
            Ok(plans) => plans,
            Err(error) => return writeln!(out, "plan        not known: {error}"),
        };
        writeln!(
            out,
            "            {:>6} {:>8}  dispatches a run",
            before.dispatches, after.dispatches
        )?;
        let memory = after.memory;
        writeln!(
            out,
            "memory      {} planned for intermediate results, by the rules of software adapters",
            bytes(memory.planned)
        )?;
        writeln!(
            out,
            "            {} is the least that they can do with",
            bytes(memory.lower_bound)
        )?;
        writeln!(out, "            {} if each had its own", bytes(memory.unshared))?;
        writeln!(
            out,
            "            {} of weights, packed forms included",
            bytes(memory.constants)
        )
    }
}

/// Plans for a device that computes nothing and has room for everything: nothing is compiled by a driver or run.
fn plan(graph: &Graph, inputs: &[Vec<usize>], passes: &[Pass]) -> convoke::Result<Plan> {
    let most = wgpu::Limits::unlimited();
    let (device, queue) = wgpu::Device::noop(&wgpu::DeviceDescriptor {
        required_limits: wgpu::Limits {
            max_buffer_size: most.max_buffer_size,
            max_storage_buffer_binding_size: most.max_storage_buffer_binding_size,
            ..wgpu::Limits::default()
        },
        ..Default::default()
    });
    let info = wgpu::AdapterInfo::new(wgpu::DeviceType::Other, wgpu::Backend::Noop);
    // Plans differ by class: for few positions, real GPUs sum a layer in parts.
    let gpu = Gpu::from_device(device, queue, &info)?.with_device_class(DeviceClass::Software);
    let session = Session::builder().backend(gpu).passes(passes).build(graph.clone())?;
    // Nothing is read: zeros that take no memory until they are touched.
    let inputs: Vec<ArrayD<f32>> = inputs.iter().map(|shape| ArrayD::zeros(IxDyn(shape))).collect();
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
    let resident = session.resident(&views)?;
    Ok(Plan {
        dispatches: resident.dispatches(),
        memory: resident.memory(),
    })
}
