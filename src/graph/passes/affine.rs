//! What is done to each output channel alike, `x * scale + shift`, as part of the weights that made the channel.

use std::collections::HashSet;
use std::sync::Arc;

use ndarray::ArrayD;

use crate::graph::uses::Uses;
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Flatten, Op};

/// A factor and a summand for each output channel.
pub(super) struct Affine {
    pub(super) scale: Vec<f64>,
    pub(super) shift: Vec<f64>,
}

/// What makes the channels: a node whose output nobody else uses.
pub(super) struct Maker<'a> {
    pub(super) node: &'a Node,
    pub(super) channels: usize,
    /// The rank of its output; none where only shapes could tell.
    pub(super) rank: Option<usize>,
}

/// Folds every operator in which `find` sees a value that is scaled and shifted into what makes that value.
pub(super) fn fold(graph: &mut Graph, find: impl Fn(&Graph, &Node, ValueId, &Maker<'_>) -> Option<Affine>) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    let mut flat = HashSet::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let folded = node.inputs.iter().find_map(|&input| {
            let at = uses.sole(input)?;
            let maker = maker(graph, &flat, at)?;
            let (weight, bias) = merge(graph, &maker, &find(graph, node, input, &maker)?)?;
            Some((at, weight, bias))
        });
        if let Some((maker, weight, bias)) = folded {
            let name = graph.nodes[maker].name.clone();
            let weight = graph.value(format!("{name}.folded_weight"), Some(Arc::new(weight.into())));
            let bias = graph.value(format!("{name}.folded_bias"), Some(Arc::new(bias.into())));
            let mut merged = graph.nodes[maker].clone();
            merged.inputs = vec![merged.inputs[0], weight, bias];
            merged.outputs.clone_from(&graph.nodes[index].outputs);
            // Where the later one stood: its parameters may be made in between.
            graph.nodes[index] = merged;
            dead.push(maker);
        }
        let node = &graph.nodes[index];
        if is_flat(node, &flat) {
            flat.extend(&node.outputs);
        }
    }
    graph.remove(&dead);
}

fn maker<'a>(graph: &'a Graph, flat: &HashSet<ValueId>, at: usize) -> Option<Maker<'a>> {
    let node = &graph.nodes[at];
    let weight = graph.constant_value(*node.inputs.get(1)?)?;
    let (channels, rank) = match node.op {
        Op::Conv(_) => (weight.shape().first().copied(), Some(weight.ndim())),
        Op::ConvTranspose(op) => (
            weight.shape().get(1).and_then(|own| own.checked_mul(op.groups)),
            Some(weight.ndim()),
        ),
        Op::Linear(_) => (weight.shape().first().copied(), flat.contains(&node.inputs[0]).then_some(2)),
        _ => return None,
    };
    let channels = channels?;
    Some(Maker { node, channels, rank })
}

/// Whether an output is sure to have two dimensions, whatever the shapes of the inputs, where these values are.
fn is_flat(node: &Node, flat: &HashSet<ValueId>) -> bool {
    match node.op {
        Op::Flatten(op) => op == Flatten::default(),
        Op::Linear(_) | Op::Unary(_) | Op::BatchNorm(_) => flat.contains(&node.inputs[0]),
        _ => false,
    }
}

/// The weight and bias that scale and shift by themselves, computed in `f64` and rounded once.
fn merge(graph: &Graph, maker: &Maker<'_>, affine: &Affine) -> Option<(ArrayD<f32>, ArrayD<f32>)> {
    let (node, channels) = (maker.node, maker.channels);
    let weight = graph.constant_value(node.inputs[1])?;
    let bias = match node.inputs.get(2) {
        Some(&bias) => Some(graph.constant_value(bias)?),
        None => None,
    };
    // Shapes that do not fit are refused when shapes are inferred; here they are only left alone.
    let ranks = if matches!(node.op, Op::Linear(_)) { 2..=2 } else { 3..=5 };
    if !ranks.contains(&weight.ndim()) || bias.is_some_and(|bias| bias.shape() != [channels]) {
        return None;
    }
    let mut folded = weight.as_standard_layout().into_owned();
    // An infinite factor would make NaN of sums whose parts have different signs. Adapters may take a subnormal weight for 0, where
    // product and scale by themselves are not.
    let mut is_plain = true;
    let mut scale = |kernel: &mut [f32], channel: usize| {
        for value in kernel {
            let own = *value;
            *value = (f64::from(own) * affine.scale[channel]) as f32;
            is_plain &= value.is_finite() && (own == 0.0 || value.abs() >= f32::MIN_POSITIVE);
        }
    };
    let elements = folded.as_slice_mut()?;
    if let Op::ConvTranspose(op) = node.op {
        // `[C_in, C_out / groups, KH, KW]`: the group of an input channel tells which outputs it goes to.
        let (inputs, own) = (weight.shape()[0], weight.shape()[1]);
        if op.groups == 0 || !inputs.is_multiple_of(op.groups) || inputs == 0 {
            return None;
        }
        let kernel: usize = weight.shape()[2..].iter().product();
        for (index, kernel) in elements.chunks_exact_mut(kernel.max(1)).enumerate() {
            scale(kernel, index / own / (inputs / op.groups) * own + index % own);
        }
    } else {
        let kernel: usize = weight.shape()[1..].iter().product();
        for (channel, kernel) in elements.chunks_exact_mut(kernel.max(1)).enumerate() {
            scale(kernel, channel);
        }
    }
    let bias = (0..channels).map(|channel| {
        let own = bias.map_or(0.0, |bias| f64::from(bias[[channel]]));
        (own * affine.scale[channel] + affine.shift[channel]) as f32
    });
    let bias = bias.collect::<ndarray::Array1<f32>>().into_dyn();
    (is_plain && bias.iter().all(|value| value.is_finite())).then_some((folded, bias))
}
