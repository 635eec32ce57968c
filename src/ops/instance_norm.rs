//! Normalisation of each channel of each image by its own statistics.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

const NAME: &str = "instance_norm";

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, with the mean and the variance (that divides by the number of
/// elements) of each plane of `[N, C, ..]`; weight and bias are `[C]`. Equals `F.instance_norm(input, weight=weight,
/// bias=bias, eps=eps)` and ONNX `InstanceNormalization`.
///
/// A plane of one element, which PyTorch refuses and ONNX allows, gives the bias. With an `eps` of 0 a plane of equal
/// elements is 0 / 0 and may give anything. A plane with NaN or an infinity becomes NaN.
///
/// ```
/// use convoke::ops::InstanceNorm;
/// assert_eq!(InstanceNorm::new().output_shape(&[2, 3, 4, 5], &[3], &[3])?, [2, 3, 4, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: fewer than 3 dimensions; a weight or bias that is not `[C]`; a negative or NaN `eps`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct InstanceNorm {
    /// Added to the variance; PyTorch's and ONNX's default is 1e-5.
    pub eps: f32,
}

impl Default for InstanceNorm {
    fn default() -> Self {
        Self { eps: 1e-5 }
    }
}

impl InstanceNorm {
    /// With the default `eps`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number added to the variance.
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }

    /// Checks the shapes and gives the output's, which is the input's.
    pub fn output_shape(&self, input: &[usize], weight: &[usize], bias: &[usize]) -> Result<Vec<usize>> {
        ensure!(
            input.len() >= 3,
            NAME,
            "input must have at least 3 dimensions [N, C, ..], but got shape {input:?}"
        );
        for (name, parameter) in [("weight", weight), ("bias", bias)] {
            ensure!(
                parameter == [input[1]],
                NAME,
                "{name} must have shape [{}] (the channels of input {input:?}), but got {parameter:?}",
                input[1]
            );
        }
        ensure!(
            self.eps >= 0.0 && self.eps.is_finite(),
            NAME,
            "eps must be finite and not negative, but got {}",
            self.eps
        );
        shape::element_count(NAME, input)?;
        Ok(input.to_vec())
    }
}

impl Operator for InstanceNorm {
    fn name(&self) -> &'static str {
        "instance_norm"
    }

    fn arity(&self) -> (usize, usize) {
        (3, 3)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1], inputs[2])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        let plain = InstanceNorm::new();
        for (op, input, weight, bias, words) in [
            (plain, &[2, 3][..], &[3][..], &[3][..], "at least 3 dimensions"),
            (plain, &[2, 3, 4], &[4], &[3], "weight must have shape [3]"),
            (plain, &[2, 3, 4], &[3], &[3, 1], "bias must have shape [3]"),
            (plain.eps(-1e-5), &[2, 3, 4], &[3], &[3], "but got -0.00001"),
            (plain.eps(f32::NAN), &[2, 3, 4], &[3], &[3], "but got NaN"),
        ] {
            let message = op.output_shape(input, weight, bias).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        assert_eq!(plain.output_shape(&[0, 3, 4], &[3], &[3]).unwrap(), [0, 3, 4]);
    }
}
