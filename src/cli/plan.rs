//! `--plan`: kernels chosen by what `convoke tune` wrote.

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
}

impl PlanArguments {
    /// The backend with kernels chosen as asked for.
    pub(super) fn apply(&self, backend: Backend) -> Result<Backend, Box<dyn std::error::Error>> {
        let Some(path) = &self.plan else { return Ok(backend) };
        let named = |error: &dyn std::fmt::Display| format!("--plan {}: {error}", path.display());
        let Backend::Gpu(gpu) = &backend else {
            return Err(named(&format!("it chooses kernels of GPUs, and the backend is {backend}")).into());
        };
        let plan = TuningPlan::open(path)?;
        Ok(Backend::Gpu(gpu.with_tuning(&plan).map_err(|error| named(&error))?))
    }

    /// The same for several backends, of which those that are GPUs are concerned.
    pub(super) fn apply_to_gpus<'a>(
        &self,
        backends: impl IntoIterator<Item = &'a mut Backend>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Some(path) = &self.plan else { return Ok(()) };
        let mut gpus = 0;
        for backend in backends {
            if matches!(backend, Backend::Gpu(_)) {
                *backend = self.apply(backend.clone())?;
                gpus += 1;
            }
        }
        if gpus == 0 {
            return Err(format!("--plan {} is given, but no GPU is measured", path.display()).into());
        }
        Ok(())
    }
}
