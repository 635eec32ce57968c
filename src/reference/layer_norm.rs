//! Normalisation of rows by their own mean and variance, by its definition.

use ndarray::ArrayD;

use super::answer::Answer;
use super::instance_norm::Statistics;
use super::number::Number;
use crate::error::{Error, Result};
use crate::ops::LayerNorm;

pub(super) fn layer_norm(op: LayerNorm, input: &Answer, weight: &Answer, bias: Option<&Answer>) -> Result<Answer> {
    let weight: Vec<Number> = weight.numbers().into_iter().collect();
    let bias = bias.map_or_else(
        || vec![Number::ZERO; weight.len()],
        |bias| bias.numbers().into_iter().collect(),
    );
    let mut numbers: Vec<Number> = input.numbers().into_iter().collect();
    for row in numbers.chunks_mut(weight.len().max(1)) {
        let eps = f64::from(op.eps);
        let statistics = if op.centred {
            Statistics::new(row, eps)
        } else {
            Statistics::about(Number::ZERO, row, eps)
        };
        let is_finite = row.iter().all(|x| x.value.is_finite());
        for ((x, &weight), &bias) in row.iter_mut().zip(&weight).zip(&bias) {
            *x = if is_finite {
                statistics.normalise(*x, weight, bias)
            } else {
                Number::exact(f64::NAN)
            };
        }
    }
    let output = ArrayD::from_shape_vec(input.shape(), numbers);
    Ok(output.map_err(|error| Error::Internal(error.to_string()))?.into())
}
