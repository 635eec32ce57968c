//! From nodes to a [`Graph`]: values by name, what is known while the graph is built, and the table of operators.
//!
//! To add an operator, write a function `fn(&mut Node) -> Result<Vec<Value>>` and name it in [`table`]. It reads attributes
//! and inputs through [`Node`], which notices those that nobody reads: what is not understood is refused, not ignored.

mod activation;
mod builder;
mod conv;
mod elementwise;
mod linear;
mod movement;
mod node;
mod norm;
mod pad;
mod pool;
mod reduce;
mod resize;
mod shape;
mod table;
mod window;

use std::collections::HashSet;

pub(super) use builder::Value;
pub(super) use movement::indices;
pub(super) use node::{Convert, Node};

use super::model::Model;
use super::proto::NodeProto;
use super::types::{Shapes, TensorInfo};
use super::{check, fold, tensor};
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::passes::Evaluate;
use builder::Builder;

/// The operator's name, after its domain where that is not ONNX's.
pub(super) fn qualified(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// The graph of a model for these shapes. `evaluate` computes what is known where its elements are needed.
pub(crate) fn graph(model: &Model, shapes: &Shapes, evaluate: Evaluate) -> Result<Graph> {
    let mut builder = Builder::new(model, evaluate);
    for (input, shape) in model.inputs.iter().zip(check::input_shapes(model, shapes)?) {
        let value = match shapes.values.get(&input.name) {
            Some(value) => Value::Host(check::fixed_value(input, value)?),
            None => self::input(&mut builder, input, shape)?,
        };
        builder.values.insert(&input.name, value);
    }
    let used: HashSet<&str> = model
        .nodes
        .iter()
        .flat_map(|node| &node.input)
        .chain(model.outputs.iter().map(|output| &output.name))
        .map(String::as_str)
        .collect();
    let mut unsupported = Vec::new();
    for (index, node) in model.nodes.iter().enumerate() {
        let name = match (node.name.as_str(), node.output.iter().find(|output| !output.is_empty())) {
            ("", Some(output)) => format!("of {output:?}"),
            ("", None) => format!("number {index}"),
            (name, _) => format!("{name:?}"),
        };
        match convert(&mut builder, node, &used) {
            Ok(()) => {}
            Err(Error::Unsupported { message, .. }) => {
                if !message.is_empty() {
                    unsupported.push(format!("  node {name} ({}): {message}", qualified(node)));
                }
                for output in &node.output {
                    builder.values.insert(output, Value::Missing(String::new()));
                }
            }
            Err(error) => return Err(locate(error, &name, node)),
        }
    }
    for output in &model.outputs {
        if let Err(error) = builder.output(&output.name) {
            match error {
                Error::Unsupported { message, .. } if message.is_empty() => {}
                Error::Unsupported { message, .. } => unsupported.push(format!("  output {:?}: {message}", output.name)),
                other => return Err(other),
            }
        }
    }
    if unsupported.is_empty() {
        return Ok(builder.graph);
    }
    Err(Error::unsupported(
        "onnx",
        format!(
            "{} of the model's {} nodes (opset {}):\n{}",
            unsupported.len(),
            model.nodes.len(),
            model.opset,
            unsupported.join("\n")
        ),
    ))
}

/// An input that is read while the network runs.
fn input(builder: &mut Builder<'_>, input: &TensorInfo, shape: Vec<usize>) -> Result<Value> {
    let what = format!("input {:?}", input.name);
    builder.budget.check(&what, tensor::element_count(&what, &shape)?)?;
    let dtype = input.dtype();
    let id = builder.graph.input_of_type(&input.name, dtype.unwrap_or(DType::F32));
    builder.graph.fix_shape(id, shape.clone());
    Ok(match dtype {
        Some(dtype) => Value::Tensor {
            id,
            kind: TensorType { dtype, shape },
        },
        None => Value::Missing(format!(
            "{what} is {}, which is no type of inputs; as a known value (Shapes::value) whole numbers of any type are read",
            input.element_type()
        )),
    })
}

/// Names the node in a refusal.
fn locate(error: Error, name: &str, node: &NodeProto) -> Error {
    let place = format!("node {name} ({})", qualified(node));
    match error {
        Error::InvalidArgument { operator, message } => Error::InvalidArgument {
            operator,
            message: format!("{message} [{place}]"),
        },
        Error::Onnx(message) => Error::Onnx(format!("{place}: {message}")),
        other => other,
    }
}

/// Converts a node and gives its outputs their names.
fn convert<'m>(builder: &mut Builder<'m>, proto: &'m NodeProto, used: &HashSet<&str>) -> Result<()> {
    let unsupported = |message: String| Error::unsupported("onnx", message);
    if !matches!(proto.domain.as_str(), "" | "ai.onnx") {
        return Err(unsupported(format!("domain {:?}", proto.domain)));
    }
    if fold::find(&proto.op_type).is_none() && table::find(&proto.op_type).is_none() {
        return Err(unsupported("no such operator".to_owned()));
    }
    let mut inputs = Vec::new();
    for name in &proto.input {
        inputs.push(if name.is_empty() { None } else { Some(builder.value(name)?) });
    }
    for input in inputs.iter().flatten() {
        match input {
            Value::Missing(reason) => return Err(unsupported(reason.clone())),
            Value::Sequence(_) if proto.op_type != "SequenceAt" => {
                return Err(unsupported("a sequence of tensors".to_owned()));
            }
            _ => {}
        }
    }
    let used_outputs: Vec<bool> = proto.output.iter().map(|name| used.contains(name.as_str())).collect();
    let outputs = outputs(builder, proto, &inputs, &used_outputs)?;
    for (index, name) in proto.output.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let value = match outputs.get(index) {
            Some(value) => value.clone(),
            None if used.contains(name.as_str()) => return Err(unsupported(format!("output {index} ({name:?})"))),
            None => Value::Missing(String::new()),
        };
        builder.values.insert(name, value);
    }
    Ok(())
}

/// What a node gives: computed now of what is known, and while the network runs of anything else. What depends on constants alone
/// but is in the graph is computed only where nothing else does.
fn outputs<'m>(
    builder: &mut Builder<'m>,
    proto: &'m NodeProto,
    inputs: &[Option<Value>],
    used: &[bool],
) -> Result<Vec<Value>> {
    let (fold, convert) = (fold::find(&proto.op_type), table::find(&proto.op_type));
    let mut given = inputs.iter().flatten();
    let all_known = given.clone().all(|input| builder.is_known(input));
    let fold_first = given.all(|input| matches!(input, Value::Host(_))) || matches!(proto.op_type.as_str(), "Shape" | "Size");
    let mut through = |convert: Convert| {
        let mut node = Node::new(builder, proto, inputs.to_vec(), used.to_vec())?;
        let outputs = convert(&mut node)?;
        node.check_all_read()?;
        Ok(outputs)
    };
    let tries = match (fold, convert) {
        (Some(fold), convert) if fold_first => [Some(fold), convert],
        (fold, convert) => [convert, fold.filter(|_| all_known)],
    };
    let mut refusal = Error::unsupported("onnx", "only of what is known before the network runs");
    for convert in tries.into_iter().flatten() {
        match through(convert) {
            Err(error @ Error::Unsupported { .. }) => refusal = error,
            outputs => return outputs,
        }
    }
    Err(refusal)
}
