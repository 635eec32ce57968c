//! Parts of a graph that run one after another, each somewhere else.

use std::collections::{HashMap, HashSet};

use super::{Graph, ValueId};
use crate::dtype::TensorType;
use crate::error::Result;

/// Some nodes of a graph as a graph of their own.
#[derive(Debug)]
pub(crate) struct GraphPart {
    pub(crate) graph: Graph,
    /// The whole's values that are the part's inputs, in its order.
    pub(crate) inputs: Vec<ValueId>,
    /// The whole's values that are the part's outputs, in its order.
    pub(crate) outputs: Vec<ValueId>,
}

impl Graph {
    /// The nodes by the side that each is on, as few stretches of one side as their order allows: a stretch has all that can run
    /// before the other side must.
    pub(crate) fn stretches(&self, sides: &[bool]) -> Vec<(bool, Vec<usize>)> {
        let mut is_made: Vec<bool> = self.values.iter().map(|value| value.constant.is_some()).collect();
        for input in &self.inputs {
            is_made[input.0] = true;
        }
        let mut left: Vec<usize> = (0..self.nodes.len()).collect();
        let mut stretches = Vec::new();
        while let Some(&first) = left.first() {
            let side = sides[first];
            // Nodes stand in an order that runs, so that one look at each finds all that follow from one another.
            let (taken, rest) = left.iter().partition(|&&index| {
                let node = &self.nodes[index];
                let runs = sides[index] == side && node.inputs.iter().all(|input| is_made[input.0]);
                if runs {
                    node.outputs.iter().for_each(|output| is_made[output.0] = true);
                }
                runs
            });
            stretches.push((side, taken));
            left = rest;
        }
        stretches
    }

    /// These nodes as a graph, for the shapes that `types` gives each value. What others need of them are its outputs.
    pub(crate) fn part(&self, nodes: &[usize], types: &[TensorType]) -> Result<GraphPart> {
        let own: HashSet<usize> = nodes.iter().copied().collect();
        let others = self.nodes.iter().enumerate().filter(|(index, _)| !own.contains(index));
        let needed: HashSet<ValueId> = others
            .flat_map(|(_, node)| &node.inputs)
            .chain(&self.outputs)
            .copied()
            .collect();
        let mut part = GraphPart {
            graph: Graph::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let mut known: HashMap<ValueId, ValueId> = HashMap::new();
        for &index in nodes {
            let node = &self.nodes[index];
            let mut inputs = Vec::new();
            for &input in &node.inputs {
                let value = *known
                    .entry(input)
                    .or_insert_with(|| part.bring_in(self, input, &types[input.0]));
                inputs.push(value);
            }
            let outputs = part.graph.node_outputs(&node.name, node.op.clone(), &inputs)?;
            for (&whole, own) in node.outputs.iter().zip(outputs) {
                known.insert(whole, own);
                if needed.contains(&whole) {
                    part.outputs.push(whole);
                    part.graph.output(own)?;
                }
            }
        }
        Ok(part)
    }
}

impl GraphPart {
    /// A value that the part's nodes read: a constant, or an input.
    fn bring_in(&mut self, whole: &Graph, value: ValueId, kind: &TensorType) -> ValueId {
        let data = &whole.values[value.0];
        if data.constant.is_some() {
            self.graph.values.push(data.clone());
            return ValueId(self.graph.values.len() - 1);
        }
        self.inputs.push(value);
        let input = self.graph.input_of_type(&data.name, kind.dtype);
        self.graph.fix_shape(input, kind.shape.clone());
        input
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::ops::{Binary, Unary};

    /// `(x + c)` on one side, `tanh` and `exp` of it on the other, and their sum.
    #[test]
    fn stretches_are_few_and_parts_have_what_they_need() {
        let mut graph = Graph::new();
        let x = graph.input("x");
        let c = graph.constant("c", ndarray::array![1.0_f32, 2.0]);
        let shifted = graph.node("shifted", Binary::Add, &[x, c]).unwrap();
        let tanh = graph.node("tanh", Unary::Tanh, &[shifted]).unwrap();
        let relu = graph.node("relu", Unary::Relu, &[shifted]).unwrap();
        let exp = graph.node("exp", Unary::Exp, &[relu]).unwrap();
        let sum = graph.node("sum", Binary::Add, &[tanh, exp]).unwrap();
        graph.output(sum).unwrap();
        let sides = [false, true, false, true, false];
        let stretches = graph.stretches(&sides);
        assert_eq!(stretches, [(false, vec![0, 2]), (true, vec![1, 3]), (false, vec![4])]);

        let types = graph.infer(&[&[2]]).unwrap();
        let first = graph.part(&stretches[0].1, &types).unwrap();
        assert_eq!((first.inputs, first.outputs), (vec![x], vec![shifted, relu]));
        assert_eq!(
            first.graph.infer(&[&[2]]).unwrap().last(),
            Some(&TensorType::new(DType::F32, vec![2]))
        );
        let second = graph.part(&stretches[1].1, &types).unwrap();
        assert_eq!((second.inputs, second.outputs), (vec![shifted, relu], vec![tanh, exp]));
        let last = graph.part(&stretches[2].1, &types).unwrap();
        assert_eq!((last.inputs, last.outputs), (vec![tanh, exp], vec![sum]));
    }
}
