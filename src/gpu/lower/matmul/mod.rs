//! Matrix products: linear layers, pointwise convolution, products of two computed operands.

pub(crate) mod epilogue;
pub(crate) mod gemm;
pub(crate) mod long_sums;
pub(crate) mod register_block;
pub(crate) mod split_k;
pub(crate) mod tiled;
pub(crate) mod two_operands;
