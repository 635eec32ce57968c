//! One node of a model with the tensors that it reads: what it should give is asked by itself, also with something about it changed.

use std::collections::HashMap;

use prost::bytes::Bytes;

use super::budget::Budget;
use super::convert::qualified;
use super::model::Model;
use super::operators::Operators;
use super::proto::{AttributeProto, NodeProto};
use super::types::{Shapes, TensorInfo};
use super::weights::Weights;
use super::{convert, element, tensor};
use crate::error::{Error, Result};
use crate::graph::passes::Evaluate;
use crate::graph::{Dim, Graph};
use crate::tensor::Tensor;

/// ONNX's numbers of types of attributes.
const STRING: i32 = 3;
const INTS: i32 = 7;

/// A node that reads given tensors.
#[derive(Clone, Debug)]
pub(crate) struct Alone {
    opset: i64,
    budget: u64,
    operators: Operators,
    node: NodeProto,
    /// By the input's place; nothing where an optional input is left out.
    given: Vec<Option<Tensor>>,
}

/// What is judged of a node: that it can be, or why it is not.
pub(crate) enum Judgeable {
    Yes(Box<Alone>),
    /// It holds a constant.
    Constant,
    No(String),
}

impl Model {
    /// How many nodes there are, in an order that runs.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// What a node is called in messages, its operator and the names of its outputs.
    pub(crate) fn node_names(&self, index: usize) -> (String, String, Vec<String>) {
        let node = &self.nodes[index];
        let name = match (node.name.as_str(), node.output.first()) {
            ("", Some(output)) => format!("of {output:?}"),
            (name, _) => format!("{name:?}"),
        };
        (name, qualified(node), node.output.clone())
    }

    /// A node with its inputs as `find` has them, and as the file has them where they are constants.
    pub(crate) fn alone(&self, index: usize, find: &dyn Fn(&str) -> Result<Option<Tensor>>) -> Result<Judgeable> {
        let node = &self.nodes[index];
        if node.op_type == "Constant" {
            return Ok(Judgeable::Constant);
        }
        if node.attribute.iter().any(|attribute| attribute.g.is_some()) {
            return Ok(Judgeable::No("it has graphs of its own".to_owned()));
        }
        let mut given = Vec::new();
        for name in &node.input {
            given.push(match name.as_str() {
                "" => None,
                name => match self
                    .constant(name)?
                    .map_or_else(|| find(name), |constant| Ok(Some(constant)))?
                {
                    Some(tensor) => Some(tensor),
                    None => return Ok(Judgeable::No(format!("its input {name:?} was not given"))),
                },
            });
        }
        Ok(Judgeable::Yes(Box::new(Alone {
            opset: self.opset,
            budget: self.budget,
            operators: self.operators.clone(),
            node: node.clone(),
            given,
        })))
    }

    /// What the file says that a name stands for.
    fn constant(&self, name: &str) -> Result<Option<Tensor>> {
        if let Some(weight) = self.weights.get(name) {
            return Ok(Some(weight.clone()));
        }
        let what = format!("initializer {name:?}");
        let initializer = self.initializers.get(name);
        initializer
            .map(|initializer| tensor::decode(&what, initializer, &mut Budget::new(self.budget)))
            .transpose()
    }
}

impl Alone {
    /// The operator, with its domain where that is not ONNX's.
    pub(crate) fn operator(&self) -> String {
        qualified(&self.node)
    }

    /// What it reads at this place.
    pub(crate) fn input(&self, place: usize) -> Option<&Tensor> {
        self.given.get(place)?.as_ref()
    }

    /// The whole numbers of an attribute.
    pub(crate) fn ints(&self, name: &str) -> Option<&[i64]> {
        let attribute = self.node.attribute.iter().find(|attribute| attribute.name == name)?;
        Some(&attribute.ints)
    }

    /// The whole number of an attribute.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        let attribute = self.node.attribute.iter().find(|attribute| attribute.name == name)?;
        Some(attribute.i)
    }

    /// The text of an attribute.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let attribute = self.node.attribute.iter().find(|attribute| attribute.name == name)?;
        std::str::from_utf8(&attribute.s).ok()
    }

    /// The same with another attribute.
    pub(crate) fn with_ints(&self, name: &str, ints: Vec<i64>) -> Self {
        self.with(AttributeProto {
            name: name.to_owned(),
            ints,
            kind: INTS,
            ..AttributeProto::default()
        })
    }

    /// The same with another attribute.
    pub(crate) fn with_text(&self, name: &str, text: &str) -> Self {
        self.with(AttributeProto {
            name: name.to_owned(),
            s: Bytes::copy_from_slice(text.as_bytes()),
            kind: STRING,
            ..AttributeProto::default()
        })
    }

    fn with(&self, attribute: AttributeProto) -> Self {
        let mut changed = self.clone();
        changed.node.attribute.retain(|known| known.name != attribute.name);
        changed.node.attribute.push(attribute);
        changed
    }

    /// The same with another tensor at this place.
    pub(crate) fn with_input(&self, place: usize, tensor: Tensor) -> Self {
        let mut changed = self.clone();
        changed.given[place] = Some(tensor);
        changed
    }

    /// The same without this input and those after it.
    pub(crate) fn without_inputs_from(&self, place: usize) -> Self {
        let mut changed = self.clone();
        changed.given.truncate(place);
        changed.node.input.truncate(place);
        changed
    }

    /// The graph of the node and what it reads. Short lists are constants, as operators want them that shapes depend on; short lists of
    /// reals only where the node is not supported otherwise.
    pub(crate) fn graph(&self, evaluate: Evaluate) -> Result<(Graph, Vec<Tensor>)> {
        match self.graph_with(evaluate, false) {
            Err(Error::Unsupported { .. }) => self.graph_with(evaluate, true),
            outcome => outcome,
        }
    }

    fn graph_with(&self, evaluate: Evaluate, reals_are_constant: bool) -> Result<(Graph, Vec<Tensor>)> {
        let mut node = self.node.clone();
        let (mut inputs, mut run) = (Vec::new(), Vec::new());
        let mut shapes = Shapes::new();
        for (place, tensor) in self.given.iter().enumerate() {
            let Some(tensor) = tensor else { continue };
            // One name may stand at several places, of which one may be changed.
            let name = format!("input {place}");
            node.input[place].clone_from(&name);
            let is_short = tensor.shape().len() <= 1;
            if is_short && (!tensor.dtype().is_float() || (reals_are_constant && place > 0)) {
                shapes = shapes.value(&name, tensor.clone());
            } else {
                run.push(tensor.clone());
            }
            inputs.push(TensorInfo {
                name,
                dims: Some(tensor.shape().iter().copied().map(Dim::Known).collect()),
                element: element::number(tensor.dtype()),
            });
        }
        let outputs = node.output.iter().filter(|name| !name.is_empty()).map(|name| TensorInfo {
            name: name.clone(),
            dims: None,
            element: element::number(crate::dtype::DType::F32),
        });
        let model = Model {
            opset: self.opset,
            outputs: outputs.collect(),
            nodes: vec![node],
            initializers: HashMap::new(),
            weights: Weights::new(),
            elements: 0,
            inputs,
            budget: self.budget,
            spliced: 0,
            copies: Budget::new(self.budget),
            operators: self.operators.clone(),
        };
        Ok((convert::graph(&model, &shapes, evaluate)?, run))
    }
}
