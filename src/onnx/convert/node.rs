//! A node being converted: its attributes, inputs and what it may add to the graph.

use std::cell::Cell;
use std::ops::Deref;

use ndarray::IxDyn;

use super::builder::{Builder, Value};
use super::origin::Dequantized;
use crate::error::{Error, Result};
use crate::onnx::attributes::Attributes;
use crate::onnx::budget::Budget;
use crate::onnx::proto::NodeProto;
use crate::onnx::tensor;
use crate::ops::{Op, Reshape};
use crate::tensor::{Tensor, each};

/// One operator's conversion.
pub(crate) type Convert = fn(&mut Node<'_, '_>) -> Result<Vec<Value>>;

/// The most numbers of a list that is an input, but for one length of each output. Two for each dimension are needed.
const MOST_NUMBERS: usize = 1024;

/// A node, with what is read of it noted.
pub(crate) struct Node<'b, 'm> {
    builder: &'b mut Builder<'m>,
    proto: &'m NodeProto,
    inputs: Vec<Option<Value>>,
    used_outputs: Vec<bool>,
    read_inputs: Vec<Cell<bool>>,
    attributes: Attributes<'m>,
}

impl<'b, 'm> Node<'b, 'm> {
    pub(super) fn new(
        builder: &'b mut Builder<'m>,
        proto: &'m NodeProto,
        inputs: Vec<Option<Value>>,
        used_outputs: Vec<bool>,
    ) -> Result<Self> {
        let read_inputs = vec![Cell::new(false); inputs.len()];
        Ok(Self {
            builder,
            proto,
            inputs,
            used_outputs,
            read_inputs,
            attributes: Attributes::new(&proto.attribute)?,
        })
    }

    /// Refuses inputs and attributes that nobody has read: they would change the answer.
    pub(super) fn check_all_read(&self) -> Result<()> {
        let unread = |(input, read): &(&Option<Value>, &Cell<bool>)| input.is_some() && !read.get();
        if let Some(index) = self.inputs.iter().zip(&self.read_inputs).position(|pair| unread(&pair)) {
            return Err(unsupported(format!("input {index}")));
        }
        self.attributes.check_all_read()
    }

