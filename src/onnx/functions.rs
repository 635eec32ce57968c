//! Functions that a model brings along: each node that calls one is replaced by the function's nodes when the model is read.
//!
//! Within a call every name is made its own by the number of the call, but for those of the function's inputs and outputs, which
//! become the node's. Attributes that refer to the function's are given what the node has, or the function's default.

use std::collections::HashMap;

use prost::Message;
use prost::bytes::Bytes;

use super::budget::Budget;
use super::proto::{AttributeProto, FunctionProto, GraphProto, NodeProto};
use crate::error::{Error, Result};

/// The most nodes that all calls may come to.
const MOST_NODES: usize = 1 << 16;
/// How deep calls, and graphs in nodes within calls, may be nested.
const MOST_NESTED: usize = 64;
/// What a byte of a node in the file takes at most when it is copied: short names become strings with a prefix.
const COPIED_BYTES: u64 = 32;

/// Replaces all calls in a graph.
pub(super) fn inline(graph: &mut GraphProto, functions: &[FunctionProto], opset: i64, budget: &mut Budget) -> Result<()> {
    if functions.is_empty() {
        return Ok(());
    }
    let mut by_name = HashMap::new();
    for function in functions {
        if by_name
            .insert(key(&function.domain, &function.name, &function.overload), function)
            .is_some()
        {
            return Err(Error::Onnx(format!("two functions are called {:?}", function.name)));
        }
    }
    let mut calls = Calls {
        functions: by_name,
        opset,
        budget,
        count: 0,
        nodes: 0,
        open: Vec::new(),
    };
    calls.graph(graph, 0)
}

/// Counts what a node's copy takes. Elements take no more than in the file.
pub(super) fn charge_copy(budget: &mut Budget, node: &NodeProto) -> Result<()> {
    let tensors = node.attribute.iter().filter_map(|attribute| attribute.t.as_deref());
    let elements = tensors.map(|tensor| tensor.raw_data.as_ref().map_or(0, Bytes::len)).sum();
    let what = "the copies of nodes in functions, branches and loops";
    budget.charge(what, elements, 1)?;
    budget.charge(what, node.encoded_len() - elements + 8, COPIED_BYTES)
}

type Key<'f> = (&'f str, &'f str, &'f str);

fn key<'f>(domain: &'f str, name: &'f str, overload: &'f str) -> Key<'f> {
    (if domain == "ai.onnx" { "" } else { domain }, name, overload)
}

/// The calls of a model while they are replaced.
struct Calls<'f, 'b> {
    functions: HashMap<Key<'f>, &'f FunctionProto>,
    opset: i64,
    budget: &'b mut Budget,
    /// How many were replaced.
    count: usize,
    /// How many nodes that came to.
    nodes: usize,
    /// The functions that are being replaced, each called by the one before it.
    open: Vec<&'f FunctionProto>,
}

impl<'f> Calls<'f, '_> {
    fn graph(&mut self, graph: &mut GraphProto, depth: usize) -> Result<()> {
        if depth > MOST_NESTED {
            return Err(Error::Onnx(format!(
                "functions and graphs nested more than {MOST_NESTED} deep"
            )));
        }
        let mut nodes = Vec::with_capacity(graph.node.len());
        for node in std::mem::take(&mut graph.node) {
            self.node(node, depth, &mut nodes)?;
        }
        graph.node = nodes;
        Ok(())
    }

    /// Puts a node, or what it stands for, after others.
    fn node(&mut self, mut node: NodeProto, depth: usize, nodes: &mut Vec<NodeProto>) -> Result<()> {
        for attribute in &mut node.attribute {
            if let Some(graph) = &mut attribute.g {
                self.graph(graph, depth + 1)?;
            }
        }
        let function = self.functions.get(&key(&node.domain, &node.op_type, &node.overload));
        if let Some(&function) = function {
            return self.call(&node, function, depth, nodes);
        }
        nodes.push(node);
        Ok(())
    }

    fn call(&mut self, node: &NodeProto, function: &'f FunctionProto, depth: usize, nodes: &mut Vec<NodeProto>) -> Result<()> {
        self.check(node, function, depth)?;
        self.count += 1;
        let scope = Scope::new(node, function, self.count);
        self.open.push(function);
        for inner in &function.node {
            self.nodes += 1;
            if self.nodes > MOST_NODES {
                return Err(Error::Onnx(format!("functions come to more than {MOST_NODES} nodes")));
            }
            charge_copy(self.budget, inner)?;
            let own = scope.node(inner)?;
            self.node(own, depth + 1, nodes)?;
        }
        self.open.pop();
        nodes.extend(scope.passed);
        Ok(())
    }

    fn check(&self, node: &NodeProto, function: &FunctionProto, depth: usize) -> Result<()> {
        let name = &function.name;
        if self.open.iter().any(|open| std::ptr::eq(*open, function)) {
            return Err(Error::Onnx(format!("function {name} calls itself")));
        }
        if depth >= MOST_NESTED {
            return Err(Error::Onnx(format!(
                "functions and graphs nested more than {MOST_NESTED} deep"
            )));
        }
        if node.input.len() > function.input.len() || node.output.len() > function.output.len() {
            return Err(Error::Onnx(format!(
                "function {name} takes {} inputs and gives {} outputs, but is called with {} and {}",
                function.input.len(),
                function.output.len(),
                node.input.len(),
                node.output.len()
            )));
        }
        let is_declared = |name: &String| {
            let with_default = function.attribute_proto.iter().map(|attribute| &attribute.name);
            function.attribute.iter().chain(with_default).any(|declared| declared == name)
        };
        if let Some(other) = node.attribute.iter().find(|attribute| !is_declared(&attribute.name)) {
            return Err(Error::Onnx(format!("function {name} has no attribute {:?}", other.name)));
        }
        let mut own = function.opset_import.iter();
        match own.find(|import| matches!(import.domain.as_str(), "" | "ai.onnx") && import.version != self.opset) {
            Some(import) => Err(Error::unsupported(
                "onnx",
                format!(
                    "function {name} is written in opset {}, the model in {}",
                    import.version, self.opset
                ),
            )),
            None => Ok(()),
        }
    }
}

