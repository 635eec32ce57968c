//! Where the values of a graph are during a run: memory planning.

use super::blocked::Layout;
use super::chains::{Group, Work};
use super::layouts::Layouts;
use crate::buffers::Buffers;
use crate::dtype::{DType, TensorType};
use crate::graph::{Graph, count};
use crate::ops::Op;

/// Where a value's elements are during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Nowhere,
    Constant(usize),
    Input(usize),
    /// One of `f32`, shared with values that are needed at other times.
    Buffer(usize),
    /// One of its own, of elements of another type.
    Tensor(usize),
}

/// Whether an operator's output has its input's elements in the same order.
pub(super) fn keeps_elements(op: &Op) -> bool {
    matches!(op, Op::Reshape(_) | Op::Flatten(_))
}

/// The places of all values.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) of_values: Vec<Place>,
    /// What each buffer must hold.
    pub(super) lengths: Vec<usize>,
    /// Whether what is in a buffer in the end may be an output as it is.
    pub(super) are_given: Vec<bool>,
    /// How many tensors of other types than `f32` there are.
    pub(super) tensors: usize,
}

impl Places {
    /// What they take for values of these types.
    pub(super) fn bytes(&self, types: &[TensorType], layouts: &Layouts) -> u64 {
        let buffers = self.lengths.iter().map(|&length| 4 * length as u64);
        let values = self.of_values.iter().zip(types).zip(&layouts.of_values);
        let tensors = values.filter(|((place, _), _)| matches!(place, Place::Tensor(_)));
        let tensors = tensors.map(|((_, kind), layout)| {
            let count = match layout {
                Layout::Plain => count(&kind.shape),
                Layout::Blocked => layout.length(&kind.shape) as u64,
            };
            count.saturating_mul(kind.dtype.bytes() as u64)
        });
        buffers.chain(tensors).fold(0, u64::saturating_add)
    }
}

/// Gives every value a place, and each buffer a length: a buffer is taken again when nobody needs what it holds.
pub(super) fn places(graph: &Graph, groups: &[Group], types: &[TensorType], layouts: &Layouts) -> Places {
    let keeps = |group: &Group| matches!(group.work, Work::Node) && keeps_elements(&graph.nodes[group.node].op);
    let mut places = vec![Place::Nowhere; types.len()];
    for (index, value) in graph.values.iter().enumerate() {
        if value.constant.is_some() {
            places[index] = Place::Constant(index);
        }
    }
    for (index, value) in graph.inputs.iter().enumerate() {
        places[value.0] = Place::Input(index);
    }
    // A value with another shape is the same elements: what is needed is where they come from.
    let mut origins: Vec<usize> = (0..types.len()).collect();
    let mut last_use = vec![0; types.len()];
    for (step, group) in groups.iter().enumerate() {
        for value in &group.inputs {
            last_use[origins[value.0]] = step;
        }
        if keeps(group) {
            origins[group.outputs[0].0] = origins[group.inputs[0].0];
        }
        for value in &group.outputs {
            last_use[origins[value.0]] = step;
        }
    }
    for value in &layouts.outputs {
        last_use[origins[value.0]] = usize::MAX;
    }
    let mut buffers = Buffers::default();
    let mut tensors = 0;
    for (step, group) in groups.iter().enumerate() {
        if keeps(group) {
            places[group.outputs[0].0] = places[group.inputs[0].0];
        } else {
            for value in &group.outputs {
                if types[value.0].dtype != DType::F32 {
                    places[value.0] = Place::Tensor(tensors);
                    tensors += 1;
                    continue;
                }
                let length = layouts.of_values[value.0].length(&types[value.0].shape);
                places[value.0] = Place::Buffer(buffers.take(length));
            }
        }
        let mut ended: Vec<usize> = group
            .inputs
            .iter()
            .chain(&group.outputs)
            .map(|value| origins[value.0])
            .collect();
        ended.sort_unstable();
        ended.dedup();
        for origin in ended.into_iter().filter(|&origin| last_use[origin] == step) {
            if let Place::Buffer(buffer) = places[origin] {
                buffers.give_back(buffer);
            }
        }
    }
    let lengths = buffers.into_lengths();
    let mut are_given = vec![false; lengths.len()];
    for value in &layouts.outputs {
        if let Place::Buffer(buffer) = places[value.0] {
            are_given[buffer] |= lengths[buffer] == types[value.0].shape.iter().product::<usize>();
        }
    }
    Places {
        of_values: places,
        lengths,
        are_given,
        tensors,
    }
}
