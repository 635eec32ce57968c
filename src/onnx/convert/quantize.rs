//! Quantised numbers: whole numbers, and floats of few bits, that stand for reals by a scale and a zero point.

use super::builder::{Value, signed};
use super::cast::{Rounding, cast_to, converted, number};
use super::node::{Node, unsupported};
use super::origin::Dequantized;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::element;
use crate::ops::{Binary, Cast, Expand, Reduce, Slice, Ternary, Unary};
use crate::tensor::Tensor;

/// What a real number is divided by, and what is added to the quotient.
pub(super) struct Scale {
    pub(super) scale: Value,
    /// None where it is known to be 0.
    pub(super) zero_point: Option<Value>,
}

impl Scale {
    /// The inputs of these indices as they broadcast to a tensor of this shape.
    pub(super) fn read(node: &mut Node<'_, '_>, [scale, zero_point]: [usize; 2], along: &Along<'_>) -> Result<Self> {
        let scale = node.input(scale)?;
        let scale = as_f32(node, &scale)?;
        let zero_point = node.optional(zero_point).filter(|zero_point| !is_zero(zero_point));
        Ok(Self {
            scale: along.spread(node, &scale)?,
            zero_point: zero_point.map(|zero_point| along.spread(node, &zero_point)).transpose()?,
        })
    }

    /// One scale and one zero point of a whole tensor, or one for each place along an axis.
    pub(super) fn of(node: &mut Node<'_, '_>, inputs: [usize; 2], shape: &[usize], axis: i64) -> Result<Self> {
        Self::read(node, inputs, &Along { shape, axis, block: 0 })
    }
}

/// Whether all elements are known to be 0.
pub(super) fn is_zero(value: &Value) -> bool {
    match value {
        Value::Host(Tensor::F32(array)) => array.iter().all(|&x| x == 0.0),
        Value::Host(Tensor::U8(array)) => array.iter().all(|&x| x == 0),
        Value::Host(Tensor::I8(array)) => array.iter().all(|&x| x == 0),
        Value::Host(Tensor::I32(array)) => array.iter().all(|&x| x == 0),
        _ => false,
    }
}

/// The axis along which a tensor of this shape has scales of its own, and how many elements share one there; 0 for scales of whole
/// places along the axis.
pub(super) struct Along<'a> {
    pub(super) shape: &'a [usize],
    pub(super) axis: i64,
    pub(super) block: i64,
}

impl Along<'_> {
    /// A scale or zero point as it broadcasts to the tensor.
    fn spread(&self, node: &mut Node<'_, '_>, value: &Value) -> Result<Value> {
        let rank = self.shape.len();
        if value.shape().iter().product::<usize>() == 1 {
            return node.reshape(value, &vec![1; rank]);
        }
        let axis = if self.axis < 0 { self.axis + rank as i64 } else { self.axis };
        let axis = usize::try_from(axis).ok().filter(|&axis| axis < rank);
        let axis = axis.ok_or_else(|| Error::Onnx(format!("axis {} of a tensor of shape {:?}", self.axis, self.shape)))?;
        if self.block > 0 {
            return self.repeated(node, value, axis);
        }
        if value.shape() != [self.shape[axis]] {
            return Err(self.misshapen(value, axis));
        }
        let mut extents = vec![1; rank];
        extents[axis] = -1;
        node.reshape(value, &extents)
    }

    /// One for each block along the axis, as one for each element.
    fn repeated(&self, node: &mut Node<'_, '_>, value: &Value, axis: usize) -> Result<Value> {
        let block = usize::try_from(self.block).unwrap_or(usize::MAX);
        let mut blocks = self.shape.to_vec();
        blocks[axis] = self.shape[axis].div_ceil(block);
        if value.shape() != blocks {
            return Err(self.misshapen(value, axis));
        }
        // No more than the elements that there are, and those of the last block.
        let block = block.min(self.shape[axis]);
        let mut extents = signed(&blocks);
        extents.insert(axis + 1, 1);
        let split = node.reshape(value, &extents)?;
        extents[axis + 1] = block as isize;
        let repeated = node.emit(Expand::new(extents), &[&split])?;
        let mut joined = signed(&blocks);
        joined[axis] *= block as isize;
        let joined = node.reshape(&repeated, &joined)?;
        if joined.shape() == self.shape {
            return Ok(joined);
        }
        let ends = [self.shape[axis] as isize];
        node.emit(Slice::new([0], ends).axes([axis as isize]), &[&joined])
    }

    fn misshapen(&self, value: &Value, axis: usize) -> Error {
        Error::Onnx(format!(
            "a scale or zero point of shape {:?} for a tensor of shape {:?} along axis {axis}, in blocks of {}",
            value.shape(),
            self.shape,
            self.block
        ))
    }
}

