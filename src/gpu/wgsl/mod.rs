//! The text of kernels: [`registry`] declares them, [`header`] writes what follows from a declaration, [`imports`] puts the
//! files of `shaders` together, and [`text`] makes the whole of it, with the loops written out that [`unroll`] finds marked.

pub(crate) mod chain;
pub(crate) mod custom;
pub(crate) mod dump;
pub(crate) mod function;
mod header;
pub(crate) mod imports;
pub(crate) mod initial_values;
pub(crate) mod kernel;
pub(crate) mod loop_limit;
pub(crate) mod parameters;
mod registry;
pub(crate) mod storage;
mod text;
pub(crate) mod unroll;
#[cfg(feature = "wrong-kernel")]
pub(crate) mod wrong_kernel;
