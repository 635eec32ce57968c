//! What reals were made of, where that is quantised numbers: operators of them can then be those of whole numbers.

use super::builder::Value;
use crate::dtype::DType;

/// Quantised numbers with the scale and the zero point that made reals of them.
#[derive(Clone, Debug)]
pub(crate) struct Dequantized {
    pub(super) numbers: Value,
    pub(super) scale: Value,
    /// None where it is known to be 0.
    pub(super) zero_point: Option<Value>,
    /// Along which there are several scales, if there are.
    pub(super) axis: i64,
}

impl Dequantized {
    /// Whether these are numbers of eight bits with one scale, or one for each place along an axis.
    pub(super) fn is_of_bytes(&self, axis: Option<usize>) -> bool {
        let rank = self.numbers.shape().len() as i64;
        let own = if self.axis < 0 { self.axis + rank } else { self.axis };
        let is_one = |value: &Value| value.shape().iter().product::<usize>() == 1;
        let is_one = is_one(&self.scale) && self.zero_point.as_ref().is_none_or(is_one);
        let is_along = axis.is_some_and(|axis| own == axis as i64);
        matches!(self.numbers.dtype(), Some(DType::U8 | DType::I8)) && (is_one || is_along)
    }
}
