//! Where a model runs.

#[cfg(feature = "cpu")]
use crate::cpu::Cpu;
#[cfg(not(target_family = "wasm"))]
use crate::error::Result;
use crate::gpu::{AdapterChoice, AdapterKind, Gpu, adapters_async};
use crate::ops::Winograd;

/// Measured on 2026-11-23: `benches/README.md`.
const FASTER_ON_THE_CPU: &str = "the CPU backend (Backend::cpu, --adapter cpu) is faster: 2.4 to 4 times as fast as lavapipe on \
    ResNet-18, ResNet-50, MobileNetV2 and SqueezeNet, with two threads";

/// Where a model runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Backend {
    /// On a GPU.
    Gpu(Gpu),
    /// On the CPU: vectors, all threads (feature `cpu`).
    #[cfg(feature = "cpu")]
    Cpu(Cpu),
    /// On the CPU, by the reference's naive loops with `f64` sums: exact and slow.
    Reference,
}

impl Backend {
    /// The best there is: a real GPU, else the CPU; or what `CONVOKE_ADAPTER` says (`any`, `hardware`, `software`, `cpu` or part
    /// of an adapter's name). A software adapter is slower than the CPU backend and taken only when asked for, or where there
    /// is no CPU backend (without the feature `cpu`, and in browsers). That an adapter that was asked for is not there, or that
    /// a real GPU could not be opened, is logged as a warning.
    #[cfg(not(target_family = "wasm"))]
    pub fn auto() -> Self {
        pollster::block_on(Self::auto_async())
    }

    /// The best there is, awaited.
    pub async fn auto_async() -> Self {
        let asked = AdapterChoice::asked_by_env();
        let choice = asked.clone().unwrap_or_else(AdapterChoice::best);
        let error = match Gpu::builder().choice(choice.clone()).build_async().await {
            Ok(gpu) => return Self::Gpu(gpu),
            Err(error) => error,
        };
        let is_there = async || adapters_async().await.iter().any(|adapter| choice.accepts(adapter));
        if choice != AdapterChoice::Cpu && (asked.is_some() || is_there().await) {
            log::warn!("{error}; running on the CPU");
        } else {
            log::info!("{error}; running on the CPU");
        }
        Self::cpu()
    }

    /// What was chosen and nothing else: a GPU, or the CPU for [`AdapterChoice::Cpu`].
    ///
    /// Errors: `NoAdapter` where no adapter fits.
    #[cfg(not(target_family = "wasm"))]
    pub fn choose(choice: AdapterChoice) -> Result<Self> {
        match choice {
            AdapterChoice::Cpu => Ok(Self::cpu()),
            choice => Gpu::builder().choice(choice).build().map(Self::Gpu),
        }
    }

    /// The CPU with all its threads; the reference where the feature `cpu` is off.
    pub fn cpu() -> Self {
        #[cfg(feature = "cpu")]
        return Self::Cpu(Cpu::default());
        #[cfg(not(feature = "cpu"))]
        Self::Reference
    }

    /// What was measured to be faster than this backend on the same machine, where something was: on a software adapter the
    /// CPU backend, where there is one.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Gpu(gpu)
                if cfg!(all(feature = "cpu", not(target_family = "wasm"))) && gpu.info().kind == AdapterKind::Software =>
            {
                Some(FASTER_ON_THE_CPU)
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gpu(gpu) => {
                gpu.info().fmt(f)?;
                if gpu.is_tuned() {
                    f.write_str(", kernels by a tuning plan")?;
                }
                if gpu.winograd() == Winograd::Large {
                    f.write_str(", large tiles")?;
                }
                Ok(())
            }
            #[cfg(feature = "cpu")]
            Self::Cpu(cpu) => cpu.fmt(f),
            Self::Reference => f.write_str("CPU (reference)"),
        }
    }
}

impl From<Gpu> for Backend {
    fn from(gpu: Gpu) -> Self {
        Self::Gpu(gpu)
    }
}

#[cfg(feature = "cpu")]
impl From<Cpu> for Backend {
    fn from(cpu: Cpu) -> Self {
        Self::Cpu(cpu)
    }
}
