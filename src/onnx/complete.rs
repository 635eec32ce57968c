//! Tensors made complete when a model is read: those of other files are read, and sparse ones are written out, in graphs in nodes too.

use super::budget::Budget;
use super::external::{self, Files};
use super::proto::{AttributeProto, GraphProto, TensorProto};
use super::sparse;
use crate::error::{Error, Result};

/// `AttributeProto.AttributeType.TENSOR`.
const TENSOR: i32 = 4;

/// Completes all tensors of a graph. `files` is where those in other files lie, if they may be read.
pub(super) fn tensors(graph: &mut GraphProto, files: Option<Files<'_>>, budget: &mut Budget) -> Result<()> {
    for initializer in &mut graph.initializer {
        fetch(&format!("initializer {:?}", initializer.name), initializer, files, budget)?;
    }
    for mut tensor in std::mem::take(&mut graph.sparse_initializer) {
        let name = tensor.values.as_ref().map_or("", |values| &values.name);
        let what = format!("initializer {name:?}");
        for part in tensor.values.iter_mut().chain(&mut tensor.indices) {
            fetch(&what, part, files, budget)?;
        }
        graph.initializer.push(sparse::dense(&what, tensor, budget)?);
    }
    for node in &mut graph.node {
        let name = node.output.first().map_or("", String::as_str);
        for attribute in &mut node.attribute {
            complete(&format!("node of {name:?} ({})", node.op_type), attribute, files, budget)?;
        }
    }
    Ok(())
}

fn complete(node: &str, attribute: &mut AttributeProto, files: Option<Files<'_>>, budget: &mut Budget) -> Result<()> {
    let what = format!("{node}: attribute {:?}", attribute.name);
    if let Some(tensor) = &mut attribute.t {
        fetch(&what, tensor, files, budget)?;
    }
    if let Some(mut tensor) = attribute.sparse_tensor.take() {
        for part in tensor.values.iter_mut().chain(&mut tensor.indices) {
            fetch(&what, part, files, budget)?;
        }
        attribute.t = Some(Box::new(sparse::dense(&what, *tensor, budget)?));
        attribute.kind = TENSOR;
        // The only operator with such an attribute is Constant, whose dense tensors have this name.
        "value".clone_into(&mut attribute.name);
    }
    match &mut attribute.g {
        Some(graph) => tensors(graph, files, budget),
        None => Ok(()),
    }
}

/// Reads a tensor's elements where they are in another file.
fn fetch(what: &str, tensor: &mut TensorProto, files: Option<Files<'_>>, budget: &mut Budget) -> Result<()> {
    match (tensor.data_location, files) {
        (0, _) => Ok(()),
        (external::EXTERNAL, Some(files)) => external::load(what, tensor, files, budget),
        (external::EXTERNAL, None) => Err(Error::Onnx(format!(
            "{what} is in another file: allow external data and open the model by its path, or give the folder or the content of the data, to have it read"
        ))),
        (other, _) => Err(Error::Onnx(format!("{what} has the unknown data location {other}"))),
    }
}
