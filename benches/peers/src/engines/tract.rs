//! tract, on the CPU, with all threads.

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::ArrayD;
use tract_linalg::multithread::{Executor, multithread_tract_scope};
use tract_onnx::prelude::*;

use super::{Engine, NOT_LOADED, Run, threads};
use crate::Result;
use crate::cases::Case;

#[derive(Default)]
pub struct Tract {
    executor: Option<Executor>,
    model: Option<Arc<TypedRunnableModel>>,
}

impl Engine for Tract {
    fn name(&self) -> &'static str {
        "tract"
    }

    fn load(&mut self, case: &Case) -> Result<Duration> {
        self.executor.get_or_insert_with(|| Executor::multithread(threads()));
        let start = Instant::now();
        let model = onnx()
            .model_for_read(&mut Cursor::new(&case.model))
            .and_then(|model| model.with_input_fact(0, f32::fact(case.input.shape()).into()))
            .and_then(InferenceModelExt::into_optimized)
            .and_then(IntoRunnable::into_runnable)
            .map_err(explained)?;
        self.model = Some(model);
        Ok(start.elapsed())
    }

    fn run(&mut self, input: &ArrayD<f32>) -> Result<Run> {
        let model = self.model.as_ref().ok_or(NOT_LOADED)?;
        let executor = self.executor.clone().ok_or(NOT_LOADED)?;
        let values: Vec<f32> = input.iter().copied().collect();
        let input = Tensor::from_shape(input.shape(), &values).map_err(explained)?.into_tvalue();
        let start = Instant::now();
        let outputs = multithread_tract_scope(executor, || model.run(tvec!(input))).map_err(explained)?;
        let time = start.elapsed();
        let output = outputs.first().ok_or("no output")?;
        let output = output
            .to_plain_array_view::<f32>()
            .map_err(explained)?
            .iter()
            .copied()
            .collect();
        Ok(Run { time, output })
    }

    fn unload(&mut self) {
        self.model = None;
    }
}

/// The error with its causes, which is where the reason stands.
#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn explained(error: TractError) -> String {
    format!("{error:#}")
}
