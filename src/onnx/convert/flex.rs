//! Attention whose scores and probabilities are modified by graphs in the node.

use super::attention::{Heads, check_precision};
use super::builder::{Builder, Value};
use super::node::Node;
use super::nodes::Conversion;
use super::subgraph;
use crate::error::{Error, Result};
use crate::onnx::proto::NodeProto;
use crate::ops::Softmax;

pub(super) fn flex_attention<'m>(
    conversion: &mut Conversion<'m>,
    builder: &mut Builder<'m>,
    proto: &'m NodeProto,
    inputs: &[Option<Value>],
) -> Result<Vec<Value>> {
    let mut node = Node::new(builder, proto, inputs.to_vec(), Vec::new())?;
    let heads = Heads {
        query: node.input(0)?,
        key: node.input(1)?,
        value: node.input(2)?,
    };
    heads.check()?;
    check_precision(&node)?;
    let scale = node.optional_float("scale")?.unwrap_or_else(|| heads.default_scale());
    node.ignore(&["score_mod", "prob_mod"]);
    node.check_all_read()?;
    let scores = heads.scores(&mut node, scale)?;

    let scores = modified(conversion, builder, proto, "score_mod", scores)?;
    let name = proto.output.first().map_or("", String::as_str);
    let probabilities = builder.emit(name, Softmax::new(-1).into(), &[&scores])?;
    let probabilities = modified(conversion, builder, proto, "prob_mod", probabilities)?;

    let mut node = Node::new(builder, proto, Vec::new(), Vec::new())?;
    Ok(vec![heads.weighted(&mut node, &probabilities)?])
}

/// What a graph in the node makes of a value, where there is that graph.
fn modified<'m>(
    conversion: &mut Conversion<'m>,
    builder: &mut Builder<'m>,
    proto: &'m NodeProto,
    name: &str,
    value: Value,
) -> Result<Value> {
    let attribute = proto.attribute.iter().find(|attribute| attribute.name == name);
    let Some(graph) = attribute.and_then(|attribute| attribute.g.as_deref()) else {
        return Ok(value);
    };
    let (inputs, outputs) = (graph.input.len(), graph.output.len());
    if (inputs, outputs) != (1, 1) {
        return Err(Error::Onnx(format!(
            "a {name} of {inputs} inputs and {outputs} outputs, but it must have one of each"
        )));
    }
    let shape = value.shape().to_vec();
    let result = subgraph::run(conversion, builder, graph, vec![value])?.swap_remove(0);
    // What is missing has no shape, and was refused already.
    if result.shape() != shape && result.dtype().is_some() {
        return Err(Error::Onnx(format!(
            "a {name} that makes shape {:?} of {shape:?}, which must stay",
            result.shape()
        )));
    }
    Ok(result)
}
