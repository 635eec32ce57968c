//! Which values of a graph are in blocks, and where they are rearranged.

use super::conv;
use super::elements::Reach;
use super::layout::Layout;
use super::weights::fits;
use crate::cpu::chains::{Group, Work};
use crate::dtype::{DType, TensorType};
use crate::graph::{Graph, Node, ValueId};
use crate::ops::{Conv, Fused, FusedBase, Op};

/// The layouts of all values, those that were rearranged as well.
#[derive(Debug)]
pub(in crate::cpu) struct Layouts {
    pub(in crate::cpu) of_values: Vec<Layout>,
    /// The graph's outputs, each in row-major order.
    pub(in crate::cpu) outputs: Vec<ValueId>,
}

struct Chooser<'a> {
    graph: &'a Graph,
    types: &'a mut Vec<TensorType>,
    layouts: Vec<Layout>,
    /// The same elements in the other layout, once they were wanted.
    others: Vec<Option<ValueId>>,
    groups: Vec<Group>,
}

/// Has convolutions and what follows them computed in blocks. Values that are rearranged are new ones, after those of the graph.
pub(in crate::cpu) fn choose(graph: &Graph, types: &mut Vec<TensorType>, groups: Vec<Group>) -> (Vec<Group>, Layouts) {
    let mut chooser = Chooser {
        graph,
        layouts: vec![Layout::Plain; types.len()],
        others: vec![None; types.len()],
        groups: Vec::with_capacity(groups.len()),
        types,
    };
    for group in groups {
        chooser.place(group);
    }
    let last = chooser.groups.last().map_or(0, |group| group.node);
    let outputs = (graph.outputs.iter())
        .map(|&value| chooser.in_layout(value, Layout::Plain, last))
        .collect();
    let Chooser { layouts, groups, .. } = chooser;
    let layouts = Layouts {
        of_values: layouts,
        outputs,
    };
    (groups, layouts)
}

impl Chooser<'_> {
    fn place(&mut self, mut group: Group) {
        let node = &self.graph.nodes[group.node];
        let wanted = match group.work {
            Work::Node => self.wanted(node),
            _ => None,
        };
        let Some(wanted) = wanted else {
            for value in &mut group.inputs {
                *value = self.in_layout(*value, Layout::Plain, group.node);
            }
            self.groups.push(group);
            return;
        };
        for (value, wanted) in group.inputs.iter_mut().zip(wanted) {
            if let Some(layout) = wanted {
                *value = self.in_layout(*value, layout, group.node);
            }
        }
        let output = group.outputs[0];
        if !Layout::is_either(&self.types[output.0].shape) {
            self.layouts[output.0] = Layout::Blocked;
        }
        group.work = Work::Blocks;
        self.groups.push(group);
    }

    /// The value with its elements in this layout, rearranged for a node where they are not.
    fn in_layout(&mut self, value: ValueId, layout: Layout, node: usize) -> ValueId {
        if self.layouts[value.0] == layout || (layout == Layout::Blocked && Layout::is_either(&self.types[value.0].shape)) {
            return value;
        }
        if let Some(known) = self.others[value.0] {
            return known;
        }
        let other = ValueId(self.types.len());
        self.types.push(self.types[value.0].clone());
        self.layouts.push(layout);
        self.others.push(Some(value));
        self.others[value.0] = Some(other);
        self.groups.push(Group {
            node,
            inputs: vec![value],
            outputs: vec![other],
            work: Work::Rearrange,
        });
        other
    }

    /// What layout a node with a kernel for blocks wants each input in, where it wants one. None where the node stays with planes.
    fn wanted(&self, node: &Node) -> Option<Vec<Option<Layout>>> {
        let [output] = node.outputs[..] else { return None };
        let shape = |value: ValueId| self.types[value.0].shape.as_slice();
        let values = || node.inputs.iter().chain(&node.outputs);
        if values().any(|value| self.types[value.0].dtype != DType::F32) || shape(output).len() < 3 || shape(output).contains(&0) {
            return None;
        }
        let is_blocked = |value: ValueId| self.layouts[value.0] == Layout::Blocked;
        let first = *node.inputs.first()?;
        match &node.op {
            Op::Conv(op) if self.is_conv(op, node) => Some(vec![None; node.inputs.len()]),
            Op::Fused(Fused {
                base: FusedBase::Conv(op),
                residual,
                ..
            }) if self.is_conv(op, node) => {
                let mut wanted = vec![None; node.inputs.len()];
                if let (Some(last), true) = (wanted.last_mut(), *residual) {
                    *last = Some(Layout::Blocked);
                }
                Some(wanted)
            }
            Op::MaxPool(_) | Op::AdaptiveMaxPool(_) | Op::AvgPool(_) | Op::AdaptiveAvgPool(_) | Op::Unary(_) | Op::BatchNorm(_) => {
                is_blocked(first).then(|| vec![None; node.inputs.len()])
            }
            Op::Binary(_) => {
                let reach: Option<Vec<Reach>> = (node.inputs.iter())
                    .map(|&value| Reach::of(shape(value), shape(output)))
                    .collect();
                let reach = reach?;
                let are_blocked = node.inputs.iter().zip(&reach);
                let mut of_all = are_blocked.filter(|(_, reach)| **reach == Reach::Everything);
                let wanted = |reach: &Reach| (*reach == Reach::Everything).then_some(Layout::Blocked);
                of_all
                    .any(|(&value, _)| is_blocked(value))
                    .then(|| reach.iter().map(wanted).collect())
            }
            Op::Concat(op) => {
                let axis = op.resolved_axis(shape(first)).ok()?;
                let elements = |value: &ValueId| shape(*value).iter().product::<usize>();
                let blocked: usize = node.inputs.iter().filter(|value| is_blocked(**value)).map(elements).sum();
                let is_most = 2 * blocked >= shape(output).iter().product();
                (axis == 1 && blocked > 0 && is_most).then(|| vec![Some(Layout::Blocked); node.inputs.len()])
            }
            _ => None,
        }
    }

    fn is_conv(&self, op: &Conv, node: &Node) -> bool {
        let [input, weight] = [0, 1].map(|operand| node.inputs[operand]);
        let shape = |value: ValueId| self.types[value.0].shape.as_slice();
        self.graph.values.get(weight.0).is_some_and(|value| value.constant.is_some())
            && fits(op, shape(weight))
            && conv::is_possible(op, shape(input), shape(weight))
    }
}
