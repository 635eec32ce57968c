//! Whole numbers and bools as 64-bit numbers, and back.

use half::f16;

use super::operand::{array, mapped};
use crate::dtype::{DType, TensorType};
use crate::error::Result;
use crate::tensor::{Tensor, TensorView};

/// The elements as 64-bit numbers, bools as 0 and 1; of floats nothing is asked.
pub(super) fn whole(tensor: &TensorView<'_>) -> Vec<i64> {
    match tensor {
        TensorView::I64(array) => mapped(array, |x| x),
        TensorView::I32(array) => mapped(array, i64::from),
        TensorView::U8(array) => mapped(array, i64::from),
        TensorView::I8(array) => mapped(array, i64::from),
        TensorView::Bool(array) => mapped(array, i64::from),
        TensorView::F32(array) => mapped(array, |x| x as i64),
        TensorView::F16(array) => mapped(array, |x| x.to_f32() as i64),
    }
}

/// Whole numbers as a type has them: they wrap around.
pub(super) fn from_whole(operator: &'static str, results: Vec<i64>, output: &TensorType) -> Result<Tensor> {
    let shape = &output.shape;
    match output.dtype {
        DType::I64 => array(operator, results, shape),
        DType::I32 => array(operator, results.into_iter().map(|x| x as i32).collect(), shape),
        DType::U8 => array(operator, results.into_iter().map(|x| x as u8).collect(), shape),
        DType::I8 => array(operator, results.into_iter().map(|x| x as i8).collect(), shape),
        DType::Bool => array(operator, results.into_iter().map(|x| x != 0).collect(), shape),
        DType::F32 => array(operator, results.into_iter().map(|x| x as f32).collect(), shape),
        DType::F16 => array(
            operator,
            results.into_iter().map(|x| f16::from_f64(x as f64)).collect(),
            shape,
        ),
    }
}
