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

use std::collections::{HashMap, HashSet};

pub(super) use builder::Value;
pub(super) use movement::indices;
pub(super) use node::{Convert, Node};

use super::budget::Budget;
use super::model::Model;
use super::proto::NodeProto;
use super::types::Shapes;
use super::{check, element, fold, tensor};
use crate::error::{Error, Result};
use crate::graph::Graph;
use builder::Builder;

/// The operator's name, after its domain where that is not ONNX's.
pub(super) fn qualified(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

pub(super) fn graph(model: &Model, shapes: &Shapes) -> Result<Graph> {
    let mut builder = Builder {
        model,
        graph: Graph::new(),
        budget: Budget::new(model.budget),
        values: HashMap::new(),
        computed: HashSet::new(),
        constants: HashMap::new(),
    };
    for (input, shape) in model.inputs.iter().zip(check::input_shapes(model, shapes)?) {
        let what = format!("input {:?}", input.name);
        builder.budget.check(&what, tensor::element_count(&what, &shape)?)?;
        let value = if let Some(value) = shapes.values.get(&input.name) {
            Value::Host(check::fixed_value(input, value)?)
        } else {
            let id = builder.graph.input_of_shape(&input.name, shape.as_slice());
            match input.element {
                element::FLOAT => Value::Tensor { id, shape },
                other => Value::Missing(format!(
                    "{what} is {}: only FLOAT is read while the network runs, others need a value (Shapes::value)",
                    element::type_name(other)
                )),
            }
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
    let (fold, convert) = (fold::find(&proto.op_type), table::find(&proto.op_type));
    if fold.is_none() && convert.is_none() {
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
    let known = inputs.iter().flatten().all(|input| matches!(input, Value::Host(_)));
    let convert = match (fold, convert) {
        (Some(fold), _) if known || matches!(proto.op_type.as_str(), "Shape" | "Size") => fold,
        (_, Some(convert)) => convert,
        _ => return Err(unsupported("only of what is known before the network runs".to_owned())),
    };
    let used_outputs = proto.output.iter().map(|name| used.contains(name.as_str())).collect();
    let mut node = Node::new(builder, proto, inputs, used_outputs)?;
    let outputs = convert(&mut node)?;
    node.check_all_read()?;
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
