//! Every so many elements of a range.

use super::operand::Operand;
use super::strided::{copy, row_major};
use crate::error::Result;
use crate::ops::Slice;

pub(super) fn slice(op: &Slice, input: &Operand<'_>, shape: &[usize], output: &mut [f32]) -> Result<()> {
    let ranges = op.ranges(input.shape)?;
    let own = row_major(input.shape);
    let start: usize = ranges
        .iter()
        .zip(&own)
        .map(|(range, &stride)| range.start * stride as usize)
        .sum();
    // A step past the only element may be as large as it likes.
    let strides = ranges
        .iter()
        .zip(&own)
        .map(|(range, &stride)| stride.wrapping_mul(range.step))
        .collect();
    copy(input.data, start, shape, strides, output);
    Ok(())
}
