//! Removes operators whose output is their input, bit for bit.

use std::collections::HashMap;

use super::super::Node;
use crate::dtype::TensorType;
use crate::graph::{Graph, ValueId};
use crate::ops::{Binary, Op};
use crate::padding::Sides;

/// `types` has the type and the shape of every value.
pub(super) fn run(graph: &mut Graph, types: &[TensorType]) {
    let mut same: HashMap<ValueId, ValueId> = HashMap::new();
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        for input in &mut graph.nodes[index].inputs {
            *input = same.get(input).copied().unwrap_or(*input);
        }
        let node = &graph.nodes[index];
        if let Some(input) = unchanged(graph, node, types) {
            same.insert(node.outputs[0], input);
            dead.push(index);
        }
    }
    for output in &mut graph.outputs {
        *output = same.get(output).copied().unwrap_or(*output);
    }
    graph.remove(&dead);
}

/// The input that the output equals.
fn unchanged(graph: &Graph, node: &Node, types: &[TensorType]) -> Option<ValueId> {
    let &input = node.inputs.first()?;
    let shape = |value: ValueId| types[value.0].shape.as_slice();
    let keeps_shape = |value: ValueId| shape(value) == shape(node.outputs[0]);
    let is_one = |op: &Op| match op {
        Op::Reshape(_) | Op::Flatten(_) | Op::Expand(_) => true,
        Op::Concat(_) => node.inputs.iter().filter(|part| !shape(**part).contains(&0)).count() == 1,
        // Without a step backwards, as many elements as there are can only be all of them in order.
        Op::Slice(op) => op.steps.iter().all(|&step| step > 0),
        Op::Transpose(op) => {
            let order = op.resolved(shape(input).len()).ok();
            // Axes of one element may stand anywhere.
            order.is_some_and(|order| {
                let mut long = order.into_iter().filter(|&axis| shape(input)[axis] != 1);
                let first = long.next();
                long.try_fold(first, |last, axis| (Some(axis) > last).then_some(Some(axis)))
                    .is_some()
            })
        }
        Op::Cast(op) => types[input.0].dtype == op.to,
        Op::Pad(op) => op.padding.is_all(Sides::NONE),
        _ => false,
    };
    if let Op::Binary(op) = node.op {
        return [(0, 1), (1, 0)].into_iter().find_map(|(own, other)| {
            let own = (own, *node.inputs.get(own)?);
            let constant = graph.constant_value(*node.inputs.get(other)?)?;
            (keeps_shape(own.1) && is_neutral(op, own.0 == 0, constant.iter().copied())).then_some(own.1)
        });
    }
    // A part without elements goes unnoticed: the one that has some is the whole.
    let source = match node.op {
        Op::Concat(_) => *node.inputs.iter().find(|part| !shape(**part).contains(&0))?,
        _ => input,
    };
    (is_one(&node.op) && keeps_shape(source)).then_some(source)
}

/// Whether an operation with these values on the other side gives back every number, NaN, and both zeros: `x + -0` does,
/// `x + 0` makes 0 of -0.
fn is_neutral(op: Binary, is_left: bool, mut values: impl Iterator<Item = f32>) -> bool {
    let neutral: f32 = match op {
        Binary::Mul => 1.0,
        Binary::Div if is_left => 1.0,
        Binary::Add => -0.0,
        Binary::Sub if is_left => 0.0,
        _ => return false,
    };
    values.all(|value| value.to_bits() == neutral.to_bits())
}
