//! Normalisation of each row by its own mean and variance, which are summed in `f64`.

use super::instance_norm::sum;
use super::operand::Operand;
use super::parallel;
use super::vectors::dispatch;
use crate::ops::LayerNorm;

pub(super) fn layer_norm(op: LayerNorm, input: &Operand<'_>, weight: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
    let extent = weight.len();
    parallel::planes(output, extent, |index, output| {
        let input = &input.data[index * extent..(index + 1) * extent];
        dispatch(
            #[inline(always)]
            || row(op, input, weight, bias, output),
        );
    });
}

#[inline(always)]
fn row(op: LayerNorm, input: &[f32], weight: &[f32], bias: Option<&[f32]>, output: &mut [f32]) {
    let count = input.len() as f64;
    let mean = if op.centred { sum(input, f64::from) / count } else { 0.0 };
    let square = sum(input, |x| (f64::from(x) - mean) * (f64::from(x) - mean)) / count;
    // An infinity makes the whole row NaN; the finite numbers beside it would be zeros.
    let deviation = if square.is_finite() {
        (square + f64::from(op.eps)).sqrt()
    } else {
        f64::NAN
    };
    let (mean, scale) = (mean as f32, (1.0 / deviation) as f32);
    for ((output, &x), &weight) in output.iter_mut().zip(input).zip(weight) {
        *output = (x - mean) * (scale * weight);
    }
    for (output, &bias) in output.iter_mut().zip(bias.unwrap_or_default()) {
        *output += bias;
    }
}
