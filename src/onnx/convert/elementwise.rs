//! Arithmetic of two tensors, and operators that pass their input on.

use crate::onnx::element;
use ndarray::ArrayD;

use super::builder::Value;
use super::node::{Convert, Node, unsupported};
use crate::dtype::DType;
use crate::error::Result;
use crate::onnx::fold;
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
            return node.emit_one(candidate.function, &inputs.iter().collect::<Vec<_>>());
        }
    }
    Err(unsupported("these attributes"))
}

/// The exponent may be whole numbers.
pub(super) fn power(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let base = node.input(0)?;
    let exponent = match node.input(1)? {
        Value::Host(host) if host.dtype().is_integer() => {
            node.budget().charge("the exponents", host.shape().iter().product(), 4)?;
            Value::Host(host.to_f32().into())
        }
        other => other,
    };
    node.emit_one(Binary::Pow, &[&base, &exponent])
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

pub(super) fn cast(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let to = i32::try_from(node.int("to", 0)?).unwrap_or_default();
    let input = node.input(0)?;
    Ok(vec![converted(node, input, to)?])
}

/// As this element type has it. Reals of 16 bits are rounded and go on as `f32`, which `double` and `bfloat16` are read as, too.
fn converted(node: &mut Node<'_, '_>, input: Value, to: i32) -> Result<Value> {
    let dtype = element::dtype(to).ok_or_else(|| unsupported(format!("to {}", element::type_name(to))))?;
    if to == element::FLOAT16 {
        let rounded = node.emit(Cast::new(DType::F16), &[&input])?;
        return node.emit(Cast::new(DType::F32), &[&rounded]);
    }
    if input.dtype() == Some(dtype) {
        return Ok(input);
    }
    node.emit(Cast::new(dtype), &[&input])
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

/// To the type of the second input, of which nothing else is used. The file may say more of it than is known of its value.
pub(super) fn cast_like(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["saturate", "round_mode"]);
    let like = node.input(1)?.dtype().map(element::number);
    let to = node.element_type(1).or(like);
    let to = to.ok_or_else(|| unsupported("to the type of a sequence"))?;
    Ok(vec![match node.input(0)? {
        Value::Host(host) => Value::Host(fold::convert(node, host, to)?),
        input => converted(node, input, to)?,
    }])
}

pub(super) fn identity(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    Ok(vec![node.input(0)?])
}

/// In inference the input; the mask is refused where it is used.
pub(super) fn dropout(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    node.ignore(&["ratio", "seed"]);
    let drops = match node.optional(1) {
        Some(Value::Host(Tensor::F32(ratio))) => ratio.iter().any(|&ratio| ratio != 0.0),
        _ => true,
    };
    let training = match node.optional_host(2)? {
        Some(Tensor::Bool(array)) => array.iter().any(|&value| value),
        _ => false,
    };
    if training && drops {
        return Err(unsupported("training"));
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
