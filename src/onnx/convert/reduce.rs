//! Reductions along axes.

use ndarray::{ArrayD, IxDyn};

use super::builder::Value;
use super::node::Node;
use crate::error::Result;
use crate::onnx::tensor;
use crate::ops::{Reduce, ReduceKind, Unary};

pub(super) fn reduce(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let (kind, axes_are_an_input) = match node.operator() {
        "ReduceSum" => (ReduceKind::Sum, 13),
        "ReduceMean" => (ReduceKind::Mean, 18),
        // The smallest is the largest of the negated, negated.
        _ => (ReduceKind::Max, 18),
    };
    let axes = if node.opset() < axes_are_an_input {
        node.ints("axes")?.map(<[i64]>::to_vec)
    } else {
        node.optional_host_ints(1)?
    };
    let axes = axes.unwrap_or_default();
    let keep_dims = node.flag("keepdims", true)?;
    if node.flag("noop_with_empty_axes", false)? && axes.is_empty() {
        return Ok(vec![input]);
    }
    let axes: Vec<isize> = axes.iter().map(|&axis| axis as isize).collect();
    let reduce = |kind| Reduce::new(kind, axes.clone()).keep_dims(keep_dims);
    let is_least = node.operator() == "ReduceMin";
    if kind == ReduceKind::Max && input.shape().contains(&0) {
        let shape = reduce(ReduceKind::Sum).output_shape(input.shape())?;
        let elements = tensor::element_count("the output", &shape)?;
        if elements > 0 {
            // Of no elements ONNX takes the number that loses to any other.
            node.budget().charge("the output", elements, 4)?;
            let nothing = if is_least { f32::INFINITY } else { f32::NEG_INFINITY };
            return Ok(vec![Value::Host(ArrayD::from_elem(IxDyn(&shape), nothing).into())]);
        }
    }
    if is_least {
        let negated = node.emit(Unary::Neg, &[&input])?;
        let largest = node.emit(reduce(kind), &[&negated])?;
        return node.emit_one(Unary::Neg, &[&largest]);
    }
    node.emit_one(reduce(kind), &[&input])
}
