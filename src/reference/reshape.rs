//! Reshape and flatten: the same numbers in the same order under another shape.

use ndarray::IxDyn;

use super::answer::Answer;
use crate::error::{Error, Result};
use crate::ops::{Flatten, Reshape};

pub(super) fn reshape(op: &Reshape, input: &Answer) -> Result<Answer> {
    let elements = input.values.len();
    // The extent that is left to find is the one with which the count comes out right.
    let count = |inferred: usize| -> usize {
        let extents = op.shape.iter();
        extents.map(|&extent| usize::try_from(extent).unwrap_or(inferred)).product()
    };
    let inferred = (0..=elements).find(|&inferred| count(inferred) == elements).unwrap_or(0);
    let shape: Vec<usize> = op
        .shape
        .iter()
        .map(|&extent| usize::try_from(extent).unwrap_or(inferred))
        .collect();
    with_shape(input, &shape)
}

pub(super) fn flatten(op: Flatten, input: &Answer) -> Result<Answer> {
    let rank = input.shape().len() as isize;
    let from_start = |dim: isize| if dim < 0 { rank + dim } else { dim };
    let (start, end) = (from_start(op.start_dim), from_start(op.end_dim));
    let mut shape = Vec::new();
    for (dim, &extent) in (0..).zip(input.shape()) {
        match shape.last_mut() {
            Some(merged) if start < dim && dim <= end => *merged *= extent,
            _ => shape.push(extent),
        }
    }
    with_shape(input, &shape)
}

/// The same numbers in row-major order under another shape.
pub(super) fn with_shape(input: &Answer, shape: &[usize]) -> Result<Answer> {
    let wrong =
        |error: ndarray::ShapeError| Error::invalid("reference", format!("shape {:?} to {shape:?}: {error}", input.shape()));
    let numbers = input.numbers();
    let reshaped = numbers.to_shape(IxDyn(shape)).map_err(wrong)?;
    Ok(Answer {
        dtype: input.dtype,
        ..reshaped.to_owned().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        let input = Answer::exact(ndarray::ArrayD::<f32>::zeros(IxDyn(&[2, 3, 4, 5])).view());
        let shape = |answer: Result<Answer>| answer.unwrap().shape().to_vec();
        assert_eq!(shape(reshape(&Reshape::new([4, -1, 2]), &input)), [4, 15, 2]);
        assert_eq!(shape(flatten(Flatten::default(), &input)), [2, 60]);
        assert_eq!(shape(flatten(Flatten::new(0, -1), &input)), [120]);
        assert_eq!(shape(flatten(Flatten::new(1, 2), &input)), [2, 12, 5]);
    }
}
