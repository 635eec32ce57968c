//! Known values with some elements replaced.

use super::gather::{element_places, parts};
use super::known::{charge, host, whole};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::tensor::{Tensor, each};

/// Only replacing: sums and the like are not computed.
fn refuse_reductions(node: &Node<'_, '_>) -> Result<()> {
    match node.string("reduction", "none")? {
        "none" => Ok(()),
        other => Err(Error::unsupported("onnx", format!("reduction {other:?}"))),
    }
}

fn mixed(data: &Tensor, updates: &Tensor) -> Error {
    Error::Onnx(format!("data of {} and updates of {}", data.dtype(), updates.dtype()))
}

/// One element for each index, which stands at the element's place but for an axis.
pub(super) fn scatter_elements(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    refuse_reductions(node)?;
    let (data, updates) = (node.host(0)?, node.host(2)?);
    let indices = whole("indices", &node.host(1)?)?;
    let places = element_places(data.shape(), &indices, node.int("axis", 0)?)?;
    if updates.shape() != indices.shape() {
        return Err(Error::Onnx(format!(
            "{:?} updates for {:?} indices",
            updates.shape(),
            indices.shape()
        )));
    }
    charge(node, data.shape())?;
    Ok(each!(Tensor, &data, array => {
        let mut array = array.as_standard_layout().into_owned();
        let updates = updates.array().map_err(|_| mixed(&data, &updates))?;
        let all = array.as_slice_mut().unwrap_or_default();
        for (&place, &update) in places.iter().zip(updates) {
            all[place] = update;
        }
        host(array)
    }))
}

/// Parts by the places of their first axes, which are the last dimension of the indices.
pub(super) fn scatter_nd(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    refuse_reductions(node)?;
    let (data, updates) = (node.host(0)?, node.host(2)?);
    let indices = whole("indices", &node.host(1)?)?;
    let parts = parts(data.shape(), &indices, 0)?;
    let wanted = [&indices.shape()[..indices.ndim() - 1], &data.shape()[parts.depth..]].concat();
    if updates.shape() != wanted {
        return Err(Error::Onnx(format!(
            "updates of shape {:?}, but {wanted:?} are expected",
            updates.shape()
        )));
    }
    charge(node, data.shape())?;
    Ok(each!(Tensor, &data, array => {
        let mut array = array.as_standard_layout().into_owned();
        let updates = updates.array().map_err(|_| mixed(&data, &updates))?;
        let mut updates = updates.iter();
        let all = array.as_slice_mut().unwrap_or_default();
        for &start in &parts.starts {
            for (element, &update) in all[start..start + parts.length].iter_mut().zip(updates.by_ref()) {
                *element = update;
            }
        }
        host(array)
    }))
}
