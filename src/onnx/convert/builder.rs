//! A graph under construction: values by name, and what is known while it is built.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::origin::Dequantized;
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::graph::passes::Evaluate;
use crate::graph::{Graph, ValueId};
use crate::onnx::budget::Budget;
use crate::onnx::model::Model;
use crate::onnx::tensor;
use crate::ops::{Op, Reshape};
pub(super) use crate::shape::signed;
use crate::tensor::{Tensor, each};

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Computed while the network runs.
    Tensor {
        /// In the graph.
        id: ValueId,
        /// Its concrete type and shape.
        kind: TensorType,
    },
    /// Known now.
    Host(Tensor),
    /// Tensors in a row, each computed or known.
    Sequence(Vec<Value>),
    /// An optional without an element; one with an element is that.
    Empty,
    /// Cannot be had, and this is why; empty where the node that would give it is listed as unsupported.
    Missing(String),
}

impl Value {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Tensor { kind, .. } => &kind.shape,
            Self::Host(host) => host.shape(),
            Self::Sequence(_) | Self::Empty | Self::Missing(_) => &[],
        }
    }

    /// The type of a tensor's elements.
    pub(crate) fn dtype(&self) -> Option<DType> {
        match self {
            Self::Tensor { kind, .. } => Some(kind.dtype),
            Self::Host(host) => Some(host.dtype()),
            Self::Sequence(_) | Self::Empty | Self::Missing(_) => None,
        }
    }
}

/// A graph under construction.
pub(crate) struct Builder<'m> {
    pub(super) model: &'m Model,
    pub(super) graph: Graph,
    pub(super) budget: Budget,
    pub(super) values: HashMap<&'m str, Value>,
    /// ONNX's element types of values, where they are narrower than the types that hold the elements.
    pub(super) elements: HashMap<&'m str, i32>,
    /// The element type that the node under conversion says its outputs have.
    pub(super) declared: Option<i32>,
    /// Reals that were made of quantised numbers.
    pub(super) dequantized: HashMap<ValueId, Dequantized>,
    /// What nodes give, without what is an output already.
    pub(super) computed: HashSet<ValueId>,
    /// Constants that are in the graph, by the address of the elements, which are held so that it stays theirs.
    pub(super) constants: HashMap<*const (), (Tensor, ValueId)>,
    /// Computes operators of constants.
    evaluate: Evaluate,
    /// The nodes whose inputs are all constant, by what they give, with what was computed of it.
    derived: HashMap<ValueId, usize>,
    evaluated: RefCell<HashMap<ValueId, Tensor>>,
    /// What is computed while the network runs, and has to be known before more of the model can be converted.
    pub(super) wanted: RefCell<HashSet<ValueId>>,
}

impl<'m> Builder<'m> {
    pub(super) fn new(model: &'m Model, evaluate: Evaluate) -> Self {
        let mut graph = Graph::new();
        graph.weights = Some(model.elements);
        Self {
            model,
            graph,
            budget: Budget::new(model.budget),
            values: HashMap::new(),
            elements: HashMap::new(),
            declared: None,
            dequantized: HashMap::new(),
            computed: HashSet::new(),
            constants: HashMap::new(),
            evaluate,
            derived: HashMap::new(),
            evaluated: RefCell::default(),
            wanted: RefCell::default(),
        }
    }

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
            Some(weight) => (self.budget.charge(&what, weight.shape().iter().product(), 4)).map(|()| weight.clone()),
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

    /// ONNX's element type of a value, where that is known: an initializer's, an input's, or what a node has made.
    pub(super) fn element_type(&self, name: &str) -> Option<i32> {
        let input = || self.model.inputs.iter().find(|input| input.name == *name);
        match (self.elements.get(name), self.model.initializers.get(name)) {
            (Some(&element), _) => Some(element),
            (None, Some(initializer)) => Some(initializer.data_type),
            (None, None) => input().map(|input| input.element),
        }
    }

    /// A value in the graph; what is known becomes a constant of it.
    pub(super) fn id(&mut self, name: &str, value: &Value) -> Result<ValueId> {
        match value {
            Value::Tensor { id, .. } => Ok(*id),
            Value::Host(host) => {
                let address = each!(Tensor, host, array => array.as_ptr().cast());
                if let Some((known, id)) = self.constants.get(&address)
                    && known.tensor_type() == host.tensor_type()
                {
                    return Ok(*id);
                }
                let id = self.graph.constant(name, host.clone());
                self.constants.insert(address, (host.clone(), id));
                Ok(id)
            }
            Value::Sequence(_) => Err(Error::unsupported("onnx", "a sequence of tensors")),
            Value::Empty => Err(Error::unsupported("onnx", "an optional without an element")),
            Value::Missing(reason) => Err(Error::unsupported("onnx", reason.clone())),
        }
    }

    /// Whether a value depends on constants alone.
    pub(super) fn is_known(&self, value: &Value) -> bool {
        match value {
            Value::Host(_) => true,
            Value::Tensor { id, .. } => self.derived.contains_key(id),
            Value::Sequence(_) | Value::Empty | Value::Missing(_) => false,
        }
    }

    /// The elements of a value that depends on constants alone. It stays in the graph for what does not need to know it.
    pub(super) fn known(&self, value: &Value) -> Result<Option<Tensor>> {
        let Value::Tensor { id, .. } = value else {
            return Ok(match value {
                Value::Host(host) => Some(host.clone()),
                _ => None,
            });
        };
        if !self.derived.contains_key(id) {
            return Ok(None);
        }
        for index in self.needed(*id) {
            self.evaluate(index)?;
        }
        Ok(self.evaluated.borrow().get(id).cloned())
    }

