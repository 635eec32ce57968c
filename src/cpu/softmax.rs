//! Softmax and log-softmax, with the maximum taken off.

use pulp::{Simd, WithSimd};

use super::math::{exp, larger};
use super::operand::Operand;
use super::parallel;
use super::reduce::sum_of_row;
use super::vectors::dispatch;
use crate::error::Result;
use crate::ops::Softmax;

pub(super) fn softmax(op: Softmax, input: &Operand<'_>, output: &mut [f32]) -> Result<()> {
    let axis = op.resolved_axis(input.shape)?;
    let extent = input.shape[axis];
    // Elements along the axis are so far apart.
    let inner: usize = input.shape[axis + 1..].iter().product();
    parallel::planes(output, extent * inner, |index, output| {
        let input = &input.data[index * extent * inner..(index + 1) * extent * inner];
        dispatch(Rows {
            log: op.log,
            inner,
            input,
            output,
        });
    });
    Ok(())
}

/// As many rows at once as lie beside one another.
struct Rows<'a> {
    log: bool,
    inner: usize,
    input: &'a [f32],
    output: &'a mut [f32],
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        if self.inner == 1 {
            row::<S>(self.log, self.input, self.output);
        } else {
            rows::<S>(self.log, self.inner, self.input, self.output);
        }
    }
}

/// The axis is the last: its elements lie together.
#[inline(always)]
fn row<S: Simd>(log: bool, input: &[f32], output: &mut [f32]) {
    let largest = input.iter().fold(f32::NEG_INFINITY, |best, &value| larger(best, value));
    for (output, &x) in output.iter_mut().zip(input) {
        *output = exp::<S>(x - largest);
    }
    let sum = sum_of_row(output);
    if log {
        let log = sum.ln();
        for (output, &x) in output.iter_mut().zip(input) {
            *output = x - largest - log;
        }
    } else {
        for output in output.iter_mut() {
            *output /= sum;
        }
    }
}

/// The axis is another.
#[inline(always)]
fn rows<S: Simd>(log: bool, inner: usize, input: &[f32], output: &mut [f32]) {
    let mut largest = vec![f32::NEG_INFINITY; inner];
    let mut sums = vec![0.0_f64; inner];
    for input in input.chunks_exact(inner) {
        for (largest, &x) in largest.iter_mut().zip(input) {
            *largest = larger(*largest, x);
        }
    }
    for (input, output) in input.chunks_exact(inner).zip(output.chunks_exact_mut(inner)) {
        for (((output, sum), &x), &largest) in output.iter_mut().zip(&mut sums).zip(input).zip(&largest) {
            *output = exp::<S>(x - largest);
            *sum += f64::from(*output);
        }
    }
    // The sums have more digits while they are added up.
    let mut sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    if log {
        for sum in &mut sums {
            *sum = sum.ln();
        }
        for (input, output) in input.chunks_exact(inner).zip(output.chunks_exact_mut(inner)) {
            for (((output, &log), &x), &largest) in output.iter_mut().zip(&sums).zip(input).zip(&largest) {
                *output = x - largest - log;
            }
        }
    } else {
        for output in output.chunks_exact_mut(inner) {
            for (output, &sum) in output.iter_mut().zip(&sums) {
                *output /= sum;
            }
        }
    }
}
