//! Sums of products of whole numbers, alone and between quantised numbers.

use super::builder::Value;
use super::cast::{cast_to, number};
use super::conv;
use super::node::{Node, unsupported};
use super::quantize::{Dynamic, centred, dynamic, is_zero, rounded, type_of_zero_point};
use crate::dtype::DType;
use crate::error::Result;
use crate::onnx::element;
use crate::ops::{Binary, ConvInteger, MatMul, MatMulInteger, Transpose};

/// Where the numbers of a scale or a zero point belong, if there are several: to the rows of the matrix on the left of a product, or
/// to the columns of the one on the right.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// A scale or a zero point of a matrix, as it broadcasts to that and to the product.
fn parameter(node: &mut Node<'_, '_>, index: usize, side: Side) -> Result<Option<Value>> {
    let Some(value) = node.optional(index) else {
        return Ok(None);
    };
    Ok(Some(match (value.shape(), side) {
        (shape, _) if shape.iter().product::<usize>() == 1 => node.reshape(&value, &[])?,
        ([_], Side::Left) => node.reshape(&value, &[-1, 1])?,
        _ => value,
    }))
}

fn scale(node: &mut Node<'_, '_>, index: usize, side: Side) -> Result<Value> {
    let scale = parameter(node, index, side)?;
    scale.ok_or_else(|| unsupported(format!("a missing scale, input {index}")))
}

/// A matrix without its zero point, which is the input of this index.
fn operand(node: &mut Node<'_, '_>, matrix: &Value, zero_point: usize, side: Side) -> Result<Value> {
    let zero_point = parameter(node, zero_point, side)?.filter(|zero_point| !is_zero(zero_point));
    centred(node, matrix, zero_point.as_ref())
}

pub(super) fn mat_mul_integer(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    let left = operand(node, &left, 2, Side::Left)?;
    let right = operand(node, &right, 3, Side::Right)?;
    node.declare(element::INT32);
    node.emit_one(MatMulInteger, &[&left, &right])
}

/// A product of the scales of two factors, as reals of sums of their products are divided by the output's scale.
fn factor(node: &mut Node<'_, '_>, left: &Value, right: &Value, output: Option<&Value>) -> Result<Value> {
    let product = node.emit(Binary::Mul, &[left, right])?;
    match output {
        Some(output) => node.emit(Binary::Div, &[&product, output]),
        None => Ok(product),
    }
}

/// Sums as the reals that they stand for.
fn scaled(node: &mut Node<'_, '_>, sums: &Value, factor: &Value) -> Result<Value> {
    let reals = cast_to(node, sums, DType::F32)?;
    node.emit(Binary::Mul, &[&reals, factor])
}

/// Sums as quantised numbers, by the factor and the zero point that is the input of this index.
fn requantized(node: &mut Node<'_, '_>, sums: &Value, factor: &Value, zero_point: usize) -> Result<Vec<Value>> {
    let to = type_of_zero_point(node, zero_point);
    let zero_point = parameter(node, zero_point, Side::Right)?;
    let quotients = scaled(node, sums, factor)?;
    node.declare(to);
    Ok(vec![rounded(node, &quotients, zero_point.as_ref(), to)?])
}

pub(super) fn q_linear_mat_mul(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(3)?);
    let (left_scale, right_scale) = (scale(node, 1, Side::Left)?, scale(node, 4, Side::Right)?);
    let output_scale = scale(node, 6, Side::Left)?;
    let factor = factor(node, &left_scale, &right_scale, Some(&output_scale))?;
    let left = operand(node, &left, 2, Side::Left)?;
    let right = operand(node, &right, 5, Side::Right)?;
    let sums = node.emit(MatMulInteger, &[&left, &right])?;
    requantized(node, &sums, &factor, 7)
}

/// One number for each output channel, as it broadcasts to a tensor with so many axes after that of the channels.
fn per_channel(node: &mut Node<'_, '_>, index: usize, axes: usize) -> Result<Option<Value>> {
    let Some(value) = node.optional(index) else {
        return Ok(None);
    };
    if value.shape().iter().product::<usize>() == 1 {
        return Ok(Some(node.reshape(&value, &[])?));
    }
    let mut extents = vec![1; axes + 1];
    extents[0] = -1;
    Ok(Some(node.reshape(&value, &extents)?))
}

/// The sums of a convolution of an input and a weight without their zero points.
fn conv_sums(node: &mut Node<'_, '_>, [input, weight]: [&Value; 2], zero_points: [usize; 2]) -> Result<Value> {
    let op = ConvInteger::new(conv::operator(node, input, weight)?);
    let input = operand(node, input, zero_points[0], Side::Left)?;
    let zero_point = per_channel(node, zero_points[1], weight.shape().len() - 1)?;
    let weight = centred(node, weight, zero_point.filter(|zero_point| !is_zero(zero_point)).as_ref())?;
    node.emit(op, &[&input, &weight])
}

