//! The matrix product of two tensors.

use super::operator::Operator;
use crate::error::{Error, Result, ensure};
use crate::shape;

const NAME: &str = "matmul";

/// The product of matrices `[.., M, K]` and `[.., K, N]`, which is `[.., M, N]`; leading dimensions broadcast. Equals
/// `torch.matmul`, `numpy.matmul` and ONNX `MatMul`.
///
/// A left operand of one dimension is a row `[1, K]`, a right one a column `[K, 1]`; the dimension so added is not in
/// the output: two vectors give a scalar. Either operand may change from run to run; for a constant weight `[O, I]`,
/// [`Linear`](super::Linear) is faster.
///
/// ```
/// use convoke::ops::MatMul;
/// assert_eq!(MatMul.output_shape(&[8, 1, 5, 3], &[4, 3, 7])?, [8, 4, 5, 7]);
/// assert_eq!(MatMul.output_shape(&[8, 5, 3], &[3])?, [8, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a scalar; inner extents that differ or are 0; leading dimensions that do not broadcast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MatMul;

/// Checked operands: matrices of `rows x inner` and `inner x columns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatMulExtents<'a> {
    pub(crate) left_batch: &'a [usize],
    pub(crate) right_batch: &'a [usize],
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
}

impl MatMul {
    /// Checks the shapes and gives the output's.
    pub fn output_shape(&self, left: &[usize], right: &[usize]) -> Result<Vec<usize>> {
        let extents = Self::extents(left, right)?;
        let mut output = shape::broadcast(NAME, extents.left_batch, extents.right_batch)?;
        if left.len() > 1 {
            output.push(extents.rows);
        }
        if right.len() > 1 {
            output.push(extents.columns);
        }
        shape::element_count(NAME, &output)?;
        Ok(output)
    }

    pub(crate) fn extents<'a>(left: &'a [usize], right: &'a [usize]) -> Result<MatMulExtents<'a>> {
        let (left_batch, [rows, inner]) = match left {
            [] => return Err(scalar("left", left, right)),
            &[inner] => (&[][..], [1, inner]),
            [batch @ .., rows, inner] => (batch, [*rows, *inner]),
        };
        let (right_batch, [right_inner, columns]) = match right {
            [] => return Err(scalar("right", left, right)),
            &[inner] => (&[][..], [inner, 1]),
            [batch @ .., inner, columns] => (batch, [*inner, *columns]),
        };
        ensure!(
            inner == right_inner,
            NAME,
            "left has {inner} columns and right {right_inner} rows, which must be equal (shapes {left:?} and {right:?})"
        );
        shape::element_count(NAME, left)?;
        shape::element_count(NAME, right)?;
        Ok(MatMulExtents {
            left_batch,
            right_batch,
            rows,
            inner,
            columns,
        })
    }
}

fn scalar(which: &str, left: &[usize], right: &[usize]) -> Error {
    Error::invalid(
        NAME,
        format!("{which} must have at least 1 dimension, but shapes are {left:?} and {right:?}"),
    )
}

impl Operator for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_lose_the_dimension_they_were_given() {
        let shape = |left: &[usize], right: &[usize]| MatMul.output_shape(left, right).unwrap();
        assert_eq!(shape(&[3], &[3]), [0usize; 0]);
        assert_eq!(shape(&[3], &[3, 7]), [7]);
        assert_eq!(shape(&[2, 5, 3], &[3]), [2, 5]);
        assert_eq!(shape(&[3], &[2, 3, 7]), [2, 7]);
        assert_eq!(shape(&[0, 3], &[3, 7]), [0, 7]);
        assert_eq!(shape(&[5, 0], &[0, 7]), [5, 7]);
    }

    #[test]
    fn refusals_carry_the_numbers() {
        for (left, right, words) in [
            (&[][..], &[3][..], "left must have at least 1 dimension"),
            (&[3], &[], "right must have at least 1 dimension"),
            (&[5, 3], &[4, 7], "left has 3 columns and right 4 rows"),
            (&[2, 5, 3], &[3, 3, 7], "2 against 3 at dimension 0"),
            (&[usize::MAX, 1, 1, 2], &[2, 2], "more elements"),
        ] {
            let message = MatMul.output_shape(left, right).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
