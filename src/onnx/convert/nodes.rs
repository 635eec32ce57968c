//! Nodes one after another: what each is given, what becomes of it, and the list of those that are not supported.

use std::collections::HashSet;

use super::builder::{Builder, Value};
use super::nested::Nested;
use super::node::{Convert, Node};
use super::refusals::Refusals;
use super::{flex, qualified, subgraph, table};
use crate::cancel;
use crate::error::{Error, Result};
use crate::onnx::model::Model;
use crate::onnx::operators::Make;
use crate::onnx::proto::{GraphProto, NodeProto};
use crate::onnx::{early, element, fold};

/// What is known of a model's nodes together.
pub(super) struct Conversion<'m> {
    /// What is an input of a node or an output of a graph.
    used: HashSet<&'m str>,
    /// What is not supported.
    pub(super) refusals: Refusals,
    /// How many nodes of graphs in nodes were converted, those of loops in each round.
    unrolled: usize,
    /// Whether the model may be run in stages, so that what is computed in one is known in the next.
    pub(super) is_staged: bool,
}

impl<'m> Nested<'m> for Conversion<'m> {
    fn nodes(&mut self, builder: &mut Builder<'m>, nodes: &'m [NodeProto]) -> Result<()> {
        for (index, node) in nodes.iter().enumerate() {
            match self.node(builder, node) {
                // Another stage will know what is wanted here, and convert the node that these nodes are in.
                Err(error @ Error::Unsupported { .. }) if self.is_staged && builder.wants_more() => return Err(error),
                outcome => self.note(builder, index, node, outcome)?,
            }
        }
        Ok(())
    }

    fn unrolled(&mut self) -> &mut usize {
        &mut self.unrolled
    }
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
            is_staged: false,
        }
    }

    /// Lists a node that is not supported, and has its outputs missing.
    pub(super) fn note(&mut self, builder: &mut Builder<'m>, index: usize, node: &'m NodeProto, outcome: Result<()>) -> Result<()> {
        let name = match (node.name.as_str(), node.output.iter().find(|output| !output.is_empty())) {
            ("", Some(output)) => format!("of {output:?}"),
            ("", None) => format!("number {index}"),
            (name, _) => format!("{name:?}"),
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(Error::Unsupported { message, .. }) => {
                if !message.is_empty() {
                    self.refusals.node(&name, qualified(node), message);
                }
                for output in &node.output {
                    builder.values.insert(output.as_str(), Value::Missing(String::new()));
                }
                Ok(())
            }
            Err(error) => Err(locate(error, &name, node)),
        }
    }

    /// Refuses a node whose operator is not known.
    pub(super) fn check_operator(model: &Model, proto: &NodeProto) -> Result<()> {
        if model.operators.find(&proto.domain, &proto.op_type).is_some() {
            return Ok(());
        }
        let unsupported = |message: String| Err(Error::unsupported("onnx", message));
        if !table::is_domain(&proto.domain) {
            return unsupported(format!("domain {:?}", proto.domain));
        }
        match found(proto) {
            (None, None) if subgraph_of(proto).is_none() => unsupported("no such operator".to_owned()),
            _ => Ok(()),
        }
    }

    /// Converts a node and gives its outputs their names.
    pub(super) fn node(&mut self, builder: &mut Builder<'m>, proto: &'m NodeProto) -> Result<()> {
        let unsupported = |message: String| Error::unsupported("onnx", message);
        cancel::check()?;
        builder.declared = None;
        Self::check_operator(builder.model, proto)?;
        let mut inputs = Vec::new();
        for name in &proto.input {
            inputs.push(if name.is_empty() { None } else { Some(builder.value(name)?) });
        }
        for input in inputs.iter().flatten() {
            match input {
                Value::Missing(reason) => return Err(unsupported(reason.clone())),
                Value::Sequence(_) if !takes_sequences(&proto.op_type) => {
                    return Err(unsupported("a sequence of tensors".to_owned()));
                }
                Value::Empty if !takes_sequences(&proto.op_type) => {
                    return Err(unsupported("an optional without an element".to_owned()));
                }
                _ => {}
            }
        }
        let used_outputs: Vec<bool> = proto.output.iter().map(|name| self.used.contains(name.as_str())).collect();
        let own = builder.model.operators.find(&proto.domain, &proto.op_type);
        let outputs = match subgraph_of(proto) {
            Some(convert) if own.is_none() => convert(self, builder, proto, &inputs)?,
            _ => outputs(builder, proto, &inputs, &used_outputs, own)?,
        };
        let declared = builder.declared.take();
        for (index, name) in proto.output.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let element = outputs
                .get(index)
                .and_then(|value| declared.or_else(|| inherited(builder, proto, value)));
            // A loop defines a name in each round anew.
            match element {
                Some(element) => builder.elements.insert(name, element),
                None => builder.elements.remove(name.as_str()),
            };
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

/// The element type of an output that a node says nothing of: what the first input has whose elements are held alike.
fn inherited(builder: &Builder<'_>, proto: &NodeProto, output: &Value) -> Option<i32> {
    let elements = proto.input.iter().filter_map(|name| builder.element_type(name));
    let is_alike = |element: &i32| element::is_widened(*element) && element::dtype(*element) == output.dtype();
    elements.into_iter().find(is_alike)
}

fn subgraph_of(node: &NodeProto) -> Option<subgraph::ConvertGraphs> {
    match node.domain.as_str() {
        "" | "ai.onnx" => subgraph::find(&node.op_type),
        "ai.onnx.preview" if node.op_type == "FlexAttention" => Some(flex::flex_attention),
        _ => None,
    }
}

/// How an operator is computed of what is known, and how it becomes nodes of the graph.
pub(super) fn found(node: &NodeProto) -> (Option<Convert>, Option<Convert>) {
    let fold = match node.domain.as_str() {
        "" | "ai.onnx" => fold::find(&node.op_type),
        _ => None,
    };
    (fold, table::find(&node.domain, &node.op_type))
}

/// Whether an operator takes sequences of tensors, and optionals without an element.
fn takes_sequences(operator: &str) -> bool {
    let is_of_these = operator.starts_with("Sequence") || operator.starts_with("Optional");
    is_of_these || matches!(operator, "ConcatFromSequence" | "Identity") || subgraph::find(operator).is_some()
}

/// Names that nodes and the graphs in them read.
pub(super) fn note_uses<'m>(nodes: impl IntoIterator<Item = &'m NodeProto>, used: &mut HashSet<&'m str>) {
    for node in nodes {
        // An input that is left out has no name, and is not an output that is left out.
        used.extend(node.input.iter().map(String::as_str).filter(|name| !name.is_empty()));
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
fn outputs<'m>(
    builder: &mut Builder<'m>,
    proto: &'m NodeProto,
    inputs: &[Option<Value>],
    used: &[bool],
    own: Option<&Make>,
) -> Result<Vec<Value>> {
    let (fold, convert) = found(proto);
    let mut given = inputs.iter().flatten();
    let all_known = given.clone().all(|input| builder.is_known(input));
    let fold_first =
        given.all(|input| matches!(input, Value::Host(_))) || matches!(proto.op_type.as_str(), "Shape" | "Size" | "EyeLike");
    let mut through = |convert: &dyn Fn(&mut Node<'_, 'm>) -> Result<Vec<Value>>| {
        let mut node = Node::new(builder, proto, inputs.to_vec(), used.to_vec())?;
        if node.opset() < early::FIRST {
            super::early::inputs(&mut node)?;
        }
        let outputs = convert(&mut node)?;
        node.check_all_read()?;
        Ok(outputs)
    };
    if let Some(make) = own {
        return through(&|node| {
            let op = make(node)?;
            let inputs = (0..node.input_count()).map(|index| node.input(index));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            node.emit_all(op, &inputs.iter().collect::<Vec<_>>())
        });
    }
    let tries = match (fold, convert) {
        (Some(fold), convert) if fold_first => [Some(fold), convert],
        (fold, convert) => [convert, fold.filter(|_| all_known)],
    };
    let mut refusal = Error::unsupported("onnx", "only of what is known before the network runs");
    for convert in tries.into_iter().flatten() {
        match through(&convert) {
            Err(error @ Error::Unsupported { .. }) => refusal = error,
            outputs => return outputs,
        }
    }
    if convert.is_none() {
        for input in inputs.iter().flatten() {
            builder.required(input)?;
        }
    }
    Err(refusal)
}
