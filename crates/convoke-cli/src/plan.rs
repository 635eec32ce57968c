//! `--plan` and `--large-tiles`: kernels chosen by what `convoke tune` wrote, and those with wider bounds.

use std::path::PathBuf;

use clap::Args;
use convoke::Backend;
use convoke::gpu::TuningPlan;

/// How kernels are chosen.
#[derive(Args, Debug)]
pub(super) struct PlanArguments {
    /// Choose kernels by what `convoke tune` wrote. Layers that it does not name follow the rules; a choice that the adapter
    /// cannot compute is an error.
    #[arg(long, value_name = "PLAN.json")]
    plan: Option<PathBuf>,
    /// Compute 3x3 convolutions by Winograd's F(4x4, 3x3) where that is faster. Errors are three times as large on average,
    /// and bounds eight times as wide.
    #[arg(long)]
    large_tiles: bool,
}

impl PlanArguments {
    /// What was given, as errors name it; `None` where the rules choose.
    fn given(&self) -> Option<String> {
        match &self.plan {
            Some(path) => Some(format!("--plan {}", path.display())),
            None => self.large_tiles.then(|| "--large-tiles".to_owned()),
        }
    }

    /// The backend with kernels chosen as asked for.
    pub(super) fn apply(&self, backend: Backend) -> Result<Backend, Box<dyn std::error::Error>> {
        let Some(given) = self.given() else { return Ok(backend) };
        let Backend::Gpu(mut gpu) = backend else {
            return Err(format!(
                "{given}: it chooses kernels of GPUs, and the backend is {backend}; --backend gpu takes one, a software adapter too"
            )
            .into());
        };
        if self.large_tiles {
            gpu = gpu.with_large_tiles();
        }
        if let Some(path) = &self.plan {
            let plan = TuningPlan::open(path)?;
            gpu = gpu.with_tuning(&plan).map_err(|error| format!("{given}: {error}"))?;
        }
        Ok(Backend::Gpu(gpu))
    }

    /// The same for several backends, of which those that are GPUs are concerned.
    pub(super) fn apply_to_gpus<'a>(
        &self,
        backends: impl IntoIterator<Item = &'a mut Backend>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Some(given) = self.given() else { return Ok(()) };
        let mut gpus = 0;
        for backend in backends {
            if matches!(backend, Backend::Gpu(_)) {
                *backend = self.apply(backend.clone())?;
                gpus += 1;
            }
        }
        if gpus == 0 {
            return Err(format!("{given} is given, but no GPU is measured").into());
        }
        Ok(())
    }
}
