//! What an adapter makes of NaN, infinities, subnormal numbers and zeros, and how exact its functions are.
//!
//! `docs/numerics.md` says what convoke relies on and what it works around; this prints what there is on your adapter:
//!
//!     cargo run --release --example numerics

use std::error::Error;

use convoke::Gpu;
use convoke::testing::Random;
use wgpu::util::DeviceExt;

/// Expressions of `a` and `b`, and what IEEE 754 gives for them.
type Case = (&'static str, f32, f32, f32);

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;
const TINY: f32 = 1e-40;

const CASES: [(&str, &[Case]); 5] = [
    (
        "NaN",
        &[
            ("select(0.0, 1.0, a != a)", NAN, 0.0, 1.0),
            ("select(0.0, 1.0, a == a)", NAN, 0.0, 0.0),
            ("select(0.0, 1.0, a < b)", NAN, 1.0, 0.0),
            ("select(0.0, 1.0, !(a < b))", NAN, 1.0, 1.0),
            ("select(0.0, 1.0, a >= b)", NAN, 1.0, 0.0),
            ("min(a, b)", NAN, 1.0, NAN),
            ("min(b, a)", NAN, 1.0, NAN),
            ("max(a, b)", NAN, 1.0, NAN),
            ("max(b, a)", NAN, 1.0, NAN),
            ("clamp(a, 0.0, b)", NAN, 1.0, NAN),
            ("a + b", NAN, 1.0, NAN),
            ("a * 0.0", NAN, 0.0, NAN),
            ("select(b, a, true)", NAN, 1.0, NAN),
            ("exp(a)", NAN, 0.0, NAN),
            ("log(a)", NAN, 0.0, NAN),
            ("tanh(a)", NAN, 0.0, NAN),
            ("sqrt(a)", NAN, 0.0, NAN),
        ],
    ),
    (
        "infinities",
        &[
            ("a - b", INF, INF, NAN),
            ("a * b", INF, 0.0, NAN),
            ("a / b", 1.0, 0.0, INF),
            ("a / b", -1.0, 0.0, -INF),
            ("a / b", 0.0, 0.0, NAN),
            ("a / b", INF, INF, NAN),
            ("a / b", 1.0, INF, 0.0),
            ("a / b", 1e-20, f32::MAX, 0.0),
            ("a / b", f32::MAX, 2e38, 1.701_411_7),
            ("a * b", f32::MAX, 2.0, INF),
            ("exp(a)", 100.0, 0.0, INF),
            ("exp(a)", INF, 0.0, INF),
            ("exp(a)", -INF, 0.0, 0.0),
            ("log(a)", 0.0, 0.0, -INF),
            ("log(a)", INF, 0.0, INF),
            ("log(a)", -1.0, 0.0, NAN),
            ("sqrt(a)", -1.0, 0.0, NAN),
            ("sqrt(a)", INF, 0.0, INF),
            ("tanh(a)", 100.0, 0.0, 1.0),
            ("tanh(a)", INF, 0.0, 1.0),
            ("pow(a, b)", 0.0, 0.0, 1.0),
            ("pow(a, b)", -2.0, 2.0, 4.0),
            ("min(a, b)", INF, 1.0, 1.0),
            ("max(a, b)", -INF, 1.0, 1.0),
        ],
    ),
    (
        "subnormal numbers",
        &[
            ("a", TINY, 0.0, TINY),
            ("bitcast<f32>(bitcast<u32>(a))", TINY, 0.0, TINY),
            ("select(b, a, true)", TINY, 0.0, TINY),
            ("abs(a)", TINY, 0.0, TINY),
            ("-a", TINY, 0.0, -TINY),
            ("select(0.0, 1.0, a == 0.0)", TINY, 0.0, 0.0),
            ("select(0.0, 1.0, a > 0.0)", TINY, 0.0, 1.0),
            ("max(a, b)", TINY, 0.0, TINY),
            ("min(a, b)", TINY, 1.0, TINY),
            ("a + b", TINY, 0.0, TINY),
            ("a * b", TINY, 1.0, TINY),
            ("a * b", TINY, 1e10, 1e-30),
            ("a * b", 1e-20, 1e-20, TINY),
            ("a / b", TINY, TINY, 1.0),
            ("a / b", 1e-20, 1e20, TINY),
            ("sqrt(a)", TINY, 0.0, 1e-20),
            ("log(a)", TINY, 0.0, -92.103_4),
            ("exp(a)", -92.103_4, 0.0, TINY),
            ("f32(u32(b))", TINY, 7.0, 7.0),
        ],
    ),
    (
        "zeros (1 / is -inf for the negative one)",
        &[
            ("bitcast<f32>(bitcast<u32>(a * b) | 0x3f800000u)", 0.0, -1.0, -1.0),
            ("bitcast<f32>(bitcast<u32>(a + b) | 0x3f800000u)", -0.0, -0.0, -1.0),
            ("bitcast<f32>(bitcast<u32>(a + b) | 0x3f800000u)", -0.0, 0.0, 1.0),
            ("bitcast<f32>(bitcast<u32>(-a) | 0x3f800000u)", 0.0, 0.0, -1.0),
            ("bitcast<f32>(bitcast<u32>(0.0 - a) | 0x3f800000u)", 0.0, 0.0, 1.0),
            ("bitcast<f32>(bitcast<u32>(min(a, b)) | 0x3f800000u)", -0.0, 0.0, -1.0),
            ("bitcast<f32>(bitcast<u32>(min(a, b)) | 0x3f800000u)", 0.0, -0.0, -1.0),
            ("bitcast<f32>(bitcast<u32>(max(a, b)) | 0x3f800000u)", -0.0, 0.0, 1.0),
            ("bitcast<f32>(bitcast<u32>(max(a, b)) | 0x3f800000u)", 0.0, -0.0, 1.0),
        ],
    ),
    (
        "fused multiply-add (2^-24 where it is one rounding, 0 where there are two)",
        &[
            ("fma(a, a, b)", 1.0 + 1.0 / 4096.0, -(1.0 + 1.0 / 2048.0), 1.0 / 16_777_216.0),
            ("a * a + b", 1.0 + 1.0 / 4096.0, -(1.0 + 1.0 / 2048.0), 0.0),
        ],
    ),
];

/// Where the adapter has 16-bit floats: rounding to nearest with ties to even, the largest, subnormal numbers.
const HALVES: [Case; 9] = [
    ("f32(f16(a))", 1.0 + 1.0 / 2048.0, 0.0, 1.0),
    ("f32(f16(a))", 1.0 + 3.0 / 2048.0, 0.0, 1.0 + 4.0 / 2048.0),
    ("f32(f16(a))", 2049.0, 0.0, 2048.0),
    ("f32(f16(a))", 65_519.0, 0.0, 65_504.0),
    ("f32(f16(a))", 65_520.0, 0.0, INF),
    ("f32(f16(a))", -1e9, 0.0, -INF),
    ("f32(f16(a))", NAN, 0.0, NAN),
    ("f32(f16(a))", 1e-5, 0.0, 1.001_358e-5),
    ("f32(f16(a))", 4e-8, 0.0, 5.960_464_5e-8),
];

/// A function, arguments from and to, and what it is: its error is the largest in units in the last place of its results.
type Function = (&'static str, (f64, f64), (f64, f64), fn(f64, f64) -> f64);

const FUNCTIONS: [Function; 14] = [
    ("a + b", (-100.0, 100.0), (-100.0, 100.0), |a, b| a + b),
    ("a * b", (-100.0, 100.0), (-100.0, 100.0), |a, b| a * b),
    ("a / b", (-100.0, 100.0), (0.01, 100.0), |a, b| a / b),
    ("1.0 / a", (0.001, 1000.0), (0.0, 0.0), |a, _| 1.0 / a),
    ("sqrt(a)", (0.0, 1000.0), (0.0, 0.0), |a, _| a.sqrt()),
    ("inverseSqrt(a)", (0.001, 1000.0), (0.0, 0.0), |a, _| 1.0 / a.sqrt()),
    ("exp(a)", (-1.0, 1.0), (0.0, 0.0), |a, _| a.exp()),
    ("exp(a)", (-80.0, 80.0), (0.0, 0.0), |a, _| a.exp()),
    ("exp2(a)", (-100.0, 100.0), (0.0, 0.0), |a, _| a.exp2()),
    ("log(a)", (0.9, 1.1), (0.0, 0.0), |a, _| a.ln()),
    ("log(a)", (2.0, 1e6), (0.0, 0.0), |a, _| a.ln()),
    ("tanh(a)", (-0.01, 0.01), (0.0, 0.0), |a, _| a.tanh()),
    ("tanh(a)", (-10.0, 10.0), (0.0, 0.0), |a, _| a.tanh()),
    ("pow(a, b)", (0.1, 10.0), (-10.0, 10.0), f64::powf),
];

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let gpu = Gpu::new()?;
    println!("{}", gpu.info());
    let halves: &[Case] = if gpu.info().shader_f16 { &HALVES } else { &[] };
    let halves = std::iter::once(("16-bit floats (none where the adapter has not got them)", halves));
    for (title, cases) in CASES.into_iter().chain(halves) {
        println!("\n{title}");
        for &(expression, a, b, want) in cases {
            let got = evaluate(&gpu, expression, &[a], &[b])?[0];
            let same = got == want || (got.is_nan() && want.is_nan()) || ((got - want) / want).abs() < 1e-5;
            let note = if same { "" } else { "   IEEE 754: " };
            let want = if same { String::new() } else { format!("{want:?}") };
            println!("    {expression:<52} a = {a:<12?} b = {b:<12?} {got:?}{note}{want}");
        }
    }
    println!("\nlargest error of 65536 random arguments, in units in the last place of the result");
    for (expression, a, b, exact) in FUNCTIONS {
        let mut random = Random::new(1);
        let mut draw = |(from, to): (f64, f64)| -> Vec<f32> {
            let unit = |number: usize| number as f64 / f64::from(1_u32 << 24);
            (0..65_536)
                .map(|_| (from + unit(random.below(1 << 24)) * (to - from)) as f32)
                .collect()
        };
        let (a_values, b_values) = (draw(a), draw(b));
        let got = evaluate(&gpu, expression, &a_values, &b_values)?;
        let mut worst = (0.0, 0.0, 0.0);
        for ((&x, &y), &got) in a_values.iter().zip(&b_values).zip(&got) {
            let want = exact(x.into(), y.into());
            let error = (f64::from(got) - want).abs() / ulp(want);
            if error > worst.0 {
                worst = (error, x, y);
            }
        }
        let (error, x, y) = worst;
        println!(
            "    {expression:<16} a from {:>6} to {:<8} {error:>10.2} at a = {x:?}, b = {y:?}",
            a.0, a.1
        );
    }
    Ok(())
}

/// The distance of neighbouring `f32` at a number.
fn ulp(x: f64) -> f64 {
    let size = x.abs().max(f64::from(f32::MIN_POSITIVE));
    size.log2().floor().exp2() * f64::from(f32::EPSILON)
}

/// An expression of `a` and `b` for each pair, on the GPU. Arguments come from buffers, so that nothing is folded.
fn evaluate(gpu: &Gpu, expression: &str, a: &[f32], b: &[f32]) -> convoke::Result<Vec<f32>> {
    let (device, queue) = (gpu.device(), gpu.queue());
    let enable = if expression.contains("f16") { "enable f16;" } else { "" };
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(expression),
        source: wgpu::ShaderSource::Wgsl(
            format!(
                "{enable}
                 @group(0) @binding(0) var<storage, read> left: array<f32>;
                 @group(0) @binding(1) var<storage, read> right: array<f32>;
                 @group(0) @binding(2) var<storage, read_write> result: array<f32>;
                 @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {{
                     let i = id.x;
                     if (i < arrayLength(&result)) {{
                         let a = left[i];
                         let b = right[i];
                         result[i] = {expression};
                     }}
                 }}"
            )
            .into(),
        ),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(expression),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let upload = |data: &[f32]| {
        device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
            label: None,
            contents: bytemuck::cast_slice(data),
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
        })
    };
    let (left, right, result) = (upload(a), upload(b), upload(&vec![0.0; a.len()]));
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: result.size(),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let entries = [(0, &left), (1, &right), (2, &result)].map(|(binding, buffer)| wgpu::BindGroupEntry {
        binding,
        resource: buffer.as_entire_binding(),
    });
    let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups((a.len() as u32).div_ceil(64), 1, 1);
    }
    encoder.copy_buffer_to_buffer(&result, 0, &staging, 0, result.size());
    queue.submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |_| ());
    gpu.wait()?;
    let range = (staging.get_mapped_range(..)).map_err(|error| convoke::Error::Gpu(error.to_string()))?;
    Ok(bytemuck::pod_collect_to_vec(&range))
}
