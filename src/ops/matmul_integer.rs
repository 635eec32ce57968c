//! The matrix product of two tensors of whole numbers.

use super::MatMul;
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::{Result, ensure};

/// The product of matrices of whole numbers as [`MatMul`] has it of floats, exactly: sums are `i32` and wrap around. Each operand is of
/// `u8`, `i8` or `i32`. Equals ONNX's `MatMulInteger` with zero points of 0; others are subtracted before.
///
/// ```
/// use convoke::{DType, TensorType, ops::{MatMulInteger, Op}};
/// let (left, right) = (TensorType::new(DType::U8, [5, 3]), TensorType::new(DType::I8, [3, 7]));
/// assert_eq!(Op::from(MatMulInteger).infer(&[&left, &right])?[0].to_string(), "i32[5, 7]");
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: as [`MatMul`]; operands of another type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MatMulInteger;

impl MatMulInteger {
    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
        MatMul.output_shape(left, right)
    }
}

impl Operator for MatMulInteger {
    fn name(&self) -> &'static str {
        "matmul_integer"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        Ok(vec![sum_of_products(self.name(), inputs)?])
    }
}

/// The type of sums of products of whole numbers of at most 32 bits.
pub(super) fn sum_of_products(operator: &'static str, inputs: &[DType]) -> Result<DType> {
    for input in inputs {
        ensure!(
            matches!(input, DType::U8 | DType::I8 | DType::I32),
            operator,
            "expected operands of u8, i8 or i32, but got {}",
            inputs.iter().map(|dtype| dtype.name()).collect::<Vec<_>>().join(", ")
        );
    }
    Ok(DType::I32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_whole_numbers_of_at_most_32_bits() {
        let of = |left, right| MatMulInteger.output_types(&[left, right]);
        assert_eq!(of(DType::U8, DType::I32).unwrap(), [DType::I32]);
        for (left, right) in [(DType::F32, DType::I8), (DType::I8, DType::I64), (DType::Bool, DType::U8)] {
            let message = of(left, right).unwrap_err().to_string();
            assert!(message.contains(&format!("{left}, {right}")), "{message}");
        }
    }
}
