//! Graphs as a file describes them: their constants are tensors of the file, by number.

use std::collections::HashMap;
use std::sync::Arc;

use super::code::{enums, structs};
use super::refusal::wrong;
use crate::content::{Key, Seeds};
use crate::dtype::DType;
use crate::error::Result;
use crate::graph::{Dim, Graph, Node, ValueData, ValueId, ValueInfo};
use crate::ops::Op;
use crate::tensor::{Tensor, each};

/// A graph without its constants' elements.
#[derive(Debug)]
pub(super) struct Described {
    values: Vec<Value>,
    nodes: Vec<Operator>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

#[derive(Debug)]
struct Value {
    name: String,
    dtype: DType,
    shape: Option<Vec<usize>>,
    constant: Option<usize>,
}

#[derive(Debug)]
struct Operator {
    name: String,
    op: Op,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

structs! {
    Described { values: Vec<Value>, nodes: Vec<Operator>, inputs: Vec<usize>, outputs: Vec<usize> }
    Value { name: String, dtype: DType, shape: Option<Vec<usize>>, constant: Option<usize> }
    Operator { name: String, op: Op, inputs: Vec<usize>, outputs: Vec<usize> }
    ValueInfo { name: String, dtype: Option<DType>, dims: Option<Vec<Dim>> }
}
enums! {
    Dim { Known(extent: usize), Symbol(name: String), Unknown }
}

/// The constants of some graphs in row-major order, each of those that are equal once.
#[derive(Debug, Default)]
pub(super) struct Constants {
    seeds: Seeds,
    known: HashMap<Key, usize>,
    pub(super) tensors: Vec<Arc<Tensor>>,
}

impl Constants {
    fn number(&mut self, tensor: &Arc<Tensor>) -> usize {
        let next = self.tensors.len();
        let number = *self.known.entry(self.seeds.key(&tensor.view())).or_insert(next);
        if number == next {
            self.tensors.push(in_order(tensor));
        }
        number
    }
}

/// The tensor in row-major order.
fn in_order(tensor: &Arc<Tensor>) -> Arc<Tensor> {
    each!(Tensor, &**tensor, array => if array.is_standard_layout() {
        Arc::clone(tensor)
    } else {
        Arc::new(array.as_standard_layout().into_owned().into())
    })
}

impl Described {
    /// Describes a graph, with its constants among these.
    pub(super) fn of(graph: &Graph, constants: &mut Constants) -> Self {
        let numbers = |values: &[ValueId]| values.iter().map(|value| value.0).collect();
        let values = graph.values.iter().map(|value| Value {
            name: value.name.clone(),
            dtype: value.dtype,
            shape: value.shape.clone(),
            constant: value.constant.as_ref().map(|tensor| constants.number(tensor)),
        });
        let nodes = graph.nodes.iter().map(|node| Operator {
            name: node.name.clone(),
            op: node.op.clone(),
            inputs: numbers(&node.inputs),
            outputs: numbers(&node.outputs),
        });
        Self {
            values: values.collect(),
            nodes: nodes.collect(),
            inputs: numbers(&graph.inputs),
            outputs: numbers(&graph.outputs),
        }
    }

    /// The graph with its constants among these.
    ///
    /// Errors: values and tensors that are not there; an operator that reads what is made later or never; a value that is made twice.
    pub(super) fn graph(self, tensors: &[Arc<Tensor>]) -> Result<Graph> {
        let mut graph = Graph {
            weights: Some(
                tensors
                    .iter()
                    .map(|tensor| tensor.shape().iter().product::<usize>() as u64)
                    .sum(),
            ),
            ..Graph::new()
        };
        let mut is_there = Vec::with_capacity(self.values.len());
        for value in self.values {
            let constant = value.constant.map(|number| {
                let tensor = tensors.get(number);
                tensor
                    .cloned()
                    .ok_or_else(|| wrong(format!("{:?} is tensor {number} of {}", value.name, tensors.len())))
            });
            let constant = constant.transpose()?;
            is_there.push(constant.is_some());
            graph.values.push(ValueData {
                dtype: constant.as_ref().map_or(value.dtype, |tensor| tensor.dtype()),
                name: value.name,
                constant,
                shape: value.shape,
            });
        }
        graph.inputs = made(&self.inputs, &mut is_there)?;
        for node in self.nodes {
            let inputs = read(&node.inputs, &is_there)?;
            if node.outputs.len() != node.op.output_count() {
                return Err(wrong(format!(
                    "operator {:?}: expected {} outputs of {}, but got {}",
                    node.name,
                    node.op.output_count(),
                    node.op.name(),
                    node.outputs.len()
                )));
            }
            graph.nodes.push(Node {
                inputs,
                outputs: made(&node.outputs, &mut is_there)?,
                name: node.name,
                op: node.op,
            });
        }
        graph.outputs = read(&self.outputs, &is_there)?;
        if graph.outputs.is_empty() {
            return Err(wrong("a graph has no outputs"));
        }
        Ok(graph)
    }
}

/// Values that something reads.
fn read(values: &[usize], is_there: &[bool]) -> Result<Vec<ValueId>> {
    let read = |&value: &usize| match is_there.get(value) {
        Some(true) => Ok(ValueId(value)),
        Some(false) => Err(wrong(format!("value {value} is read before it is made"))),
        None => Err(wrong(format!("value {value} is read, but there are {}", is_there.len()))),
    };
    values.iter().map(read).collect()
}

/// Values that something makes, each for the first time.
fn made(values: &[usize], is_there: &mut [bool]) -> Result<Vec<ValueId>> {
    let make = |&value: &usize| match is_there.get_mut(value) {
        Some(there) if !*there => {
            *there = true;
            Ok(ValueId(value))
        }
        Some(_) => Err(wrong(format!("value {value} is made twice"))),
        None => Err(wrong(format!("value {value} is made, but there are {}", is_there.len()))),
    };
    values.iter().map(make).collect()
}
