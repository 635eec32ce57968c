//! Folds a batch normalisation into the convolution before it: `w * s` and `(b - mean) * s + shift` with
//! `s = weight / sqrt(variance + eps)`.

use super::affine::{self, Affine, Maker};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::Op;

pub(super) fn run(graph: &mut Graph) {
    affine::fold(graph, find);
}

/// What a batch normalisation does to each channel, where its parameters are constant.
fn find(graph: &Graph, node: &Node, input: ValueId, maker: &Maker<'_>) -> Option<Affine> {
    let Op::BatchNorm(norm) = node.op else { return None };
    // Its channels are the second dimension.
    if input != node.inputs[0] || maker.rank.is_none() {
        return None;
    }
    let parameter = |at: usize| {
        graph
            .constant_value(node.inputs[at])
            .filter(|array| array.shape() == [maker.channels])
    };
    let (mean, variance, weight, bias) = (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
    let each = |of: &dyn Fn(usize) -> f64| (0..maker.channels).map(of).collect::<Vec<f64>>();
    let scale = each(&|channel| f64::from(weight[[channel]]) / (f64::from(variance[[channel]]) + f64::from(norm.eps)).sqrt());
    let shift = each(&|channel| f64::from(bias[[channel]]) - f64::from(mean[[channel]]) * scale[channel]);
    Some(Affine { scale, shift })
}
