//! Normalisation of each plane by its own mean and variance, which are summed in `f64`.

use super::operand::Operand;
use super::parallel;
use crate::ops::InstanceNorm;

pub(super) fn instance_norm(op: InstanceNorm, input: &Operand<'_>, weight: &[f32], bias: &[f32], output: &mut [f32]) {
    let plane: usize = input.shape[2..].iter().product();
    parallel::planes(output, plane, |index, output| {
        let channel = index % weight.len();
        let input = &input.data[index * plane..(index + 1) * plane];
        let count = plane as f64;
        let mean = sum(input, f64::from) / count;
        let variance = sum(input, |x| (f64::from(x) - mean) * (f64::from(x) - mean)) / count;
        let scale = f64::from(weight[channel]) / (variance + f64::from(op.eps)).sqrt();
        let (mean, scale, bias) = (mean as f32, scale as f32, bias[channel]);
        for (output, &x) in output.iter_mut().zip(input) {
            *output = (x - mean) * scale + bias;
        }
    });
}

/// In eight lanes.
#[inline(always)]
pub(super) fn sum(values: &[f32], term: impl Fn(f32) -> f64) -> f64 {
    let (lanes, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for lane in lanes {
        for (sum, &value) in sums.iter_mut().zip(lane) {
            *sum += term(value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&value| term(value)).sum::<f64>()
}