/// Reals rounded to `f32`, which they are already on a device. The reference computes on in 64 bits, where a quotient is not the half
/// that it is in 32.
pub(super) fn as_f32(node: &mut Node<'_, '_>, value: &Value) -> Result<Value> {
    match value {
        Value::Host(Tensor::F32(_)) => Ok(value.clone()),
        _ => node.emit(Cast::new(DType::F32), &[value]),
    }
}

/// The reals that quantised numbers stand for.
pub(super) fn dequantized(node: &mut Node<'_, '_>, value: &Value, by: &Scale) -> Result<Value> {
    let difference = match &by.zero_point {
        None => cast_to(node, value, DType::F32)?,
        // Floats do not have all numbers of 32 bits: these are subtracted before.
        Some(zero_point) if value.dtype() == Some(DType::I32) => {
            let difference = node.emit(Binary::Sub, &[value, zero_point])?;
            cast_to(node, &difference, DType::F32)?
        }
        Some(zero_point) => {
            let (value, zero_point) = (cast_to(node, value, DType::F32)?, cast_to(node, zero_point, DType::F32)?);
            node.emit(Binary::Sub, &[&value, &zero_point])?
        }
    };
    let product = node.emit(Binary::Mul, &[&difference, &by.scale])?;
    as_f32(node, &product)
}

/// Reals as whole numbers of this element type, by their quotients with the scale: rounded, the even one of two, and moved by the zero
/// point; what is beyond the type is its nearest number.
pub(super) fn rounded(node: &mut Node<'_, '_>, quotients: &Value, zero_point: Option<&Value>, to: i32) -> Result<Value> {
    let (Some((bits, is_signed)), Some(dtype)) = (element::whole_bits(to).filter(|(bits, _)| *bits <= 16), element::dtype(to))
    else {
        return Err(unsupported(format!("quantised numbers of {}", element::type_name(to))));
    };
    let quotients = as_f32(node, quotients)?;
    let mut moved = node.emit(Unary::Round, &[&quotients])?;
    if let Some(zero_point) = zero_point {
        let zero_point = cast_to(node, zero_point, DType::F32)?;
        moved = node.emit(Binary::Add, &[&moved, &zero_point])?;
    }
    let least = if is_signed { -(1 << (bits - 1)) } else { 0 };
    let (min, max) = (least as f32, (least + (1 << bits) - 1) as f32);
    let clamped = node.emit(Unary::Clamp { min, max }, &[&moved])?;
    cast_to(node, &clamped, dtype)
}

/// Reals as quantised numbers of this element type.
pub(super) fn quantized(node: &mut Node<'_, '_>, value: &Value, by: &Scale, to: i32) -> Result<Value> {
    let value = as_f32(node, value)?;
    let quotients = node.emit(Binary::Div, &[&value, &by.scale])?;
    rounded(node, &quotients, by.zero_point.as_ref(), to)
}

/// The element type of the numbers that a zero point is of: its own, even where it is held in a wider one; 8 bits without a sign
/// where there is no zero point.
pub(super) fn type_of_zero_point(node: &Node<'_, '_>, index: usize) -> i32 {
    let held = || Some(element::number(node.optional(index)?.dtype()?));
    node.element_type(index).or_else(held).unwrap_or(element::UINT8)
}

