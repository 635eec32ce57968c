//! What the benches share: one device, opened on first use; what it can do at best; cases made ready, verified and timed.

use std::cell::OnceCell;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use convoke::gpu::Resident;
use convoke::graph::Graph;
use convoke::profiling::Ceilings;
use convoke::{Gpu, Session};
use criterion::{Criterion, Throughput};
use ndarray::ArrayD;

/// Runs of the quick measurement that fills the table.
const RUNS: usize = 15;

/// The device with its ceilings. Listing the benches does not open it.
static BENCH: LazyLock<Bench> = LazyLock::new(Bench::open);

/// A device and what it can do at best, measured by kernels that do nothing else.
struct Bench {
    gpu: Gpu,
    ceilings: Ceilings,
}

/// A case made ready on the device, its output verified.
struct Ready {
    session: Session,
    inputs: Vec<ArrayD<f32>>,
}

/// Measures a case resident (dispatches only) and end to end (upload and read-back included). It is made ready by the first of
/// the two that runs, so that a filter or a listing does no more than it needs.
pub(crate) fn bench(
    criterion: &mut Criterion,
    name: &str,
    throughput: Option<Throughput>,
    case: impl Fn() -> (Graph, Vec<ArrayD<f32>>),
) {
    let cell = OnceCell::new();
    let ready = || {
        cell.get_or_init(|| {
            let (graph, inputs) = case();
            BENCH.ready(name, graph, inputs)
        })
    };
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    if let Some(throughput) = throughput {
        group.throughput(throughput);
    }
    group.bench_function("resident", |bencher| {
        let resident = ready().resident();
        bencher.iter_custom(|rounds| (0..rounds).map(|_| BENCH.time(&resident)).sum());
    });
    group.bench_function("end to end", |bencher| {
        let ready = ready();
        let views: Vec<_> = ready.inputs.iter().map(|input| input.view()).collect();
        bencher.iter(|| ready.session.run(&views).expect("a run"));
    });
    group.finish();
}

impl Bench {
    fn open() -> Self {
        let gpu = Gpu::new().expect("the benches need an adapter");
        println!("adapter: {}", gpu.info());
        println!("machine: {}", machine());
        let ceilings = gpu.ceilings().expect("the adapter's ceilings");
        println!(
            "ceilings, measured on the adapter: {:.0} GFLOP/s of fused multiply-adds, {:.1} GB/s copying",
            ceilings.gflops, ceilings.gbs
        );
        Self { gpu, ceilings }
    }

    /// Compiles a case, checks every operator once against the reference, and prints its line of the table.
    fn ready(&self, name: &str, graph: Graph, inputs: Vec<ArrayD<f32>>) -> Ready {
        let session = Session::new(graph, &self.gpu.clone().into()).expect("a session");
        let ready = Ready { session, inputs };
        let views: Vec<_> = ready.inputs.iter().map(|input| input.view()).collect();
        for check in ready.session.verify(&views).expect("a run that is checked") {
            assert!(check.mismatch.is_none(), "{name}: {}: {:?}", check.node, check.mismatch);
        }
        let profile = ready.session.profile(&views, 1).expect("a profile");
        let flops: u64 = profile.layers.iter().map(|layer| layer.flops).sum();
        let bytes: u64 = profile.layers.iter().map(|layer| layer.bytes).sum();
        let floor = profile.layers.iter().map(|layer| {
            let arithmetic = layer.flops as f64 / self.ceilings.gflops;
            arithmetic.max(layer.bytes as f64 / self.ceilings.gbs) * 1e-9
        });
        let floor: f64 = floor.sum();
        let resident = ready.resident();
        let mut times: Vec<f64> = (0..RUNS).map(|_| self.time(&resident).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let (median, least) = (times[RUNS / 2], times[0]);
        let (gflops, gigabytes) = (flops as f64 / median / 1e9, bytes as f64 / median / 1e9);
        println!(
            "{name:20} floor {:8.3} ms, median {:8.3}, least {:8.3}: {gflops:6.1} GFLOP/s, {gigabytes:5.2} GB/s, {:4.1} % of ceiling",
            floor * 1e3,
            median * 1e3,
            least * 1e3,
            100.0 * floor / median
        );
        drop(resident);
        ready
    }

    /// One run that stays on the device, waited for.
    fn time(&self, resident: &Resident) -> Duration {
        let start = Instant::now();
        resident.run().expect("a run");
        self.gpu.wait().expect("its end");
        start.elapsed()
    }
}

impl Ready {
    fn resident(&self) -> Resident {
        let views: Vec<_> = self.inputs.iter().map(|input| input.view()).collect();
        self.session.resident(&views).expect("a resident run")
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
