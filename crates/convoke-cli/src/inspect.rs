//! `convoke inspect`: what an ONNX file or a compiled model holds, and what the passes and the plan make of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use convoke::gpu::{DeviceClass, Memory};
use convoke::graph::{Graph, Pass};
use convoke::onnx::{Model, Shapes, TensorInfo};
use convoke::session::OnCpu;
use convoke::wgpu;
use convoke::{Fallback, Gpu, Session};
use ndarray::{ArrayD, IxDyn};

use super::devices::bytes;
use super::outcome::Outcome;
use super::reads::Reads;
use super::shapes::{shape, shapes_of};
use super::subject::{Kind, Subject};

/// A model to look at.
#[derive(Debug, Args)]
pub(super) struct InspectArguments {
    /// The ONNX file or the compiled model.
    model: PathBuf,
    /// The shape of an input that the file leaves open; otherwise an open first extent is 1.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape)]
    shape: Vec<(String, Vec<usize>)>,
    /// Read tensors in other files from this folder; otherwise from the model's own, and from nowhere else.
    #[arg(long, value_name = "FOLDER")]
    external_data: Option<PathBuf>,
}

/// Says what a model is.
pub(super) fn inspect(out: &mut dyn Write, arguments: &InspectArguments) -> Outcome {
    let subject = Subject::of_file(&arguments.model, arguments.external_data.as_deref())?;
    match subject.kind() {
        Kind::Model(model) => of_model(out, model, &shapes_of(&subject, &arguments.shape)?),
        Kind::Compiled(session, _) => {
            let shapes = subject.checked(&shapes_of(&subject, &arguments.shape)?)?;
            of_session(out, session, &subject, &shapes)
        }
    }
}

fn of_model(out: &mut dyn Write, model: &Model, shapes: &Shapes) -> Outcome {
    let described = model
        .input_shapes(shapes)
        .and_then(|inputs| Described::new(&model.graph(shapes)?, &inputs));
    let refusal = described.as_ref().err().and_then(|_| model.check(shapes).err());
    let verdict = match (&described, &refusal) {
        (Ok(described), _) => described.verdict(),
        (Err(_), None) => "in stages, on GPUs and on the CPU: shapes depend on what it computes".to_owned(),
        (Err(_), Some(error @ convoke::Error::InvalidArgument { .. })) => {
            format!("not: {error} (--shape NAME=1x3x224x224)")
        }
        (Err(_), Some(error)) => format!("not: {error}"),
    };
    writeln!(out, "runs        {verdict}")?;
    writeln!(out, "opset       {}", model.opset())?;
    write_values(out, model.inputs(), model.outputs())?;
    writeln!(out, "parameters  {}", model.parameters())?;
    if let Ok(described) = &described {
        described.write_flops(out)?;
    }
    writeln!(out, "operators")?;
    for (operator, count) in model.operators() {
        writeln!(out, "    {count:>6}  {operator}")?;
    }
    if let Ok(described) = described {
        described.write(out)?;
    }
    Ok(if refusal.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The same of a compiled model, whose graph has most passes behind it.
fn of_session(out: &mut dyn Write, session: &Session, subject: &Subject<'_>, shapes: &[Vec<usize>]) -> Outcome {
    let known: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let described = Described::new(&*session.graph(&known)?, shapes)?;
    writeln!(out, "runs        {}", described.verdict())?;
    writeln!(
        out,
        "compiled    by `convoke compile` or `Session::save`: most passes are behind it"
    )?;
    write_values(out, subject.inputs(), subject.outputs())?;
    described.write_flops(out)?;
    described.write(out)?;
    Ok(ExitCode::SUCCESS)
}

fn write_values(out: &mut dyn Write, inputs: &[TensorInfo], outputs: &[TensorInfo]) -> std::io::Result<()> {
    for (kind, infos) in [("input", inputs), ("output", outputs)] {
        for info in infos {
            writeln!(out, "{kind:<11} {info} {}", info.element_type())?;
        }
    }
    Ok(())
}

/// What is known where the shapes of the inputs are.
struct Described {
    flops: u64,
    /// By operator: how many before the passes and after.
    operators: BTreeMap<&'static str, [usize; 2]>,
    /// Plans before the passes and after, or why there are none.
    plans: convoke::Result<[Plan; 2]>,
    /// What no GPU computes.
    on_cpu: Vec<OnCpu>,
}

struct Plan {
    dispatches: usize,
    memory: Memory,
}

impl Described {
    fn new(graph: &Graph, inputs: &[Vec<usize>]) -> convoke::Result<Self> {
        let known: Vec<&[usize]> = inputs.iter().map(Vec::as_slice).collect();
        let flops = graph.multiply_adds(&known)?.saturating_mul(2);
        let optimized = graph.optimized(&Pass::ALL, Some(&known))?;
        let mut operators = BTreeMap::new();
        for (column, graph) in [graph, &optimized].into_iter().enumerate() {
            for node in graph.nodes() {
                operators.entry(node.op().name()).or_insert([0, 0])[column] += 1;
            }
        }
        let plans = plan(graph, inputs, &[]).and_then(|before| Ok([before, plan(graph, inputs, &Pass::ALL)?]));
        let on_cpu = match &plans {
            Ok(_) => Vec::new(),
            Err(_) => roomy_session(graph, &Pass::ALL, Fallback::Always)?
                .on_cpu(&known)
                .unwrap_or_default(),
        };
        Ok(Self {
            flops,
            operators,
            plans,
            on_cpu,
        })
    }

    /// Where the model runs.
    fn verdict(&self) -> String {
        let Err(error) = &self.plans else {
            return "on GPUs and on the CPU".to_owned();
        };
        if self.on_cpu.is_empty() {
            return format!("on the CPU; on GPUs not: {error}");
        }
        let mut lines = vec!["on the CPU; on GPUs with --fallback, which has the CPU compute".to_owned()];
        let on_cpu = self.on_cpu.iter();
        lines.extend(on_cpu.map(
            |OnCpu {
                 node, operator, reason, ..
             }| format!("            {operator} {node:?}: {reason}"),
        ));
        lines.join("\n")
    }

    fn write_flops(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "FLOPs       {} (convolutions and matrix products)", self.flops)
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

/// On a device that computes nothing and has room for everything: nothing is compiled by a driver or run.
fn roomy_session(graph: &Graph, passes: &[Pass], fallback: Fallback) -> convoke::Result<Session> {
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
    Session::builder()
        .backend(gpu)
        .passes(passes)
        .fallback(fallback)
        .build(graph.clone())
}

fn plan(graph: &Graph, inputs: &[Vec<usize>], passes: &[Pass]) -> convoke::Result<Plan> {
    let session = roomy_session(graph, passes, Fallback::Never)?;
    // Nothing is read: zeros that take no memory until they are touched.
    let inputs: Vec<ArrayD<f32>> = inputs.iter().map(|shape| ArrayD::zeros(IxDyn(shape))).collect();
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
    let resident = session.resident(&views)?;
    Ok(Plan {
        dispatches: resident.dispatches(),
        memory: resident.memory(),
    })
}
