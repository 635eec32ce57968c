//! From nodes to a [`Graph`]: values by name, what is known while the graph is built, and the table of operators.
//!
//! To add an operator, write a function `fn(&mut Node) -> Result<Vec<Value>>` and name it in [`find`]. It reads attributes
//! and inputs through [`Node`], which notices those that nobody reads: what is not understood is refused, not ignored.

mod activation;
mod conv;
mod elementwise;
mod linear;
mod movement;
mod node;
mod norm;
mod pad;
mod pool;
mod reduce;
mod resize;
mod shape;
mod window;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ndarray::ArrayD;

pub(super) use movement::indices;
pub(super) use node::Node;

use super::budget::Budget;
use super::proto::NodeProto;
use super::tensor::{self, Host};
use super::{Model, Shapes, check, fold};
use crate::error::{Error, Result};
use crate::graph::{Graph, ValueId};
use crate::ops::{Op, Reshape};

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Value {
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

/// One operator's conversion.
pub(super) type Convert = fn(&mut Node<'_, '_>) -> Result<Vec<Value>>;

/// The operators that become nodes of the graph. Those that work on shapes alone are in [`fold::find`].
fn find(operator: &str) -> Option<Convert> {
    Some(match operator {
        "Conv" => conv::conv,
        "ConvTranspose" => conv::conv_transpose,
        "MaxPool" => pool::max_pool,
        "AveragePool" => pool::average_pool,
        "GlobalAveragePool" => pool::global_average_pool,
        "GlobalMaxPool" => pool::global_max_pool,
        "Pad" => pad::pad,
        "BatchNormalization" => norm::batch_norm,
        "Softmax" => norm::softmax,
        "LogSoftmax" => norm::log_softmax,
        "Gemm" => linear::gemm,
        "MatMul" => linear::mat_mul,
        "InstanceNormalization" => norm::instance_norm,
        "LRN" => norm::local_response_norm,
        "LpPool" => pool::lp_pool,
        "Relu" | "Sigmoid" | "Tanh" | "Softplus" | "Softsign" | "HardSwish" | "Mish" | "Abs" | "Neg" | "Exp" | "Log" | "Sqrt"
        | "Erf" | "Floor" | "Ceil" => activation::plain,
        "Swish" => activation::swish,
        "Selu" => activation::selu,
        "Celu" => activation::celu,
        "LeakyRelu" => activation::leaky_relu,
        "PRelu" => activation::prelu,
        "Elu" => activation::elu,
        "HardSigmoid" => activation::hard_sigmoid,
        "Gelu" => activation::gelu,
        "Clip" => activation::clip,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => elementwise::binary,
        "Sum" | "Min" | "Max" | "Mean" => elementwise::many,
        "Concat" => movement::concat,
        "Slice" => movement::slice,
        "Split" => movement::split,
        "SplitToSequence" => movement::split_to_sequence,
        "SequenceAt" => movement::sequence_at,
        "Gather" => movement::gather,
        "Transpose" => movement::transpose,
        "Expand" => movement::expand,
        "DepthToSpace" => movement::depth_to_space,
        "SpaceToDepth" => movement::space_to_depth,
        "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" => reduce::reduce,
        "Cast" => elementwise::cast,
        "CastLike" => elementwise::cast_like,
        "Identity" => elementwise::identity,
        "Dropout" => elementwise::dropout,
        "Reshape" => shape::reshape,
        "Flatten" => shape::flatten,
        "Squeeze" => shape::squeeze,
        "Unsqueeze" => shape::unsqueeze,
        "Resize" => resize::resize,
        "Upsample" => resize::upsample,
        _ => return None,
    })
}

/// The operator's name, after its domain where that is not ONNX's.
pub(super) fn qualified(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// A graph under construction.
pub(super) struct Builder<'m> {
    model: &'m Model,
    graph: Graph,
    budget: Budget,
    values: HashMap<&'m str, Value>,
    /// What nodes give, without what is an output already.
    computed: HashSet<ValueId>,
    /// Constants that are in the graph, by the address of the array, which is held so that it stays theirs.
    constants: HashMap<*const ArrayD<f32>, (Arc<ArrayD<f32>>, ValueId)>,
}

pub(super) fn graph(model: &Model, shapes: &Shapes) -> Result<Graph> {
    let mut builder = Builder {
        model,
        graph: Graph::new(),
        budget: Budget::new(model.budget),
        values: HashMap::new(),
        computed: HashSet::new(),
        constants: HashMap::new(),
    };
    for (input, shape) in model.inputs.iter().zip(check::input_shapes(model, shapes)?) {
        let what = format!("input {:?}", input.name);
        builder.budget.check(&what, tensor::element_count(&what, &shape)?)?;
        let value = if let Some(value) = shapes.values.get(&input.name) {
            Value::Host(check::fixed_value(input, value)?)
        } else {
            let id = builder.graph.input_of_shape(&input.name, shape.as_slice());
            match input.element {
                tensor::FLOAT => Value::Tensor { id, shape },
                other => Value::Missing(format!(
                    "{what} is {}: only FLOAT is read while the network runs, others need a value (Shapes::value)",
                    tensor::type_name(other)
                )),
            }
        };
        builder.values.insert(&input.name, value);
    }
    let used: HashSet<&str> = model
        .nodes
        .iter()
        .flat_map(|node| &node.input)
        .chain(model.outputs.iter().map(|output| &output.name))
        .map(String::as_str)
        .collect();
    let mut unsupported = Vec::new();
    for (index, node) in model.nodes.iter().enumerate() {
        let name = match (node.name.as_str(), node.output.iter().find(|output| !output.is_empty())) {
            ("", Some(output)) => format!("of {output:?}"),
            ("", None) => format!("number {index}"),
            (name, _) => format!("{name:?}"),
        };
        match builder.node(node, &used) {
            Ok(()) => {}
            Err(Error::Unsupported { message, .. }) => {
                if !message.is_empty() {
                    unsupported.push(format!("  node {name} ({}): {message}", qualified(node)));
                }
                for output in &node.output {
                    builder.values.insert(output, Value::Missing(String::new()));
                }
            }
            Err(error) => return Err(locate(error, &name, node)),
        }
    }
    for output in &model.outputs {
        if let Err(error) = builder.output(&output.name) {
            match error {
                Error::Unsupported { message, .. } if message.is_empty() => {}
                Error::Unsupported { message, .. } => unsupported.push(format!("  output {:?}: {message}", output.name)),
                other => return Err(other),
            }
        }
    }
    if unsupported.is_empty() {
        return Ok(builder.graph);
    }
    Err(Error::unsupported(
        "onnx",
        format!(
            "{} of the model's {} nodes (opset {}):\n{}",
            unsupported.len(),
            model.nodes.len(),
            model.opset,
            unsupported.join("\n")
        ),
    ))
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

impl<'m> Builder<'m> {
    /// Converts a node and gives its outputs their names.
    fn node(&mut self, proto: &'m NodeProto, used: &HashSet<&str>) -> Result<()> {
        let unsupported = |message: String| Error::unsupported("onnx", message);
        if !matches!(proto.domain.as_str(), "" | "ai.onnx") {
            return Err(unsupported(format!("domain {:?}", proto.domain)));
        }
        let (fold, convert) = (fold::find(&proto.op_type), find(&proto.op_type));
        if fold.is_none() && convert.is_none() {
            return Err(unsupported("no such operator".to_owned()));
        }
        let mut inputs = Vec::new();
        for name in &proto.input {
            inputs.push(if name.is_empty() { None } else { Some(self.value(name)?) });
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
        let known = inputs.iter().flatten().all(|input| matches!(input, Value::Host(_)));
        let convert = match (fold, convert) {
            (Some(fold), _) if known || matches!(proto.op_type.as_str(), "Shape" | "Size") => fold,
            (_, Some(convert)) => convert,
            _ => return Err(unsupported("only of what is known before the network runs".to_owned())),
        };
        let used_outputs = proto.output.iter().map(|name| used.contains(name.as_str())).collect();
        let mut node = Node::new(self, proto, inputs, used_outputs)?;
        let outputs = convert(&mut node)?;
        node.check_all_read()?;
        for (index, name) in proto.output.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let value = match outputs.get(index) {
                Some(value) => value.clone(),
                None if used.contains(name.as_str()) => return Err(unsupported(format!("output {index} ({name:?})"))),
                None => Value::Missing(String::new()),
            };
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// The value of a name; an initializer is decoded when it is first used.
    fn value(&mut self, name: &'m str) -> Result<Value> {
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
            Some(array) => (self.budget.charge(&what, array.len(), 4)).map(|()| Host::Float(Arc::clone(array))),
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
    fn id(&mut self, name: &str, value: &Value) -> Result<ValueId> {
        match value {
            Value::Tensor { id, .. } => Ok(*id),
            Value::Host(Host::Float(array)) => {
                if let Some((_, id)) = self.constants.get(&Arc::as_ptr(array)) {
                    return Ok(*id);
                }
                let id = self.graph.shared_constant(name, array.clone());
                self.constants.insert(Arc::as_ptr(array), (array.clone(), id));
                Ok(id)
            }
            Value::Host(Host::Int(_)) => Err(Error::unsupported("onnx", "whole numbers as a tensor of the network")),
            Value::Sequence(_) => Err(Error::unsupported("onnx", "a sequence of tensors")),
            Value::Missing(reason) => Err(Error::unsupported("onnx", reason.clone())),
        }
    }

    /// Adds an operator and gives its first output.
    fn emit(&mut self, name: &str, op: Op, inputs: &[&Value]) -> Result<Value> {
        Ok(self.emit_all(name, op, inputs)?.swap_remove(0))
    }

    /// Adds an operator, once its shapes are checked.
    fn emit_all(&mut self, name: &str, op: Op, inputs: &[&Value]) -> Result<Vec<Value>> {
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

    fn output(&mut self, name: &'m str) -> Result<()> {
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

impl Value {
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Tensor { shape, .. } => shape,
            Self::Host(host) => host.shape(),
            Self::Sequence(_) | Self::Missing(_) => &[],
        }
    }
}
