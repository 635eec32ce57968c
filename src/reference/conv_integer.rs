//! Convolution of whole numbers by its definition.

use super::answer::Answer;
use super::conv::Windows;
use super::matmul_integer::sum;
use super::volume::{axes, finish, volume};
use crate::error::Result;
use crate::ops::ConvInteger;

pub(super) fn conv_integer(op: &ConvInteger, input: &Answer, weight: &Answer) -> Result<Answer> {
    let op = &op.conv;
    let spatial = axes(input);
    let (input, weight) = (volume(input)?, volume(weight)?);
    let windows = Windows::new(op, spatial, &input, &weight);
    let output = windows.map(&weight, op.groups, |_, pixels, weights| sum(pixels, weights));
    Ok(finish(output, spatial))
}
