//! Normalisation by the squares of neighbouring channels.

use super::operator::Operator;
use crate::error::{Error, Result, ensure};
use crate::shape;

const NAME: &str = "local_response_norm";

/// `x / (k + alpha / size * sum)^beta` over `[N, C, ..]`, where `sum` adds the squares of `size` channels at the same
/// place, as far as there are any: from `(size - 1) / 2` before (rounded down) to `(size - 1) / 2` after (rounded up).
/// Equals ONNX `LRN` and, where the size is odd, `F.local_response_norm`; where it is even, PyTorch has one channel more
/// before and one less after.
///
/// ```
/// use convoke::ops::LocalResponseNorm;
/// let norm = LocalResponseNorm::new(5).alpha(1e-4).beta(0.75).k(2.0);
/// assert_eq!(norm.output_shape(&[1, 96, 27, 27])?, [1, 96, 27, 27]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: fewer than 2 dimensions; a size of 0; parameters that are not finite. Unsupported: a negative `alpha`, and a
/// `beta` or `k` that is not positive (the power's base might be 0 or negative).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LocalResponseNorm {
    /// How many channels are summed.
    pub size: usize,
    /// The factor of the mean square; the default is 1e-4.
    pub alpha: f32,
    /// The exponent; the default is 0.75.
    pub beta: f32,
    /// Added to the mean square (ONNX calls it bias); the default is 1.
    pub k: f32,
}

impl LocalResponseNorm {
    /// With the default `alpha`, `beta` and `k`, which are the same in PyTorch and ONNX.
    pub fn new(size: usize) -> Self {
        Self {
            size,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        }
    }

    /// Sets the factor of the mean square.
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets the exponent.
    pub fn beta(mut self, beta: f32) -> Self {
        self.beta = beta;
        self
    }

    /// Sets what is added to the mean square.
    pub fn k(mut self, k: f32) -> Self {
        self.k = k;
        self
    }

    /// Checks the shape and gives the output's, which is the input's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        ensure!(
            input.len() >= 2,
            NAME,
            "input must have at least 2 dimensions [N, C, ..], but got shape {input:?}"
        );
        ensure!(self.size > 0, NAME, "size must be at least 1, but got 0");
        let Self { alpha, beta, k, .. } = *self;
        for (name, value) in [("alpha", alpha), ("beta", beta), ("k", k)] {
            ensure!(value.is_finite(), NAME, "{name} must be finite, but got {value}");
        }
        if alpha < 0.0 || beta <= 0.0 || k <= 0.0 {
            return Err(Error::unsupported(
                NAME,
                format!("alpha must not be negative, beta and k must be positive, but they are {alpha}, {beta} and {k}"),
            ));
        }
        shape::element_count(NAME, input)?;
        Ok(input.to_vec())
    }
}

impl Operator for LocalResponseNorm {
    fn name(&self) -> &'static str {
        "local_response_norm"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        let plain = LocalResponseNorm::new(5);
        for (op, input, words) in [
            (plain, &[3][..], "at least 2 dimensions"),
            (LocalResponseNorm::new(0), &[1, 3, 2, 2], "size must be at least 1"),
            (plain.alpha(f32::INFINITY), &[1, 3, 2, 2], "alpha must be finite"),
            (plain.beta(f32::NAN), &[1, 3, 2, 2], "beta must be finite"),
        ] {
            let error = op.output_shape(input).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }));
            assert!(error.to_string().contains(words), "{error}");
        }
        for op in [plain.alpha(-1.0), plain.beta(0.0), plain.k(0.0)] {
            assert!(matches!(op.output_shape(&[1, 3, 2, 2]), Err(Error::Unsupported { .. })));
        }
    }
}
