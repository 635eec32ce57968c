//! Networks as graphs of operators, and sessions that run them.
//!
//! ```
//! use convoke::{Backend, Session, graph::Graph, ops::{Unary, Conv2d}};
//! use ndarray::Array4;
//!
//! let mut graph = Graph::new();
//! let image = graph.input("image");
//! let weight = graph.constant("weight", Array4::<f32>::ones((8, 3, 3, 3)).into_dyn());
//! let features = graph.node("conv", Conv2d::new().padding(1), &[image, weight])?;
//! let active = graph.node("relu", Unary::Relu, &[features])?;
//! graph.output(active)?;
//!
//! let session = Session::new(graph, &Backend::auto())?;
//! let outputs = session.run(&[Array4::<f32>::ones((1, 3, 8, 8)).into_dyn().view()])?;
//! assert_eq!(outputs[0].shape(), [1, 8, 8, 8]);
//! # Ok::<(), convoke::Error>(())
//! ```

pub(crate) mod exact_sums;
mod info;
pub(crate) mod magnitudes;
mod part;
pub(crate) mod passes;
#[cfg(test)]
pub(crate) mod quantised;
mod source;
pub(crate) mod uses;
pub(crate) mod work;

use std::sync::Arc;

pub use info::{Dim, ValueInfo};
pub use passes::Pass;
pub use source::Source;
pub(crate) use source::{Fold, Kind, Next, Stage};
pub(crate) use work::{count, multiply_adds};

use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result, ensure};
use crate::ops::Op;
use crate::tensor::{Tensor, TensorView};

const NAME: &str = "graph";

