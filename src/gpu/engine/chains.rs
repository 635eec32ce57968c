//! Which functions of elements of a graph are computed together.

use std::collections::HashSet;

use crate::dtype::{DType, TensorType};
use crate::gpu::lower::elementwise::chain::{Chain, MOST_STEPS};
use crate::gpu::wgsl::chain::Operand;
use crate::gpu::wgsl::function::Scalar;
use crate::graph::uses::Uses;
use crate::graph::{Graph, Node, ValueId};
use crate::tensor::Tensor;

/// What is computed in one go.
#[derive(Debug)]
pub(super) struct Group {
    /// The node, or the last one of a chain.
    pub(super) node: usize,
    pub(super) chain: Option<Chain>,
}

/// Each node by itself.
pub(super) fn alone(graph: &Graph) -> Vec<Group> {
    (0..graph.nodes.len()).map(|node| Group { node, chain: None }).collect()
}

/// The groups of a graph, in an order that runs. `plain` are the quotients of numbers of usual magnitude.
pub(super) fn groups(graph: &Graph, types: &[TensorType], plain: &HashSet<ValueId>) -> Vec<Group> {
    let mut finder = Finder::new(graph, types, plain);
    let mut groups: Vec<Group> = (0..graph.nodes.len()).rev().filter_map(|node| finder.group(node)).collect();
    groups.reverse();
    groups
}

struct Finder<'a> {
    graph: &'a Graph,
    types: &'a [TensorType],
    plain: &'a HashSet<ValueId>,
    uses: Uses,
    /// Whether a value may change from run to run.
    varies: Vec<bool>,
    /// Whether a node is part of a chain that was found.
    taken: Vec<bool>,
}

/// A chain under construction.
#[derive(Clone)]
struct Draft<'a> {
    chain: Chain,
    taken: Vec<usize>,
    shape: &'a [usize],
}

impl<'a> Finder<'a> {
    fn new(graph: &'a Graph, types: &'a [TensorType], plain: &'a HashSet<ValueId>) -> Self {
        let mut varies = vec![false; graph.values.len()];
        for value in &graph.inputs {
            varies[value.0] = true;
        }
        for node in &graph.nodes {
            let is_new = node.inputs.iter().any(|value| varies[value.0]);
            for value in &node.outputs {
                varies[value.0] = is_new;
            }
        }
        Self {
            graph,
            types,
            plain,
            uses: Uses::of(graph),
            varies,
            taken: vec![false; graph.nodes.len()],
        }
    }

    /// The group that ends with a node, unless a later one has it.
    fn group(&mut self, node: usize) -> Option<Group> {
        if self.taken[node] {
            return None;
        }
        let chain = self.chain(node).map(|draft| {
            for index in draft.taken {
                self.taken[index] = true;
            }
            draft.chain
        });
        Some(Group { node, chain })
    }

