//! Makes convolution or linear, residual sum and activation one operator.

use crate::graph::uses::Uses;
use crate::graph::{Graph, ValueId};
use crate::ops::{Binary, Fused, FusedBase, Op};

/// `shapes` has the shape of every value, where they are known.
pub(super) fn run(graph: &mut Graph, shapes: Option<&[Vec<usize>]>) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let merged = match node.op {
            Op::Binary(Binary::Add) => shapes.and_then(|shapes| residual_sum(graph, &uses, shapes, index)),
            Op::Unary(activation) => uses.sole(node.inputs[0]).and_then(|maker| {
                let fused = fusible(&graph.nodes[maker].op).filter(|fused| fused.activation.is_none())?;
                Some((maker, fused.activation(activation), graph.nodes[maker].inputs.clone()))
            }),
            _ => None,
        };
        let Some((maker, fused, inputs)) = merged else { continue };
        let mut node = graph.nodes[maker].clone();
        node.op = fused.into();
        node.inputs = inputs;
        node.outputs.clone_from(&graph.nodes[index].outputs);
        // Where the later one stood: its inputs may be made in between.
        graph.nodes[index] = node;
        dead.push(maker);
    }
    graph.remove(&dead);
}

/// The operator as the beginning of a fused one.
fn fusible(op: &Op) -> Option<Fused> {
    match *op {
        Op::Conv(op) => Some(Fused::new(FusedBase::Conv(op))),
        Op::ConvTranspose(op) => Some(Fused::new(FusedBase::ConvTranspose(op))),
        Op::Linear(op) => Some(Fused::new(FusedBase::Linear(op))),
        Op::Fused(fused) => Some(fused),
        _ => None,
    }
}

/// A sum of which one side is a convolution's output that nobody else uses, and the other has the same shape.
fn residual_sum(graph: &Graph, uses: &Uses, shapes: &[Vec<usize>], sum: usize) -> Option<(usize, Fused, Vec<ValueId>)> {
    let &[left, right] = graph.nodes[sum].inputs.as_slice() else {
        return None;
    };
    [(left, right), (right, left)].into_iter().find_map(|(own, other)| {
        let maker = uses.sole(own)?;
        let fused = fusible(&graph.nodes[maker].op).filter(|fused| !fused.residual && fused.activation.is_none())?;
        if shapes[own.0] != shapes[other.0] {
            return None;
        }
        let inputs = [graph.nodes[maker].inputs.as_slice(), &[other]].concat();
        Some((maker, fused.residual(true), inputs))
    })
}
