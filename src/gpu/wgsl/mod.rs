//! The text of kernels.

pub(crate) mod dump;
pub(crate) mod f16;
pub(crate) mod hide_uniforms;
pub(crate) mod kernel;
pub(crate) mod loop_limit;
pub(crate) mod unroll;
#[cfg(feature = "wrong-kernel")]
pub(crate) mod wrong_kernel;
