//! Folds a batch normalisation into the convolution before it: `w * s` and `(b - mean) * s + shift` with
//! `s = weight / sqrt(variance + eps)`, computed in `f64` and rounded once.

use std::sync::Arc;

use ndarray::{ArrayD, Axis};

use super::Uses;
use crate::graph::Graph;
use crate::ops::{BatchNorm, Op};

pub(super) fn run(graph: &mut Graph) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Op::BatchNorm(norm) = node.op else { continue };
        let Some(maker) = uses.sole(node.inputs[0]) else { continue };
        let Some((weight, bias)) = fold(graph, maker, index, norm) else {
            continue;
        };
        let name = graph.nodes[maker].name.clone();
        let weight = graph.value(format!("{name}.folded_weight"), Some(Arc::new(weight)));
        let bias = graph.value(format!("{name}.folded_bias"), Some(Arc::new(bias)));
        let mut merged = graph.nodes[maker].clone();
        merged.inputs = vec![merged.inputs[0], weight, bias];
        merged.outputs.clone_from(&graph.nodes[index].outputs);
        // Where the later one stood: its parameters may be made in between.
        graph.nodes[index] = merged;
        dead.push(maker);
    }
    graph.remove(&dead);
}

/// The folded weight and bias, where the operator is a convolution and everything else is constant.
fn fold(graph: &Graph, convolution: usize, norm_at: usize, norm: BatchNorm) -> Option<(ArrayD<f32>, ArrayD<f32>)> {
    let convolution = &graph.nodes[convolution];
    let Op::Conv2d(_) = convolution.op else { return None };
    let weight = graph.constant_value(convolution.inputs[1])?;
    let bias = match convolution.inputs.get(2) {
        Some(&bias) => Some(graph.constant_value(bias)?),
        None => None,
    };
    let parameter = |at: usize| graph.constant_value(graph.nodes[norm_at].inputs[at]);
    let (mean, variance, scale, shift) = (parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?);
    let channels = *weight.shape().first()?;
    // Shapes that do not fit are refused when shapes are inferred; here they are only left alone.
    if weight.ndim() != 4
        || [mean, variance, scale, shift]
            .iter()
            .any(|parameter| parameter.shape() != [channels])
    {
        return None;
    }
    if bias.is_some_and(|bias| bias.shape() != [channels]) {
        return None;
    }
    let factor = |channel: usize| f64::from(scale[[channel]]) / (f64::from(variance[[channel]]) + f64::from(norm.eps)).sqrt();
    let mut folded = weight.clone();
    for (channel, mut kernel) in folded.axis_iter_mut(Axis(0)).enumerate() {
        kernel.mapv_inplace(|value| (f64::from(value) * factor(channel)) as f32);
    }
    let bias = (0..channels).map(|channel| {
        let own = bias.map_or(0.0, |bias| f64::from(bias[[channel]]));
        ((own - f64::from(mean[[channel]])) * factor(channel) + f64::from(shift[[channel]])) as f32
    });
    Some((folded, bias.collect::<ndarray::Array1<f32>>().into_dyn()))
}
