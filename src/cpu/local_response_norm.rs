//! Normalisation by the squares of neighbouring channels.

use pulp::Scalar;

use super::math::{exp, log};
use super::operand::Operand;
use super::parallel;
use super::vectors::dispatch;
use crate::cancel;
use crate::ops::LocalResponseNorm;

/// Neighbours for which is asked at every channel whether the run is stopped.
const LARGE: usize = 256;

pub(super) fn local_response_norm(op: &LocalResponseNorm, input: &Operand<'_>, output: &mut [f32]) {
    let channels = input.shape[1];
    let plane: usize = input.shape[2..].iter().product();
    let factor = op.alpha / op.size as f32;
    parallel::planes(output, plane, |index, output| {
        if op.size > LARGE && cancel::is_over() {
            return;
        }
        let (image, channel) = (index / channels, index % channels);
        let of = |channel: usize| &input.data[(image * channels + channel) * plane..][..plane];
        // floor((size - 1) / 2) channels before, ceil((size - 1) / 2) after.
        let first = channel.saturating_sub((op.size - 1) / 2);
        let last = channel.saturating_add(op.size / 2).min(channels - 1);
        dispatch(
            #[inline(always)]
            || {
                output.fill(0.0);
                for neighbour in first..=last {
                    for (sum, &x) in output.iter_mut().zip(of(neighbour)) {
                        *sum += x * x;
                    }
                }
                for (output, &x) in output.iter_mut().zip(of(channel)) {
                    *output = x / power(op.k + factor * *output, op.beta);
                }
            },
        );
    });
}

/// A positive number to a positive power; the powers in use are products and roots.
#[inline(always)]
fn power(base: f32, beta: f32) -> f32 {
    if beta == 0.75 {
        let root = base.sqrt();
        root * root.sqrt()
    } else if beta == 0.5 {
        base.sqrt()
    } else if beta == 1.0 {
        base
    } else {
        exp::<Scalar>(beta * log::<Scalar>(base))
    }
}
