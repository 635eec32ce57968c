//! From one element type to another.

use super::operator::Operator;
use crate::dtype::DType;
use crate::error::Result;
use crate::shape;

/// The elements as another type has them. Equals `torch.Tensor.to` and ONNX `Cast`, and where those leave open what comes of a number
/// that the type has not: floats are cut off towards 0 and end at the ends of `i64` or `i32`, NaN is 0; `u8` and `i8` wrap around like
/// an `i32`, whole numbers like one of their own; what is not 0 is true. On a GPU `i64` has 32 bits.
///
/// ```
/// use convoke::{DType, TensorType, ops::{Cast, Op}};
/// let image = TensorType::new(DType::U8, [1, 3, 8, 6]);
/// assert_eq!(Op::from(Cast::new(DType::F32)).infer(&[&image])?[0].to_string(), "f32[1, 3, 8, 6]");
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Cast {
    /// The type of the output.
    pub to: DType,
}

impl Cast {
    /// To this type.
    pub const fn new(to: DType) -> Self {
        Self { to }
    }

    /// Gives the output's shape, which is the input's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        shape::element_count("to", input)?;
        Ok(input.to_vec())
    }
}

impl Operator for Cast {
    fn name(&self) -> &'static str {
        "to"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }

    fn output_types(&self, _: &[DType]) -> Result<Vec<DType>> {
        Ok(vec![self.to])
    }
}
