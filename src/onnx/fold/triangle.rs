//! Triangles of known matrices.

use ndarray::{ArrayD, Dimension};

use super::known::{charge, host};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::tensor::{Element, Tensor, each};

/// The elements above a diagonal, itself included, or below it; zeros elsewhere.
pub(super) fn trilu(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    let is_upper = node.flag("upper", true)?;
    let diagonal = match node.optional_host_ints(1)?.as_deref() {
        None => 0,
        Some(&[diagonal]) => diagonal,
        Some(other) => return Err(Error::Onnx(format!("a diagonal of {other:?}"))),
    };
    if input.shape().len() < 2 {
        return Err(Error::Onnx(format!(
            "an input of shape {:?}: expected matrices",
            input.shape()
        )));
    }
    charge(node, input.shape())?;
    Ok(each!(Tensor, input, array => host(triangle(array.into_owned(), is_upper, diagonal))))
}

fn triangle<T: Element>(mut matrices: ArrayD<T>, is_upper: bool, diagonal: i64) -> ArrayD<T> {
    for (place, element) in matrices.indexed_iter_mut() {
        let &[.., row, column] = place.slice() else { continue };
        let (start, column) = ((row as i64).saturating_add(diagonal), column as i64);
        let is_outside = if is_upper { column < start } else { column > start };
        if is_outside {
            *element = T::default();
        }
    }
    matrices
}
