//! From one element type to another, those included that are held in wider ones.

use ndarray::ArrayD;

use super::builder::Value;
use super::node::{Node, unsupported};
use crate::dtype::DType;
use crate::error::Result;
use crate::onnx::{element, fold};
use crate::ops::{Binary, Cast, Ternary, Unary};
use crate::tensor::Tensor;

/// How floats become those of fewer bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounding<'m> {
    /// What is too large becomes the largest number rather than an infinity or NaN.
    saturates: bool,
    /// `up`, `down` or `nearest`, of `FLOAT8E8M0` alone.
    mode: &'m str,
}

impl<'m> Rounding<'m> {
    pub(super) fn of(node: &Node<'_, 'm>) -> Result<Self> {
        Ok(Self {
            saturates: node.flag("saturate", true)?,
            mode: node.string("round_mode", "up")?,
        })
    }
}

pub(super) fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let rounding = Rounding::of(node)?;
    let to = i32::try_from(node.int("to", 0)?).unwrap_or_default();
    let input = node.input(0)?;
    node.declare(to);
    Ok(vec![converted(node, &input, to, rounding)?])
}

/// To the type of the second input, of which nothing else is used. The file may say more of it than is known of its value.
pub(super) fn cast_like(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let rounding = Rounding::of(node)?;
    let like = node.input(1)?.dtype().map(element::number);
    let to = node.element_type(1).or(like);
    let to = to.ok_or_else(|| unsupported("to the type of a sequence"))?;
    node.declare(to);
    Ok(vec![match node.input(0)? {
        Value::Host(host) if !element::is_of_few_bits(to) => Value::Host(fold::convert(node, host, to)?),
        input => converted(node, &input, to, rounding)?,
    }])
}

/// The same bits as another type of as many has them: whole numbers of the other sign, and floats of 32 bits once they are known,
/// since adapters may change the bits of NaN and of subnormal numbers.
pub(super) fn bit_cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let to = i32::try_from(node.int("to", 0)?).unwrap_or_default();
    let input = node.input(0)?;
    let from = node
        .element_type(0)
        .or_else(|| input.dtype().map(element::number))
        .unwrap_or_default();
    let is_whole = |kind: i32| kind == element::BOOL || element::whole_bits(kind).is_some();
    if let (element::FLOAT, element::INT32) | (element::INT32, element::FLOAT) = (from, to) {
        node.declare(to);
        let known = node.host(0)?;
        node.budget().charge("the bits", known.shape().iter().product(), 4)?;
        return Ok(vec![Value::Host(match &known {
            Tensor::F32(array) => array.mapv(|number| number.to_bits() as i32).into(),
            Tensor::I32(array) => array.mapv(|bits| f32::from_bits(bits as u32)).into(),
            other => return Err(unsupported(format!("the bits of {}", other.tensor_type()))),
        })]);
    }
    if element::type_bits(from) != element::type_bits(to) || (from != to && !(is_whole(from) && is_whole(to))) {
        let (from, to) = (element::type_name(from), element::type_name(to));
        return Err(unsupported(format!("the bits of {from} as {to}")));
    }
    node.declare(to);
    Ok(vec![whole(node, &input, to)?])
}

/// As this element type has it. Floats of other widths than 32 bits are rounded and go on as `f32`, which `double` is read as, too.
pub(super) fn converted(node: &mut Node<'_, '_>, input: &Value, to: i32, rounding: Rounding<'_>) -> Result<Value> {
    let dtype = element::dtype(to).ok_or_else(|| unsupported(format!("to {}", element::type_name(to))))?;
    if element::whole_bits(to).is_some() {
        return whole(node, input, to);
    }
    let value = cast_to(node, input, dtype)?;
    match to {
        element::FLOAT16 => {
            let rounded = node.emit(Cast::new(DType::F16), &[input])?;
            node.emit(Cast::new(DType::F32), &[&rounded])
        }
        element::BFLOAT16 => to_significand(node, &value, 7, -126),
        element::FLOAT8E4M3FN => small_float(node, &value, [3, -6], 448.0, false, rounding),
        element::FLOAT8E4M3FNUZ => small_float(node, &value, [3, -7], 240.0, false, rounding),
        element::FLOAT8E5M2 => small_float(node, &value, [2, -14], 57344.0, true, rounding),
        element::FLOAT8E5M2FNUZ => small_float(node, &value, [2, -15], 57344.0, false, rounding),
        element::FLOAT4E2M1 => {
            let clamped = node.emit(Unary::Clamp { min: -6.0, max: 6.0 }, &[&value])?;
            let rounded = to_significand(node, &clamped, 1, 0)?;
            // There is no NaN.
            let is_nan = node.emit(Unary::IsNan, &[&rounded])?;
            choose(node, &is_nan, &number(&value, 0.0), &rounded)
        }
        element::FLOAT8E8M0 => power_of_two(node, &value, rounding),
        _ => Ok(value),
    }
}

/// As a type of the network has it; the value itself where it is of that type.
pub(super) fn cast_to(node: &mut Node<'_, '_>, value: &Value, dtype: DType) -> Result<Value> {
    if value.dtype() == Some(dtype) {
        return Ok(value.clone());
    }
    node.emit(Cast::new(dtype), &[value])
}