    pub(in crate::onnx) fn operator(&self) -> &'m str {
        &self.proto.op_type
    }

    pub(in crate::onnx) fn opset(&self) -> i64 {
        self.builder.model.opset
    }

    pub(in crate::onnx) fn budget(&mut self) -> &mut Budget {
        &mut self.builder.budget
    }

    /// The real constant that the node is, where it was decoded when the model was read.
    pub(in crate::onnx) fn weight(&self) -> Option<Tensor> {
        self.builder.model.weights.get(self.proto.output.first()?).cloned()
    }

    // Inputs.

    pub(in crate::onnx) fn input_count(&self) -> usize {
        self.inputs.len()
    }

    pub(in crate::onnx) fn output_count(&self) -> usize {
        self.proto.output.len()
    }

    /// Puts another value in an input's place, which may be one after those that the file gives.
    pub(in crate::onnx) fn set_input(&mut self, index: usize, value: Value) {
        let count = self.inputs.len().max(index + 1);
        self.inputs.resize(count, None);
        self.read_inputs.resize(count, Cell::new(false));
        self.inputs[index] = Some(value);
    }

    pub(in crate::onnx) fn optional(&self, index: usize) -> Option<Value> {
        let value = self.inputs.get(index)?.clone();
        self.read_inputs[index].set(true);
        value
    }

    /// Has what converts the operator afterwards find this in the place of an input.
    pub(in crate::onnx) fn replace_input(&mut self, index: usize, value: Value) {
        self.inputs[index] = Some(value);
    }

    pub(in crate::onnx) fn input(&self, index: usize) -> Result<Value> {
        self.optional(index)
            .ok_or_else(|| Error::Onnx(format!("input {index} is missing")))
    }

    /// ONNX's element type of an input, as far as it is known; it may be narrower than the type that holds the elements.
    pub(in crate::onnx) fn element_type(&self, index: usize) -> Option<i32> {
        self.builder.element_type(self.proto.input.get(index)?)
    }

    /// Says what ONNX's element type of the outputs is, where it may be narrower than the type that holds the elements.
    pub(in crate::onnx) fn declare(&mut self, element: i32) {
        self.builder.declared = Some(element);
    }

    /// Whether a value depends on constants alone.
    pub(in crate::onnx) fn is_known(&self, value: &Value) -> bool {
        self.builder.is_known(value)
    }

    /// The elements of a value that depends on constants alone.
    pub(in crate::onnx) fn known(&self, value: &Value) -> Result<Option<Tensor>> {
        self.builder.known(value)
    }

    /// The quantised numbers that reals were made of.
    pub(super) fn dequantized(&self, value: &Value) -> Option<Dequantized> {
        match value {
            Value::Tensor { id, .. } => self.builder.dequantized.get(id).cloned(),
            _ => None,
        }
    }

    pub(super) fn note_dequantized(&mut self, value: &Value, from: Dequantized) {
        if let Value::Tensor { id, .. } = value {
            self.builder.dequantized.insert(*id, from);
        }
    }

    /// An input that must be known now.
    pub(in crate::onnx) fn optional_host(&self, index: usize) -> Result<Option<Tensor>> {
        let Some(value) = self.optional(index) else {
            return Ok(None);
        };
        let known = self.builder.required(&value)?;
        let known = known.ok_or_else(|| unsupported(format!("input {index} is computed while the network runs")))?;
        Ok(Some(known))
    }

    pub(in crate::onnx) fn host(&self, index: usize) -> Result<Tensor> {
        self.optional_host(index)?
            .ok_or_else(|| Error::Onnx(format!("input {index} is missing")))
    }

    /// Whole numbers in one dimension, or one without: axes, extents, lengths. They are copied and named in messages, so
    /// there must not be very many.
    pub(in crate::onnx) fn optional_host_ints(&self, index: usize) -> Result<Option<Vec<i64>>> {
        let most = MOST_NUMBERS.max(self.output_count());
        let Some(host) = self.optional_host(index)? else {
            return Ok(None);
        };
        let count = host.shape().iter().product::<usize>();
        match tensor::whole(&host) {
            Some(_) if count > most => Err(Error::Onnx(format!(
                "input {index} has {count} numbers, but {most} are the most"
            ))),
            Some(array) if array.ndim() <= 1 => Ok(Some(array.iter().copied().collect())),
            _ => Err(Error::Onnx(format!(
                "input {index} must be whole numbers in one dimension, but it is {}",
                host.tensor_type()
            ))),
        }
    }

    pub(in crate::onnx) fn host_ints(&self, index: usize) -> Result<Vec<i64>> {
        self.optional_host_ints(index)?
            .ok_or_else(|| Error::Onnx(format!("input {index} is missing")))
    }

    /// One real number.
    pub(in crate::onnx) fn optional_host_float(&self, index: usize) -> Result<Option<f32>> {
        match self.optional_host(index)? {
            None => Ok(None),
            Some(Tensor::F32(array)) if array.len() == 1 => Ok(array.first().copied()),
            Some(other) => Err(Error::Onnx(format!(
                "input {index} must be one real number, but it is {}",
                other.tensor_type()
            ))),
        }
    }

    // What comes out.

    /// Adds an operator with one output to the graph.
    pub(in crate::onnx) fn emit(&mut self, op: impl Into<Op>, inputs: &[&Value]) -> Result<Value> {
        Ok(self.emit_all(op, inputs)?.swap_remove(0))
    }

    /// As [`emit`](Self::emit), with all outputs of the operator.
    pub(in crate::onnx) fn emit_all(&mut self, op: impl Into<Op>, inputs: &[&Value]) -> Result<Vec<Value>> {
        let name = self.proto.output.iter().find(|name| !name.is_empty());
        self.builder.emit_all(name.map_or("", String::as_str), op.into(), inputs)
    }

    /// Whether an output is an input of another node or an output of the model.
    pub(in crate::onnx) fn is_used(&self, output: usize) -> bool {
        self.used_outputs.get(output).copied().unwrap_or(false)
    }

    /// As [`emit`](Self::emit), as the outputs of a node.
    pub(in crate::onnx) fn emit_one(&mut self, op: impl Into<Op>, inputs: &[&Value]) -> Result<Vec<Value>> {
        Ok(vec![self.emit(op, inputs)?])
    }

    /// The same elements under another shape, with `-1` for one extent that is to be inferred.
    pub(in crate::onnx) fn reshape(&mut self, value: &Value, shape: &[isize]) -> Result<Value> {
        let op = Reshape::new(shape);
        let target = op.output_shape(value.shape())?;
        if target == value.shape() {
            return Ok(value.clone());
        }
        let Value::Host(host) = value else {
            return self.emit(op, &[value]);
        };
        let wrong = |error: ndarray::ShapeError| Error::Onnx(error.to_string());
        let elements = tensor::element_count("a constant", &target)?;
        self.budget().charge("a constant", elements, host.dtype().bytes() as u64)?;
        Ok(Value::Host(
            each!(Tensor, host, array => array.to_shape(IxDyn(&target)).map_err(wrong)?.to_owned().into()),
        ))
    }
}

/// Its attributes.
impl<'m> Deref for Node<'_, 'm> {
    type Target = Attributes<'m>;

    fn deref(&self) -> &Attributes<'m> {
        &self.attributes
    }
}

pub(in crate::onnx) fn unsupported(message: impl Into<String>) -> Error {
    Error::unsupported("onnx", message)
}
