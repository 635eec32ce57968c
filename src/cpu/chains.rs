//! Which operators of a graph are computed together: functions of elements with those before them, and with the sums of products of whole
//! numbers that they begin with.

use super::chain::{Chain, DEPTH, Input, Instruction, LARGEST_SMALL, Right, is_of_floats, is_of_wholes};
use crate::dtype::{DType, TensorType};
use crate::graph::uses::Uses;
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Binary, Op, Unary};
use crate::shape::Reach;

/// The most instructions of a chain. Files decide how many functions there are one after another.
const MOST_INSTRUCTIONS: usize = 128;

/// What is computed in one go.
#[derive(Debug)]
pub(super) struct Group {
    /// The node that it is named after: the sums' where there are any, else the last.
    pub(super) node: usize,
    /// What it reads, in the order that [`Work`] says, and what it makes.
    pub(super) inputs: Vec<ValueId>,
    pub(super) outputs: Vec<ValueId>,
    pub(super) work: Work,
}

#[derive(Debug)]
pub(super) enum Work {
    /// A node by itself, with its own inputs.
    Node,
    /// A chain, with its inputs.
    Chain(Chain),
    /// A node whose output is in blocks of channels.
    Blocks,
    /// Its input in the other layout.
    Rearrange,
    /// Sums of products: their two operands, then the left one's zero point where there is one, then the chain's inputs.
    Sums { chain: Chain, has_zero_point: bool },
}

/// The groups of a graph, in an order that runs.
pub(super) fn groups(graph: &Graph, types: &[TensorType]) -> Vec<Group> {
    let mut finder = Finder::new(graph, types);
    let mut groups: Vec<Group> = (0..graph.nodes.len()).rev().filter_map(|node| finder.group(node)).collect();
    groups.reverse();
    groups
}

struct Finder<'a> {
    graph: &'a Graph,
    types: &'a [TensorType],
    uses: Uses,
    /// Whether a node is part of a group that was found.
    taken: Vec<bool>,
    /// Whether a group that was found reads a value, or it is an output.
    wanted: Vec<bool>,
}

/// A chain under construction.
struct Draft {
    chain: Chain,
    /// The node of the sums that it begins with.
    base: Option<usize>,
    taken: Vec<usize>,
    shape: Vec<usize>,
}

impl<'a> Finder<'a> {
    fn new(graph: &'a Graph, types: &'a [TensorType]) -> Self {
        let uses = Uses::of(graph);
        // What nobody reads was asked for in some other way.
        let values = (0..graph.values.len()).map(ValueId);
        let mut wanted: Vec<bool> = values.map(|value| !uses.count.contains_key(&value)).collect();
        for value in &graph.outputs {
            wanted[value.0] = true;
        }
        Self {
            graph,
            types,
            uses,
            taken: vec![false; graph.nodes.len()],
            wanted,
        }
    }

    /// The group that ends with a node, unless a later one has it, or no group needs it any more.
    fn group(&mut self, index: usize) -> Option<Group> {
        let node = &self.graph.nodes[index];
        if self.taken[index] || !node.outputs.iter().any(|value| self.wanted[value.0]) {
            return None;
        }
        let group = self.chain(index).unwrap_or_else(|| Group {
            node: index,
            inputs: node.inputs.clone(),
            outputs: node.outputs.clone(),
            work: Work::Node,
        });
        for value in &group.inputs {
            self.wanted[value.0] = true;
        }
        Some(group)
    }

    /// A chain that ends with this node, where there is one that pays.
    fn chain(&mut self, index: usize) -> Option<Group> {
        let node = &self.graph.nodes[index];
        let &[output] = node.outputs.as_slice() else { return None };
        let mut draft = Draft {
            chain: Chain::default(),
            base: None,
            taken: vec![],
            shape: self.types[output.0].shape.clone(),
        };
        if is_sum(node) {
            draft.base = Some(index);
            draft.chain.code.push(Instruction::Sums);
        } else {
            self.link(node, &mut draft, 0)?;
        }
        let Draft { chain, base, taken, .. } = draft;
        let chain = chain.optimized();
        // Of floats alone operators are as fast by themselves.
        let has_whole = |value: &ValueId| self.types[value.0].dtype != DType::F32;
        let nodes = || taken.iter().map(|&index| &self.graph.nodes[index]).chain([node]);
        if !nodes().any(|node| node.inputs.iter().chain(&node.outputs).any(has_whole)) {
            return None;
        }
        for index in taken {
            self.taken[index] = true;
        }
        let own = chain.inputs.iter().map(|input| input.value);
        let outputs = vec![output];
        Some(match base {
            None => Group {
                node: index,
                inputs: own.collect(),
                outputs,
                work: Work::Chain(chain),
            },
            Some(base) => {
                let [left, right] = [0, 1].map(|operand| self.graph.nodes[base].inputs[operand]);
                let (left, zero_point) = self.without_zero_point(left);
                Group {
                    node: base,
                    inputs: [left, right].into_iter().chain(zero_point).chain(own).collect(),
                    outputs,
                    work: Work::Sums {
                        chain,
                        has_zero_point: zero_point.is_some(),
                    },
                }
            }
        })
    }