/// As whole numbers of so many bits, which are the lowest ones; floats lose their fraction first.
fn whole(node: &mut Node<'_, '_>, value: &Value, to: i32) -> Result<Value> {
    let dtype = element::dtype(to).ok_or_else(|| unsupported(format!("to {}", element::type_name(to))))?;
    match element::whole_bits(to) {
        Some((bits, is_signed)) if element::is_widened(to) && bits < 64 => {
            let wide = if bits < 32 { DType::I32 } else { DType::I64 };
            let wide = cast_to(node, value, wide)?;
            let wrapped = wrapped(node, &wide, bits, is_signed)?;
            cast_to(node, &wrapped, dtype)
        }
        _ => cast_to(node, value, dtype),
    }
}

/// The lowest bits, of which the highest is the sign where there is one.
fn wrapped(node: &mut Node<'_, '_>, value: &Value, bits: u32, is_signed: bool) -> Result<Value> {
    let constant = |number: i64| {
        let shape = vec![1; value.shape().len()];
        match value.dtype() {
            Some(DType::I64) => Value::Host(ArrayD::from_elem(shape, number).into()),
            _ => Value::Host(ArrayD::from_elem(shape, number as i32).into()),
        }
    };
    let (mask, half) = (constant((1 << bits) - 1), constant(1 << (bits - 1)));
    if !is_signed {
        return node.emit(Binary::BitwiseAnd, &[value, &mask]);
    }
    let raised = node.emit(Binary::Add, &[value, &half])?;
    let kept = node.emit(Binary::BitwiseAnd, &[&raised, &mask])?;
    node.emit(Binary::Sub, &[&kept, &half])
}

/// What an operator of elements held in a wider type gives, as their own type has it: whole numbers wrap around.
pub(super) fn narrowed(node: &mut Node<'_, '_>, value: Value, to: i32) -> Result<Value> {
    if element::is_widened(to) && element::whole_bits(to).is_some() {
        return whole(node, &value, to);
    }
    Ok(value)
}

fn to_significand(node: &mut Node<'_, '_>, value: &Value, fraction_bits: i32, least_exponent: i32) -> Result<Value> {
    let op = Unary::RoundSignificand {
        fraction_bits: fraction_bits as f32,
        least_exponent: least_exponent as f32,
    };
    node.emit(op, &[value])
}

/// To a format of so many bits after the point and this least exponent, whose largest number is given.
fn small_float(
    node: &mut Node<'_, '_>,
    value: &Value,
    [fraction_bits, least_exponent]: [i32; 2],
    largest: f32,
    has_infinity: bool,
    rounding: Rounding<'_>,
) -> Result<Value> {
    if rounding.saturates {
        let (min, max) = (-largest, largest);
        let clamped = node.emit(Unary::Clamp { min, max }, &[value])?;
        return to_significand(node, &clamped, fraction_bits, least_exponent);
    }
    let rounded = to_significand(node, value, fraction_bits, least_exponent)?;
    let magnitude = node.emit(Unary::Abs, &[&rounded])?;
    let is_beyond = node.emit(Binary::Greater, &[&magnitude, &number(value, largest)])?;
    let beyond = if has_infinity {
        node.emit(Binary::Mul, &[&rounded, &number(value, f32::INFINITY)])?
    } else {
        number(value, f32::NAN)
    };
    choose(node, &is_beyond, &beyond, &rounded)
}

/// To `FLOAT8E8M0`: a power of two by the magnitude alone. Infinities are NaN.
fn power_of_two(node: &mut Node<'_, '_>, value: &Value, rounding: Rounding<'_>) -> Result<Value> {
    const LEAST: f32 = f32::MIN_POSITIVE / 2.0;
    const LARGEST: f32 = 1.701_411_8e38;
    let magnitude = node.emit(Unary::Abs, &[value])?;
    let nearest = to_significand(node, &magnitude, 0, -126)?;
    let moved = match rounding.mode {
        "nearest" => nearest,
        "up" => {
            let is_less = node.emit(Binary::Less, &[&nearest, &magnitude])?;
            let next = node.emit(Binary::Mul, &[&nearest, &number(value, 2.0)])?;
            choose(node, &is_less, &next, &nearest)?
        }
        "down" => {
            let is_more = node.emit(Binary::Greater, &[&nearest, &magnitude])?;
            let half = node.emit(Binary::Mul, &[&nearest, &number(value, 0.5)])?;
            choose(node, &is_more, &half, &nearest)?
        }
        other => return Err(unsupported(format!("round_mode {other:?}"))),
    };
    let max = if rounding.saturates { LARGEST } else { f32::INFINITY };
    let bounded = node.emit(Unary::Clamp { min: LEAST, max }, &[&moved])?;
    let limit = if rounding.saturates { magnitude } else { bounded.clone() };
    let is_infinite = node.emit(Binary::Equal, &[&limit, &number(value, f32::INFINITY)])?;
    choose(node, &is_infinite, &number(value, f32::NAN), &bounded)
}

fn choose(node: &mut Node<'_, '_>, condition: &Value, yes: &Value, no: &Value) -> Result<Value> {
    node.emit(Ternary::Where, &[condition, yes, no])
}

/// A constant that is broadcast to a value.
pub(super) fn number(value: &Value, number: f32) -> Value {
    Value::Host(ArrayD::from_elem(vec![1; value.shape().len()], number).into())
}
