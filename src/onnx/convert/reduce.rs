//! Reductions along axes.

use super::{Node, Value};
use crate::error::Result;
use crate::ops::{Reduce, ReduceKind};

pub(super) fn reduce(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let (kind, axes_are_an_input) = match node.operator() {
        "ReduceSum" => (ReduceKind::Sum, 13),
        "ReduceMean" => (ReduceKind::Mean, 18),
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
    node.emit_one(Reduce::new(kind, axes).keep_dims(keep_dims), &[&input])
}
