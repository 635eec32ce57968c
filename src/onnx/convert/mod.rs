//! From nodes to a [`Graph`]: values by name, what is known while the graph is built, and the table of operators.
//!
//! To add an operator, write a function `fn(&mut Node) -> Result<Vec<Value>>` and name it in [`table`]. It reads attributes
//! and inputs through [`Node`], which notices those that nobody reads: what is not understood is refused, not ignored.

mod activation;
mod attention;
mod bits;
mod builder;
mod cast;
mod causal_conv;
mod col2im;
mod conv;
mod determinant;
mod early;
mod einsum;
mod elementwise;
mod experimental;
mod filter;
mod flex;
mod fourier;
mod fused;
mod gather;
mod integer;
mod linear;
mod linear_attention;
mod loss;
mod max_roi_pool;
mod movement;
mod multi_head;
mod nested;
mod node;
mod nodes;
mod norm;
mod optional;
mod order;
mod origin;
mod pad;
mod pool;
mod q_linear;
mod quantize;
mod recurrent;
mod reduce;
mod refusals;
mod resize;
mod rotary;
mod sample;
mod scan;
mod scatter;
mod select;
mod sequence;
mod shape;
mod splice;
mod stages;
mod subgraph;
mod table;
mod window;

pub(super) use builder::Value;
pub(super) use movement::indices;
pub(super) use node::{Convert, Node};
pub(crate) use stages::{check, staged};

use super::model::Model;
use super::proto::NodeProto;
use super::tensor;
use super::types::{Shapes, TensorInfo};
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::graph::passes::Evaluate;
use builder::Builder;
use nested::Nested;
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
    let mut builder = start(model, shapes, evaluate)?;
    let mut conversion = Conversion::new(model);
    conversion.nodes(&mut builder, &model.nodes)?;
    for output in &model.outputs {
        give(&mut builder, &mut conversion, output)?;
    }
    finish(model, conversion)?;
    Ok(builder.graph)
}

/// A builder that has the model's inputs.
fn start<'m>(model: &'m Model, shapes: &Shapes, evaluate: Evaluate) -> Result<Builder<'m>> {
    let mut builder = Builder::new(model, evaluate);
    for (input, shape) in model.inputs.iter().zip(super::check::input_shapes(model, shapes)?) {
        let what = format!("input {:?}", input.name);
        builder.budget.check(&what, tensor::element_count(&what, &shape)?)?;
        let value = match shapes.values.get(&input.name) {
            Some(value) => Value::Host(super::check::fixed_value(input, value)?),
            None => self::input(&mut builder, input, shape),
        };
        builder.values.insert(&input.name, value);
    }
    Ok(builder)
}

/// Makes a value an output of the graph; what cannot be had is noted with what is not supported.
fn give<'m>(builder: &mut Builder<'m>, conversion: &mut Conversion<'m>, output: &'m TensorInfo) -> Result<()> {
    let value = builder.value(&output.name)?;
    match builder.output(&output.name, &value) {
        Err(Error::Unsupported { message, .. }) => {
            if !message.is_empty() {
                conversion.refusals.output(&output.name, &message);
            }
            Ok(())
        }
        result => result,
    }
}

/// Refuses the model where anything is not supported, and lists that.
fn finish(model: &Model, conversion: Conversion<'_>) -> Result<()> {
    match conversion.refusals.error(model) {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// An input that is read while the network runs.
fn input(builder: &mut Builder<'_>, input: &TensorInfo, shape: Vec<usize>) -> Value {
    let dtype = input.dtype();
    let kind = TensorType {
        dtype: dtype.unwrap_or(DType::F32),
        shape,
    };
    let value = builder.input(&input.name, kind);
    match dtype {
        Some(_) => value,
        None => Value::Missing(format!(
            "input {:?} is {}, which is no type of inputs",
            input.name,
            input.element_type()
        )),
    }
}
