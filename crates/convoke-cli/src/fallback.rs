//! `--fallback`: what the CPU computes where a GPU does not.

use std::error::Error;

use clap::Args;
use convoke::{Backend, Fallback};

use super::model::Kind;
use super::precision::PrecisionArguments;

/// Whether the CPU helps.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct FallbackArguments {
    /// Have the CPU compute operators that the GPU has no kernel for, instead of refusing the model. Which ones is said on stderr. The
    /// backend `auto` does so in any case for tensors that are too large for the GPU.
    #[arg(long)]
    fallback: bool,
}

impl FallbackArguments {
    /// What was asked for.
    pub(super) fn get(self, kind: Kind, precision: PrecisionArguments) -> Fallback {
        match kind {
            _ if self.fallback => Fallback::Always,
            Kind::Auto if precision.get() == convoke::Precision::F32 => Fallback::TooLarge,
            _ => Fallback::Never,
        }
    }

    /// Says what would work where a GPU refused the model.
    pub(super) fn advise(self, error: convoke::Error, backend: &Backend) -> Box<dyn Error> {
        let is_of_the_gpu = matches!(
            error,
            convoke::Error::Unsupported { .. } | convoke::Error::LimitExceeded { .. }
        );
        if is_of_the_gpu && !self.fallback && matches!(backend, Backend::Gpu(_)) {
            return format!("{error}\n--fallback has the CPU compute what the GPU does not, and --backend cpu all of it").into();
        }
        error.into()
    }
}
