//! The CPU as a device: how many threads it computes with.

use std::sync::Arc;

use pulp::Arch;
use rayon::ThreadPool;

use super::blocked::hold_winograd;
use super::constants::Constants;
use super::vectors::{Vectors, arch, hold};
use crate::cancel::Watch;
use crate::error::{Error, Result, ensure};

/// The CPU with a number of threads: those of rayon's global pool unless a number was asked for.
///
/// ```
/// use convoke::{Backend, cpu::Cpu};
/// let cpu = Cpu::builder().threads(2).build()?;
/// assert_eq!(cpu.threads(), 2);
/// assert!(Backend::from(cpu).to_string().starts_with("CPU (2 threads, "));
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cpu {
    pool: Option<Arc<ThreadPool>>,
    /// The vectors that its threads are held to.
    held: Option<Arch>,
    /// Whether they take Winograd's algorithm.
    winograd: Option<bool>,
    /// What sessions on this device and its clones share.
    pub(crate) constants: Arc<Constants>,
}

/// How a [`Cpu`] is to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuBuilder {
    threads: Option<usize>,
    vectors: Vectors,
    winograd: Option<bool>,
}

impl Cpu {
    /// The CPU with the threads of rayon's global pool: as many as there are cores, or as `RAYON_NUM_THREADS` says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the number of threads, the vectors, or the algorithms.
    pub fn builder() -> CpuBuilder {
        CpuBuilder::default()
    }

    /// How many threads it computes with.
    pub fn threads(&self) -> usize {
        self.pool
            .as_ref()
            .map_or_else(rayon::current_num_threads, |pool| pool.current_num_threads())
    }

    /// Runs something whose parallel loops are to use these threads.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let watch = Watch::current();
        // While this thread waits it may be given others' work, which this run's end does not stop.
        Watch::default().entered(|| match &self.pool {
            Some(pool) => pool.install(|| watch.entered(work)),
            // On one of the threads from the beginning, not handed over anew by every loop.
            None => rayon::scope(|_| watch.entered(work)),
        })
    }

    /// Runs something that need not be shared: on this thread unless only its own are held to something.
    pub(crate) fn alone<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        if self.held.is_some() || self.winograd.is_some() {
            self.install(work)
        } else {
            work()
        }
    }

    /// Has one of these threads do something, which must not panic, and does not wait for it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        match &self.pool {
            Some(pool) => pool.spawn(work),
            None => rayon::spawn(work),
        }
    }
}

impl CpuBuilder {
    /// Sets the number of threads, which are then the device's own.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Sets the vectors, to which the device's own threads are held. Answers have the same bits by all but [`Vectors::Baseline`].
    #[must_use]
    pub fn vectors(mut self, vectors: Vectors) -> Self {
        self.vectors = vectors;
        self
    }

    /// Whether 2D convolutions with 3x3 kernels, stride 1, one group and at least 16 channels on either side are computed by Winograd's
    /// F(2x2, 3x3): all of them, or none. Unless it is set they are where that is faster, in some two thirds of the time: whole numbers as
    /// exactly as by the definition, others with errors of up to twice the size (`docs/numerics.md` has the bound). The environment's
    /// `CONVOKE_CPU_WINOGRAD`, 0 or 1, does the same for a process.
    #[must_use]
    pub fn winograd(mut self, wherever_it_can_be: bool) -> Self {
        self.winograd = Some(wherever_it_can_be);
        self
    }

    /// Starts the threads, if their number, vectors or algorithms were set.
    ///
    /// Errors: 0 threads; threads that the system does not start; vectors that the machine does not have.
    pub fn build(self) -> Result<Cpu> {
        let held = self.vectors.held()?;
        if self.threads.is_none() && held.is_none() && self.winograd.is_none() {
            return Ok(Cpu::new());
        }
        let threads = self.threads.unwrap_or_else(rayon::current_num_threads);
        ensure!(threads > 0, "cpu", "the number of threads must be at least 1, but got 0");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("convoke-{index}"))
            .start_handler(move |_| {
                if let Some(arch) = held {
                    hold(arch);
                }
                if let Some(is_taken) = self.winograd {
                    hold_winograd(is_taken);
                }
            })
            .build()
            .map_err(|error| Error::unsupported("cpu", format!("{threads} threads cannot be started: {error}")))?;
        Ok(Cpu {
            pool: Some(Arc::new(pool)),
            held,
            winograd: self.winograd,
            constants: Arc::default(),
        })
    }
}

impl std::fmt::Display for Cpu {
    /// `CPU (2 threads, AVX2)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let threads = self.threads();
        let plural = if threads == 1 { "" } else { "s" };
        write!(f, "CPU ({threads} thread{plural}, {})", name(self.held.unwrap_or_else(arch)))
    }
}

/// The vectors that kernels use on this machine.
fn name(arch: Arch) -> &'static str {
    match arch {
        Arch::Scalar => "baseline vectors",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Arch::V3(_) => "AVX2",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        Arch::V4(_) => "AVX-512",
        #[cfg(target_arch = "aarch64")]
        Arch::Neon(_) => "NEON",
        #[cfg(target_family = "wasm")]
        Arch::Simd128(_) => "WebAssembly SIMD",
        #[cfg(target_family = "wasm")]
        Arch::RelaxedSimd(_) if super::vectors::is_fused() => "WebAssembly SIMD with fused multiply-add",
        #[cfg(target_family = "wasm")]
        Arch::RelaxedSimd(_) => "WebAssembly SIMD",
        _ => "vectors",
    }
}