pub(super) fn conv_integer(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight) = (node.input(0)?, node.input(1)?);
    node.declare(element::INT32);
    Ok(vec![conv_sums(node, [&input, &weight], [2, 3])?])
}

pub(super) fn q_linear_conv(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight) = (node.input(0)?, node.input(3)?);
    let axes = input.shape().len().saturating_sub(2);
    let mut sums = conv_sums(node, [&input, &weight], [2, 5])?;
    if let Some(bias) = per_channel(node, 8, axes)? {
        sums = node.emit(Binary::Add, &[&sums, &bias])?;
    }
    let input_scale = scale(node, 1, Side::Left)?;
    let weight_scale = per_channel(node, 4, axes)?.ok_or_else(|| unsupported("a weight without a scale"))?;
    let output_scale = scale(node, 6, Side::Left)?;
    let factor = factor(node, &input_scale, &weight_scale, Some(&output_scale))?;
    requantized(node, &sums, &factor, 7)
}

/// Reals of products and a bias, which is the input of this index.
fn with_bias(node: &mut Node<'_, '_>, product: Value, bias: usize) -> Result<Vec<Value>> {
    node.declare(element::FLOAT);
    Ok(vec![match node.optional(bias) {
        Some(bias) => node.emit(Binary::Add, &[&product, &bias])?,
        None => product,
    }])
}

pub(super) fn mat_mul_integer_to_float(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    let (left_scale, right_scale) = (scale(node, 2, Side::Left)?, scale(node, 3, Side::Right)?);
    let factor = factor(node, &left_scale, &right_scale, None)?;
    let left = operand(node, &left, 4, Side::Left)?;
    let right = operand(node, &right, 5, Side::Right)?;
    let sums = node.emit(MatMulInteger, &[&left, &right])?;
    let product = scaled(node, &sums, &factor)?;
    with_bias(node, product, 6)
}

pub(super) fn dynamic_quantize_mat_mul(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(1)?);
    let Dynamic { by, numbers } = dynamic(node, &left)?;
    let left_scale = node.reshape(&by.scale, &[])?;
    let right_scale = scale(node, 2, Side::Right)?;
    let factor = factor(node, &left_scale, &right_scale, None)?;
    let left = centred(node, &numbers, by.zero_point.as_ref())?;
    let right = operand(node, &right, 3, Side::Right)?;
    let sums = node.emit(MatMulInteger, &[&left, &right])?;
    let product = scaled(node, &sums, &factor)?;
    with_bias(node, product, 4)
}

/// A tensor with its last two axes exchanged, where that is asked for.
fn transposed(node: &mut Node<'_, '_>, value: Value, is_transposed: bool) -> Result<Value> {
    let rank = value.shape().len() as isize;
    if !is_transposed || rank < 2 {
        return Ok(value);
    }
    let mut axes: Vec<isize> = (0..rank).collect();
    axes.swap(rank as usize - 2, rank as usize - 1);
    node.emit(Transpose::new(axes), &[&value])
}

pub(super) fn q_gemm(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (left, right) = (node.input(0)?, node.input(3)?);
    let (transpose_left, transpose_right) = (node.flag("transA", false)?, node.flag("transB", false)?);
    let left = transposed(node, left, transpose_left)?;
    let right = transposed(node, right, transpose_right)?;
    let left = operand(node, &left, 2, Side::Left)?;
    let right = operand(node, &right, 5, Side::Right)?;
    let mut sums = node.emit(MatMulInteger, &[&left, &right])?;
    if let Some(addend) = node.optional(6) {
        sums = node.emit(Binary::Add, &[&sums, &addend])?;
    }
    let (left_scale, right_scale) = (scale(node, 1, Side::Left)?, scale(node, 4, Side::Right)?);
    let alpha = number(&left_scale, node.float("alpha", 1.0)?);
    let left_scale = node.emit(Binary::Mul, &[&left_scale, &alpha])?;
    let output_scale = parameter(node, 7, Side::Left)?;
    let factor = factor(node, &left_scale, &right_scale, output_scale.as_ref())?;
    if output_scale.is_some() {
        return requantized(node, &sums, &factor, 8);
    }
    node.declare(element::FLOAT);
    Ok(vec![scaled(node, &sums, &factor)?])
}

/// The product of two tensors of floats, either transposed, times a number.
pub(super) fn fused_mat_mul(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    for name in ["transBatchA", "transBatchB"] {
        if node.flag(name, false)? {
            return Err(unsupported(name));
        }
    }
    let (transpose_left, transpose_right) = (node.flag("transA", false)?, node.flag("transB", false)?);
    let (left, right) = (node.input(0)?, node.input(1)?);
    let left = transposed(node, left, transpose_left)?;
    let right = transposed(node, right, transpose_right)?;
    let product = node.emit(MatMul, &[&left, &right])?;
    let alpha = node.float("alpha", 1.0)?;
    if alpha == 1.0 {
        return Ok(vec![product]);
    }
    let alpha = number(&product, alpha);
    node.emit_one(Binary::Mul, &[&product, &alpha])
}