pub(super) fn quantize_linear(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let (axis, block) = (node.int("axis", 1)?, node.int("block_size", 0)?);
    let (given, precision) = (node.int("output_dtype", 0)? as i32, node.int("precision", 0)? as i32);
    let rounding = Rounding::of(node)?;
    let to = match node.optional(2) {
        None if given != 0 => given,
        _ => type_of_zero_point(node, 2),
    };
    let along = Along {
        shape: input.shape(),
        axis,
        block,
    };
    let by = Scale::read(node, [1, 2], &along)?;
    let reals = as_f32(node, &input)?;
    let mut quotients = node.emit(Binary::Div, &[&reals, &by.scale])?;
    let divided_in = if precision == 0 {
        node.element_type(1)
    } else {
        Some(precision)
    };
    if let Some(narrow @ (element::FLOAT16 | element::BFLOAT16)) = divided_in {
        quotients = converted(node, &quotients, narrow, rounding)?;
    }
    node.declare(to);
    Ok(vec![if element::whole_bits(to).is_some() {
        rounded(node, &quotients, by.zero_point.as_ref(), to)?
    } else {
        if let Some(zero_point) = &by.zero_point {
            quotients = node.emit(Binary::Add, &[&quotients, zero_point])?;
        }
        converted(node, &quotients, to, rounding)?
    }])
}

pub(super) fn dequantize_linear(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let (axis, block) = (node.int("axis", 1)?, node.int("block_size", 0)?);
    let given = node.int("output_dtype", 0)? as i32;
    let along = Along {
        shape: input.shape(),
        axis,
        block,
    };
    let by = Scale::read(node, [1, 2], &along)?;
    let output = dequantized(node, &input, &by)?;
    if block == 0 {
        let from = Dequantized {
            numbers: input.clone(),
            scale: node.input(1)?,
            zero_point: node.optional(2).filter(|zero_point| !is_zero(zero_point)),
            axis,
        };
        node.note_dequantized(&output, from);
    }
    node.declare(match node.element_type(1) {
        _ if given != 0 => given,
        Some(scale) => scale,
        None => element::FLOAT,
    });
    Ok(vec![output])
}

/// To 8 bits by the least and the largest number that there are, between which 0 always is.
pub(super) fn dynamic_quantize_linear(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let Dynamic { by, numbers } = dynamic(node, &input)?;
    let zero_point = match by.zero_point {
        Some(zero_point) => node.reshape(&zero_point, &[])?,
        None => return Err(Error::Internal("a computed zero point is missing".to_owned())),
    };
    Ok(vec![numbers, node.reshape(&by.scale, &[])?, zero_point])
}

/// Numbers of 8 bits with the scale and zero point that were computed for them.
pub(super) struct Dynamic {
    pub(super) by: Scale,
    pub(super) numbers: Value,
}

pub(super) fn dynamic(node: &mut Node<'_, '_>, input: &Value) -> Result<Dynamic> {
    let rank = input.shape().len();
    let flat = node.reshape(input, &[-1])?;
    let nothing = number(&flat, 0.0);
    let largest = |node: &mut Node<'_, '_>, values: &Value| {
        let largest = node.emit(Reduce::max([0]).keep_dims(true), &[values])?;
        node.emit(Binary::Max, &[&largest, &nothing])
    };
    let most = largest(node, &flat)?;
    let negated = node.emit(Unary::Neg, &[&flat])?;
    let below = largest(node, &negated)?;
    let range = node.emit(Binary::Add, &[&most, &below])?;
    let is_zero = node.emit(Binary::Equal, &[&range, &nothing])?;
    let range = node.emit(Ternary::Where, &[&is_zero, &number(&flat, 1.0), &range])?;
    let range = as_f32(node, &range)?;
    let scale = node.emit(Binary::Div, &[&range, &number(&flat, 255.0)])?;
    let scale = as_f32(node, &scale)?;
    let quotient = node.emit(Binary::Div, &[&below, &scale])?;
    let zero_point = rounded(node, &quotient, None, element::UINT8)?;
    let by = Scale {
        scale: node.reshape(&scale, &vec![1; rank])?,
        zero_point: Some(node.reshape(&zero_point, &vec![1; rank])?),
    };
    Ok(Dynamic {
        numbers: quantized(node, input, &by, element::UINT8)?,
        by,
    })
}

/// What is left of whole numbers without their zero point, as sums of products take it.
pub(super) fn centred(node: &mut Node<'_, '_>, value: &Value, zero_point: Option<&Value>) -> Result<Value> {
    match zero_point {
        None => Ok(value.clone()),
        Some(zero_point) => {
            let (value, zero_point) = (cast_to(node, value, DType::I32)?, cast_to(node, zero_point, DType::I32)?);
            node.emit(Binary::Sub, &[&value, &zero_point])
        }
    }
}
