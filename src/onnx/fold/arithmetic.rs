//! Arithmetic of known numbers. Whole numbers are checked: a shape that wraps around is nobody's intention.

use ndarray::ArrayD;

use super::known::{Pair, broadcast_shape, charge, host, narrowed, whole, wrong, zip};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::element;
use crate::tensor::Tensor;

/// An operation of two tensors, or of any number of them from the first to the last.
pub(super) fn many(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let truncates = node.operator() == "Mod" && node.flag("fmod", false)?;
    let mut total = node.host(0)?;
    for index in 1..node.input_count() {
        let next = node.host(index)?;
        total = binary(node, total, next, truncates)?;
    }
    Ok(vec![Value::Host(total)])
}

fn binary(node: &mut Node<'_, '_>, left: Tensor, right: Tensor, truncates: bool) -> Result<Tensor> {
    let shape = broadcast_shape(node, &left, &right)?;
    let operator = node.operator();
    Ok(match Pair::new(left, right)? {
        Pair::Real(..) if operator == "Mod" && !truncates => return Err(Error::unsupported("onnx", "of reals")),
        Pair::Real(left, right) => zip(&left, &right, &shape, |left, right| Ok(of_reals(operator, left, right)))?.into(),
        Pair::Whole(left, right, dtype) => {
            let operation = |left: i64, right: i64| {
                let result = of_whole(operator, left, right, truncates);
                result.ok_or_else(|| Error::Onnx(format!("{left} {operator} {right} is no 64-bit number")))
            };
            of_input_type(node, zip(&left, &right, &shape, operation)?, dtype)?
        }
        Pair::Bool(..) => return Err(Error::Onnx(format!("{operator} of bools"))),
    })
}

/// As the first input has them, which may be of a narrower type than the one that holds it.
fn of_input_type(node: &Node<'_, '_>, numbers: ArrayD<i64>, dtype: DType) -> Result<Tensor> {
    let kind = node
        .element_type(0)
        .filter(|&kind| element::is_widened(kind))
        .unwrap_or_default();
    if let Some((bits @ ..64, is_signed)) = element::whole_bits(kind) {
        let least = if is_signed { -(1_i64 << (bits - 1)) } else { 0 };
        let range = least..least + (1_i64 << bits);
        if let Some(number) = numbers.iter().find(|number| !range.contains(number)) {
            return Err(Error::Onnx(format!("{number} is no {}", element::type_name(kind))));
        }
    }
    narrowed(numbers, dtype)
}

/// Of the largest and the smallest NaN where there is one.
fn of_reals(operator: &str, left: f32, right: f32) -> f32 {
    match operator {
        "Add" => left + right,
        "Sub" => left - right,
        "Mul" => left * right,
        "Mod" => left % right,
        "Max" if left.is_nan() || left > right => left,
        "Min" if left.is_nan() || left < right => left,
        "Max" | "Min" => right,
        _ => left / right,
    }
}

fn of_whole(operator: &str, left: i64, right: i64, truncates: bool) -> Option<i64> {
    match operator {
        "Add" => left.checked_add(right),
        "Sub" => left.checked_sub(right),
        "Mul" => left.checked_mul(right),
        "Max" => Some(left.max(right)),
        "Min" => Some(left.min(right)),
        "Mod" if truncates => left.checked_rem(right),
        // The remainder has the sign of what is divided by.
        "Mod" => match left.checked_rem(right)? {
            rest if rest != 0 && (rest < 0) != (right < 0) => Some(rest + right),
            rest => Some(rest),
        },
        // Towards zero, as ONNX has it.
        _ => left.checked_div(right),
    }
}

/// A power of whole numbers in the type of the base. Of reals it is an operator.
pub(super) fn power(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (base, exponent) = (node.host(0)?, node.host(1)?);
    if base.dtype().is_float() {
        return Err(Error::unsupported("onnx", format!("of {}", base.dtype())));
    }
    let shape = broadcast_shape(node, &base, &exponent)?;
    let numbers = whole("the base", &base)?;
    if let Tensor::F32(exponent) = &exponent {
        let operation = |base: i64, exponent: f32| Ok((base as f64).powf(f64::from(exponent)) as i64);
        return Ok(host(narrowed(zip(&numbers, exponent, &shape, operation)?, base.dtype())?));
    }
    let operation = |base: i64, exponent: i64| {
        let result = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent));
        result.ok_or_else(|| Error::Onnx(format!("{base} to the power of {exponent} is no 64-bit number")))
    };
    let powers = zip(&numbers, &whole("the exponent", &exponent)?, &shape, operation)?;
    Ok(host(narrowed(powers, base.dtype())?))
}

pub(super) fn unary(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.host(0)?;
    charge(node, input.shape())?;
    let operator = node.operator();
    if let Tensor::F32(array) = &input {
        return Ok(host(array.mapv(|value| match operator {
            "Floor" => value.floor(),
            "Ceil" => value.ceil(),
            "Abs" => value.abs(),
            "Round" => value.round_ties_even(),
            "Sign" if value == 0.0 || value.is_nan() => value,
            "Sign" => value.signum(),
            _ => -value,
        })));
    }
    let numbers = whole("the input", &input)?;
    let operation = |value: i64| match operator {
        "Abs" => value.checked_abs(),
        "Neg" => value.checked_neg(),
        "Sign" => Some(value.signum()),
        _ => None,
    };
    let results = numbers.iter().map(|&value| {
        let refusal = || Error::Onnx(format!("{operator} of {value}, a whole number"));
        operation(value).ok_or_else(refusal)
    });
    let results = ArrayD::from_shape_vec(numbers.raw_dim(), results.collect::<Result<_>>()?);
    Ok(host(of_input_type(node, results.map_err(wrong)?, input.dtype())?))
}
