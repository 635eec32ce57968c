//! Batch normalisation with given statistics.

use super::operand::Operand;
use super::parallel;
use crate::ops::BatchNorm;

/// `inputs`: input, mean, variance, weight, bias.
pub(super) fn batch_norm(op: BatchNorm, inputs: &[Operand<'_>], output: &mut [f32]) {
    let &[input, mean, variance, weight, bias] = inputs else {
        return;
    };
    let channels = input.shape[1];
    let plane: usize = input.shape[2..].iter().product();
    parallel::planes(output, plane, |index, output| {
        let channel = index % channels;
        let scale = weight.data[channel] / (variance.data[channel] + op.eps).sqrt();
        let (mean, bias) = (mean.data[channel], bias.data[channel]);
        let input = &input.data[index * plane..(index + 1) * plane];
        for (output, &x) in output.iter_mut().zip(input) {
            *output = (x - mean) * scale + bias;
        }
    });
}
