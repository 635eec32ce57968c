//! `--precision`: how a session stores its numbers.

use clap::{Args, ValueEnum};
use convoke::Precision;

/// How numbers are stored.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct PrecisionArguments {
    /// How inputs, weights and results are stored on the GPU; `f16` takes half the memory and has 11 significant bits.
    #[arg(long, value_enum, default_value = "f32")]
    precision: Stored,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Stored {
    /// 32-bit floats.
    F32,
    /// 16-bit floats, on adapters that have them. Sums are made in 32 bits.
    F16,
}

impl From<Stored> for Precision {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::F32 => Self::F32,
            Stored::F16 => Self::F16,
        }
    }
}

impl PrecisionArguments {
    /// What was asked for.
    pub(super) fn get(self) -> Precision {
        self.precision.into()
    }
}
