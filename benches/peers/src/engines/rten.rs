//! rten, on the CPU, with all threads and weights packed when the model is loaded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::ArrayD;
use rten::{Model, ModelOptions, RunOptions, ThreadPool};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

use super::{Engine, NOT_LOADED, Run, threads};
use crate::Result;
use crate::cases::Case;

#[derive(Default)]
pub struct Rten {
    pool: Option<Arc<ThreadPool>>,
    model: Option<Model>,
}

impl Engine for Rten {
    fn name(&self) -> &'static str {
        "rten"
    }

    fn load(&mut self, case: &Case) -> Result<Duration> {
        // Its own default is one thread for each physical core, which is fewer than the others have.
        self.pool
            .get_or_insert_with(|| Arc::new(ThreadPool::with_num_threads(threads())));
        let model = case.model.clone();
        let start = Instant::now();
        self.model = Some(ModelOptions::with_all_ops().prepack_weights(true).load(model)?);
        Ok(start.elapsed())
    }

    fn run(&mut self, input: &ArrayD<f32>) -> Result<Run> {
        let model = self.model.as_ref().ok_or(NOT_LOADED)?;
        let (Some(&from), Some(&to)) = (model.input_ids().first(), model.output_ids().first()) else {
            return Err("a model without input or output".into());
        };
        let options = RunOptions::default().with_thread_pool(self.pool.clone());
        let input = Tensor::from_data(input.shape(), input.iter().copied().collect::<Vec<f32>>());
        let start = Instant::now();
        let outputs = model.run(vec![(from, input.view().into())], &[to], Some(options))?;
        let time = start.elapsed();
        let output = outputs.into_iter().next().ok_or("no output")?;
        let output = output.into_tensor::<f32>().ok_or("the output is not f32")?.to_vec();
        Ok(Run { time, output })
    }

    fn unload(&mut self) {
        self.model = None;
    }
}
