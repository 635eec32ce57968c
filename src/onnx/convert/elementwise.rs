//! Arithmetic of two tensors, and operators that pass their input on.

use ndarray::ArrayD;

use super::builder::Value;
use super::cast::narrowed;
use super::node::{Convert, Node, unsupported};
use crate::dtype::DType;
use crate::error::Result;
use crate::onnx::tensor;
use crate::ops::elementwise::Elementwise;
use crate::ops::{Binary, Cast, Ternary, Unary};
use crate::tensor::Tensor;

/// The conversion of an operator that is a function of elements as it is.
pub(super) fn function(operator: &str) -> Option<Convert> {
    fn has<F: Elementwise>(operator: &str) -> bool {
        F::OF_ONNX.iter().any(|function| function.operator == operator)
    }
    if has::<Unary>(operator) {
        Some(convert::<Unary>)
    } else if has::<Binary>(operator) {
        Some(convert::<Binary>)
    } else if has::<Ternary>(operator) {
        Some(convert::<Ternary>)
    } else {
        None
    }
}

fn convert<F: Elementwise>(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let named = F::OF_ONNX.iter().filter(|function| function.operator == node.operator());
    for candidate in named {
        let mut is_chosen = true;
        for &(name, value) in candidate.attributes {
            is_chosen &= node.int(name, 0)? == value;
        }
        if is_chosen {
            let inputs = (0..node.input_count()).map(|index| node.input(index));
            let inputs = inputs.collect::<Result<Vec<_>>>()?;
            let output = node.emit(candidate.function, &inputs.iter().collect::<Vec<_>>())?;
            return Ok(vec![wrapped_around(node, output)?]);
        }
    }
    Err(unsupported("these attributes"))
}

/// Whole numbers that are held in a wider type wrap around in their own.
fn wrapped_around(node: &mut Node<'_, '_>, output: Value) -> Result<Value> {
    let may_leave_the_type = matches!(node.operator(), "Add" | "Sub" | "Mul" | "Neg" | "Abs" | "BitwiseNot");
    match node.element_type(0) {
        Some(element) if may_leave_the_type => narrowed(node, output, element),
        _ => Ok(output),
    }
}

/// The exponent may be of another type than the base, which is the result's.
pub(super) fn power(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (base, exponent) = (node.input(0)?, node.input(1)?);
    if base.dtype().is_some_and(DType::is_integer) {
        return whole_power(node, &base, &exponent);
    }
    let exponent = match exponent {
        Value::Host(host) if host.dtype().is_integer() => {
            node.budget().charge("the exponents", host.shape().iter().product(), 4)?;
            Value::Host(host.to_f32().into())
        }
        Value::Tensor { .. } if exponent.dtype().is_some_and(DType::is_integer) => {
            node.emit(Cast::new(DType::F32), &[&exponent])?
        }
        other => other,
    };
    node.emit_one(Binary::Pow, &[&base, &exponent])
}

/// Products where the exponent is one small number. Other powers of whole numbers are computed of known elements, as no kernel has
/// them exactly.
fn whole_power(node: &mut Node<'_, '_>, base: &Value, exponent: &Value) -> Result<Vec<Value>> {
    const MOST: f32 = 64.0;
    if let Some(known) = node.known(exponent)?
        && known.shape().iter().product::<usize>() == 1
        && known.shape().len() <= base.shape().len()
        && let Some(&exponent) = known.to_f32().first()
        && exponent.fract() == 0.0
        && (1.0..=MOST).contains(&exponent)
    {
        return Ok(vec![product_of_equals(node, base, exponent as u32)?]);
    }
    let (base, exponent) = (node.host(0), node.host(1));
    let (base, exponent) = (base?, exponent?);
    Err(unsupported(format!(
        "of {} and {}",
        base.tensor_type(),
        exponent.tensor_type()
    )))
}

/// The product of so many times the same, by squaring.
fn product_of_equals(node: &mut Node<'_, '_>, factor: &Value, count: u32) -> Result<Value> {
    let (mut square, mut product, mut left) = (factor.clone(), None, count);
    loop {
        if left & 1 == 1 {
            product = Some(match &product {
                Some(product) => node.emit(Binary::Mul, &[product, &square])?,
                None => square.clone(),
            });
        }
        left >>= 1;
        match product {
            Some(product) if left == 0 => return Ok(product),
            _ => square = node.emit(Binary::Mul, &[&square, &square])?,
        }
    }
}

/// Any number of inputs, one after another.
pub(super) fn many(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let operation = match node.operator() {
        "Sum" | "Mean" => Binary::Add,
        "Min" => Binary::Min,
        "Max" => Binary::Max,
        other => return Err(unsupported(other)),
    };
    let mut total = node.input(0)?;
    for index in 1..node.input_count() {
        let next = node.input(index)?;
        total = node.emit(operation, &[&total, &next])?;
    }
    if node.operator() == "Mean" {
        let count = Value::Host(ArrayD::from_elem(vec![1], node.input_count() as f32).into());
        return node.emit_one(Binary::Div, &[&total, &count]);
    }
    Ok(vec![total])
}

/// Infinities, of the signs that are asked for.
pub(super) fn is_inf(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let signs = [
        (node.flag("detect_positive", true)?, f32::INFINITY),
        (node.flag("detect_negative", true)?, f32::NEG_INFINITY),
    ];
    let is = |node: &mut Node<'_, '_>, infinity: f32| {
        let infinity = Value::Host(ArrayD::from_elem(vec![1; input.shape().len()], infinity).into());
        node.emit(Binary::Equal, &[&input, &infinity])
    };
    Ok(vec![match signs {
        [(true, positive), (true, negative)] => {
            let (positive, negative) = (is(node, positive)?, is(node, negative)?);
            node.emit(Binary::Or, &[&positive, &negative])?
        }
        [(true, infinity), _] | [_, (true, infinity)] => is(node, infinity)?,
        // Nothing that is less than itself: false everywhere.
        _ => node.emit(Binary::Less, &[&input, &input])?,
    }])
}

pub(super) fn identity(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![node.input(0)?])
}

/// In inference the input; the mask is refused where it is used.
pub(super) fn dropout(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["ratio", "seed"]);
    node.optional(1);
    let training = match node.optional_host(2)? {
        Some(Tensor::Bool(array)) => array.iter().any(|&value| value),
        _ => false,
    };
    if training {
        let drops = match node.optional_host(1)? {
            Some(Tensor::F32(ratio)) => ratio.iter().any(|&ratio| ratio != 0.0),
            _ => true,
        };
        if drops {
            return Err(unsupported("training"));
        }
    }
    let input = node.input(0)?;
    if !node.is_used(1) {
        return Ok(vec![input]);
    }
    // Of what is kept: everything.
    let elements = tensor::element_count("the mask", input.shape())?;
    node.budget().charge("the mask", elements, 1)?;
    let mask = ArrayD::from_elem(input.shape(), true);
    Ok(vec![input, Value::Host(mask.into())])
}
