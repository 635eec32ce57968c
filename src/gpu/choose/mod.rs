//! Which kernels compute a layer: plain data, nothing recorded.

pub(crate) mod attention;
pub(crate) mod candidates;
pub(crate) mod gemm;
pub(crate) mod im2col;
pub(crate) mod kernel_choice;
pub(crate) mod long_sums;
pub(crate) mod plane;
pub(crate) mod policy;
pub(crate) mod problem;
pub(crate) mod rules;
pub(crate) mod signature;
pub(crate) mod strips;
pub(crate) mod tile;
pub(crate) mod winograd;
