//! Activations over slices, compiled for the vectors that the machine has.

use pulp::Arch;

use super::math::{decay_minus_one, erf, exp, gelu, gelu_tanh, log, mish, sigmoid, softplus, tanh};
use super::parallel;
use crate::ops::Activation;

/// Applies an activation to every element, on this thread.
pub(super) fn apply(activation: Activation, data: &mut [f32]) {
    match activation {
        Activation::Relu => each(data, |x| if x < 0.0 { 0.0 } else { x }),
        Activation::Relu6 => each(data, |x| clamp(x, 0.0, 6.0)),
        Activation::Clamp { min, max } => each(data, |x| clamp(x, min, max)),
        Activation::LeakyRelu { negative_slope } => each(data, |x| if x < 0.0 { negative_slope * x } else { x }),
        Activation::Elu { alpha } => each(data, |x| if x < 0.0 { alpha * decay_minus_one(x) } else { x }),
        Activation::Silu => each(data, |x| x * sigmoid(x)),
        Activation::Gelu => each(data, gelu),
        Activation::Mish => each(data, mish),
        Activation::Softplus => each(data, softplus),
        Activation::Sigmoid => each(data, sigmoid),
        Activation::Tanh => each(data, tanh),
        Activation::HardSigmoid => each(data, |x| clamp(x + 3.0, 0.0, 6.0) / 6.0),
        // The product before the division, as in PyTorch.
        Activation::HardSwish => each(data, |x| x * clamp(x + 3.0, 0.0, 6.0) / 6.0),
        Activation::Abs => each(data, f32::abs),
        Activation::Neg => each(data, |x| -x),
        Activation::Exp => each(data, exp),
        Activation::Log => each(data, log),
        Activation::Sqrt => each(data, f32::sqrt),
        Activation::Erf => each(data, erf),
        Activation::Softsign => each(data, |x| x / (1.0 + x.abs())),
        Activation::Selu { alpha, gamma } => {
            each(data, |x| gamma * if x < 0.0 { alpha * decay_minus_one(x) } else { x });
        }
        Activation::Celu { alpha } => each(data, |x| if x < 0.0 { alpha * decay_minus_one(x / alpha) } else { x }),
        Activation::HardSigmoidWith { alpha, beta } => each(data, |x| clamp(alpha * x + beta, 0.0, 1.0)),
        Activation::GeluTanh => each(data, gelu_tanh),
        Activation::Floor => each(data, f32::floor),
        Activation::Ceil => each(data, f32::ceil),
    }
}

/// `min(max(x, low), high)` that keeps NaN, and in which `high` wins.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let raised = if x < low { low } else { x };
    if raised > high { high } else { raised }
}

fn each(data: &mut [f32], function: impl Fn(f32) -> f32) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for x in data {
                *x = function(*x);
            }
        },
    );
}

/// An activation from one tensor to another, over all threads.
pub(super) fn activation(op: Activation, input: &[f32], output: &mut [f32]) {
    parallel::pairs(output, input, |output, input| {
        output.copy_from_slice(input);
        apply(op, output);
    });
}

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
