//! convoke on one of its backends.

use std::time::{Duration, Instant};

use convoke::{Backend, Session};
use ndarray::ArrayD;

use super::{Engine, NOT_LOADED, Run};
use crate::Result;
use crate::cases::Case;

pub struct Convoke {
    name: &'static str,
    backend: Backend,
    session: Option<Session>,
}

impl Convoke {
    pub fn new(name: &'static str, backend: Backend) -> Self {
        let session = None;
        Self { name, backend, session }
    }
}

impl Engine for Convoke {
    fn name(&self) -> &'static str {
        self.name
    }

    fn load(&mut self, case: &Case) -> Result<Duration> {
        let start = Instant::now();
        self.session = Some(Session::new(case.graph()?, &self.backend)?);
        Ok(start.elapsed())
    }

    fn run(&mut self, input: &ArrayD<f32>) -> Result<Run> {
        let session = self.session.as_ref().ok_or(NOT_LOADED)?;
        let start = Instant::now();
        let outputs = session.run(&[input.view()])?;
        let time = start.elapsed();
        let output = outputs.into_iter().next().ok_or("no output")?;
        Ok(Run {
            time,
            output: output.into_iter().collect(),
        })
    }

    fn unload(&mut self) {
        self.session = None;
    }
}
