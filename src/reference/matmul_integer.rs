//! The matrix product of whole numbers by its definition.

use super::answer::Answer;
use super::matmul::products;
use super::number::Number;
use crate::dtype::DType;
use crate::error::Result;

pub(super) fn matmul_integer(left: &Answer, right: &Answer) -> Result<Answer> {
    products(left, right, sum)
}

/// A sum of products in 128 bits, as `i32` has it. Nothing is sure of it where a factor is not.
pub(super) fn sum(left: &[Number], right: &[Number]) -> Number {
    let (mut total, mut is_sure) = (0, true);
    for (x, w) in left.iter().zip(right) {
        total += x.value as i128 * w.value as i128;
        is_sure &= x.bound == 0.0 && w.bound == 0.0;
    }
    let number = Number::whole(DType::I32, total);
    let bound = if is_sure { number.bound } else { f64::INFINITY };
    Number { bound, ..number }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn sums_wrap_around() {
        let left = Answer::exact(array![[i32::MAX, 2], [3, -4]].view());
        let right = Answer::exact(array![[2_i8], [5]].view());
        let answer = matmul_integer(&left, &right).unwrap();
        // 2^32 - 2 + 10 wraps around to 8.
        assert_eq!(answer.values.as_slice(), Some(&[8.0, -14.0][..]));
    }
}
