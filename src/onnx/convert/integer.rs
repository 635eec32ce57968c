//! Sums of products of whole numbers, alone and between quantised numbers.

use super::builder::Value;
use super::cast::number;
use super::conv;
use super::node::{Node, unsupported};
use super::origin::Dequantized;
use super::quantize::{Dynamic, as_f32, centred, dynamic, is_zero, rounded, type_of_zero_point};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::element;
use crate::ops::{Binary, ConvInteger, MatMul, MatMulInteger, Transpose};
use crate::tensor::Tensor;

/// Where the numbers of a scale or a zero point belong, if there are several: to the rows of the matrix on the left of a product, or
/// to the columns of the one on the right.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// A scale or a zero point of a matrix, as it broadcasts to that and to the product.
fn parameter(node: &mut Node<'_, '_>, index: usize, side: Side) -> Result<Option<Value>> {
    node.optional(index).map(|value| beside(node, value, side)).transpose()
}

fn beside(node: &mut Node<'_, '_>, value: Value, side: Side) -> Result<Value> {
    Ok(match (value.shape(), side) {
        (shape, _) if shape.iter().product::<usize>() == 1 => node.reshape(&value, &[])?,
        ([_], Side::Left) => node.reshape(&value, &[-1, 1])?,
        _ => value,
    })
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
    let product = as_f32(node, &product)?;
    match output {
        Some(output) => {
            let quotient = node.emit(Binary::Div, &[&product, output])?;
            as_f32(node, &quotient)
        }
        None => Ok(product),
    }
}

/// Sums as the reals that they stand for.
fn scaled(node: &mut Node<'_, '_>, sums: &Value, factor: &Value) -> Result<Value> {
    let reals = as_f32(node, sums)?;
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
    node.optional(index).map(|value| of_channels(node, &value, axes)).transpose()
}

fn of_channels(node: &mut Node<'_, '_>, value: &Value, axes: usize) -> Result<Value> {
    if value.shape().iter().product::<usize>() == 1 {
        return node.reshape(value, &[]);
    }
    let mut extents = vec![1; axes + 1];
    extents[0] = -1;
    node.reshape(value, &extents)
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
        sums = with_addend(node, &sums, &bias)?;
    }
    let input_scale = scale(node, 1, Side::Left)?;
    let weight_scale = per_channel(node, 4, axes)?.ok_or_else(|| unsupported("a weight without a scale"))?;
    let output_scale = scale(node, 6, Side::Left)?;
    let factor = factor(node, &input_scale, &weight_scale, Some(&output_scale))?;
    requantized(node, &sums, &factor, 7)
}

/// A convolution of reals that were made of quantised numbers, by the sums of the products of these. None where the numbers or their
/// scales are not such that the sums stand for the same.
pub(super) fn conv_of_dequantized(
    node: &mut Node<'_, '_>,
    [input, weight]: [&Value; 2],
    bias: Option<&Value>,
) -> Result<Option<Value>> {
    let (Some(input), Some(weight)) = (node.dequantized(input), node.dequantized(weight)) else {
        return Ok(None);
    };
    if !input.is_of_bytes(None) || !weight.is_of_bytes(Some(0)) {
        return Ok(None);
    }
    let axes = input.numbers.shape().len().saturating_sub(2);
    let (input_scale, weight_scale) = (node.reshape(&input.scale, &[])?, of_channels(node, &weight.scale, axes)?);
    let factor = factor(node, &input_scale, &weight_scale, None)?;
    let op = ConvInteger::new(conv::operator(node, &input.numbers, &weight.numbers)?);
    let zero_point = (weight.zero_point.as_ref()).map(|zero_point| of_channels(node, zero_point, axes + 1));
    let centred_weight = centred(node, &weight.numbers, zero_point.transpose()?.as_ref())?;
    let zero_point = (input.zero_point.as_ref()).map(|zero_point| node.reshape(zero_point, &[]));
    let centred_input = centred(node, &input.numbers, zero_point.transpose()?.as_ref())?;
    let sums = node.emit(op, &[&centred_input, &centred_weight])?;
    let bias = bias.map(|bias| Bias::read(node, bias, &factor)).transpose()?;
    let bias = bias
        .map(|bias| bias.spread(|bias| of_channels(node, bias, axes)))
        .transpose()?;
    reals_of_sums(node, &sums, &factor, bias).map(Some)
}

