//! Reductions along axes.

use ndarray::{ArrayD, IxDyn};

use super::activation::number;
use super::builder::{Value, signed};
use super::node::Node;
use crate::dtype::DType;
use crate::error::Result;
use crate::onnx::fold::wrapped;
use crate::onnx::tensor;
use crate::ops::{Binary, Reduce, ReduceKind, Ternary, Unary};

/// What a node says of the axes that are reduced.
struct Along {
    axes: Vec<isize>,
    keep_dims: bool,
    /// Whether no axis is reduced. What is done to elements before and afterwards still is.
    is_skipped: bool,
}

impl Along {
    /// Axes were an attribute up to an opset, and are an input from then on.
    fn read(node: &Node<'_, '_>) -> Result<Self> {
        let axes_are_an_input = if node.operator() == "ReduceSum" { 13 } else { 18 };
        let axes = if node.opset() < axes_are_an_input {
            node.ints("axes")?.map(<[i64]>::to_vec)
        } else {
            node.optional_host_ints(1)?
        };
        let axes = axes.unwrap_or_default();
        Ok(Self {
            keep_dims: node.flag("keepdims", true)?,
            is_skipped: node.flag("noop_with_empty_axes", false)? && axes.is_empty(),
            axes: axes.iter().map(|&axis| axis as isize).collect(),
        })
    }

    fn operator(&self, kind: ReduceKind) -> Reduce {
        Reduce::new(kind, self.axes.clone()).keep_dims(self.keep_dims)
    }

    fn sum(&self, node: &mut Node<'_, '_>, input: &Value) -> Result<Value> {
        if self.is_skipped {
            return Ok(input.clone());
        }
        node.emit(self.operator(ReduceKind::Sum), &[input])
    }
}

/// The sum, the product or the mean. The mean of whole numbers is one as well, rounded towards 0.
pub(super) fn combination(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, along) = (node.input(0)?, Along::read(node)?);
    if along.is_skipped {
        return Ok(vec![input]);
    }
    let kind = match node.operator() {
        "ReduceSum" => ReduceKind::Sum,
        "ReduceProd" => ReduceKind::Product,
        _ => ReduceKind::Mean,
    };
    match input.dtype() {
        Some(dtype) if kind == ReduceKind::Mean && dtype.is_integer() => {
            let sum = along.sum(node, &input)?;
            let count = input.shape().iter().product::<usize>() / sum.shape().iter().product::<usize>().max(1);
            let count = wrapped(ArrayD::from_elem(vec![1; sum.shape().len()], count as i64), dtype);
            node.emit_one(Binary::Div, &[&sum, &Value::Host(count)])
        }
        _ => node.emit_one(along.operator(kind), &[&input]),
    }
}

/// The smallest is the largest of what turns the order around, turned around.
pub(super) fn extreme(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, along) = (node.input(0)?, Along::read(node)?);
    if along.is_skipped {
        return Ok(vec![input]);
    }
    let largest = along.operator(ReduceKind::Max);
    let is_least = node.operator() == "ReduceMin";
    if input.shape().contains(&0) {
        let shape = along.operator(ReduceKind::Sum).output_shape(input.shape())?;
        let elements = tensor::element_count("the output", &shape)?;
        if elements > 0 {
            // Of no elements ONNX takes the number that loses to any other.
            node.budget().charge("the output", elements, 8)?;
            let dtype = input.dtype().unwrap_or(DType::F32);
            let nothing = match dtype.range() {
                Some((least, largest)) => {
                    let nothing = if is_least { largest } else { least };
                    wrapped(ArrayD::from_elem(IxDyn(&shape), nothing), dtype)
                }
                None if is_least => ArrayD::from_elem(IxDyn(&shape), f32::INFINITY).into(),
                None => ArrayD::from_elem(IxDyn(&shape), f32::NEG_INFINITY).into(),
            };
            return Ok(vec![Value::Host(nothing)]);
        }
    }
    if is_least {
        let turned = match input.dtype() {
            Some(DType::Bool) => Unary::Not,
            // The negative of the least of a type is not of the type.
            Some(dtype) if dtype.is_integer() => Unary::BitwiseNot,
            _ => Unary::Neg,
        };
        let other = node.emit(turned, &[&input])?;
        let largest = node.emit(largest, &[&other])?;
        return node.emit_one(turned, &[&largest]);
    }
    node.emit_one(largest, &[&input])
}

/// The sum of magnitudes, or of squares, or the root of the latter.
pub(super) fn norm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, along) = (node.input(0)?, Along::read(node)?);
    let terms = match node.operator() {
        "ReduceL1" => node.emit(Unary::Abs, &[&input])?,
        _ => node.emit(Binary::Mul, &[&input, &input])?,
    };
    let sum = along.sum(node, &terms)?;
    match node.operator() {
        "ReduceL2" => node.emit_one(Unary::Sqrt, &[&sum]),
        _ => Ok(vec![sum]),
    }
}

pub(super) fn log_sum(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, along) = (node.input(0)?, Along::read(node)?);
    let sum = along.sum(node, &input)?;
    node.emit_one(Unary::Log, &[&sum])
}

/// `log(sum(exp(x - m))) + m`, where `m` is the largest element, so that nothing overflows, and 0 where that is infinite: infinities
/// have no difference.
pub(super) fn log_sum_exp(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, along) = (node.input(0)?, Along::read(node)?);
    if along.is_skipped {
        return Ok(vec![input]);
    }
    if input.shape().contains(&0) {
        // Nothing is the largest of none, and nothing overflows.
        let sum = along.sum(node, &input)?;
        return node.emit_one(Unary::Log, &[&sum]);
    }
    let largest = node.emit(along.operator(ReduceKind::Max).keep_dims(true), &[&input])?;
    let magnitude = node.emit(Unary::Abs, &[&largest])?;
    let is_infinite = node.emit(Binary::Equal, &[&magnitude, &number(f32::INFINITY)])?;
    let centre = node.emit(Ternary::Where, &[&is_infinite, &number(0.0), &largest])?;
    let distance = node.emit(Binary::Sub, &[&input, &centre])?;
    let power = node.emit(Unary::Exp, &[&distance])?;
    let sum = along.sum(node, &power)?;
    let log = node.emit(Unary::Log, &[&sum])?;
    let shape = signed(sum.shape());
    let centre = node.reshape(&centre, &shape)?;
    node.emit_one(Binary::Add, &[&log, &centre])
}
