//! What runs again and again takes no more memory, the driver's own included.

#![cfg(target_os = "linux")]

use convoke::graph::Graph;
use convoke::ops::Op;
use convoke::testing::{self, Random};
use convoke::{Backend, Gpu, Session};
use convoke_bench::layers;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const RUNS: u64 = 40;
/// What a process may grow by for reasons of its own.
const SLACK: u64 = 6 << 20;

/// The bytes of memory that this process occupies.
fn occupied() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .ok_or("no VmRSS in kB")?;
    Ok(kib.trim().parse::<u64>()? * 1024)
}

/// How much the process grew over the runs of one operator on a device of its own, after the first few.
fn growth(op: Op, input: &[usize], weight: Option<&[usize]>) -> Result<u64, Box<dyn std::error::Error>> {
    let mut random = Random::new(1);
    let mut graph = Graph::new();
    let mut operands = vec![graph.input("input")];
    operands.extend(weight.map(|shape| graph.constant("weight", random.reals(shape))));
    let node = graph.node("node", op, &operands)?;
    graph.output(node)?;
    let gpu = Gpu::new()?;
    let session = Session::new(graph, &Backend::Gpu(gpu.clone()))?;
    let image = random.reals(input);
    let resident = session.resident(&[image.view()])?;
    let run = |times: u64| -> Outcome {
        for _ in 0..times {
            resident.run()?;
            gpu.wait()?;
        }
        Ok(())
    };
    run(5)?;
    let before = occupied()?;
    run(RUNS)?;
    Ok(occupied()?.saturating_sub(before))
}

/// lavapipe specialises a kernel to its parameters, some before every dispatch, and keeps all that it made: pointwise
/// convolutions of 512 and 1024 channels grew by 0.6 MB a run (see `gpu/wgsl/hide_uniforms.rs`). All is one test, since other tests'
/// memory would count.
#[test]
fn no_layer_takes_more_memory_with_every_run() -> Outcome {
    if testing::gpu()?.is_none() {
        return Ok(());
    }
    let mut grown = Vec::new();
    for layer in layers() {
        let bytes = growth(layer.op, layer.input, layer.weight)?;
        if bytes > SLACK {
            grown.push(format!("{}: {bytes} bytes in {RUNS} runs", layer.name));
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n"));
    Ok(())
}
