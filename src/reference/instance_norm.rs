//! Normalisation of each plane by its own mean and variance, by its definition.

use ndarray::{ArrayD, Axis, Ix1};

use super::answer::Answer;
use super::number::{Number, SMALLEST, Sum, ULP, UNIT_ROUNDOFF, depth_of_elements};
use crate::error::Result;
use crate::ops::InstanceNorm;

/// The errors of `(x - mean) * (weight / deviation) + bias`, in ULP: the quotient 2.5, and the difference, the product
/// and the sum; 2 more for other orders.
const OPERATIONS: f64 = 8.0;

pub(super) fn instance_norm(op: InstanceNorm, input: &Answer, weight: &Answer, bias: &Answer) -> Result<Answer> {
    let (weight, bias) = (weight.view::<Ix1>()?, bias.view::<Ix1>()?);
    let mut output: ArrayD<Number> = input.numbers();
    for mut image in output.axis_iter_mut(Axis(0)) {
        for (c, mut plane) in image.axis_iter_mut(Axis(0)).enumerate() {
            let numbers: Vec<Number> = plane.iter().copied().collect();
            let statistics = Statistics::new(&numbers, f64::from(op.eps));
            for x in &mut plane {
                *x = statistics.normalise(*x, weight.at(c), bias.at(c));
            }
        }
    }
    Ok(output.into())
}

/// What a plane's elements have in common.
pub(super) struct Statistics {
    mean: Number,
    /// `sqrt(variance + eps)`, and between what it may be.
    deviation: f64,
    least: f64,
    largest: f64,
    /// No element is more deviations than this from its mean, whatever the errors.
    most_deviations: f64,
}

impl Statistics {
    pub(super) fn new(plane: &[Number], eps: f64) -> Self {
        let mut sum = Sum::default();
        for &x in plane {
            sum.add(x);
        }
        Self::about(sum.total_of_elements().divided_by(plane.len() as f64), plane, eps)
    }

    /// With the distances from any number, the mean or 0.
    pub(super) fn about(mean: Number, plane: &[Number], eps: f64) -> Self {
        let count = plane.len() as f64;
        let mean_of = |term: &dyn Fn(&Number) -> f64| plane.iter().map(term).sum::<f64>() / count;
        let deviation = (mean_of(&|x| (x.value - mean.value).powi(2)) + eps).sqrt();

        // The deviation is a norm, of the distances from the mean and of sqrt(eps). Errors of the inputs change it by their
        // own root mean square at most: triangle inequality, and taking the mean off shortens a vector.
        let inherited = mean_of(&|x| x.bound.powi(2)).sqrt();
        // A mean rounded by r adds r^2 to the variance, since the distances from the true mean add up to 0.
        let rounded = (mean.bound - mean_of(&|x| x.bound)).max(0.0);
        // All terms are positive, so their errors are relative: any order of summation, two ULP for each difference (it is
        // squared), one for the square, 3.5 for the division, one for adding eps. The root halves them and has 4.5 ULP of
        // its own (1 / inverseSqrt).
        let variance_error = 2.0 * (depth_of_elements(plane.len()) + 2.0) * UNIT_ROUNDOFF + (2.0 + 1.0 + 3.5 + 1.0) * ULP;
        let error = variance_error / 2.0 + variance_error.powi(2) + 4.5 * ULP;
        let flushed = 4.0 * SMALLEST;
        let flushed = flushed.sqrt().min(flushed / eps.sqrt());
        Self {
            mean,
            deviation,
            least: (deviation - inherited).max(eps.sqrt()) * (1.0 - error) - flushed,
            largest: (deviation + inherited).hypot(rounded) * (1.0 + error) + flushed,
            // A square is no more than the sum of all squares. (A smaller eps does not outweigh flushed squares.)
            most_deviations: if eps > 1e-30 {
                count.sqrt() * (1.0 + 2.0 * error)
            } else {
                f64::INFINITY
            },
        }
    }

    pub(super) fn normalise(&self, x: Number, weight: Number, bias: Number) -> Number {
        let distance = x.value - self.mean.value;
        let deviations = distance / self.deviation;
        let value = deviations * weight.value + bias.value;

        let moved = x.bound + self.mean.bound;
        let off = if self.least > 0.0 {
            let scale_off = (1.0 / self.least - 1.0 / self.deviation).max(1.0 / self.deviation - 1.0 / self.largest);
            moved / self.least + distance.abs() * scale_off
        } else {
            f64::INFINITY
        };
        let off = off.min(deviations.abs() + self.most_deviations);
        let inherited = off * weight.largest() + deviations.abs() * weight.bound + bias.bound;
        let magnitude = (deviations.abs() + off).min(self.most_deviations) * weight.largest() + bias.largest();
        let flushed = SMALLEST * (4.0 + distance.abs() + moved);
        Number::new(value, inherited + OPERATIONS * ULP * magnitude + flushed)
    }
}
