//! Branches, and rounds of loops, in the places of their nodes: so can their own nodes wait for what is not known yet.

use std::collections::{HashMap, HashSet};

use prost::Message;

use super::builder::Builder;
use super::node::unsupported;
use super::nodes::note_uses;
use super::subgraph::{MOST_NODES, attribute};
use crate::error::{Error, Result};
use crate::onnx::budget::Budget;
use crate::onnx::element;
use crate::onnx::functions::charge_copy;
use crate::onnx::model::Model;
use crate::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use crate::onnx::tensor;
use crate::tensor::Tensor;

/// For how many nodes a round counts that is put before its loop by itself: the model is converted again after each.
const ROUND_APART: usize = 64;
/// `AttributeProto.AttributeType`'s number of a whole number.
const INT: i32 = 2;

/// What is to stand in a node's place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Splice {
    /// The branch of this attribute.
    Branch(&'static str),
    /// Rounds of a loop: all of so many, or as many as its condition lets it have.
    Rounds(Option<i64>),
}

impl Splice {
    /// What can stand in the place of a node, given what is known.
    pub(super) fn of<'m>(builder: &Builder<'m>, node: &'m NodeProto) -> Result<Option<Self>> {
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return Ok(None);
        }
        let is_given = |index: usize| node.input.get(index).is_some_and(|name| !name.is_empty());
        let known = |index: usize| -> Result<Option<Tensor>> {
            let value = node.input.get(index).and_then(|name| builder.values.get(name.as_str()));
            Ok(value.map(|value| builder.known(value)).transpose()?.flatten())
        };
        let truth = |index: usize| -> Result<Option<bool>> {
            Ok(match known(index)? {
                Some(Tensor::Bool(condition)) => condition.first().copied(),
                _ => None,
            })
        };
        Ok(match node.op_type.as_str() {
            "If" => truth(0)?.map(|is_true| Self::Branch(if is_true { "then_branch" } else { "else_branch" })),
            "Loop" if is_given(1) && truth(1)? != Some(true) => None,
            "Loop" if !is_given(0) => Some(Self::Rounds(None)),
            "Loop" => match known(0)? {
                Some(Tensor::I64(limit)) => limit.first().map(|&limit| Self::Rounds(Some(limit))),
                _ => None,
            },
            _ => None,
        })
    }

    /// The model with that in the place of the node, and how many nodes it is.
    pub(super) fn apply(self, model: &Model, index: usize) -> Result<(Model, usize)> {
        let node = &model.nodes[index];
        let mut place = Place::new(model, node);
        match self {
            Self::Branch(name) => place.branch(attribute(node, name)?)?,
            Self::Rounds(limit) => place.rounds(attribute(node, "body")?, limit)?,
        }
        let Place { mut model, nodes, .. } = place;
        let added = nodes.len();
        model.nodes.splice(index..=index, nodes);
        Ok((model, added))
    }
}

/// The place of a node, and what is put there.
struct Place<'m> {
    /// The model as it will be, but for the nodes.
    model: Model,
    node: &'m NodeProto,
    nodes: Vec<NodeProto>,
    /// What is defined outside, or here.
    taken: HashSet<String>,
}

impl<'m> Place<'m> {
    fn new(model: &'m Model, node: &'m NodeProto) -> Self {
        let outputs = model.nodes.iter().flat_map(|node| &node.output);
        let inputs = model.inputs.iter().map(|input| &input.name);
        let taken = outputs.chain(inputs).chain(model.initializers.keys());
        Self {
            model: model.clone(),
            node,
            nodes: Vec::new(),
            taken: taken.cloned().collect(),
        }
    }

    fn branch(&mut self, graph: &GraphProto) -> Result<()> {
        let outputs = self.copy(graph, &[])?;
        self.pass(&outputs);
        Ok(())
    }