    /// Appends a function of elements and what it is of, with so many blocks in hand. None where it cannot be part of a chain.
    fn link(&self, node: &Node, draft: &mut Draft, height: usize) -> Option<()> {
        let link = self.is_link(node, &draft.shape)?;
        self.operand(node.inputs[0], draft, height)?;
        match link {
            Link::Cast(from, to) => {
                let is_small = is_small(draft.chain.code.last());
                draft.chain.code.extend(casts(from, to, is_small).into_iter().flatten());
            }
            Link::Unary(function) => draft.chain.code.push(Instruction::Unary(function)),
            Link::Binary(function) => {
                let right = node.inputs[1];
                let right = if height + 1 < DEPTH && self.is_inner(right, draft) {
                    self.operand(right, draft, height + 1)?;
                    Right::Stack
                } else {
                    Right::Input(self.input(right, draft)?)
                };
                draft.chain.code.push(if self.types[node.outputs[0].0].dtype == DType::F32 {
                    Instruction::Float(function, right)
                } else {
                    Instruction::Whole(function, right)
                });
            }
        }
        (draft.chain.code.len() <= MOST_INSTRUCTIONS).then_some(())
    }

    /// Puts a value on the stack: computed there, or read.
    fn operand(&self, value: ValueId, draft: &mut Draft, height: usize) -> Option<()> {
        if height >= DEPTH {
            return None;
        }
        if !self.is_inner(value, draft) {
            let input = self.input(value, draft)?;
            draft.chain.code.push(Instruction::Load(input));
            return Some(());
        }
        let index = self.uses.sole(value)?;
        let node = &self.graph.nodes[index];
        draft.taken.push(index);
        if is_sum(node) {
            draft.base = Some(index);
            draft.chain.code.push(Instruction::Sums);
            return Some(());
        }
        self.link(node, draft, height)
    }

    /// Whether a value is nowhere but in this chain.
    fn is_inner(&self, value: ValueId, draft: &Draft) -> bool {
        let Some(index) = self.uses.sole(value) else { return false };
        let node = &self.graph.nodes[index];
        let fits = if is_sum(node) {
            draft.base.is_none()
        } else {
            self.is_link(node, &draft.shape).is_some() && draft.taken.len() < MOST_INSTRUCTIONS / 4
        };
        // What another's sums end with is read as bytes, which are fewer than what becomes of them.
        let is_others = draft.base.is_some() && self.is_bytes(value) && self.begins_with_sums(value);
        fits && !is_others && self.types[value.0].shape == draft.shape && !self.taken[index]
    }

    fn is_bytes(&self, value: ValueId) -> bool {
        matches!(self.types[value.0].dtype, DType::U8 | DType::I8)
    }

    /// Whether functions of elements lead from sums to a value.
    fn begins_with_sums(&self, mut value: ValueId) -> bool {
        for _ in 0..MOST_INSTRUCTIONS {
            let Some(&index) = self.uses.maker.get(&value) else {
                return false;
            };
            let node = &self.graph.nodes[index];
            if is_sum(node) {
                return true;
            }
            if self.is_link(node, &self.types[value.0].shape).is_none() {
                return false;
            }
            value = node.inputs[0];
        }
        false
    }

    fn input(&self, value: ValueId, draft: &mut Draft) -> Option<usize> {
        let reach = Reach::of(&self.types[value.0].shape, &draft.shape)?;
        let inputs = &mut draft.chain.inputs;
        let known = inputs.iter().position(|input| input.value == value);
        Some(known.unwrap_or_else(|| {
            inputs.push(Input { value, reach });
            inputs.len() - 1
        }))
    }

    /// What a node is as a part of a chain with an output of this shape.
    fn is_link(&self, node: &Node, shape: &[usize]) -> Option<Link> {
        let dtype = |value: &ValueId| self.types[value.0].dtype;
        let all_are = |kind: DType| node.inputs.iter().chain(&node.outputs).all(|value| dtype(value) == kind);
        let is_plain = |kind: DType| matches!(kind, DType::F32 | DType::I32 | DType::U8 | DType::I8);
        let mut inputs = node.inputs.iter();
        if !inputs.all(|value| Reach::of(&self.types[value.0].shape, shape).is_some()) {
            return None;
        }
        match node.op {
            Op::Cast(_) => {
                let (from, to) = (dtype(&node.inputs[0]), dtype(&node.outputs[0]));
                (is_plain(from) && is_plain(to)).then_some(Link::Cast(from, to))
            }
            Op::Unary(function) => all_are(DType::F32).then_some(Link::Unary(function)),
            Op::Binary(function) => {
                let fits = (all_are(DType::F32) && is_of_floats(function)) || (all_are(DType::I32) && is_of_wholes(function));
                fits.then_some(Link::Binary(function))
            }
            _ => None,
        }
    }

