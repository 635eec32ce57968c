//! Convolution, plain and transposed.

pub(crate) mod direct;
pub(crate) mod im2col;
pub(crate) mod integer;
pub(crate) mod tiled;
pub(crate) mod volume;
pub(crate) mod winograd;
