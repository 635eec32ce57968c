//! A model as a whole, by the rules and by a plan: what layers gain alone is not what they gain together.

use std::time::Instant;

use ndarray::ArrayD;

use super::layer::PRECISION;
use convoke::Result;
use convoke::Session;
use convoke::gpu::{Gpu, TuningPlan};
use convoke::testing::Random;
use convoke_bench::{Rule, Summary, Turns};

/// The runs of a whole model, inputs on the GPU and nothing read back, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct WholeRuns {
    /// By the rules.
    pub by_rule: Summary,
    /// By the plan.
    pub by_plan: Summary,
}

/// Runs a session by the rules and by a plan, by turns. None where neither has run.
pub(super) fn measure(
    gpu: &Gpu,
    session: &Session,
    plan: &TuningPlan,
    inputs: &[&[usize]],
    max_time: f64,
    observe: &mut dyn FnMut(f64),
) -> Result<Option<WholeRuns>> {
    let mut random = Random::new(8);
    let inputs: Vec<ArrayD<f32>> = inputs.iter().map(|shape| random.reals(shape)).collect();
    let views: Vec<_> = inputs.iter().map(|input| input.view()).collect();
    let tuned = session.retuned(plan)?;
    let residents = [session.resident(&views)?, tuned.resident(&views)?];
    for resident in &residents {
        resident.run()?;
    }
    gpu.wait()?;
    let rule = Rule {
        precision: PRECISION,
        max_time: max_time / 2.0,
    };
    let mut turns = Turns::new(2, rule);
    while let Some(lane) = turns.next_lane() {
        observe(turns.progress(0));
        let start = Instant::now();
        residents[lane].run()?;
        gpu.wait()?;
        turns.record(lane, start.elapsed().as_secs_f64());
    }
    Ok(turns
        .outcome(0)
        .zip(turns.outcome(1))
        .map(|((by_rule, _), (by_plan, _))| WholeRuns { by_rule, by_plan }))
}
