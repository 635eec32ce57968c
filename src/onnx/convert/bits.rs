//! Operators on the bits of whole numbers. Numbers of types that are read as wider ones keep to their own width.

use ndarray::ArrayD;

use super::builder::Value;
use super::node::{Node, unsupported};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::fold::wrapped;
use crate::onnx::{element, tensor};
use crate::ops::{Binary, Unary};

pub(super) fn not(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let element = node.element_type(0);
    if element == Some(element::UINT64) {
        return Err(unsupported("of UINT64, whose upper half is not held"));
    }
    let others = node.emit(Unary::BitwiseNot, &[&input])?;
    Ok(vec![within_width(node, others, element)?])
}

pub(super) fn shift(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let function = match node.string("direction", "")? {
        "LEFT" => Binary::BitwiseLeftShift,
        "RIGHT" => Binary::BitwiseRightShift,
        other => return Err(Error::Onnx(format!("direction must be LEFT or RIGHT, but it is {other:?}"))),
    };
    let (input, distance) = (node.input(0)?, node.input(1)?);
    let element = node.element_type(0);
    if element == Some(element::UINT64) && function == Binary::BitwiseLeftShift {
        check_held(node)?;
    }
    let shifted = node.emit(function, &[&input, &distance])?;
    Ok(vec![within_width(node, shifted, element)?])
}

/// Refuses to shift unsigned numbers of 64 bits to where an `i64` has its sign.
fn check_held(node: &Node<'_, '_>) -> Result<()> {
    let most = |index: usize| -> Result<i64> {
        let host = node.host(index)?;
        let whole = tensor::whole(&host).ok_or_else(|| Error::Onnx(format!("input {index} must be whole numbers")))?;
        Ok(whole.iter().copied().max().unwrap_or_default())
    };
    let (largest, furthest) = (most(0)?, most(1)?);
    if furthest < i64::from(largest.leading_zeros()) {
        return Ok(());
    }
    Err(unsupported(format!("{largest} of UINT64 by {furthest}, which is not held")))
}

/// What a type of fewer bits has of numbers that are held with more.
fn within_width(node: &mut Node<'_, '_>, value: Value, element: Option<i32>) -> Result<Value> {
    let (mask, sign) = match element {
        Some(element::UINT16) => (0xffff, None),
        Some(element::UINT32) => (0xffff_ffff, None),
        Some(element::INT16) => (0xffff, Some(0x8000)),
        _ => return Ok(value),
    };
    let dtype = value.dtype().unwrap_or(DType::I64);
    let number = |number: i64| Value::Host(wrapped(ArrayD::from_elem(vec![1; value.shape().len()], number), dtype));
    let bits = node.emit(Binary::BitwiseAnd, &[&value, &number(mask)])?;
    let Some(sign) = sign else {
        return Ok(bits);
    };
    // The sign's bit counts negatively: turned over it is one sign too much.
    let turned = node.emit(Binary::BitwiseXor, &[&bits, &number(sign)])?;
    node.emit(Binary::Sub, &[&turned, &number(sign)])
}
