//! Who uses and who makes the values of a graph.

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, ValueId};
use crate::tensor::SharedArray;

/// Who uses and who makes each value.
pub(crate) struct Uses {
    pub(crate) count: HashMap<ValueId, usize>,
    pub(crate) maker: HashMap<ValueId, usize>,
}

impl Uses {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut count = HashMap::new();
        let mut maker = HashMap::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            for &input in &node.inputs {
                *count.entry(input).or_insert(0) += 1;
            }
            for &output in &node.outputs {
                maker.insert(output, index);
            }
        }
        for &output in &graph.outputs {
            *count.entry(output).or_insert(0) += 1;
        }
        Self { count, maker }
    }

    /// The number of the operator that makes this value, where this is its only use and it may vanish.
    pub(crate) fn sole(&self, value: ValueId) -> Option<usize> {
        (self.count.get(&value) == Some(&1)).then(|| self.maker.get(&value).copied())?
    }
}

impl Graph {
    /// Removes operators by their number.
    pub(super) fn remove(&mut self, dead: &[usize]) {
        let dead: HashSet<usize> = dead.iter().copied().collect();
        let mut index = 0;
        self.nodes.retain(|_| {
            index += 1;
            !dead.contains(&(index - 1))
        });
    }

    /// The constant behind a value, where its elements are `f32`.
    pub(crate) fn constant_value(&self, value: ValueId) -> Option<&SharedArray<f32>> {
        self.values[value.0].constant.as_ref()?.array().ok()
    }
}
