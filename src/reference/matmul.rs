//! The matrix product by its definition.

use ndarray::{ArrayD, IxDyn};

use super::answer::Answer;
use super::number::{Number, Sum};
use crate::error::{Error, Result};

pub(super) fn matmul(left: &Answer, right: &Answer) -> Result<Answer> {
    products(left, right, |pairs| {
        let mut sum = Sum::default();
        for (x, w) in pairs {
            sum.add_product(x, w);
        }
        sum.total()
    })
}

/// The product where an element is this sum of products of pairs.
pub(super) fn products(
    left: &Answer,
    right: &Answer,
    sum: impl Fn(&mut dyn Iterator<Item = (Number, Number)>) -> Number,
) -> Result<Answer> {
    let (row_vector, column_vector) = (left.shape().len() == 1, right.shape().len() == 1);
    let (mut left_shape, mut right_shape) = (left.shape().to_vec(), right.shape().to_vec());
    if row_vector {
        left_shape.insert(0, 1);
    }
    if column_vector {
        right_shape.push(1);
    }
    while left_shape.len() < right_shape.len() {
        left_shape.insert(0, 1);
    }
    while right_shape.len() < left_shape.len() {
        right_shape.insert(0, 1);
    }
    let left = shaped(left, &left_shape)?;
    let right = shaped(right, &right_shape)?;

    let rank = left_shape.len();
    let (row_axis, column_axis) = (rank - 2, rank - 1);
    // An extent of 1 gives way to the other, even to 0.
    let mut shape: Vec<usize> = left_shape
        .iter()
        .zip(&right_shape)
        .map(|(&a, &b)| if a == 1 { b } else { a })
        .collect();
    shape[row_axis] = left_shape[row_axis];
    shape[column_axis] = right_shape[column_axis];
    let output = ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        // Where an operand has an extent of 1, its one matrix serves all.
        let within = |extents: &[usize]| -> Vec<usize> {
            (0..rank)
                .map(|axis| place[axis].min(extents[axis].saturating_sub(1)))
                .collect()
        };
        let (mut left_place, mut right_place) = (within(&left_shape), within(&right_shape));
        sum(&mut (0..left_shape[column_axis]).map(|k| {
            left_place[column_axis] = k;
            right_place[row_axis] = k;
            (left[&left_place[..]], right[&right_place[..]])
        }))
    });

    if row_vector {
        shape.remove(row_axis);
    }
    if column_vector {
        shape.pop();
    }
    Ok(reshaped(output, &shape)?.into())
}

fn shaped(answer: &Answer, shape: &[usize]) -> Result<ArrayD<Number>> {
    reshaped(answer.numbers(), shape)
}

fn reshaped<T>(array: ArrayD<T>, shape: &[usize]) -> Result<ArrayD<T>> {
    let from = format!("{:?}", array.shape());
    array
        .into_shape_with_order(IxDyn(shape))
        .map_err(|error| Error::invalid("matmul", format!("{from} as {shape:?}: {error}")))
}
