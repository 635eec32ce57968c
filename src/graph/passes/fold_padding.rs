//! Folds padding into the convolution after it.

use super::uses::Uses;
use crate::graph::Graph;
use crate::ops::{Conv2d, ConvPadding, Op, Pad2d};
use crate::padding::{Padding2d, PaddingMode};

pub(super) fn run(graph: &mut Graph) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Op::Conv2d(conv) = node.op else { continue };
        let Some(maker) = uses.sole(node.inputs[0]) else { continue };
        let Op::Pad2d(pad) = graph.nodes[maker].op else { continue };
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
fn fold(conv: Conv2d, pad: Pad2d) -> Option<Conv2d> {
    let own = match conv.padding {
        ConvPadding::Explicit(own) => own,
        ConvPadding::Valid => Padding2d::NONE,
        ConvPadding::Same => return None,
    };
    let Padding2d {
        left,
        right,
        top,
        bottom,
    } = pad.padding;
    // Cropping and other constants than zero are not a convolution's padding.
    if [left, right, top, bottom].iter().any(|&side| side < 0) || pad.value.to_bits() != 0 {
        return None;
    }
    if own.is_none() {
        return Some(conv.padding(pad.padding).padding_mode(pad.mode));
    }
    if conv.padding_mode != PaddingMode::Zeros || pad.mode != PaddingMode::Zeros {
        return None;
    }
    let sum = |own: isize, more: isize| own.checked_add(more);
    let both = Padding2d::new(
        sum(own.left, left)?,
        sum(own.right, right)?,
        sum(own.top, top)?,
        sum(own.bottom, bottom)?,
    );
    Some(conv.padding(both))
}