    /// The nodes of constants that make a value and are not computed yet, in an order that runs.
    fn needed(&self, value: ValueId) -> BTreeSet<usize> {
        let evaluated = self.evaluated.borrow();
        let (mut nodes, mut left) = (BTreeSet::new(), vec![value]);
        while let Some(value) = left.pop() {
            if let Some(&index) = self.derived.get(&value)
                && !evaluated.contains_key(&value)
                && nodes.insert(index)
            {
                left.extend(self.graph.nodes()[index].inputs());
            }
        }
        nodes
    }

    fn evaluate(&self, index: usize) -> Result<()> {
        let node = &self.graph.nodes()[index];
        let evaluated = self.evaluated.borrow();
        let known = |input| self.graph.constant_of(input).or_else(|| evaluated.get(&input));
        let inputs: Option<Vec<&Tensor>> = node.inputs().iter().map(|&input| known(input)).collect();
        let inputs = inputs.ok_or_else(|| Error::Internal(format!("an input of {:?} is not constant", node.name())))?;
        let too_much = || {
            Error::unsupported(
                "onnx",
                format!("{:?} takes too much to be computed before what depends on it", node.name()),
            )
        };
        let outputs = (self.evaluate)(node.op(), &inputs)?.ok_or_else(too_much)?;
        drop(evaluated);
        let names = node.outputs().iter().copied();
        self.evaluated.borrow_mut().extend(names.zip(outputs));
        Ok(())
    }

    /// Adds an operator and gives its first output.
    pub(super) fn emit(&mut self, name: &str, op: Op, inputs: &[&Value]) -> Result<Value> {
        Ok(self.emit_all(name, op, inputs)?.swap_remove(0))
    }

    /// Adds an operator, once its shapes and types are checked.
    pub(super) fn emit_all(&mut self, name: &str, op: Op, inputs: &[&Value]) -> Result<Vec<Value>> {
        let kinds = infer(&op, inputs)?;
        let is_derived = inputs.iter().all(|input| self.is_known(input));
        for kind in &kinds {
            let elements = tensor::element_count("the output", &kind.shape)?;
            if is_derived {
                self.budget.charge("a constant", elements, kind.dtype.bytes() as u64)?;
            } else {
                self.budget.check("the output", elements)?;
            }
        }
        let ids = inputs.iter().map(|input| self.id(name, input)).collect::<Result<Vec<_>>>()?;
        let outputs = self.graph.node_outputs(name, op, &ids)?;
        if is_derived {
            let index = self.graph.nodes().len() - 1;
            self.derived.extend(outputs.iter().map(|&id| (id, index)));
        }
        self.computed.extend(&outputs);
        let values = outputs.into_iter().zip(kinds).map(|(id, kind)| Value::Tensor { id, kind });
        Ok(values.collect())
    }

    /// Makes a value an output of the graph.
    pub(super) fn output(&mut self, name: &str, value: &Value) -> Result<()> {
        let id = self.id(name, value)?;
        // An output must be some node's own: not an input, a constant, or another output.
        if self.computed.remove(&id) {
            return self.graph.output(id);
        }
        let shape = signed(value.shape());
        if let Value::Tensor { id, .. } = self.emit(name, Reshape::new(shape).into(), &[value])? {
            self.graph.output(id)?;
        }
        Ok(())
    }

    /// Whether the conversion of a node depends on what is computed while the network runs.
    pub(super) fn wants_more(&self) -> bool {
        !self.wanted.borrow().is_empty()
    }

    /// An input of the graph, which is read while the network runs.
    pub(super) fn input(&mut self, name: &str, kind: TensorType) -> Value {
        let id = self.graph.input_of_type(name, kind.dtype);
        self.graph.fix_shape(id, kind.shape.clone());
        Value::Tensor { id, kind }
    }

    /// The elements of a value that the conversion of a node depends on. Where they are computed while the network runs, that
    /// is noted.
    pub(super) fn required(&self, value: &Value) -> Result<Option<Tensor>> {
        let known = self.known(value)?;
        if let (None, Value::Tensor { id, .. }) = (&known, value) {
            self.wanted.borrow_mut().insert(*id);
        }
        Ok(known)
    }
}

/// What an operator makes of these inputs. Shapes that it refuses are the file's mistake; of types a legal file may have others
/// than it takes.
fn infer(op: &Op, inputs: &[&Value]) -> Result<Vec<TensorType>> {
    let mut kinds = Vec::new();
    for input in inputs {
        kinds.push(match input {
            Value::Tensor { kind, .. } => kind.clone(),
            Value::Host(host) => host.tensor_type(),
            Value::Sequence(_) => return Err(Error::unsupported("onnx", "a sequence of tensors")),
            Value::Empty => return Err(Error::unsupported("onnx", "an optional without an element")),
            Value::Missing(reason) => return Err(Error::unsupported("onnx", reason.clone())),
        });
    }
    op.output_shapes(&kinds.iter().map(|kind| kind.shape.as_slice()).collect::<Vec<_>>())?;
    let inferred = op.infer(&kinds.iter().collect::<Vec<_>>());
    inferred.map_err(|error| match error {
        Error::InvalidArgument { operator, message } => Error::unsupported("onnx", format!("{operator}: {message}")),
        other => other,
    })
}