/// As [`conv_of_dequantized`] a product of matrices, the right one transposed where that is asked for.
pub(super) fn product_of_dequantized(
    node: &mut Node<'_, '_>,
    [left, right]: [&Value; 2],
    transpose_right: bool,
    bias: Option<&Value>,
) -> Result<Option<Value>> {
    let (Some(left), Some(right)) = (node.dequantized(left), node.dequantized(right)) else {
        return Ok(None);
    };
    let column_axis = usize::from(!transpose_right);
    if !left.is_of_bytes(None) || !right.is_of_bytes(Some(column_axis)) || right.numbers.shape().len() != 2 {
        return Ok(None);
    }
    let (left_scale, right_scale) = (node.reshape(&left.scale, &[])?, beside(node, right.scale, Side::Right)?);
    let factor = factor(node, &left_scale, &right_scale, None)?;
    let zero_point = left.zero_point.map(|zero_point| node.reshape(&zero_point, &[])).transpose()?;
    let left = centred(node, &left.numbers, zero_point.as_ref())?;
    let zero_point = right
        .zero_point
        .map(|zero_point| beside(node, zero_point, Side::Right))
        .transpose()?;
    let right = transposed(node, right.numbers, transpose_right)?;
    let right = centred(node, &right, zero_point.as_ref())?;
    let sums = node.emit(MatMulInteger, &[&left, &right])?;
    let bias = bias.map(|bias| Bias::read(node, bias, &factor)).transpose()?;
    reals_of_sums(node, &sums, &factor, bias).map(Some)
}

/// What is added to sums of products.
enum Bias {
    /// Whole numbers of the sums' own scale.
    Whole(Value),
    /// Anything else: floats, and whole numbers of another scale.
    Real(Value),
}

impl Bias {
    fn read(node: &Node<'_, '_>, bias: &Value, factor: &Value) -> Result<Self> {
        let real = || Ok(Self::Real(bias.clone()));
        let Some(Dequantized {
            numbers,
            scale,
            zero_point: None,
            ..
        }) = node.dequantized(bias)
        else {
            return real();
        };
        let (Some(Tensor::F32(scale)), Some(Tensor::F32(factor))) = (node.known(&scale)?, node.known(factor)?) else {
            return real();
        };
        let count = scale.len().max(factor.len());
        let mut pairs = scale.iter().cycle().zip(factor.iter().cycle()).take(count);
        // But for a rounding.
        let is_same = pairs.all(|(scale, factor)| (scale - factor).abs() <= 2.0 * f32::EPSILON * factor.abs());
        if is_same && numbers.dtype() == Some(DType::I32) && numbers.shape().len() <= 1 {
            return Ok(Self::Whole(numbers));
        }
        real()
    }

    /// As it broadcasts to the sums.
    fn spread(self, spread: impl FnOnce(&Value) -> Result<Value>) -> Result<Self> {
        Ok(match self {
            Self::Whole(bias) => Self::Whole(spread(&bias)?),
            Self::Real(bias) => Self::Real(spread(&bias)?),
        })
    }
}

/// The reals that sums of products and a bias stand for.
fn reals_of_sums(node: &mut Node<'_, '_>, sums: &Value, factor: &Value, bias: Option<Bias>) -> Result<Value> {
    match bias {
        None => scaled(node, sums, factor),
        Some(Bias::Whole(bias)) => {
            let sums = with_addend(node, sums, &bias)?;
            scaled(node, &sums, factor)
        }
        Some(Bias::Real(bias)) => {
            let (reals, bias) = (scaled(node, sums, factor)?, as_f32(node, &bias)?);
            with_addend(node, &reals, &bias)
        }
    }
}

/// Sums with a bias, which broadcasts to them and not they to it.
fn with_addend(node: &mut Node<'_, '_>, sums: &Value, addend: &Value) -> Result<Value> {
    let total = node.emit(Binary::Add, &[sums, addend])?;
    if total.shape() != sums.shape() {
        let (addend, sums) = (addend.shape(), sums.shape());
        return Err(Error::Onnx(format!(
            "a bias of shape {addend:?} does not broadcast to {sums:?}"
        )));
    }
    Ok(total)
}

/// Reals of products and a bias, which is the input of this index.
fn with_bias(node: &mut Node<'_, '_>, product: Value, bias: usize) -> Result<Vec<Value>> {
    node.declare(element::FLOAT);
    Ok(vec![match node.optional(bias) {
        Some(bias) => with_addend(node, &product, &bias)?,
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
        sums = with_addend(node, &sums, &addend)?;
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
