//! What the benches share: one device, opened on first use; what it can do at best; a line of figures for each case.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use convoke::graph::{Graph, Resident};
use convoke::testing::{Layer, Random, compare};
use convoke::{Gpu, Session, wgpu};
use ndarray::ArrayD;

/// Runs of the quick measurement that fills the table.
const RUNS: usize = 15;

/// The device with its ceilings. Listing the benches does not open it.
pub(crate) static BENCH: LazyLock<Bench> = LazyLock::new(Bench::open);

/// A device and what it can do at best, measured by kernels that do nothing else.
pub(crate) struct Bench {
    pub(crate) gpu: Gpu,
    /// Fused multiply-adds in registers, in GFLOP/s.
    multiply_add: f64,
    /// Bytes read and written by a copy, in GB/s.
    copy: f64,
}

/// A case made ready on the device, its output verified.
pub(crate) struct Ready {
    pub(crate) session: Session,
    pub(crate) input: ArrayD<f32>,
    /// Floating-point operations, 2 for each multiply-add; 0 where bytes are what counts.
    pub(crate) flops: u64,
    /// Bytes that any implementation moves: input, weight, output, once each.
    pub(crate) bytes: u64,
}

impl Bench {
    fn open() -> Self {
        let gpu = Gpu::new().expect("the benches need an adapter");
        println!("adapter: {}", gpu.info());
        println!("machine: {}", machine());
        let multiply_add = multiply_add_ceiling(&gpu);
        let copy = copy_ceiling(&gpu);
        println!("ceilings, measured on the adapter: {multiply_add:.0} GFLOP/s of fused multiply-adds, {copy:.1} GB/s copying");
        Self { gpu, multiply_add, copy }
    }

    /// Compiles a case, checks its output once against the reference, and prints its line of the table.
    pub(crate) fn ready(&self, case: &Layer) -> Ready {
        let mut random = Random::new(1);
        let mut graph = Graph::new();
        let mut operands = vec![graph.input("input")];
        operands.extend(case.weight.map(|shape| graph.constant("weight", random.reals(shape))));
        let output = graph
            .node(case.name, case.op.clone(), &operands)
            .expect("a graph of one node");
        graph.output(output).expect("the node's output");
        let session = Session::new(graph, &self.gpu.clone().into()).expect("a session");
        let input = random.reals(case.input);
        let got = session.run(&[input.view()]).expect("a run");
        let want = session.answers(&[input.view()]).expect("the reference's answer");
        compare(&got[0], &want[0]).expect("the right answer");

        let weight: &[usize] = case.weight.unwrap_or_default();
        let terms: usize = weight.iter().skip(1).product();
        let flops = if weight.is_empty() { 0 } else { 2 * got[0].len() * terms } as u64;
        let weights = if weight.is_empty() { 0 } else { weight.iter().product() };
        let bytes = 4 * (input.len() + got[0].len() + weights) as u64;
        let ready = Ready {
            session,
            input,
            flops,
            bytes,
        };
        self.print_line(case.name, &ready);
        ready
    }

    fn print_line(&self, name: &str, ready: &Ready) {
        let resident = ready.resident();
        let mut times: Vec<f64> = (0..RUNS).map(|_| self.time(&resident).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let (median, least) = (times[RUNS / 2], times[0]);
        let (gflops, gigabytes) = (ready.flops as f64 / median / 1e9, ready.bytes as f64 / median / 1e9);
        let floor = (ready.flops as f64 / self.multiply_add / 1e9).max(ready.bytes as f64 / self.copy / 1e9);
        println!(
            "{name:20} median {:8.3} ms, least {:8.3} ms: {gflops:6.1} GFLOP/s, {gigabytes:5.2} GB/s, {:4.1} % of the nearer ceiling",
            median * 1e3,
            least * 1e3,
            100.0 * floor / median
        );
    }

    /// One run that stays on the device, waited for.
    pub(crate) fn time(&self, resident: &Resident<'_>) -> Duration {
        let start = Instant::now();
        resident.run().expect("a run");
        self.gpu.wait().expect("its end");
        start.elapsed()
    }
}

impl Ready {
    pub(crate) fn resident(&self) -> Resident<'_> {
        self.session.resident(&[self.input.view()]).expect("a resident run")
    }
}

