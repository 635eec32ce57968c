//! Operators that a program brings along.

use ndarray::{ArrayView, IxDyn};

use super::operand::Operand;
use crate::dtype::{DType, TensorType};
use crate::error::{Error, Result};
use crate::ops::CustomOp;
use crate::tensor::TensorView;

/// Runs an operator of `f32` alone.
pub(super) fn of_floats(op: &CustomOp, inputs: &[Operand<'_>], shape: &[usize], output: &mut [f32]) -> Result<()> {
    let views: Vec<TensorView<'_>> = inputs.iter().map(view).collect::<Result<_>>()?;
    let types = [TensorType::new(DType::F32, shape)];
    for (element, &given) in output.iter_mut().zip(op.compute(&views, &types)?[0].array()?) {
        *element = given;
    }
    Ok(())
}

fn view<'a>(input: &Operand<'a>) -> Result<TensorView<'a>> {
    let view = ArrayView::from_shape(IxDyn(input.shape), input.data);
    Ok(view.map_err(|error| Error::Internal(error.to_string()))?.into())
}
