//! The quick part of the suite: all of it on the CPU and on the GPU by the adapter's own rules, and each case besides in one of the
//! other ways in turn, that is by another class of devices' rules, in 16 bits, or both. The command `convoke suite` runs every case in
//! every way. Without an adapter the GPU's part is said to be skipped; with `CONVOKE_REQUIRE_GPU=1` that is a failure.

use std::process::ExitCode;
use std::time::Instant;

use convoke::gpu::DeviceClass;
use convoke::{Backend, Gpu, Precision, testing};
use convoke_suite::{Case, Counts, Outcome, Part, Way, cases};

fn main() -> ExitCode {
    let gpu = match testing::gpu() {
        Ok(gpu) => gpu,
        Err(error) => {
            println!("FAILED: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut ways = vec![Way::on("cpu", Backend::cpu(), Precision::F32)];
    if let Some(gpu) = &gpu {
        println!("adapter: {}", gpu.info());
        ways.push(Way::on("gpu", gpu.clone().into(), Precision::F32));
    }
    let always = ways.len();
    ways.extend(gpu.iter().flat_map(other_ways));
    let started = Instant::now();
    let cases = cases(Part::Quick);
    let mut counts = vec![Counts::default(); ways.len()];
    for (index, case) in cases.iter().enumerate() {
        let turn = index.checked_rem(ways.len() - always).map(|turn| always + turn);
        run(case, &ways, (0..always).chain(turn), &mut counts);
    }
    for (way, counts) in ways.iter().zip(&counts) {
        println!("{}: {counts}", way.name);
    }
    println!("{} cases in {:.1} s", cases.len(), started.elapsed().as_secs_f64());
    let is_right = |counts: &Counts| counts.failed == 0 && counts.passed > 100;
    if counts.iter().all(is_right) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs a case in those of the ways that are named by their places, and counts how it ended in each.
fn run(case: &Case, ways: &[Way<'_>], places: impl Iterator<Item = usize> + Clone, counts: &mut [Counts]) {
    let outcomes = case.run(places.clone().map(|place| &ways[place]));
    for (place, outcome) in places.zip(outcomes) {
        counts[place].add(&outcome);
        if let Outcome::Failed(message) = outcome {
            println!("FAILED {}: {}: {message}", ways[place].name, case.name);
        }
    }
}

/// Every class of devices in every precision that the adapter has.
fn other_ways(gpu: &Gpu) -> Vec<Way<'static>> {
    let mut ways = Vec::new();
    for class in DeviceClass::ALL {
        let backend = Backend::Gpu(gpu.with_device_class(class));
        ways.push(Way::on(format!("gpu, {class}"), backend.clone(), Precision::F32));
        if gpu.info().shader_f16 {
            ways.push(Way::on(format!("gpu, {class}, f16"), backend, Precision::F16));
        }
    }
    ways
}
