//! What operators that a program brings along say that they should give.

use super::answer::Answer;
use crate::dtype::DType;
use crate::error::Result;
use crate::ops::{CustomOp, Expected};

pub(super) fn custom(op: &CustomOp, inputs: &[&Answer]) -> Result<Vec<Answer>> {
    let inputs: Vec<Expected> = (inputs.iter())
        .map(|input| Expected {
            values: input.values.clone(),
            bound: input.bound.clone(),
        })
        .collect();
    let answer = |expected: Expected| Answer {
        dtype: DType::F32,
        values: expected.values,
        bound: expected.bound,
        chance: None,
    };
    Ok(op.reference(&inputs)?.into_iter().map(answer).collect())
}