    /// All rounds of a loop that nothing but their number ends; of others one, and a loop of those after it.
    fn rounds(&mut self, body: &GraphProto, limit: Option<i64>) -> Result<()> {
        let carried: Vec<String> = self
            .node
            .input
            .iter()
            .skip(2)
            .filter(|name| !name.is_empty())
            .cloned()
            .collect();
        let gives = carried.len() + 1;
        if body.input.len() != gives + 1 || body.output.len() < gives {
            return Err(Error::Onnx(format!(
                "a loop that carries {} values, with a body of {} inputs and {} outputs",
                carried.len(),
                body.input.len(),
                body.output.len()
            )));
        }
        match limit {
            Some(limit) if self.always_goes_on(body) => self.all_rounds(body, limit, carried),
            None if self.always_goes_on(body) => Err(unsupported(
                "a loop without an end, in which something waits for what is computed",
            )),
            _ if is_used(body, &body.input[0].name) => self.carry_number(body),
            _ if body.output.len() > gives => self.carry_rows(body, gives),
            _ => self.first_round(body, limit, &carried),
        }
    }

    fn all_rounds(&mut self, body: &GraphProto, limit: i64, mut carried: Vec<String>) -> Result<()> {
        let gives = carried.len() + 1;
        let mut rows = vec![Vec::new(); body.output.len() - gives];
        for round in 0..limit {
            let mut outputs = self.round(body, round, &carried)?;
            for (rows, row) in rows.iter_mut().zip(outputs.drain(gives..)) {
                rows.push(row);
            }
            carried = outputs.split_off(1);
        }
        self.pass(&carried);
        let prefix = self.prefix(1)?;
        for (index, (rows, output)) in rows.into_iter().zip(self.node.output.iter().skip(carried.len())).enumerate() {
            let sequence = format!("{prefix}rows {index}");
            self.nodes.push(simple("SequenceConstruct", rows, sequence.clone()));
            self.stack(sequence, output.clone());
        }
        Ok(())
    }

    /// A loop whose rounds know their number, as one that carries it.
    fn carry_number(&mut self, body: &GraphProto) -> Result<()> {
        let prefix = self.prefix(1)?;
        let [unused, one, next, first, rounds] = ["unused", "one", "next", "first", "rounds"].map(|word| format!("{prefix}{word}"));
        let mut body = body.clone();
        let number = std::mem::replace(&mut body.input[0].name, unused);
        body.initializer.push(number_proto(one.clone(), 1));
        body.node.push(simple("Add", vec![number.clone(), one], next.clone()));
        body.input.insert(2, info(number));
        body.output.insert(1, info(next));
        let first = self.constant(number_proto(first, 0))?;
        let mut outer = self.loop_of(body)?;
        outer.input.insert(2, first);
        outer.output.insert(0, rounds);
        self.nodes.push(outer);
        Ok(())
    }

    /// A loop whose rounds give rows, as one that carries sequences of them.
    fn carry_rows(&mut self, body: &GraphProto, gives: usize) -> Result<()> {
        let prefix = self.prefix(1)?;
        let mut body = body.clone();
        let rows = body.output.split_off(gives);
        let (mut none, mut all) = (Vec::new(), Vec::new());
        for (index, row) in rows.into_iter().enumerate() {
            let [empty, before, after, last] = ["empty", "before", "after", "last"].map(|word| format!("{prefix}{word} {index}"));
            self.nodes.push(simple("SequenceEmpty", Vec::new(), empty.clone()));
            body.node
                .push(simple("SequenceInsert", vec![before.clone(), row.name], after.clone()));
            body.input.push(info(before));
            body.output.push(info(after));
            none.push(empty);
            all.push(last);
        }
        let mut outer = self.loop_of(body)?;
        outer.input.extend(none);
        let stacked = outer.output.split_off((gives - 1).min(outer.output.len()));
        outer.output.resize(gives - 1, String::new());
        outer.output.extend(all.iter().cloned());
        self.nodes.push(outer);
        for (rows, output) in all.into_iter().zip(stacked) {
            self.stack(rows, output);
        }
        Ok(())
    }

