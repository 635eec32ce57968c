//! One network on every adapter of the machine, each with a part of the batch:
//! `cargo run --release --features onnx --example several_gpus -- MODEL.onnx [BATCH]`

use std::error::Error;
use std::time::Instant;

use convoke::gpu::{self, AdapterChoice};
use convoke::onnx::Model;
use convoke::testing::Random;
use convoke::{Backend, Gpu, Session};
use ndarray::{ArrayD, Axis, concatenate};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, batch) = match arguments.as_slice() {
        [model] => (model, 16),
        [model, batch] => (model, batch.parse()?),
        _ => return Err("expected MODEL.onnx [BATCH]".into()),
    };
    let sessions = sessions(model)?;
    let mut shape = sessions[0].inputs()[0]
        .default_shape()
        .ok_or("expected an input of a known size")?;
    shape[0] = batch;
    let input = Random::new(1).reals(&shape);
    for _ in 0..3 {
        let begun = Instant::now();
        let outputs = run_on_all(&sessions, &input)?;
        println!(
            "{} adapters: {:?} in {:.1?}",
            sessions.len(),
            outputs.shape(),
            begun.elapsed()
        );
    }
    Ok(())
}

/// The network on each adapter, or on the CPU where there is none.
pub(crate) fn sessions(model: &str) -> Result<Vec<Session>, Box<dyn Error>> {
    let model = Model::open(model)?;
    let mut backends: Vec<Backend> = Vec::new();
    for place in 0..gpu::adapters().len() {
        // Adapters may have the same name.
        match Gpu::builder().choice(AdapterChoice::Any.nth(place)).build() {
            Ok(gpu) => backends.push(gpu.into()),
            Err(error) => println!("{error}"),
        }
    }
    if backends.is_empty() {
        backends.push(Backend::cpu());
    }
    let session = |backend| Ok(Session::new(model.clone(), backend)?);
    backends.iter().map(session).collect()
}

/// The first output for all rows, of which each session computes as many as the others.
pub(crate) fn run_on_all(sessions: &[Session], input: &ArrayD<f32>) -> Result<ArrayD<f32>, Box<dyn Error>> {
    let rows = input.shape()[0].div_ceil(sessions.len());
    let parts: Vec<_> = input.axis_chunks_iter(Axis(0), rows).collect();
    let outputs: Vec<convoke::Result<Vec<ArrayD<f32>>>> = std::thread::scope(|scope| {
        let runs = sessions
            .iter()
            .zip(&parts)
            .map(|(session, part)| scope.spawn(move || session.run(&[part.view()])));
        let runs: Vec<_> = runs.collect();
        runs.into_iter()
            .map(|run| run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let firsts = outputs
        .into_iter()
        .map(|outputs| Ok(outputs?.swap_remove(0)))
        .collect::<convoke::Result<Vec<_>>>()?;
    Ok(concatenate(
        Axis(0),
        &firsts.iter().map(|first| first.view()).collect::<Vec<_>>(),
    )?)
}
