//! Folds products, quotients, sums and differences with constants, one for each channel or one for all, into the
//! convolution or linear layer before them.

use crate::tensor::SharedArray;

use super::affine::{self, Affine, Maker};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Binary, Op};

pub(super) fn run(graph: &mut Graph) {
    affine::fold(graph, find);
}

/// What an operator with a constant on its other side does to each channel.
fn find(graph: &Graph, node: &Node, input: ValueId, maker: &Maker<'_>) -> Option<Affine> {
    let Op::Binary(op) = node.op else { return None };
    let &[left, right] = node.inputs.as_slice() else { return None };
    let is_left = input == left;
    let constant = graph.constant_value(if is_left { right } else { left })?;
    let values = per_channel(constant, maker)?;
    let constantly = |value: f64| vec![value; maker.channels];
    let negative = |values: Vec<f64>| values.into_iter().map(|value| -value).collect();
    let (scale, shift) = match (op, is_left) {
        (Binary::Mul, _) => (values, constantly(0.0)),
        (Binary::Div, true) => (values.into_iter().map(f64::recip).collect(), constantly(0.0)),
        (Binary::Add, _) => (constantly(1.0), values),
        (Binary::Sub, true) => (constantly(1.0), negative(values)),
        (Binary::Sub, false) => (constantly(-1.0), values),
        _ => return None,
    };
    Some(Affine { scale, shift })
}

/// A constant's value for each channel, where it neither differs within a channel nor adds dimensions.
fn per_channel(constant: &SharedArray<f32>, maker: &Maker<'_>) -> Option<Vec<f64>> {
    let shape = constant.shape();
    // The channels are the last dimension of a linear layer's output and the third from the end of a convolution's.
    let after = if matches!(maker.node.op, Op::Linear(_)) { 0 } else { 2 };
    if shape.len() > maker.rank.unwrap_or(1) {
        return None;
    }
    let channels_at = shape.len().checked_sub(after + 1);
    let is_elsewhere_one = shape
        .iter()
        .enumerate()
        .all(|(axis, &extent)| extent == 1 || Some(axis) == channels_at);
    let extent = channels_at.map_or(1, |axis| shape[axis]);
    if !is_elsewhere_one || (extent != 1 && extent != maker.channels) {
        return None;
    }
    let values: Vec<f64> = constant.iter().map(|&value| f64::from(value)).collect();
    Some(
        (0..maker.channels)
            .map(|channel| values[if extent == 1 { 0 } else { channel }])
            .collect(),
    )
}
