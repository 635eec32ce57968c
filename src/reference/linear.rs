//! The fully connected layer by its definition.

use ndarray::{Array2, Ix1, Ix2};

use super::answer::Answer;
use super::number::Sum;
use super::reshape;
use crate::error::Result;

pub(super) fn linear(input: &Answer, weight: &Answer, bias: Option<&Answer>) -> Result<Answer> {
    let weight = weight.view::<Ix2>()?;
    let bias = bias.map(Answer::view::<Ix1>).transpose()?;
    let (out_features, in_features) = weight.dim();
    let leading = &input.shape()[..input.shape().len() - 1];
    let rows: usize = leading.iter().product();
    let flat = reshape::with_shape(input, &[rows, in_features])?;
    let (flat, weight) = (flat.view::<Ix2>()?.numbers(), weight.numbers());
    let output = Array2::from_shape_fn((rows, out_features), |(n, o)| {
        let (features, weights) = (&flat[n * in_features..], &weight[o * in_features..]);
        let mut sum = Sum::of_products(&features[..in_features], &weights[..in_features]);
        if let Some(bias) = &bias {
            sum.add(bias.at(o));
        }
        sum.total()
    });
    reshape::with_shape(&output.into(), &[leading, &[out_features]].concat())
}
