//! A slope for negative elements that is an input, by its definition.

use ndarray::ArrayD;

use super::answer::Answer;
use super::unary::leaky;
use crate::error::Result;

pub(super) fn prelu(input: &Answer, slope: &Answer) -> Result<Answer> {
    let slope = slope.view::<ndarray::Ix1>()?;
    let numbers = input.numbers();
    let output = ArrayD::from_shape_fn(numbers.raw_dim(), |place| {
        let channel = if slope.dim() == 1 { 0 } else { place[1] };
        leaky(numbers[&place], slope.at(channel))
    });
    Ok(output.into())
}
