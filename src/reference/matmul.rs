//! The matrix product by its definition.

use ndarray::{ArrayD, Dimension, IxDyn, indices};

use super::answer::Answer;
use super::number::{Number, Sum};
use crate::error::{Error, Result};

pub(super) fn matmul(left: &Answer, right: &Answer) -> Result<Answer> {
    products(left, right, |row, column| Sum::of_products(row, column).total())
}

/// The product where an element is this sum of products of a row's numbers and a column's.
pub(super) fn products(left: &Answer, right: &Answer, sum: impl Fn(&[Number], &[Number]) -> Number) -> Result<Answer> {
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
    let rank = left_shape.len();
    let (row_axis, column_axis) = (rank - 2, rank - 1);
    let mut right = reshaped(right.numbers(), &right_shape)?;
    right.swap_axes(row_axis, column_axis);
    // Rows and columns, each in a piece.
    let (rows, columns) = (in_order(&reshaped(left.numbers(), &left_shape)?), in_order(&right));

    // An extent of 1 gives way to the other, even to 0.
    let mut shape: Vec<usize> = left_shape
        .iter()
        .zip(&right_shape)
        .map(|(&a, &b)| if a == 1 { b } else { a })
        .collect();
    shape[row_axis] = left_shape[row_axis];
    shape[column_axis] = right_shape[column_axis];
    let (height, width, terms) = (shape[row_axis], shape[column_axis], left_shape[column_axis]);
    let mut output = Vec::with_capacity(shape.iter().product());
    for place in indices(&shape[..row_axis]) {
        // Where an operand has an extent of 1, its one matrix serves all.
        let matrix = |extents: &[usize]| {
            let axes = place.slice().iter().zip(extents);
            axes.fold(0, |matrix, (&place, &extent)| {
                matrix * extent + place.min(extent.saturating_sub(1))
            })
        };
        let (first_row, first_column) = (matrix(&left_shape) * height, matrix(&right_shape) * width);
        for row in first_row..first_row + height {
            for column in first_column..first_column + width {
                output.push(sum(&rows[row * terms..][..terms], &columns[column * terms..][..terms]));
            }
        }
    }
    let output = ArrayD::from_shape_vec(shape.as_slice(), output);
    let output = output.map_err(|error| Error::Internal(format!("matmul: {error}")))?;

    if row_vector {
        shape.remove(row_axis);
    }
    if column_vector {
        shape.pop();
    }
    Ok(reshaped(output, &shape)?.into())
}

/// The numbers row by row.
pub(super) fn in_order(array: &ArrayD<Number>) -> Vec<Number> {
    array.iter().copied().collect()
}

fn reshaped<T>(array: ArrayD<T>, shape: &[usize]) -> Result<ArrayD<T>> {
    let from = format!("{:?}", array.shape());
    array
        .into_shape_with_order(IxDyn(shape))
        .map_err(|error| Error::invalid("matmul", format!("{from} as {shape:?}: {error}")))
}
