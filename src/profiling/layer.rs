//! A layer before and after it is timed.

use crate::graph::{Node, ValueId, count, multiply_adds};
use crate::ops::Op;

/// What is known of a layer before it is timed.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(super) node: String,
    pub(super) operator: &'static str,
    pub(super) inputs: Vec<Vec<usize>>,
    pub(super) outputs: Vec<Vec<usize>>,
    pub(super) flops: u64,
    pub(super) bytes: u64,
}

impl Layer {
    /// `bytes` is what an element takes.
    pub(crate) fn new<'a>(node: &Node, bytes: usize, shape: impl Fn(ValueId) -> &'a [usize]) -> Self {
        let shapes = |values: &[ValueId]| values.iter().map(|&value| shape(value).to_vec()).collect();
        // A tensor that is an input twice is read once.
        let mut inputs = node.inputs.clone();
        inputs.sort_unstable_by_key(|value| value.0);
        inputs.dedup();
        let elements = |values: &[ValueId]| {
            let counts = values.iter().map(|&value| count(shape(value)));
            counts.fold(0, u64::saturating_add)
        };
        let (read, written) = (elements(&inputs), elements(&node.outputs));
        let read = if matches!(node.op, Op::Slice(_)) {
            read.min(written)
        } else {
            read
        };
        Self {
            node: node.name.clone(),
            operator: node.op.name(),
            inputs: shapes(&node.inputs),
            outputs: shapes(&node.outputs),
            flops: multiply_adds(node, &shape).saturating_mul(2),
            bytes: read.saturating_add(written).saturating_mul(bytes as u64),
        }
    }

    /// The same with what it moves as it is computed, in bytes.
    #[cfg(feature = "cpu")]
    pub(crate) fn moving(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }
}
