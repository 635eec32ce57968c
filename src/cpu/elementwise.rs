//! Functions of elements of any type.

use std::borrow::Cow;

use half::f16;

use super::blocked::Layout;
use super::broadcast::{each, each_of_three};
use super::execute::execute;
use super::operand::{Operand, array};
use super::whole::{from_whole, whole};
use super::{binary, ternary, unary};
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::ops::Op;
use crate::shape::element_count;
use crate::tensor::{Tensor, TensorView};

/// An operator of a family of functions, on whatever its signature takes.
pub(super) fn elementwise(op: &Op, inputs: &[TensorView<'_>], output: &TensorType) -> Result<Tensor> {
    // A condition comes before what is chosen.
    let is_float = inputs.last().is_some_and(|input| input.dtype().is_float());
    if is_float {
        of_floats(op, inputs, output)
    } else {
        of_whole(op, inputs, output)
    }
}

fn of_floats(op: &Op, inputs: &[TensorView<'_>], output: &TensorType) -> Result<Tensor> {
    let floats: Vec<Cow<'_, [f32]>> = inputs.iter().map(floats).collect();
    let operands: Vec<Operand<'_>> = inputs
        .iter()
        .zip(&floats)
        .map(|(input, data)| Operand {
            shape: input.shape(),
            data,
            layout: Layout::Plain,
        })
        .collect();
    let mut results = vec![0.0; element_count(op.name(), &output.shape)?];
    execute(op, &operands, None, &output.shape, &mut results)?;
    let results = results.into_iter();
    match output.dtype {
        DType::F32 => array(op.name(), results.collect::<Vec<f32>>(), &output.shape),
        DType::F16 => array(op.name(), results.map(f16::from_f32).collect(), &output.shape),
        DType::Bool => array(op.name(), results.map(|x| x != 0.0).collect(), &output.shape),
        other => Err(Error::Internal(format!("{} of floats gives {other}", op.name()))),
    }
}

/// The elements as floats, copied only where they are others or lie in another order.
pub(super) fn floats<'a>(tensor: &'a TensorView<'_>) -> Cow<'a, [f32]> {
    match tensor {
        TensorView::F32(array) => array
            .as_slice()
            .map_or_else(|| array.iter().copied().collect(), Cow::Borrowed),
        TensorView::F16(array) => array.iter().map(|x| x.to_f32()).collect(),
        other => whole(other).into_iter().map(|x| x as f32).collect(),
    }
}

fn of_whole(op: &Op, inputs: &[TensorView<'_>], output: &TensorType) -> Result<Tensor> {
    let undefined = || Error::Internal(format!("{} of {:?}", op.name(), inputs.iter().map(TensorView::dtype)));
    let whole: Vec<Vec<i64>> = inputs.iter().map(whole).collect();
    let shape = &output.shape;
    let mut results = vec![0; element_count(op.name(), shape)?];
    let pair = || [0, 1].map(|index| (inputs[index].shape(), whole[index].as_slice()));
    match op {
        Op::Unary(op) => {
            for (result, &x) in results.iter_mut().zip(&whole[0]) {
                *result = unary::of_whole(*op, x).ok_or_else(undefined)?;
            }
        }
        // Whether it is of whole numbers does not depend on them.
        Op::Binary(op) if binary::of_whole(*op, 0, 0).is_none() => return Err(undefined()),
        Op::Binary(op) => each(pair(), shape, &mut results, |a, b| {
            binary::of_whole(*op, a, b).unwrap_or_default()
        }),
        Op::Ternary(op) => {
            let inputs = [0, 1, 2].map(|index| (inputs[index].shape(), whole[index].as_slice()));
            each_of_three(inputs, shape, &mut results, |elements| ternary::of_whole(*op, elements));
        }
        _ => return Err(undefined()),
    }
    from_whole(op.name(), results, output)
}
