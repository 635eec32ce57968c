//! `--precision`: how a session stores its numbers.

use std::path::Path;
use std::sync::Arc;

use super::limits;
use clap::{Args, ValueEnum};
use convoke::onnx::Model;
use convoke::session::SessionBuilder;
use convoke::{Backend, Fallback, Precision, Result, Session};

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

    /// A session that stores its numbers so.
    pub(super) fn session(self, model: impl Into<Arc<Model>>, backend: &Backend, fallback: Fallback) -> Result<Session> {
        let session = self.builder(backend, fallback).build(model.into())?;
        Ok(session.until(limits::token()))
    }

    /// A session of a compiled model that stores its numbers so.
    pub(super) fn load(self, path: &Path, backend: &Backend, fallback: Fallback) -> Result<Session> {
        let session = self.builder(backend, fallback).load(path)?;
        Ok(session.until(limits::token()))
    }

    fn builder(self, backend: &Backend, fallback: Fallback) -> SessionBuilder {
        Session::builder()
            .backend(backend.clone())
            .precision(self.get())
            .fallback(fallback)
            .limits(limits::asked())
    }
}
