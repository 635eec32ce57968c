//! A model's real constants, decoded once for all graphs that are made of it.

use crate::onnx::element;
use prost::bytes::Bytes;
use std::collections::HashMap;

use super::budget::Budget;
use super::model::Model;
use super::proto::{AttributeProto, GraphProto, TensorProto};
use super::tensor;
use crate::tensor::Tensor;
use crate::turn::Turns;

/// The real constants by the names of their values.
pub(super) type Weights = HashMap<String, Tensor>;

/// Decodes initializers and `Constant` nodes of reals, whose elements are then nowhere else, and lets go of the file. What
/// cannot be decoded is left as it is: what uses it finds out.
pub(super) async fn take(model: &mut Model, turns: &mut Turns) {
    let Model {
        weights,
        initializers,
        nodes,
        budget,
        ..
    } = model;
    // At most eight times what the elements had in the file, which was within the budget.
    let mut budget = Budget::new(*budget);
    let mut take = |name: &str, tensor: &mut TensorProto| {
        if element::is_real(tensor.data_type)
            && let Ok(weight) = tensor::decode("a weight", tensor, &mut budget)
        {
            weights.insert(name.to_owned(), weight);
            tensor.raw_data = None;
            tensor.float_data = Vec::new();
            tensor.double_data = Vec::new();
            tensor.int32_data = Vec::new();
        }
        release(&mut tensor.raw_data);
    };
    for (name, tensor) in initializers {
        take(name, tensor);
        turns.next().await;
    }
    for node in nodes {
        let is_constant = node.op_type == "Constant" && matches!(node.domain.as_str(), "" | "ai.onnx");
        for attribute in &mut node.attribute {
            release_strings(attribute);
            match (&mut attribute.t, node.output.first()) {
                (Some(tensor), Some(name)) if is_constant && attribute.name == "value" => {
                    take(name, tensor);
                    turns.next().await;
                }
                (Some(tensor), _) => release(&mut tensor.raw_data),
                (None, _) => {}
            }
            if let Some(graph) = &mut attribute.g {
                release_graph(graph);
            }
        }
    }
}

/// Copies what a graph in a graph has of the file.
fn release_graph(graph: &mut GraphProto) {
    for initializer in &mut graph.initializer {
        release(&mut initializer.raw_data);
    }
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        release_strings(attribute);
        if let Some(tensor) = &mut attribute.t {
            release(&mut tensor.raw_data);
        }
        if let Some(graph) = &mut attribute.g {
            release_graph(graph);
        }
    }
}

fn release_strings(attribute: &mut AttributeProto) {
    for text in attribute.strings.iter_mut().chain([&mut attribute.s]) {
        *text = Bytes::copy_from_slice(text);
    }
}

/// Copies what is a part of the file, so that the whole need not stay.
fn release(raw: &mut Option<Bytes>) {
    if let Some(raw) = raw {
        *raw = Bytes::copy_from_slice(raw);
    }
}
