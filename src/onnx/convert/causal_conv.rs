//! Convolution of signals that come piece by piece.

use super::builder::{Value, signed};
use super::gather::number_of;
use super::node::Node;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{Concat, Conv, Expand, Slice, Unary};

/// A convolution of each channel with what came before, of which zeros stand for what there is not, and the last elements for the next
/// piece.
pub(super) fn causal_conv_with_state(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let (batch, channels, kernel) = match (input.shape(), weight.shape()) {
        (&[batch, channels, _], &[outputs, 1, kernel]) if outputs == channels && kernel > 0 => (batch, channels, kernel),
        (input, weight) => {
            return Err(Error::Onnx(format!(
                "an input of shape {input:?} and weights of shape {weight:?}: expected [N, C, L] and [C, 1, K]"
            )));
        }
    };
    let before = [batch, channels, kernel - 1];
    let past = match node.optional(3) {
        Some(past) if past.shape() == before => past,
        Some(past) => {
            return Err(Error::Onnx(format!(
                "a past_state of shape {:?}: expected {before:?}",
                past.shape()
            )));
        }
        None => node.emit(Expand::new(signed(&before)), &[&number_of(DType::F32, 0)])?,
    };
    let joined = node.emit(Concat::new(2), &[&past, &input])?;
    let operands = [Some(&joined), Some(&weight), bias.as_ref()];
    let operands: Vec<&Value> = operands.into_iter().flatten().collect();
    let output = node.emit(Conv::new().groups(channels), &operands)?;
    let output = match node.string("activation", "none")? {
        "none" => output,
        "silu" | "swish" => node.emit(Unary::Silu, &[&output])?,
        other => return Err(Error::Onnx(format!("activation {other:?}"))),
    };
    let length = joined.shape()[2] as isize;
    let last = Slice::new([length - (kernel as isize - 1)], [length]).axes([2]);
    let present = node.emit(last, &[&joined])?;
    Ok(vec![output, present])
}
