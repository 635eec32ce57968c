//! What every operator of known values uses.

use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::tensor::{self, Host};

pub(super) fn host(host: impl Into<Host>) -> Vec<Value> {
    vec![Value::Host(host.into())]
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
pub(super) fn wrong(error: ndarray::ShapeError) -> Error {
    Error::Onnx(error.to_string())
}

/// Charges a result of this shape.
pub(super) fn charge(node: &mut Node<'_, '_>, shape: &[usize]) -> Result<()> {
    let elements = tensor::element_count("a constant", shape)?;
    node.budget().charge("a constant", elements, 8)
}
