//! Folds padding into the convolution after it.

use crate::graph::Graph;
use crate::graph::uses::Uses;
use crate::ops::{Conv, ConvPadding, Op, Pad};
use crate::padding::{Padding, PaddingMode, Sides};

pub(super) fn run(graph: &mut Graph) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Op::Conv(conv) = node.op else { continue };
        let Some(maker) = uses.sole(node.inputs[0]) else { continue };
        let Op::Pad(pad) = graph.nodes[maker].op else { continue };
        let Some(folded) = fold(conv, pad) else { continue };
        let source = graph.nodes[maker].inputs[0];
        let node = &mut graph.nodes[index];
        node.op = folded.into();
        node.inputs[0] = source;
        dead.push(maker);
    }
    graph.remove(&dead);
}

/// The convolution that pads by itself, where the two paddings are one.
fn fold(conv: Conv, pad: Pad) -> Option<Conv> {
    let own = match conv.padding {
        ConvPadding::Explicit(own) => own,
        ConvPadding::Valid => Padding::NONE,
        ConvPadding::Same => return None,
    };
    // Cropping and other constants than zero are not a convolution's padding.
    if pad.padding.iter().any(|sides| sides.before.min(sides.after) < 0) || pad.value.to_bits() != 0 {
        return None;
    }
    if own.is_all(Sides::NONE) {
        return Some(conv.padding(pad.padding).padding_mode(pad.mode));
    }
    if conv.padding_mode != PaddingMode::Zeros || pad.mode != PaddingMode::Zeros {
        return None;
    }
    let sum = |own: Sides, more: Sides| {
        Some(Sides {
            before: own.before.checked_add(more.before)?,
            after: own.after.checked_add(more.after)?,
        })
    };
    Some(conv.padding(own.zip(pad.padding, sum)?))
}