/// The processor, where the system tells.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    format!("{model}, {cores} threads, {}", std::env::consts::OS)
}

/// Multiply-adds on registers: 64 accumulators an invocation, nothing loaded in the loop.
const MULTIPLY_ADD: &str = "
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let f = x[id.x];
    var a = f; var b = f + 1.0; var c = f + 2.0; var d = f + 3.0; var e = f + 4.0; var g = f + 5.0; var h = f + 6.0; var i = f + 7.0;
    for (var round = 0u; round < 1024u; round++) {
        a = fma(a, f, f); b = fma(b, f, f); c = fma(c, f, f); d = fma(d, f, f); e = fma(e, f, f); g = fma(g, f, f); h = fma(h, f, f); i = fma(i, f, f);
        a = fma(a, f, f); b = fma(b, f, f); c = fma(c, f, f); d = fma(d, f, f); e = fma(e, f, f); g = fma(g, f, f); h = fma(h, f, f); i = fma(i, f, f);
    }
    y[id.x] = a + b + c + d + e + g + h + i;
}";
const MULTIPLY_ADD_FLOPS: f64 = 2.0 * 4.0 * 16.0 * 1024.0;

/// A copy, four elements an invocation.
const COPY: &str = "
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) { y[id.x] = x[id.x]; }";

fn multiply_add_ceiling(gpu: &Gpu) -> f64 {
    let invocations = if gpu.info().kind.is_hardware() { 1 << 20 } else { 1 << 14 };
    let seconds = time_kernel(gpu, MULTIPLY_ADD, invocations, |encoder, pipeline, group, _| {
        dispatch(encoder, pipeline, group, invocations);
    });
    f64::from(invocations) * MULTIPLY_ADD_FLOPS / seconds / 1e9
}

/// The faster of a copying kernel and the driver's own copy.
fn copy_ceiling(gpu: &Gpu) -> f64 {
    const INVOCATIONS: u32 = 1 << 21;
    let bytes = f64::from(INVOCATIONS) * 16.0 * 2.0;
    let kernel = time_kernel(gpu, COPY, INVOCATIONS, |encoder, pipeline, group, _| {
        dispatch(encoder, pipeline, group, INVOCATIONS);
    });
    let driver = time_kernel(gpu, COPY, INVOCATIONS, |encoder, _, _, [from, to]| {
        encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
    });
    bytes / kernel.min(driver) / 1e9
}

fn dispatch(encoder: &mut wgpu::CommandEncoder, pipeline: &wgpu::ComputePipeline, group: &wgpu::BindGroup, invocations: u32) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
    pass.set_pipeline(pipeline);
    pass.set_bind_group(0, group, &[]);
    pass.dispatch_workgroups(invocations / 64, 1, 1);
}

/// The least time of what `record` puts into a command buffer, in seconds.
fn time_kernel(
    gpu: &Gpu,
    source: &'static str,
    invocations: u32,
    record: impl Fn(&mut wgpu::CommandEncoder, &wgpu::ComputePipeline, &wgpu::BindGroup, [&wgpu::Buffer; 2]),
) -> f64 {
    let device = gpu.device();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: None,
        source: wgpu::ShaderSource::Wgsl(source.into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let buffer = || {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: u64::from(invocations) * 16,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let (from, to) = (buffer(), buffer());
    // Not zeros: half of every float's range would be free.
    let values: Vec<f32> = (0..invocations * 4).map(|i| 0.5 + (i % 1000) as f32 * 1e-4).collect();
    gpu.queue().write_buffer(
        &from,
        0,
        &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>(),
    );
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: from.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: to.as_entire_binding(),
            },
        ],
    });
    (0..8)
        .map(|_| {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            record(&mut encoder, &pipeline, &group, [&from, &to]);
            let start = Instant::now();
            gpu.queue().submit([encoder.finish()]);
            gpu.wait().expect("the kernel's end");
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}
