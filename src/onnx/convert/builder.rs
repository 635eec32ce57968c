//! A graph under construction: values by name, and what is known while it is built.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};
use crate::onnx::budget::Budget;
use crate::onnx::model::Model;
use crate::onnx::tensor::{self, Host};
use crate::ops::{Op, Reshape};
use crate::tensor::SharedArray;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// `f32`, computed while the network runs.
    Tensor {
        /// In the graph.
        id: ValueId,
        /// Its concrete shape.
        shape: Vec<usize>,
    },
    /// Known now.
    Host(Host),
    /// Tensors in a row: what `SplitToSequence` gives and `SequenceAt` takes, and nothing else.
    Sequence(Vec<Value>),
    /// Cannot be had, and this is why; empty where the node that would give it is listed as unsupported.
    Missing(String),
}

impl Value {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Tensor { shape, .. } => shape,
            Self::Host(host) => host.shape(),
            Self::Sequence(_) | Self::Missing(_) => &[],
        }
    }
}

/// A graph under construction.
pub(crate) struct Builder<'m> {
    pub(super) model: &'m Model,
    pub(super) graph: Graph,
    pub(super) budget: Budget,
    pub(super) values: HashMap<&'m str, Value>,
    /// What nodes give, without what is an output already.
    pub(super) computed: HashSet<ValueId>,
    /// Constants that are in the graph, by the address of the array, which is held so that it stays theirs.
    pub(super) constants: HashMap<*const f32, (SharedArray<f32>, ValueId)>,
}

impl<'m> Builder<'m> {
    /// The value of a name; an initializer is decoded when it is first used.
    pub(super) fn value(&mut self, name: &'m str) -> Result<Value> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let initializer = self
            .model
            .initializers
            .get(name)
            .ok_or_else(|| Error::Onnx(format!("nothing defines {name:?}")))?;
        let what = format!("initializer {name:?}");
        let host = match self.model.weights.get(name) {
            Some(array) => (self.budget.charge(&what, array.len(), 4)).map(|()| Host::Float(array.clone())),
            None => tensor::decode(&what, initializer, &mut self.budget),
        };
        let value = match host {
            Ok(host) => Value::Host(host),
            Err(Error::Unsupported { message, .. }) => Value::Missing(message),
            Err(error) => return Err(error),
        };
        self.values.insert(name, value.clone());
        Ok(value)
    }

    /// A value in the graph; what is known becomes a constant of it.
    pub(super) fn id(&mut self, name: &str, value: &Value) -> Result<ValueId> {
        match value {
            Value::Tensor { id, .. } => Ok(*id),
            Value::Host(Host::Float(array)) => {
                if let Some((_, id)) = self.constants.get(&array.as_ptr()) {
                    return Ok(*id);
                }
                let id = self.graph.constant(name, array.clone());
                self.constants.insert(array.as_ptr(), (array.clone(), id));
                Ok(id)
            }
            Value::Host(Host::Int(_)) => Err(Error::unsupported("onnx", "whole numbers as a tensor of the network")),
            Value::Sequence(_) => Err(Error::unsupported("onnx", "a sequence of tensors")),
            Value::Missing(reason) => Err(Error::unsupported("onnx", reason.clone())),
        }
    }

    /// Adds an operator and gives its first output.
    pub(super) fn emit(&mut self, name: &str, op: Op, inputs: &[&Value]) -> Result<Value> {
        Ok(self.emit_all(name, op, inputs)?.swap_remove(0))
    }

    /// Adds an operator, once its shapes are checked.
    pub(super) fn emit_all(&mut self, name: &str, op: Op, inputs: &[&Value]) -> Result<Vec<Value>> {
        let mut ids = Vec::new();
        let mut shapes = Vec::new();
        for input in inputs {
            ids.push(self.id(name, input)?);
            shapes.push(input.shape());
        }
        let shapes = op.output_shapes(&shapes)?;
        for shape in &shapes {
            self.budget.check("the output", tensor::element_count("the output", shape)?)?;
        }
        let outputs = self.graph.node_outputs(name, op, &ids)?;
        self.computed.extend(&outputs);
        let values = outputs.into_iter().zip(shapes).map(|(id, shape)| Value::Tensor { id, shape });
        Ok(values.collect())
    }

    pub(super) fn output(&mut self, name: &'m str) -> Result<()> {
        let value = self.value(name)?;
        let id = self.id(name, &value)?;
        // An output must be some node's own: not an input, a constant, or another output.
        if self.computed.remove(&id) {
            return self.graph.output(id);
        }
        let shape: Vec<isize> = value.shape().iter().map(|&extent| extent as isize).collect();
        if let Value::Tensor { id, .. } = self.emit(name, Reshape::new(shape).into(), &[&value])? {
            self.graph.output(id)?;
        }
        Ok(())
    }
}
