//! What an adapter can do at most, measured by two kernels that do nothing else.

use ndarray::arr1;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::gpu::device::pool::BufferPool;
use crate::gpu::eager::Gpu;
use crate::gpu::lower::roofline::{self, MultiplyAdds};
use crate::gpu::plan::executable::Executable;
use crate::profiling::Ceilings;

/// The copied buffer, which no cache should hold: of a processor that plays GPU, and of a GPU.
const COPIED: [usize; 2] = [64 << 20, 256 << 20];
/// Workgroups of multiply-adds, enough for every core: of a processor, where beginning one costs as much as hundreds of
/// multiply-adds, and of a GPU.
const WORKGROUPS: [usize; 2] = [256, 8192];
/// How long multiply-adds must take for their start not to matter, in seconds: not so long that other processes come in
/// between every time.
const LONG_ENOUGH: f64 = 1e-3;
const REPETITIONS: usize = 12;

impl Gpu {
    /// Measures what this adapter can do at most, by two kernels that do nothing else: the least time of several runs
    /// each. Takes a fraction of a second, and memory that is given back.
    ///
    /// Errors: `OutOfMemory` and what else the GPU may report.
    ///
    /// ```
    /// # use convoke::gpu::{AdapterChoice, adapters};
    /// # if AdapterChoice::from_env().choose(&adapters()).is_err() { return Ok(()); }
    /// let ceilings = convoke::Gpu::new()?.ceilings()?;
    /// println!("{:.0} GFLOP/s, {:.0} GB/s", ceilings.gflops, ceilings.gbs);
    /// # assert!(ceilings.gflops > 0.0 && ceilings.gbs > 0.0);
    /// # Ok::<(), convoke::Error>(())
    /// ```
    #[cfg(not(target_family = "wasm"))]
    pub fn ceilings(&self) -> Result<Ceilings> {
        pollster::block_on(self.measured())
    }

    /// The [`ceilings`](Self::ceilings), natively without ever being pending.
    pub(crate) async fn measured(&self) -> Result<Ceilings> {
        Ok(Ceilings {
            gflops: self.multiply_adds().await? * 1e-9,
            byte_gops: None,
            gbs: self.copied().await? * 1e-9,
        })
    }

    /// Bytes a second.
    async fn copied(&self) -> Result<f64> {
        let limits = &self.context.capabilities.limits;
        let limit = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let wanted = COPIED[usize::from(self.info().kind.is_hardware())];
        let bytes = usize::try_from(limit).unwrap_or(wanted).min(wanted) / 16 * 16;
        let mut recording = self.recording();
        let shape = [bytes / 4];
        let [from, to] = [
            BufferPool::apart(&self.context, bytes as u64)?,
            BufferPool::apart(&self.context, bytes as u64)?,
        ];
        let from = recording.import(Some(from), &shape, DType::F32, false);
        let to = recording.import(Some(to), &shape, DType::F32, false);
        roofline::copy(&from, &to, &mut recording)?;
        let seconds = self.least(&Executable::new(&self.context, &recording, |_| Ok(()))?).await?;
        Ok(2.0 * bytes as f64 / seconds)
    }

    /// Floating-point operations a second.
    async fn multiply_adds(&self) -> Result<f64> {
        // Sums draw near to 2 and stay normal numbers.
        let factors = self.upload(&arr1(&[0.5_f32, 1.0]))?;
        let mut work = MultiplyAdds {
            workgroups: WORKGROUPS[usize::from(self.info().kind.is_hardware())],
            rounds: 1,
        };
        let mut most = 0.0_f64;
        loop {
            let mut recording = self.recording();
            let input = recording.import(factors.buffer.clone(), &factors.shape, DType::F32, false);
            let flops = work.record(&input, &mut recording)?;
            let seconds = self.least(&Executable::new(&self.context, &recording, |_| Ok(()))?).await?;
            most = most.max(flops / seconds);
            if seconds >= LONG_ENOUGH || work.rounds > 1 << 16 {
                return Ok(most);
            }
            work.rounds *= 4;
        }
    }

    /// The least time that an executable of one kernel call took, in seconds.
    async fn least(&self, executable: &Executable) -> Result<f64> {
        let (_, timed) = executable.time(&self.context, REPETITIONS).await?;
        let seconds = timed.iter().flat_map(|timed| timed.seconds.iter().copied());
        let least = seconds.fold(f64::INFINITY, f64::min);
        if least > 0.0 && least.is_finite() {
            return Ok(least);
        }
        Err(Error::Gpu(format!(
            "measuring the adapter: a kernel call took {least} seconds"
        )))
    }
}
