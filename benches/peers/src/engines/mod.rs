//! The engines: what each does with a case, and what of that is timed.

#[cfg(feature = "burn")]
mod burn;
mod convoke;
mod program;
mod rten;
mod tract;

use std::time::Duration;

use ::convoke::Gpu;
use ndarray::ArrayD;

use crate::Result;
use crate::cases::Case;

/// An engine with at most one case loaded.
pub trait Engine {
    fn name(&self) -> &'static str;

    /// Makes a case ready, instead of the one before, and says how long that took from the model in memory. What is made
    /// once a process (a device, a pool of threads) is no part of it.
    fn load(&mut self, case: &Case) -> Result<Duration>;

    /// Runs the case that was loaded. The clock starts when the input is ready in the engine's own type on the host, and
    /// stops when the output's values can be read there.
    fn run(&mut self, input: &ArrayD<f32>) -> Result<Run>;

    /// Lets the case go.
    fn unload(&mut self);
}

/// An answer, and how long it took.
pub struct Run {
    pub time: Duration,
    /// In row-major order.
    pub output: Vec<f32>,
}

/// All engines. Each opens what it needs when it loads its first case.
pub fn all(gpu: &Gpu) -> Vec<Box<dyn Engine>> {
    vec![
        // Another backend of convoke is another line here; its name starts with `convoke`, and all are compared with it.
        Box::new(convoke::Convoke::new("convoke", gpu.clone().into())),
        Box::new(convoke::Convoke::new("convoke-cpu", ::convoke::Backend::cpu())),
        #[cfg(feature = "burn")]
        Box::new(burn::Burn::new(gpu.info())),
        Box::new(program::Program::wonnx(gpu.info())),
        Box::new(tract::Tract::default()),
        Box::new(rten::Rten::default()),
        Box::new(program::Program::python("onnxruntime")),
        Box::new(program::Program::python("openvino")),
    ]
}

/// Whether the others are measured by this engine.
pub fn is_convoke(name: &str) -> bool {
    name.starts_with("convoke")
}

/// How many threads the engines on the CPU are given: as many as the software adapter takes.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

const NOT_LOADED: &str = "no case is loaded";
