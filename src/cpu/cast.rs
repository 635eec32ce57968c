//! From one element type to another.

use half::f16;

use super::elementwise::floats;
use super::operand::array;
use super::whole::{from_whole, whole};
use crate::dtype::{DType, TensorType};
use crate::error::Result;
use crate::tensor::{Tensor, TensorView};

/// The elements as the output has them.
pub(super) fn cast(input: &TensorView<'_>, output: &TensorType) -> Result<Tensor> {
    let shape = &output.shape;
    if !input.dtype().is_float() {
        return from_whole("to", whole(input), output);
    }
    let floats = floats(input);
    let floats = floats.iter().copied();
    match output.dtype {
        DType::F32 => array("to", floats.collect::<Vec<f32>>(), shape),
        DType::F16 => array("to", floats.map(f16::from_f32).collect(), shape),
        DType::Bool => array("to", floats.map(|x| x != 0.0).collect(), shape),
        DType::I64 => array("to", floats.map(|x| x as i64).collect(), shape),
        // As an `i32`, of which smaller types have the lower bits.
        DType::I32 | DType::U8 | DType::I8 => from_whole("to", floats.map(|x| i64::from(x as i32)).collect(), output),
    }
}
