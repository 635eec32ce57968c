//! Makes a product of something with its sigmoid one function, as exporters write `silu`.

use crate::graph::Graph;
use crate::graph::uses::Uses;
use crate::ops::{Binary, Op, Unary};

pub(super) fn run(graph: &mut Graph) {
    let uses = Uses::of(graph);
    let mut dead = Vec::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Op::Binary(Binary::Mul), &[left, right]) = (&node.op, node.inputs.as_slice()) else {
            continue;
        };
        let found = [(left, right), (right, left)].into_iter().find_map(|(input, factor)| {
            let maker = *uses.maker.get(&factor)?;
            let sigmoid = &graph.nodes[maker];
            let is_of_it = matches!(sigmoid.op, Op::Unary(Unary::Sigmoid)) && sigmoid.inputs == [input];
            is_of_it.then_some((input, factor, maker))
        });
        let Some((input, factor, maker)) = found else { continue };
        graph.nodes[index].op = Unary::Silu.into();
        graph.nodes[index].inputs = vec![input];
        if uses.count.get(&factor) == Some(&1) {
            dead.push(maker);
        }
    }
    graph.remove(&dead);
}
