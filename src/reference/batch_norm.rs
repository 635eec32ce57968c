//! Batch normalisation with given statistics, by its definition.

use ndarray::{ArrayD, Ix1};

use super::answer::Answer;
use super::number::{Number, SMALLEST, ULP};
use crate::error::{Error, Result};
use crate::ops::BatchNorm;

/// The errors of `x * s + (bias - mean * s)` and of `(x - mean) * s + bias` with `s = weight / sqrt(variance + eps)`, in
/// ULP: the sum under the root 1 (halved by it), the root 4.5 (1 / inverseSqrt), the quotient 2.5, and 4 products and sums.
const OPERATIONS: f64 = 12.0;

pub(super) fn batch_norm(op: BatchNorm, input: &Answer, parameters: &[&Answer]) -> Result<Answer> {
    let &[mean, variance, weight, bias] = parameters else {
        return Err(Error::invalid("batch_norm", "expected mean, variance, weight and bias"));
    };
    let (mean, variance) = (mean.view::<Ix1>()?, variance.view::<Ix1>()?);
    let (weight, bias) = (weight.view::<Ix1>()?, bias.view::<Ix1>()?);
    let eps = f64::from(op.eps);
    let numbers = input.numbers();
    let output = ArrayD::from_shape_fn(numbers.raw_dim(), |place| {
        let (x, c) = (numbers[&place], place[1]);
        let (mean, variance, weight, bias) = (mean.at(c), variance.at(c), weight.at(c), bias.at(c));
        let scale = weight.value / (variance.value + eps).sqrt();
        let value = (x.value - mean.value) * scale + bias.value;

        // The largest scale comes from the largest weight and the smallest variance.
        let largest_scale = weight.largest() / (variance.value - variance.bound + eps).sqrt();
        let scale_error = largest_scale - scale.abs();
        let distance = (x.value - mean.value).abs();
        let inherited = (x.bound + mean.bound) * largest_scale + distance * scale_error + bias.bound;
        let magnitude = (x.largest() + mean.largest()) * largest_scale + bias.largest();
        let flushed = SMALLEST * (4.0 + largest_scale);
        Number::new(value, inherited + OPERATIONS * ULP * magnitude + flushed)
    });
    Ok(output.into())
}