    /// The bytes that a centred operand was made of and their zero point, or the operand itself.
    fn without_zero_point(&self, value: ValueId) -> (ValueId, Option<ValueId>) {
        let maker = |value: ValueId| self.uses.maker.get(&value).map(|&index| &self.graph.nodes[index]);
        let bytes = || {
            let difference = maker(value).filter(|node| matches!(node.op, Op::Binary(Binary::Sub)))?;
            let &[left, zero_point] = difference.inputs.as_slice() else {
                return None;
            };
            let cast = maker(left).filter(|node| matches!(node.op, Op::Cast(_)))?;
            let bytes = cast.inputs[0];
            let is_bytes = self.is_bytes(bytes);
            let is_one = self.types[zero_point.0].shape.iter().product::<usize>() == 1;
            let is_kept = self.types[bytes.0].shape == self.types[value.0].shape;
            (is_bytes && is_one && is_kept).then_some((bytes, Some(zero_point)))
        };
        bytes().unwrap_or((value, None))
    }
}

enum Link {
    Cast(DType, DType),
    Unary(Unary),
    Binary(Binary),
}

fn is_sum(node: &Node) -> bool {
    matches!(node.op, Op::ConvInteger(_) | Op::MatMulInteger(_))
}

/// Whether what an instruction gives is so small, or NaN.
fn is_small(instruction: Option<&Instruction>) -> bool {
    match instruction {
        Some(&Instruction::Unary(Unary::Clamp { min, max })) => [min, max].iter().all(|bound| bound.abs() <= LARGEST_SMALL),
        _ => false,
    }
}

/// From one type to another; bytes are held as `i32`.
fn casts(from: DType, to: DType, is_small: bool) -> [Option<Instruction>; 2] {
    let byte = match to {
        DType::U8 => Some(Instruction::ToByte { signed: false }),
        DType::I8 => Some(Instruction::ToByte { signed: true }),
        _ => None,
    };
    match (from == DType::F32, to == DType::F32) {
        (true, true) => [None, None],
        (true, false) if is_small => [Some(Instruction::ToSmallWhole), byte],
        (true, false) => [Some(Instruction::ToWhole), byte],
        (false, true) => [Some(Instruction::ToFloat), None],
        (false, false) => [byte, None],
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::*;
    use crate::cpu::{Cpu, CpuEngine};
    use crate::engine::Engine;
    use crate::engine::PlanSettings;
    use crate::graph::passes::Passes;
    use crate::graph::quantised::quantised;
    use crate::tensor::Tensor;
    use crate::testing::Random;

    #[test]
    fn chains_have_the_bits_of_their_operators_one_by_one() {
        let (mut graph, [bytes, signed, _]) = quantised(Random::new(3).integers(&[6, 3, 3, 3]).mapv(|x| x as i8));
        for output in [bytes, signed] {
            graph.output(output).unwrap();
        }
        let shape = [2, 3, 9, 11];
        let types = graph.infer(&[&shape]).unwrap();
        let kinds: Vec<&str> = (groups(&graph, &types).iter())
            .map(|group| match &group.work {
                Work::Node | Work::Blocks | Work::Rearrange => "node",
                Work::Chain(_) => "chain",
                Work::Sums { has_zero_point, .. } => {
                    if *has_zero_point {
                        "sums of bytes"
                    } else {
                        "sums"
                    }
                }
            })
            .collect();
        // What two read is made once, and without the sums' zero point nothing is left of what centres the bytes.
        assert_eq!(kinds, ["sums of bytes", "chain", "chain"]);
        let passes = Passes::new(&[], |_, _| unreachable!("there are no passes"));
        let engine = CpuEngine::new(&Cpu::default(), &graph, PlanSettings::by(passes)).unwrap();
        let mut random = Random::new(5);
        let image: Tensor = ArrayD::from_shape_fn(shape.as_slice(), |_| random.below(256) as u8).into();
        let alone = pollster::block_on(engine.evaluate(&[image.view()])).unwrap().swap_remove(0);
        for _ in 0..2 {
            let together = engine.run(&[image.view()]).unwrap();
            for (value, output) in graph.outputs.iter().zip(together) {
                assert_eq!(alone.values[value.0].as_ref(), Some(&output));
            }
        }
    }
}
