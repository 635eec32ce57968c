//! A slope for negative elements that is an input.

use super::parallel;

/// `x` where positive, else `slope * x`, the slope one for all or one a channel.
pub(super) fn prelu(shape: &[usize], input: &[f32], slopes: &[f32], output: &mut [f32]) {
    let plane = shape.iter().skip(2).product::<usize>().max(1);
    parallel::planes(output, plane, |index, output| {
        let input = &input[index * plane..(index + 1) * plane];
        let slope = slopes[index % slopes.len()];
        for (output, &x) in output.iter_mut().zip(input) {
            // A slope may be NaN or infinite, and then 0 has a product too.
            *output = if x > 0.0 { x } else { slope * x };
        }
    });
}