    /// A chain that ends with this node, where there is one that pays.
    fn chain(&self, index: usize) -> Option<Draft<'a>> {
        let node = &self.graph.nodes[index];
        let shape = &self.types[self.result(node)?.0].shape;
        if !self.is_function(node) || shape.contains(&0) {
            return None;
        }
        let mut draft = Draft {
            chain: Chain::default(),
            taken: Vec::new(),
            shape,
        };
        self.function(node, &mut draft)?;
        // The kernel of one function with operands that broadcast takes one element at a time.
        let pays = draft.chain.functions() > 1 || (node.inputs.len() > 1 && draft.chain.broadcasts());
        (pays && !draft.chain.each.is_empty()).then_some(draft)
    }

    fn result(&self, node: &Node) -> Option<ValueId> {
        match node.outputs.as_slice() {
            &[output] if self.varies[output.0] => Some(output),
            _ => None,
        }
    }

    fn is_function(&self, node: &Node) -> bool {
        let values = node.inputs.iter().chain(&node.outputs);
        Chain::takes(&node.op, values.map(|value| self.types[value.0].dtype))
    }

    /// Appends a function and what it is of. None where the chain has no room for it.
    fn function(&self, node: &Node, draft: &mut Draft<'a>) -> Option<Operand> {
        let operands = node.inputs.iter().map(|&value| self.operand(value, draft));
        let operands = operands.collect::<Option<Vec<_>>>()?;
        if self.plain.contains(&node.outputs[0]) {
            return draft.chain.push_plain_quotient(operands);
        }
        let takes: Vec<DType> = node.inputs.iter().map(|value| self.types[value.0].dtype).collect();
        let gives = self.types[node.outputs[0].0].dtype;
        draft.chain.push(&node.op, operands, &takes, gives)
    }

    /// A value as the chain has it: computed there where it is wanted nowhere else, or read.
    fn operand(&self, value: ValueId, draft: &mut Draft<'a>) -> Option<Operand> {
        if let Some(index) = self.inner(value, draft) {
            let before = draft.clone();
            draft.taken.push(index);
            if let Some(operand) = self.function(&self.graph.nodes[index], draft) {
                return Some(operand);
            }
            *draft = before;
        }
        match self.number(value) {
            Some((bits, scalar)) => draft.chain.number(bits, scalar),
            None => draft.chain.input(value, &self.types[value.0].shape, draft.shape),
        }
    }

    /// The node that makes a value which is nowhere but in this chain.
    fn inner(&self, value: ValueId, draft: &Draft<'_>) -> Option<usize> {
        let index = self.uses.sole(value)?;
        let node = &self.graph.nodes[index];
        let fits = self.result(node).is_some()
            && self.is_function(node)
            && self.types[value.0].shape == draft.shape
            && draft.taken.len() + 1 < MOST_STEPS;
        fits.then_some(index)
    }

    /// A constant of one element as the bits that kernels have of it.
    fn number(&self, value: ValueId) -> Option<(u32, Scalar)> {
        let constant = self.graph.values[value.0].constant.as_deref()?;
        if constant.shape().iter().product::<usize>() != 1 {
            return None;
        }
        let whole = |x: i64| i32::try_from(x).ok().map(|x| (x as u32, Scalar::Whole));
        match constant {
            Tensor::F32(array) => array.first().map(|x| (x.to_bits(), Scalar::Float)),
            Tensor::I64(array) => whole(*array.first()?),
            Tensor::I32(array) => whole((*array.first()?).into()),
            Tensor::U8(array) => whole((*array.first()?).into()),
            Tensor::I8(array) => whole((*array.first()?).into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, ArrayD, array};

    use super::*;
    use crate::Precision;
    use crate::engine::Engine;
    use crate::engine::PlanSettings;
    use crate::gpu::engine::GpuEngine;
    use crate::graph::magnitudes::plain_quotients;
    use crate::graph::passes::Passes;
    use crate::graph::quantised::quantised;
    use crate::ops::{Binary, Cast, Ternary, Unary};
    use crate::testing::{self, Random};

    /// Bytes that are quantised, and what is made of them without NaN.
    fn network() -> Graph {
        let (mut graph, [bytes, signed, reals]) = quantised(Random::new(3).integers(&[6, 3, 3, 3]).mapv(|x| x as i8));
        let whole = graph.node("cast", Cast::new(DType::F32), &[signed]).unwrap();
        let root = graph.node("sqrt", Unary::Sqrt, &[whole]).unwrap();
        let kept = graph.node("isnan", Unary::IsNan, &[root]).unwrap();
        let kept = graph.node("where", Ternary::Where, &[kept, root, reals]).unwrap();
        for output in [bytes, signed, kept] {
            graph.output(output).unwrap();
        }
        graph
    }

    fn engine(gpu: &crate::Gpu, graph: &Graph) -> GpuEngine {
        let passes = Passes::new(&[], |_, _| unreachable!("there are no passes"));
        GpuEngine::new(gpu, graph, PlanSettings::by(passes), Precision::F32).unwrap()
    }

    #[test]
    fn functions_between_values_that_are_wanted_are_one_chain() {
        let graph = network();
        let types = graph.infer(&[&[2, 3, 9, 11]]).unwrap();
        let groups = groups(&graph, &types, &plain_quotients(&graph));
        let functions = |group: &Group| group.chain.as_ref().map_or(0, Chain::functions);
        assert_eq!(groups.iter().map(functions).collect::<Vec<_>>(), [2, 0, 3, 4, 4, 2, 2]);
        assert_eq!(alone(&graph).len(), graph.nodes.len());
    }

    #[test]
    fn chains_have_the_bits_of_their_functions_one_by_one() {
        let Some(gpu) = testing::gpu().unwrap() else { return };
        let graph = network();
        let engine = engine(&gpu, &graph);
        let mut random = Random::new(5);
        let image: Tensor = ArrayD::from_shape_fn(vec![2, 3, 9, 11], |_| random.below(256) as u8).into();
        let alone = pollster::block_on(engine.evaluate(&[image.view()])).unwrap().swap_remove(0);
        for _ in 0..2 {
            let together = engine.run(&[image.view()]).unwrap();
            for (value, output) in graph.outputs.iter().zip(together) {
                let want = alone.values[value.0].as_ref().unwrap();
                testing::compare_exact(&output, want).unwrap();
            }
        }
    }

    #[test]
    fn every_element_has_its_own_place_along_an_axis() {
        let Some(gpu) = testing::gpu().unwrap() else { return };
        for (shape, few) in [
            ([300, 7], [1, 7]),
            ([300, 8], [1, 8]),
            ([101, 103], [101, 1]),
            ([7, 128], [7, 1]),
        ] {
            let mut graph = Graph::new();
            let image = graph.input_of_type("image", DType::I32);
            let count = few[0] * few[1];
            let places = Array::from_shape_vec(few, (0..count as i32).collect()).unwrap();
            let places = graph.constant("places", places);
            let sum = graph.node("sum", Binary::Add, &[image, places]).unwrap();
            let sum = graph.node("twice", Binary::Add, &[sum, places]).unwrap();
            graph.output(sum).unwrap();
            let input: Tensor = ArrayD::<i32>::zeros(&shape[..]).into();
            let Tensor::I32(got) = engine(&gpu, &graph).run(&[input.view()]).unwrap().swap_remove(0) else {
                panic!("another type")
            };
            let is_right = |(place, &sum): (ndarray::IxDyn, &i32)| sum == 2 * place[usize::from(few[0] == 1)] as i32;
            assert!(got.indexed_iter().all(is_right), "{shape:?}");
        }
    }

    /// What exceeds a chain's room is read from before it: numbers, inputs, and functions by the hundred.
    #[test]
    fn long_chains_are_cut() {
        let Some(gpu) = testing::gpu().unwrap() else { return };
        let mut graph = Graph::new();
        let image = graph.input("image");
        let mut last = image;
        for index in 0..200 {
            let other = match index % 3 {
                0 => graph.constant("number", array![index as f32 / 16.0]),
                1 => graph.constant("row", Array::from_shape_fn(5, |x| x as f32 + index as f32)),
                _ => graph.constant("column", Array::from_shape_fn((3, 1), |(y, _)| y as f32 - index as f32)),
            };
            let function = if index % 2 == 0 { Binary::Add } else { Binary::Mul };
            last = graph.node("step", function, &[last, other]).unwrap();
        }
        graph.output(last).unwrap();
        let engine = engine(&gpu, &graph);
        let input: Tensor = Random::new(2).reals(&[3, 5]).into();
        let alone = pollster::block_on(engine.evaluate(&[input.view()])).unwrap().swap_remove(0);
        let together = engine.run(&[input.view()]).unwrap();
        assert_eq!(alone.values[last.0].as_ref(), together.first());
        let types = graph.infer(&[&[3, 5]]).unwrap();
        let functions: usize = groups(&graph, &types, &plain_quotients(&graph))
            .iter()
            .map(|group| group.chain.as_ref().map_or(1, Chain::functions))
            .sum();
        assert_eq!(functions, 200);
    }
}
