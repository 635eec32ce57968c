//! Sums of products of bytes, exactly: four products at a time, in 32 bits that wrap around.
//!
//! One side of a product is bytes without a sign, the other bytes with one. What numbers are more than their bytes (a zero point, say)
//! is the same for a whole tensor on the first side and for a whole line of the product on the second, so that it is made up for by the
//! sums of lines. Four bytes that are multiplied at once are a word: four channels of a pixel, or four neighbours in a row of a matrix.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod blocks;
mod ceiling;
mod conv;
mod depthwise;
mod dot;
mod input;
mod matmul;
mod planes;
mod product;
mod strip;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vnni;
mod weights;

pub(super) use ceiling::multiply_adds;
pub(super) use conv::{ConvWeights, Input, conv, is_on_blocks};
pub(super) use dot::Vectors;
pub(super) use input::Bytes;
pub(super) use matmul::{MatMulWeights, matmul};