/// A value of a graph: an input, a constant or a node's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// Its place among the graph's values, by which [`Graph::shapes`] and [`Graph::infer`] have them.
    pub fn index(self) -> usize {
        self.0
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ValueData {
    pub(crate) name: String,
    pub(crate) constant: Option<Arc<Tensor>>,
    /// The type of an input's elements, or of a constant whose elements are no longer here.
    pub(crate) dtype: DType,
    /// The only shape that it can have: of an input, where the graph was made for it, or of such a constant.
    pub(crate) shape: Option<Vec<usize>>,
}

/// One operator of a graph.
#[derive(Clone, Debug)]
pub struct Node {
    pub(crate) name: String,
    pub(crate) op: Op,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
}

impl Node {
    /// The node's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operator.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// The operator's inputs in its order.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The operator's outputs in its order.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }
}

/// Operators and the values between them. Nodes can use only values that exist, so they stand in an order that runs.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub(crate) values: Vec<ValueData>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
    /// How many elements of weights a file gave for it, where it is of one: constants may be more, since a file may ask for any
    /// number of equal ones.
    pub(crate) weights: Option<u64>,
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input of `f32`.
    pub fn input(&mut self, name: impl Into<String>) -> ValueId {
        self.input_of_type(name, DType::F32)
    }

    /// Adds an input whose elements are of this type.
    pub fn input_of_type(&mut self, name: impl Into<String>, dtype: DType) -> ValueId {
        let value = self.value(name.into(), None);
        self.values[value.0].dtype = dtype;
        self.inputs.push(value);
        value
    }

    /// Adds an input of which the graph takes this shape and no other, since what stands in it was computed from the shape.
    ///
    /// ```
    /// use convoke::graph::Graph;
    /// use convoke::ops::Reshape;
    ///
    /// let mut graph = Graph::new();
    /// let image = graph.input_of_shape("image", [2, 3, 4, 5]);
    /// let rows = graph.node("rows", Reshape::new([2, 3, 4 * 5]), &[image])?;
    /// graph.output(rows)?;
    /// let error = graph.shapes(&[&[1, 3, 4, 5]]).unwrap_err().to_string();
    /// assert!(error.contains("\"image\"") && error.contains("expected shape [2, 3, 4, 5]"));
    /// # Ok::<(), convoke::Error>(())
    /// ```
    pub fn input_of_shape(&mut self, name: impl Into<String>, shape: impl Into<Vec<usize>>) -> ValueId {
        let value = self.input(name);
        self.fix_shape(value, shape.into());
        value
    }

    /// Has the graph take this shape of an input and no other.
    pub(crate) fn fix_shape(&mut self, input: ValueId, shape: Vec<usize>) {
        self.values[input.0].shape = Some(shape);
    }

    /// Adds a constant: a weight, or numbers of any other type.
    pub fn constant(&mut self, name: impl Into<String>, tensor: impl Into<Tensor>) -> ValueId {
        self.value(name.into(), Some(Arc::new(tensor.into())))
    }

    /// Adds an operator and gives its first output.
    ///
    /// Errors: an input that is not a value of this graph.
    pub fn node(&mut self, name: impl Into<String>, op: impl Into<Op>, inputs: &[ValueId]) -> Result<ValueId> {
        Ok(self.node_outputs(name, op, inputs)?[0])
    }

    /// Adds an operator and gives all its outputs.
    ///
    /// Errors: an input that is not a value of this graph.
    pub fn node_outputs(&mut self, name: impl Into<String>, op: impl Into<Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>> {
        let (name, op) = (name.into(), op.into());
        for input in inputs {
            self.check(*input)?;
        }
        let outputs: Vec<_> = (0..op.output_count())
            .map(|index| self.value(if index == 0 { name.clone() } else { format!("{name}.{index}") }, None))
            .collect();
        self.nodes.push(Node {
            name,
            op,
            inputs: inputs.to_vec(),
            outputs: outputs.clone(),
        });
        Ok(outputs)
    }

    /// Makes a value an output.
    ///
    /// Errors: not a value of this graph.
    pub fn output(&mut self, value: ValueId) -> Result<()> {
        self.check(value)?;
        self.outputs.push(value);
        Ok(())
    }

    /// The operators in an order that runs.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The inputs in the order they were added.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The outputs in the order they were added.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// What is known of an input before its shape is: its name, its type, and the shape that the graph was made for.
    pub(crate) fn input_info(&self, input: ValueId) -> ValueInfo {
        let ValueData { name, dtype, shape, .. } = &self.values[input.0];
        ValueInfo {
            name: name.clone(),
            dtype: Some(*dtype),
            dims: shape.as_ref().map(|shape| shape.iter().copied().map(Dim::Known).collect()),
        }
    }

    /// What is known of an output before the inputs' shapes are: its name.
    pub(crate) fn output_info(&self, output: ValueId) -> ValueInfo {
        ValueInfo {
            name: self.values[output.0].name.clone(),
            dtype: None,
            dims: None,
        }
    }

    /// A value's name.
    pub fn name(&self, value: ValueId) -> &str {
        &self.values[value.0].name
    }

    /// The elements of a constant.
    #[cfg(feature = "onnx")]
    pub(crate) fn constant_of(&self, value: ValueId) -> Option<&Tensor> {
        self.values[value.0].constant.as_deref()
    }

    /// The type of an input's elements.
    pub fn input_type(&self, input: ValueId) -> DType {
        self.values[input.0].dtype
    }

    /// The shape of every value for these shapes of the inputs.
    ///
    /// Errors: as [`infer`](Self::infer).
    pub fn shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        let types = self.infer(inputs)?.into_iter();
        Ok(types.map(|known| known.shape).collect())
    }

    /// The type and the shape of every value for these shapes of the inputs.
    ///
    /// Errors: the number of inputs, shapes that the graph was not made for, and what each operator refuses; the message names
    /// the input or the node.
    pub fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<TensorType>> {
        self.check_inputs(inputs)?;
        let known = |value: &ValueData| match &value.constant {
            Some(constant) => constant.tensor_type(),
            None => TensorType::new(value.dtype, value.shape.clone().unwrap_or_default()),
        };
        let mut types: Vec<TensorType> = self.values.iter().map(known).collect();
        for (value, shape) in self.inputs.iter().zip(inputs) {
            types[value.0].shape = shape.to_vec();
        }
        for node in &self.nodes {
            let operands: Vec<&TensorType> = node.inputs.iter().map(|value| &types[value.0]).collect();
            let outputs = node.op.infer(&operands).map_err(|error| node.locate(error))?;
            for (value, output) in node.outputs.iter().zip(outputs) {
                types[value.0] = output;
            }
        }
        Ok(types)
    }

    /// Checks how many inputs there are, and the shapes of those that the graph was made for.
    pub(crate) fn check_inputs(&self, shapes: &[&[usize]]) -> Result<()> {
        ensure!(
            shapes.len() == self.inputs.len(),
            NAME,
            "expected {} inputs ({}), but got {}",
            self.inputs.len(),
            self.inputs
                .iter()
                .map(|&value| self.name(value))
                .collect::<Vec<_>>()
                .join(", "),
            shapes.len()
        );
        for (&input, got) in self.inputs.iter().zip(shapes) {
            let ValueData { name, shape, .. } = &self.values[input.0];
            if let Some(shape) = shape.as_ref().filter(|shape| shape != got) {
                return Err(Error::invalid(
                    NAME,
                    format!(
                        "input {name:?}: expected shape {shape:?}, which the graph was made for and depends on, but got {got:?}; \
                         a session of the model itself (Session::from_model) makes a graph for each shape"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Checks the types of the inputs, which are as many as there must be.
    pub(crate) fn check_types(&self, inputs: &[TensorView<'_>]) -> Result<()> {
        for (&input, got) in self.inputs.iter().zip(inputs) {
            let ValueData { name, dtype, .. } = &self.values[input.0];
            ensure!(
                got.dtype() == *dtype,
                NAME,
                "input {name:?}: expected elements of type {dtype}, but got {}",
                got.dtype()
            );
        }
        Ok(())
    }

    fn value(&mut self, name: String, constant: Option<Arc<Tensor>>) -> ValueId {
        self.values.push(ValueData {
            name,
            dtype: constant.as_ref().map_or(DType::F32, |constant| constant.dtype()),
            constant,
            shape: None,
        });
        ValueId(self.values.len() - 1)
    }

    fn check(&self, value: ValueId) -> Result<()> {
        ensure!(
            value.0 < self.values.len(),
            NAME,
            "value {} does not belong to this graph",
            value.0
        );
        Ok(())
    }
}

impl Node {
    /// Names the node in an operator's refusal.
    pub(crate) fn locate(&self, error: Error) -> Error {
        error.about(&format!("node {:?}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{Binary, MaxPool2d};

    #[test]
    fn shapes_are_inferred_and_refusals_name_the_node() {
        let mut graph = Graph::new();
        let image = graph.input("image");
        let pooled = graph.node("pool", MaxPool2d::new(2), &[image]).unwrap();
        let sum = graph.node("sum", Binary::Add, &[pooled, pooled]).unwrap();
        graph.output(sum).unwrap();
        assert_eq!(graph.shapes(&[&[1, 2, 6, 8]]).unwrap()[sum.0], [1, 2, 3, 4]);
        let message = graph.shapes(&[&[1, 2, 1, 8]]).unwrap_err().to_string();
        assert!(message.contains("max_pool2d") && message.contains("\"pool\""), "{message}");
        assert!(graph.shapes(&[]).unwrap_err().to_string().contains("image"));
    }

    #[test]
    fn foreign_values_are_refused() {
        let mut graph = Graph::new();
        assert!(graph.node("add", Binary::Add, &[ValueId(0), ValueId(1)]).is_err());
        assert!(graph.output(ValueId(7)).is_err());
    }
}
