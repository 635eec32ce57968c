//! How long dispatches take: by the GPU's clock where it has one that can be relied on, else by the host's.

use crate::clock::Instant;
use crate::error::Result;
use crate::gpu::device::context::Context;
use crate::gpu::device::readback::{Readback, staging_buffer};
use crate::gpu::plan::executable::{Executable, Step, encode_timed, run_alone};
use crate::profiling::{Timed, Timing};

impl Executable {
    /// Runs all kernel calls once to warm up and then `repetitions` times, and times each.
    pub(crate) async fn time(&self, context: &Context, repetitions: usize) -> Result<(Timing, Vec<Timed>)> {
        let mut clock = Clock::new(context, &self.steps)?;
        if !clock.is_usable(context, &self.steps).await? {
            clock = Clock::Host;
        }
        let mut timed: Vec<Timed> = (self.steps.iter())
            .map(|step| Timed {
                node: step.node,
                kernel: step.kernel,
                seconds: Vec::with_capacity(repetitions),
            })
            .collect();
        for _ in 0..repetitions {
            for (timed, seconds) in timed.iter_mut().zip(clock.run(context, &self.steps).await?) {
                timed.seconds.push(seconds);
            }
        }
        Ok((clock.timing(), timed))
    }
}

/// Steps that one set of queries serves: two timestamps each.
const STEPS_A_SET: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;
/// Bytes of a timestamp.
const TIMESTAMP: u64 = wgpu::QUERY_SIZE as u64;

/// What steps are timed with.
enum Clock {
    Gpu(Vec<Queries>),
    Host,
}

/// Timestamps of some steps, and the way they take to the host.
struct Queries {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
}

impl Clock {
    fn new(context: &Context, steps: &[Step]) -> Result<Self> {
        if !context.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(Self::Host);
        }
        let queries = steps.chunks(STEPS_A_SET).map(|steps| {
            let count = 2 * steps.len() as u32;
            let bytes = u64::from(count) * TIMESTAMP;
            let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
            let descriptor = wgpu::QuerySetDescriptor {
                label: Some("convoke.timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count,
            };
            Ok(Queries {
                set: context.scoped(|| context.device.create_query_set(&descriptor)),
                resolved: context.create_buffer("convoke.timestamps", bytes, usage),
                staging: staging_buffer(context, bytes)?,
            })
        });
        queries.collect::<Result<_>>().map(Self::Gpu)
    }

    fn timing(&self) -> Timing {
        match self {
            Self::Gpu(_) => Timing::Timestamps,
            Self::Host => Timing::Submissions,
        }
    }

    /// Runs the steps once and says whether the clock makes sense: a driver may write all timestamps of a submission at
    /// one time, or in no unit that it tells. Together steps take no longer than the host waited for them, but for what
    /// the clocks are off or may overlap.
    async fn is_usable(&self, context: &Context, steps: &[Step]) -> Result<bool> {
        let start = Instant::now();
        let seconds = self.run(context, steps).await?;
        let waited = start.elapsed().as_secs_f64();
        Ok(is_plausible(&seconds, waited))
    }

    /// Runs the steps in their order and gives the seconds that each took.
    async fn run(&self, context: &Context, steps: &[Step]) -> Result<Vec<f64>> {
        match self {
            Self::Gpu(queries) => {
                let mut seconds = Vec::with_capacity(steps.len());
                for (queries, steps) in queries.iter().zip(steps.chunks(STEPS_A_SET)) {
                    queries.run(context, steps, &mut seconds).await?;
                }
                Ok(seconds)
            }
            Self::Host => {
                let mut seconds = Vec::with_capacity(steps.len());
                for step in steps {
                    let start = Instant::now();
                    run_alone(context, "convoke.timed", std::slice::from_ref(step));
                    context.done().await?;
                    seconds.push(start.elapsed().as_secs_f64());
                }
                Ok(seconds)
            }
        }
    }
}

impl Queries {
    /// Runs the steps in one submission, each as a pass of its own with a timestamp before and after it.
    async fn run(&self, context: &Context, steps: &[Step], seconds: &mut Vec<f64>) -> Result<()> {
        let mut encoder = context.encoder("convoke.timed");
        for (index, step) in steps.iter().enumerate() {
            let writes = wgpu::ComputePassTimestampWrites {
                query_set: &self.set,
                beginning_of_pass_write_index: Some(2 * index as u32),
                end_of_pass_write_index: Some(2 * index as u32 + 1),
            };
            encode_timed(std::slice::from_ref(step), &mut encoder, Some(writes));
        }
        let count = 2 * steps.len() as u32;
        encoder.resolve_query_set(&self.set, 0..count, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, u64::from(count) * TIMESTAMP);
        let readback = Readback::submit(context, encoder, [(self.staging.clone(), u64::from(count) * TIMESTAMP)])?;
        let stamps = readback.finish_here(context, |parts| bytemuck::pod_collect_to_vec(parts[0]));
        let stamps: Vec<u64> = stamps.await?;
        let nanoseconds = f64::from(context.queue.get_timestamp_period());
        let (pairs, _) = stamps.as_chunks::<2>();
        // A clock that runs backwards gives a huge number, which is not plausible.
        seconds.extend(
            pairs
                .iter()
                .map(|&[begin, end]| end.wrapping_sub(begin) as f64 * nanoseconds * 1e-9),
        );
        Ok(())
    }
}

/// Whether these may be the times of steps that took so long together.
fn is_plausible(seconds: &[f64], waited: f64) -> bool {
    let still = seconds.iter().filter(|&&seconds| seconds == 0.0).count();
    2 * still <= seconds.len() && seconds.iter().sum::<f64>() <= 1.5 * waited
}

#[cfg(test)]
mod tests {
    use super::is_plausible;

    #[test]
    fn a_clock_that_stands_still_runs_backwards_or_too_fast_is_not_relied_on() {
        assert!(is_plausible(&[1e-3, 2e-3, 0.0], 4e-3) && is_plausible(&[], 1e-3));
        assert!(!is_plausible(&[0.0, 0.0, 3e-3], 4e-3));
        assert!(!is_plausible(&[1e-3, 10_u64.wrapping_sub(11) as f64 * 1e-9], 4e-3));
        assert!(!is_plausible(&[1.0, 2.0], 4e-3));
    }
}
