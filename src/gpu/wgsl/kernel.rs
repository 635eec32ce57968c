//! Kernels with their constants.

use std::sync::Arc;

use crate::gpu::wgsl::custom::CustomSource;
use crate::gpu::wgsl::function::Function;
pub(crate) use crate::gpu::wgsl::registry::Kernel;
use crate::gpu::wgsl::registry::KernelSource;
use crate::gpu::wgsl::storage::Storage;

/// Whose compiler a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// naga, which wgpu brings along natively.
    Native,
    /// The same, before a driver that must not see that parameters are uniforms.
    HiddenUniforms,
    /// A browser's own (Tint in Chrome), which wants every extension named.
    Browser,
}

impl Dialect {
    /// That of this build.
    pub(crate) const HERE: Self = if cfg!(target_family = "wasm") {
        Self::Browser
    } else {
        Self::Native
    };
}

/// Whose kernel it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    /// One of convoke's.
    Own(Kernel),
    /// One that a program brings along.
    Custom(Arc<CustomSource>),
}

impl From<Kernel> for Code {
    fn from(kernel: Kernel) -> Self {
        Self::Own(kernel)
    }
}

impl From<Arc<CustomSource>> for Code {
    fn from(source: Arc<CustomSource>) -> Self {
        Self::Custom(source)
    }
}

impl Code {
    pub(crate) fn source(&self) -> KernelSource<'_> {
        match self {
            Self::Own(kernel) => kernel.source(),
            Self::Custom(source) => source.source(),
        }
    }
}

/// A kernel with its constants: what a pipeline is made from and found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PipelineKey {
    pub(crate) kernel: Code,
    /// `const NAME: u32 = value;` lines of the header, in the order given.
    pub(crate) constants: Vec<(&'static str, u32)>,
    /// The function that the kernel leaves open.
    pub(crate) function: Option<Function>,
    /// How the inputs and then the outputs are stored; in words where nothing is said.
    pub(crate) stored: Vec<Storage>,
    /// The inputs that are bound as if they were written, a bit each from the lowest: those in one buffer with an output.
    pub(crate) writable: u32,
}

impl PipelineKey {
    pub(crate) fn new(kernel: impl Into<Code>, constants: impl Into<Vec<(&'static str, u32)>>) -> Self {
        Self {
            kernel: kernel.into(),
            constants: constants.into(),
            function: None,
            stored: Vec::new(),
            writable: 0,
        }
    }

    /// The same kernel with this function.
    pub(crate) fn with(self, function: Function) -> Self {
        Self {
            function: Some(function),
            ..self
        }
    }

    /// Whether a binding, counted from 1, is read only.
    pub(crate) fn only_reads(&self, binding: u32) -> bool {
        binding as usize <= self.kernel.source().inputs.len() && self.writable & (1 << (binding - 1)) == 0
    }

    /// A constant of the header.
    pub(crate) fn constant(&self, name: &str) -> Option<u32> {
        let mut constants = self.constants.iter();
        constants.find(|(known, _)| *known == name).map(|&(_, value)| value)
    }
}