    /// The loop with another body, and the inputs that it carries alone after the first two.
    fn loop_of(&mut self, body: GraphProto) -> Result<NodeProto> {
        charge_copy(&mut self.model.copies, self.node)?;
        let mut outer = self.node.clone();
        outer.input.resize(outer.input.len().max(2), String::new());
        let carried = outer.input.split_off(2);
        outer.input.extend(carried.into_iter().filter(|name| !name.is_empty()));
        if let Some(attribute) = outer.attribute.iter_mut().find(|attribute| attribute.name == "body") {
            attribute.g = Some(Box::new(body));
        }
        Ok(outer)
    }

    fn first_round(&mut self, body: &GraphProto, limit: Option<i64>, carried: &[String]) -> Result<()> {
        let outputs = self.round(body, 0, carried)?;
        charge_copy(&mut self.model.copies, self.node)?;
        let mut rest = self.node.clone();
        let prefix = self.prefix(ROUND_APART)?;
        let limit = limit.map(|limit| self.constant(number_proto(format!("{prefix}limit"), limit - 1)));
        rest.input = vec![limit.transpose()?.unwrap_or_default()];
        rest.input.extend(outputs);
        self.nodes.push(rest);
        Ok(())
    }

    /// Whether the condition after a round is that before it, or a constant that is true.
    fn always_goes_on(&self, body: &GraphProto) -> bool {
        let mut name = body.output[0].name.as_str();
        // No more steps than there are nodes, however they refer to one another.
        for _ in 0..=body.node.len() {
            if name == body.input[1].name {
                return true;
            }
            let own = body.initializer.iter().find(|initializer| initializer.name == name);
            if let Some(constant) = own.or_else(|| self.model.initializers.get(name)) {
                return is_true(constant);
            }
            let nodes = self.model.nodes.iter().chain(&body.node);
            let Some(source) = nodes.rev().find(|node| node.output.iter().any(|output| output == name)) else {
                return false;
            };
            match (source.op_type.as_str(), source.input.first()) {
                ("Constant", _) => {
                    let mut tensors = source.attribute.iter().filter_map(|attribute| attribute.t.as_deref());
                    return tensors.next().is_some_and(is_true);
                }
                ("Identity" | "Cast", Some(input)) => name = input,
                _ => return false,
            }
        }
        false
    }

    /// One round of a loop: what it gives.
    fn round(&mut self, body: &GraphProto, round: i64, carried: &[String]) -> Result<Vec<String>> {
        let prefix = self.prefix(1)?;
        let number = self.constant(number_proto(format!("{prefix}round"), round))?;
        let goes_on = TensorProto {
            data_type: element::BOOL,
            int32_data: vec![1],
            name: format!("{prefix}goes on"),
            ..TensorProto::default()
        };
        let goes_on = self.constant(goes_on)?;
        self.copy(body, &[&[number, goes_on], carried].concat())
    }

    /// Puts the nodes of a graph here, under names of their own, and gives those of its outputs.
    fn copy(&mut self, graph: &GraphProto, arguments: &[String]) -> Result<Vec<String>> {
        let prefix = self.prefix(graph.node.len() + 1)?;
        let mut own = HashSet::new();
        note_defined(graph, &mut own);
        let mut names: HashMap<&str, String> = own.into_iter().map(|name| (name, format!("{prefix}{name}"))).collect();
        let inputs = graph.input.iter().map(|input| input.name.as_str());
        names.extend(inputs.zip(arguments.iter().cloned()));
        for initializer in &graph.initializer {
            let mut copy = initializer.clone();
            rename(&mut copy.name, &names);
            self.constant(copy)?;
        }
        for node in &graph.node {
            charge_copy(&mut self.model.copies, node)?;
            let mut copy = node.clone();
            rename_node(&mut copy, &names);
            for output in copy.output.iter().filter(|output| !output.is_empty()) {
                self.define(output.clone())?;
            }
            self.nodes.push(copy);
        }
        let outputs = graph.output.iter().map(|output| {
            let mut name = output.name.clone();
            rename(&mut name, &names);
            name
        });
        Ok(outputs.collect())
    }

    /// What goes before names, of which so many nodes have the same.
    fn prefix(&mut self, nodes: usize) -> Result<String> {
        let number = self.model.spliced;
        self.model.spliced += nodes;
        if self.model.spliced > MOST_NODES {
            return Err(unsupported(format!(
                "more than {MOST_NODES} nodes in branches and rounds of loops that wait for what is computed"
            )));
        }
        Ok(format!("in place {number}/"))
    }

