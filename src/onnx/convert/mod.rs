//! From nodes to a [`Graph`]: values by name, what is known while the graph is built, and the table of operators.
//!
//! To add an operator, write a function `fn(&mut Node) -> Result<Vec<Value>>` and name it in [`table`]. It reads attributes
//! and inputs through [`Node`], which notices those that nobody reads: what is not understood is refused, not ignored.

mod activation;
mod attention;
mod builder;
mod conv;
mod einsum;
mod elementwise;
mod flex;
mod fourier;
mod fused;
mod linear;
mod linear_attention;
mod movement;
mod multi_head;
mod node;
mod nodes;
mod norm;
mod pad;
mod pool;
mod reduce;
mod resize;
mod rotary;
mod shape;
mod subgraph;
mod table;
mod window;

pub(super) use builder::Value;
pub(super) use movement::indices;
pub(super) use node::{Convert, Node};

use super::model::Model;
use super::proto::NodeProto;
use super::types::{Shapes, TensorInfo};
use super::{check, tensor};
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::passes::Evaluate;
use builder::Builder;
use nodes::Conversion;

/// The operator's name, after its domain where that is not ONNX's.
pub(super) fn qualified(node: &NodeProto) -> String {
    match node.domain.as_str() {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    }
}

/// The graph of a model for these shapes. `evaluate` computes what is known where its elements are needed.
pub(crate) fn graph(model: &Model, shapes: &Shapes, evaluate: Evaluate) -> Result<Graph> {
    let mut builder = Builder::new(model, evaluate);
    for (input, shape) in model.inputs.iter().zip(check::input_shapes(model, shapes)?) {
        let what = format!("input {:?}", input.name);
        builder.budget.check(&what, tensor::element_count(&what, &shape)?)?;
        let value = match shapes.values.get(&input.name) {
            Some(value) => Value::Host(check::fixed_value(input, value)?),
            None => self::input(&mut builder, input, shape),
        };
        builder.values.insert(&input.name, value);
    }
    let mut conversion = Conversion::new(model);
    conversion.nodes(&mut builder, &model.nodes)?;
    let mut unsupported = conversion.unsupported;
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

/// An input that is read while the network runs.
fn input(builder: &mut Builder<'_>, input: &TensorInfo, shape: Vec<usize>) -> Value {
    let dtype = input.dtype();
    let id = builder.graph.input_of_type(&input.name, dtype.unwrap_or(DType::F32));
    builder.graph.fix_shape(id, shape.clone());
    match dtype {
        Some(dtype) => Value::Tensor {
            id,
            kind: TensorType { dtype, shape },
        },
        None => Value::Missing(format!(
            "input {:?} is {}, which is no type of inputs; as a known value (Shapes::value) whole numbers of any type are read",
            input.name,
            input.element_type()
        )),
    }
}