/// What a function's names and attributes are in one call.
struct Scope<'c> {
    /// Of the function's inputs and outputs.
    names: HashMap<&'c str, &'c str>,
    /// Before all other names.
    prefix: String,
    /// By the names of the function's attributes.
    attributes: HashMap<&'c str, &'c AttributeProto>,
    /// For outputs of the function that are its inputs, or outputs before them.
    passed: Vec<NodeProto>,
}

impl<'c> Scope<'c> {
    fn new(node: &'c NodeProto, function: &'c FunctionProto, number: usize) -> Self {
        let mut attributes: HashMap<&str, &AttributeProto> = HashMap::new();
        for attribute in function.attribute_proto.iter().chain(&node.attribute) {
            attributes.insert(&attribute.name, attribute);
        }
        let given = node.input.iter().map(String::as_str).chain(std::iter::repeat(""));
        let mut names: HashMap<&str, &str> = function.input.iter().map(String::as_str).zip(given).collect();
        let mut passed = Vec::new();
        for (inner, outer) in function
            .output
            .iter()
            .zip(&node.output)
            .filter(|(_, outer)| !outer.is_empty())
        {
            match names.get(inner.as_str()) {
                Some(source) => passed.push(NodeProto {
                    op_type: "Identity".to_owned(),
                    input: vec![(*source).to_owned()],
                    output: vec![outer.clone()],
                    ..NodeProto::default()
                }),
                None => {
                    names.insert(inner, outer);
                }
            }
        }
        Self {
            names,
            prefix: format!("call {number}/"),
            attributes,
            passed,
        }
    }

    fn name(&self, name: &mut String) {
        match self.names.get(name.as_str()) {
            Some(outer) => (*outer).clone_into(name),
            None if name.is_empty() => {}
            None => name.insert_str(0, &self.prefix),
        }
    }

    /// A node of the function as it is in this call.
    fn node(&self, inner: &NodeProto) -> Result<NodeProto> {
        let mut node = inner.clone();
        self.rename(&mut node)?;
        Ok(node)
    }

    fn rename(&self, node: &mut NodeProto) -> Result<()> {
        for name in node.input.iter_mut().chain(&mut node.output) {
            self.name(name);
        }
        let mut attributes = Vec::with_capacity(node.attribute.len());
        for mut attribute in std::mem::take(&mut node.attribute) {
            if !attribute.ref_attr_name.is_empty() {
                // Without a value it is as if it were not there.
                let Some(&value) = self.attributes.get(attribute.ref_attr_name.as_str()) else {
                    continue;
                };
                if attribute.kind != 0 && value.kind != attribute.kind {
                    return Err(Error::Onnx(format!(
                        "attribute {:?} of a function has type {}, but {} is expected",
                        value.name, value.kind, attribute.kind
                    )));
                }
                attribute = AttributeProto {
                    name: attribute.name,
                    ..value.clone()
                };
            } else if let Some(graph) = &mut attribute.g {
                self.graph(graph)?;
            }
            attributes.push(attribute);
        }
        node.attribute = attributes;
        Ok(())
    }

    /// A graph in a node of the function: its names are the call's own, too.
    fn graph(&self, graph: &mut GraphProto) -> Result<()> {
        for info in graph.input.iter_mut().chain(&mut graph.output) {
            self.name(&mut info.name);
        }
        for initializer in &mut graph.initializer {
            self.name(&mut initializer.name);
        }
        for node in &mut graph.node {
            self.rename(node)?;
        }
        Ok(())
    }
}