    /// Adds a constant to the model, and gives its name.
    fn constant(&mut self, constant: TensorProto) -> Result<String> {
        let name = constant.name.clone();
        self.define(name.clone())?;
        self.model.copies.charge("a copy of a constant", constant.encoded_len(), 2)?;
        self.model.initializers.insert(name.clone(), constant);
        Ok(name)
    }

    fn define(&mut self, name: String) -> Result<()> {
        if self.taken.contains(&name) {
            return Err(Error::Onnx(format!("{name:?} is defined twice")));
        }
        self.taken.insert(name);
        Ok(())
    }

    /// Gives values the names of the node's first outputs.
    fn pass(&mut self, values: &[String]) {
        let pairs = values.iter().zip(&self.node.output);
        let named = pairs.filter(|(_, output)| !output.is_empty());
        let passed = named.map(|(value, output)| simple("Identity", vec![value.clone()], output.clone()));
        self.nodes.extend(passed);
    }

    /// Joins a sequence of rows along an axis of their own, if the output is used.
    fn stack(&mut self, rows: String, output: String) {
        if !output.is_empty() {
            let mut stacked = simple("ConcatFromSequence", vec![rows], output);
            stacked.attribute = [("axis", 0), ("new_axis", 1)].map(|(name, number)| int(name, number)).into();
            self.nodes.push(stacked);
        }
    }
}

fn simple(operator: &str, input: Vec<String>, output: String) -> NodeProto {
    NodeProto {
        op_type: operator.to_owned(),
        input,
        output: vec![output],
        ..NodeProto::default()
    }
}

fn int(name: &str, number: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: number,
        kind: INT,
        ..AttributeProto::default()
    }
}

fn info(name: String) -> ValueInfoProto {
    ValueInfoProto { name, kind: None }
}

fn number_proto(name: String, number: i64) -> TensorProto {
    TensorProto {
        data_type: element::INT64,
        int64_data: vec![number],
        name,
        ..TensorProto::default()
    }
}

/// Whether a constant is one bool, or a number that is cast to one, that is true.
fn is_true(constant: &TensorProto) -> bool {
    let decoded = tensor::decode("a condition", constant, &mut Budget::new(8));
    decoded.is_ok_and(|constant| {
        constant.shape().iter().product::<usize>() == 1 && constant.to_f32().iter().all(|&number| number != 0.0)
    })
}

/// Whether the nodes of a graph, or its outputs, are of a name.
fn is_used(graph: &GraphProto, name: &str) -> bool {
    let mut used = HashSet::new();
    note_uses(&graph.node, &mut used);
    used.contains(name) || graph.output.iter().any(|output| output.name == name)
}

/// What a graph defines, and graphs in its nodes.
fn note_defined<'g>(graph: &'g GraphProto, names: &mut HashSet<&'g str>) {
    names.extend(graph.input.iter().map(|input| input.name.as_str()));
    names.extend(graph.initializer.iter().map(|initializer| initializer.name.as_str()));
    for node in &graph.node {
        names.extend(node.output.iter().map(String::as_str).filter(|name| !name.is_empty()));
        for graph in node.attribute.iter().filter_map(|attribute| attribute.g.as_deref()) {
            note_defined(graph, names);
        }
    }
}

fn rename(name: &mut String, names: &HashMap<&str, String>) {
    if let Some(other) = names.get(name.as_str()) {
        other.clone_into(name);
    }
}

fn rename_node(node: &mut NodeProto, names: &HashMap<&str, String>) {
    for name in node.input.iter_mut().chain(&mut node.output) {
        rename(name, names);
    }
    for graph in node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_deref_mut()) {
        for info in graph.input.iter_mut().chain(&mut graph.output) {
            rename(&mut info.name, names);
        }
        for initializer in &mut graph.initializer {
            rename(&mut initializer.name, names);
        }
        for node in &mut graph.node {
            rename_node(node, names);
        }
    }
}
