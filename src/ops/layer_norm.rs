//! Normalisation of rows, which are all that lies along the last axes, by their own statistics.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

/// `(x - mean) / sqrt(variance + eps) * weight + bias`, with the mean and the variance (that divides by the number of elements) of
/// all that lies along the axes from `axis` on; weight and bias have those axes' extents. Equals `F.layer_norm(input,
/// input.shape[axis:], weight, bias, eps)` and ONNX `LayerNormalization`.
///
/// [`LayerNorm::rms`] takes no mean off and has no bias: `x / sqrt(mean(x^2) + eps) * weight`, which equals `F.rms_norm`.
///
/// With an `eps` of 0 a row of equal elements is 0 / 0 and may give anything. A row with NaN or an infinity becomes NaN, where
/// `F.rms_norm` makes zeros of the finite numbers beside an infinity.
///
/// ```
/// use convoke::ops::LayerNorm;
/// assert_eq!(LayerNorm::new(-1).output_shape(&[2, 5, 64], &[64], Some(&[64]))?, [2, 5, 64]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: an axis out of range; a weight or bias of another shape than the axes that are normalised; a negative or NaN `eps`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerNorm {
    /// The first of the axes that are normalised; negative counts from the end.
    pub axis: isize,
    /// Added to the variance, or to the mean of squares.
    pub eps: f32,
    /// Whether the mean is taken off.
    pub centred: bool,
}

impl LayerNorm {
    /// Of the axes from this one on, with PyTorch's and ONNX's default `eps` of 1e-5.
    pub fn new(axis: isize) -> Self {
        Self {
            axis,
            eps: 1e-5,
            centred: true,
        }
    }

    /// `F.rms_norm`: without a mean. (PyTorch's default `eps` is `f32::EPSILON`, ONNX's the 1e-5 that is meant here, too.)
    pub fn rms(axis: isize) -> Self {
        Self {
            centred: false,
            ..Self::new(axis)
        }
    }

    /// Sets the number that is added to the variance, or to the mean of squares.
    pub fn eps(mut self, eps: f32) -> Self {
        self.eps = eps;
        self
    }

    /// Checks the shapes and gives the output's, which is the input's.
    pub fn output_shape(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<Vec<usize>> {
        let name = self.name();
        let normalised = &input[shape::axis(name, self.axis, input.len())?..];
        for (parameter, given) in [("weight", Some(weight)), ("bias", bias)] {
            ensure!(
                given.is_none_or(|given| given == normalised),
                name,
                "{parameter} must have shape {normalised:?} (input {input:?} from axis {} on), but got {:?}",
                self.axis,
                given.unwrap_or_default()
            );
        }
        ensure!(
            self.eps >= 0.0 && self.eps.is_finite(),
            name,
            "eps must be finite and not negative, but got {}",
            self.eps
        );
        shape::element_count(name, input)?;
        Ok(input.to_vec())
    }
}

impl Operator for LayerNorm {
    fn name(&self) -> &'static str {
        if self.centred { "layer_norm" } else { "rms_norm" }
    }

    fn arity(&self) -> (usize, usize) {
        (2, if self.centred { 3 } else { 2 })
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1], inputs.get(2).copied())?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Op;

    #[test]
    fn refusals_carry_the_numbers() {
        let last = LayerNorm::new(-1);
        for (op, inputs, words) in [
            (last, &[&[2, 3][..], &[2]][..], "weight must have shape [3]"),
            (LayerNorm::new(1), &[&[2, 3, 4], &[4]], "weight must have shape [3, 4]"),
            (last, &[&[2, 3], &[3], &[1, 3]], "bias must have shape [3]"),
            (LayerNorm::new(2), &[&[2, 3], &[3]], "axis 2"),
            (last, &[&[], &[]], "axis -1"),
            (last.eps(-1e-5), &[&[2, 3], &[3]], "but got -0.00001"),
            (last.eps(f32::NAN), &[&[2, 3], &[3]], "but got NaN"),
            (LayerNorm::rms(-1), &[&[2, 3], &[3], &[3]], "rms_norm: expected 2 to 2 inputs"),
        ] {
            let message = Op::from(op).output_shapes(inputs).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        assert_eq!(last.output_shape(&[0, 3], &[3], None).unwrap(), [0, 3]);
    }
}
