//! Convolution of whole numbers.

use super::Conv;
use super::matmul_integer::sum_of_products;
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::Result;

/// Convolution of whole numbers as [`Conv`] has it of floats, without a bias, exactly: sums are `i32` and wrap around. Input and weight
/// are of `u8`, `i8` or `i32` each. Equals ONNX's `ConvInteger` with zero points of 0; others are subtracted before.
///
/// ```
/// use convoke::{DType, TensorType, ops::{Conv, ConvInteger, Op}};
/// let image = TensorType::new(DType::U8, [1, 3, 32, 20]);
/// let weight = TensorType::new(DType::I8, [16, 3, 3, 3]);
/// let conv = ConvInteger::new(Conv::new().padding(1));
/// assert_eq!(Op::from(conv).infer(&[&image, &weight])?[0].to_string(), "i32[1, 16, 32, 20]");
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: as [`Conv`]; operands of another type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConvInteger {
    /// The windows, their padding and the groups.
    pub conv: Conv,
}

impl ConvInteger {
    /// With the windows, padding and groups of this convolution.
    pub const fn new(conv: Conv) -> Self {
        Self { conv }
    }

    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, input: &[usize], weight: &[usize]) -> Result<Vec<usize>> {
        self.conv.output_shape(input, weight, None)
    }
}

impl Operator for ConvInteger {
    fn name(&self) -> &'static str {
        "conv_integer"
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
