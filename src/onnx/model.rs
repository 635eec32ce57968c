//! A model that was read and checked.

use std::collections::HashMap;

use super::budget::Budget;
use super::operators::Operators;
use super::proto::{NodeProto, TensorProto};
use super::types::TensorInfo;
use super::weights::Weights;

/// A model read from an ONNX file and checked: names, order, lengths, versions. Operators are not looked at before
/// [`graph`](Self::graph).
#[derive(Clone, Debug)]
pub struct Model {
    pub(super) opset: i64,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: HashMap<String, TensorProto>,
    /// The elements of real initializers and `Constant` nodes.
    pub(super) weights: Weights,
    /// How many elements all tensors of the file have.
    pub(super) elements: u64,
    pub(super) inputs: Vec<TensorInfo>,
    pub(super) outputs: Vec<TensorInfo>,
    pub(super) budget: u64,
    /// For how many nodes those count that were put in the places of branches and loops.
    pub(super) spliced: usize,
    /// What may still be copied for these.
    pub(super) copies: Budget,
    /// Those that the program brings along.
    pub(super) operators: Operators,
}
