//! Known values of one type as those of another.

use super::known::{charge, wrapped};
use crate::error::{Error, Result};
use crate::onnx::convert::{Node, Value};
use crate::onnx::{element, tensor};
use crate::tensor::Tensor;

pub(super) fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = node.int("to", 0)?;
    let input = node.host(0)?;
    let to = i32::try_from(to).unwrap_or_default();
    node.declare(to);
    Ok(vec![Value::Host(convert(node, input, to)?)])
}

/// To ONNX's element type of this number, where it has 16 bits or more. Whole numbers keep their lowest bits, reals lose their
/// fraction; reals of 16 bits are rounded and held as `f32`, in which `double` is rounded to as well.
pub(in crate::onnx) fn convert(node: &mut Node<'_, '_>, input: Tensor, to: i32) -> Result<Tensor> {
    let refusal = || Error::unsupported("onnx", format!("to {}", element::type_name(to)));
    let dtype = element::dtype(to).ok_or_else(refusal)?;
    if element::is_of_few_bits(to) {
        return Err(refusal());
    }
    let is_narrower = matches!(
        to,
        element::FLOAT16 | element::BFLOAT16 | element::UINT16 | element::INT16 | element::UINT32
    );
    if input.dtype() == dtype && !is_narrower {
        return Ok(input);
    }
    charge(node, input.shape())?;
    let reals = match &input {
        Tensor::F32(array) => Some(array),
        _ => None,
    };
    if element::is_real(to) {
        return Ok(match to {
            element::FLOAT16 => input.to_f32().mapv(|value| half::f16::from_f32(value).to_f32()),
            element::BFLOAT16 => input.to_f32().mapv(|value| half::bf16::from_f32(value).to_f32()),
            _ => input.to_f32(),
        }
        .into());
    }
    if to == element::BOOL
        && let Some(array) = reals
    {
        return Ok(array.mapv(|value| value != 0.0).into());
    }
    let numbers = match (reals, tensor::whole(&input)) {
        (Some(array), _) => array.mapv(|value| value as i64),
        (None, Some(array)) => array.into_owned(),
        (None, None) => input.array::<bool>()?.mapv(i64::from),
    };
    let numbers = match to {
        element::UINT16 => numbers.mapv_into(|value| i64::from(value as u16)),
        element::INT16 => numbers.mapv_into(|value| i64::from(value as i16)),
        element::UINT32 => numbers.mapv_into(|value| i64::from(value as u32)),
        _ => numbers,
    };
    Ok(wrapped(numbers, dtype))
}
