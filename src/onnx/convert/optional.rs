//! Optionals: whether there is an element is known when the graph is made. One with an element is that element.

use ndarray::arr0;

use super::builder::Value;
use super::node::Node;
use crate::error::{Error, Result};

pub(super) fn optional(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["type"]);
    Ok(vec![node.optional(0).unwrap_or(Value::Empty)])
}

pub(super) fn has_element(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let has_element = !matches!(node.optional(0), None | Some(Value::Empty));
    node.budget().charge("a bool", 1, 1)?;
    Ok(vec![Value::Host(arr0(has_element).into_dyn().into())])
}

pub(super) fn element(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    match node.input(0)? {
        Value::Empty => Err(Error::Onnx("an optional without an element".to_owned())),
        value => Ok(vec![value]),
    }
}
