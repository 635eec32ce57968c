//! Nodes one after another: what each is given, what becomes of it, and the list of those that are not supported.

use std::collections::HashSet;

use super::builder::{Builder, Value};
use super::node::{Convert, Node};
use super::refusals::Refusals;
use super::{qualified, subgraph, table};
use crate::error::{Error, Result};
use crate::onnx::early;
use crate::onnx::fold;
use crate::onnx::model::Model;
use crate::onnx::proto::{GraphProto, NodeProto};

/// What is known of a model's nodes together.
pub(super) struct Conversion<'m> {
    /// What is an input of a node or an output of a graph.
    used: HashSet<&'m str>,
    /// What is not supported.
    pub(super) refusals: Refusals,
    /// How many nodes of graphs in nodes were converted, those of loops in each round.
    pub(super) unrolled: usize,
}

impl<'m> Conversion<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        let mut used = HashSet::new();
        used.extend(model.outputs.iter().map(|output| output.name.as_str()));
        note_uses(&model.nodes, &mut used);
        Self {
            used,
            refusals: Refusals::default(),
            unrolled: 0,
        }
    }

    /// Converts nodes in their order.
    pub(super) fn nodes(&mut self, builder: &mut Builder<'m>, nodes: &'m [NodeProto]) -> Result<()> {
        for (index, node) in nodes.iter().enumerate() {
            let name = match (node.name.as_str(), node.output.iter().find(|output| !output.is_empty())) {
                ("", Some(output)) => format!("of {output:?}"),
                ("", None) => format!("number {index}"),
                (name, _) => format!("{name:?}"),
            };
            match self.node(builder, node) {
                Ok(()) => {}
                Err(Error::Unsupported { message, .. }) => {
                    if !message.is_empty() {
                        self.refusals.node(&name, qualified(node), message);
                    }
                    for output in &node.output {
                        builder.values.insert(output.as_str(), Value::Missing(String::new()));
                    }
                }
                Err(error) => return Err(locate(error, &name, node)),
            }
        }
        Ok(())
    }

    /// Converts a node and gives its outputs their names.
    fn node(&mut self, builder: &mut Builder<'m>, proto: &'m NodeProto) -> Result<()> {
        let unsupported = |message: String| Error::unsupported("onnx", message);
        if !matches!(proto.domain.as_str(), "" | "ai.onnx") {
            return Err(unsupported(format!("domain {:?}", proto.domain)));
        }
        let is_known = |operator: &str| fold::find(operator).is_some() || table::find(operator).is_some();
        if !is_known(&proto.op_type) && !matches!(proto.op_type.as_str(), "If" | "Loop") {
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
        let used_outputs: Vec<bool> = proto.output.iter().map(|name| self.used.contains(name.as_str())).collect();
        let outputs = match proto.op_type.as_str() {
            "If" => subgraph::branch(self, builder, proto, &inputs)?,
            "Loop" => subgraph::repeat(self, builder, proto, &inputs)?,
            _ => outputs(builder, proto, &inputs, &used_outputs)?,
        };
        for (index, name) in proto.output.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let value = match outputs.get(index) {
                Some(value) => value.clone(),
                None if self.used.contains(name.as_str()) => return Err(unsupported(format!("output {index} ({name:?})"))),
                None => Value::Missing(String::new()),
            };
            builder.values.insert(name, value);
        }
        Ok(())
    }
}

/// Names that nodes and the graphs in them read.
fn note_uses<'m>(nodes: &'m [NodeProto], used: &mut HashSet<&'m str>) {
    for node in nodes {
        used.extend(node.input.iter().map(String::as_str));
        for graph in node.attribute.iter().filter_map(|attribute| attribute.g.as_deref()) {
            let GraphProto { node, output, .. } = graph;
            used.extend(output.iter().map(|output| output.name.as_str()));
            note_uses(node, used);
        }
    }
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

/// What a node gives: computed now of what is known, and while the network runs of anything else. What depends on constants alone
/// but is in the graph is computed only where nothing else does.
fn outputs<'m>(builder: &mut Builder<'m>, proto: &'m NodeProto, inputs: &[Option<Value>], used: &[bool]) -> Result<Vec<Value>> {
    let (fold, convert) = (fold::find(&proto.op_type), table::find(&proto.op_type));
    let mut given = inputs.iter().flatten();
    let all_known = given.clone().all(|input| builder.is_known(input));
    let fold_first =
        given.all(|input| matches!(input, Value::Host(_))) || matches!(proto.op_type.as_str(), "Shape" | "Size" | "EyeLike");
    let mut through = |convert: Convert| {
        let mut node = Node::new(builder, proto, inputs.to_vec(), used.to_vec())?;
        if node.opset() < early::FIRST {
            super::early::inputs(&mut node)?;
        }
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
