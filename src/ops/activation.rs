//! Functions of one element: activations and elementary functions.

use super::operator::Operator;
use crate::error::{Error, Result, ensure};
use crate::shape;

/// A function of one element, applied to each; the output has the input's shape. NaN stays NaN in every one.
///
/// ```
/// use convoke::ops::Activation;
/// assert_eq!(Activation::SELU.output_shape(&[3])?, [3]);
/// assert_eq!(Activation::Relu.output_shape(&[2, 3])?, [2, 3]);
/// assert!(Activation::Clamp { min: f32::NAN, max: 1.0 }.output_shape(&[2, 3]).is_err());
/// # Ok::<(), convoke::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`. `torch.relu`.
    Relu,
    /// `min(max(x, 0), 6)`. `F.relu6`.
    Relu6,
    /// `x` where positive, else `negative_slope * x`. `F.leaky_relu`.
    LeakyRelu {
        /// Slope for negative inputs; PyTorch's default is 0.01.
        negative_slope: f32,
    },
    /// `x` where positive, else `alpha * (exp(x) - 1)`. `F.elu`.
    Elu {
        /// PyTorch's default is 1.
        alpha: f32,
    },
    /// `x * sigmoid(x)`. `F.silu`.
    Silu,
    /// `x / 2 * (1 + erf(x / sqrt(2)))`, the exact form. `F.gelu`.
    Gelu,
    /// `x * tanh(softplus(x))`. `F.mish`.
    Mish,
    /// `log(1 + exp(x))`. `F.softplus` with its defaults.
    Softplus,
    /// `1 / (1 + exp(-x))`. `torch.sigmoid`.
    Sigmoid,
    /// `torch.tanh`.
    Tanh,
    /// `min(max(x + 3, 0), 6) / 6`. `F.hardsigmoid`.
    HardSigmoid,
    /// `x * hard_sigmoid(x)`. `F.hardswish`.
    HardSwish,
    /// `min(max(x, min), max)`; `max` wins where `min > max`. `torch.clamp`.
    Clamp {
        /// Lower bound; may be minus infinity, not NaN.
        min: f32,
        /// Upper bound; may be infinity, not NaN.
        max: f32,
    },
    /// `|x|`. `torch.abs`.
    Abs,
    /// `-x`. `torch.neg`.
    Neg,
    /// `e^x`; infinity where that is too large for `f32`. `torch.exp`.
    Exp,
    /// The natural logarithm; NaN for negative numbers, minus infinity for 0. `torch.log`.
    Log,
    /// The square root; NaN for negative numbers. `torch.sqrt`.
    Sqrt,
    /// The error function. `torch.erf`.
    Erf,
    /// `x / (1 + |x|)`; NaN for infinities, as in PyTorch. `F.softsign`.
    Softsign,
    /// `gamma * x` where positive, else `gamma * alpha * (exp(x) - 1)`. ONNX `Selu`; [`Activation::SELU`] is `F.selu`.
    Selu {
        /// ONNX's default is 1.67326319217681884765625.
        alpha: f32,
        /// ONNX's default is 1.05070102214813232421875.
        gamma: f32,
    },
    /// `x` where positive, else `alpha * (exp(x / alpha) - 1)`. `F.celu`, for positive `alpha`.
    Celu {
        /// PyTorch's default is 1. From 2^-126 to 2^126.
        alpha: f32,
    },
    /// `min(max(alpha * x + beta, 0), 1)`. ONNX `HardSigmoid`; PyTorch's is [`Activation::HardSigmoid`].
    HardSigmoidWith {
        /// ONNX's default is 0.2.
        alpha: f32,
        /// ONNX's default is 0.5.
        beta: f32,
    },
    /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`. `F.gelu` with `approximate="tanh"`.
    GeluTanh,
    /// The largest whole number that is not larger. `torch.floor`.
    Floor,
    /// The smallest whole number that is not smaller. `torch.ceil`.
    Ceil,
}

impl Activation {
    /// `F.selu`: the constants are PyTorch's, and as `f32` also ONNX's defaults.
    pub const SELU: Self = Self::Selu {
        alpha: 1.673_263_2,
        gamma: 1.050_701,
    };

    /// PyTorch's name of the function, where it has one.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::HardSigmoid => "hardsigmoid",
            Self::HardSwish => "hardswish",
            Self::Clamp { .. } => "clamp",
            Self::Abs => "abs",
            Self::Neg => "neg",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Erf => "erf",
            Self::Softsign => "softsign",
            Self::Selu { .. } => "selu",
            Self::Celu { .. } => "celu",
            Self::HardSigmoidWith { .. } => "hard_sigmoid_with",
            Self::GeluTanh => "gelu_tanh",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
        }
    }

    /// Checks the parameters and gives the output's shape, which is the input's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        shape::element_count(self.name(), input)?;
        match *self {
            Self::LeakyRelu { negative_slope } => {
                ensure!(
                    negative_slope.is_finite(),
                    self.name(),
                    "negative_slope must be finite, but got {negative_slope}"
                );
            }
            Self::Elu { alpha } => ensure!(alpha.is_finite(), self.name(), "alpha must be finite, but got {alpha}"),
            Self::Clamp { min, max } => {
                ensure!(
                    !min.is_nan() && !max.is_nan(),
                    self.name(),
                    "bounds must not be NaN, but got min {min} and max {max}"
                );
            }
            Self::Selu { alpha, gamma } => {
                ensure!(
                    alpha.is_finite() && gamma.is_finite(),
                    self.name(),
                    "alpha and gamma must be finite, but got {alpha} and {gamma}"
                );
            }
            Self::Celu { alpha } => {
                ensure!(
                    alpha.is_finite() && alpha != 0.0,
                    self.name(),
                    "alpha must be finite and not 0, but got {alpha}"
                );
                // Beyond these its reciprocal is subnormal, or it is itself.
                if !(f32::MIN_POSITIVE..=1.0 / f32::MIN_POSITIVE).contains(&alpha) {
                    return Err(Error::unsupported(
                        self.name(),
                        format!("alpha must be from 2^-126 to 2^126, but got {alpha:e}"),
                    ));
                }
            }
            Self::HardSigmoidWith { alpha, beta } => {
                ensure!(
                    alpha.is_finite() && beta.is_finite(),
                    self.name(),
                    "alpha and beta must be finite, but got {alpha} and {beta}"
                );
            }
            _ => {}
        }
        Ok(input.to_vec())
    }
}

/// `x` where positive, else `slope * x`, with one slope for all or one per channel (dimension 1). Equals `F.prelu`.
///
/// ```
/// use convoke::ops::PRelu;
/// assert_eq!(PRelu.output_shape(&[2, 3, 4, 5], &[3])?, [2, 3, 4, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a slope that is neither `[1]` nor `[channels]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PRelu;

impl PRelu {
    /// Checks the shapes and gives the output's, which is the input's.
    pub fn output_shape(&self, input: &[usize], slope: &[usize]) -> Result<Vec<usize>> {
        shape::element_count("prelu", input)?;
        let channels = input.get(1).copied().unwrap_or(1);
        ensure!(
            slope == [1] || slope == [channels],
            "prelu",
            "slope must have shape [1] or [{channels}] (the channels of input {input:?}), but got {slope:?}"
        );
        Ok(input.to_vec())
    }
}

impl Operator for Activation {
    fn name(&self) -> &'static str {
        Self::name(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

impl Operator for PRelu {
    fn name(&self) -> &'static str {
        "prelu"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_refused_with_their_numbers() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        for (activation, part) in [
            (Activation::Selu { alpha: nan, gamma: 2.0 }, "NaN and 2"),
            (Activation::Selu { alpha: 2.0, gamma: inf }, "2 and inf"),
            (Activation::Celu { alpha: 0.0 }, "got 0"),
            (Activation::Celu { alpha: inf }, "got inf"),
            (Activation::HardSigmoidWith { alpha: -inf, beta: 0.5 }, "-inf and 0.5"),
            (Activation::HardSigmoidWith { alpha: 0.5, beta: nan }, "0.5 and NaN"),
        ] {
            let error = activation.output_shape(&[2, 3]).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
            assert!(error.to_string().contains(part), "{error}");
        }
        for alpha in [-1.5, 1e-40, 1e38] {
            let error = Activation::Celu { alpha }.output_shape(&[2, 3]).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
            assert!(error.to_string().contains(&format!("{alpha:e}")), "{error}");
        }
    }

    /// The constants of `torch.nn.functional.selu` and of ONNX's `Selu`.
    #[test]
    #[expect(clippy::excessive_precision, reason = "as the documents have them")]
    fn selus_constants_are_pytorchs_and_onnxs() {
        let of = |alpha, gamma| Activation::Selu { alpha, gamma };
        assert_eq!(Activation::SELU, of(1.673_263_242_354_377_284_8, 1.050_700_987_355_480_493_4));
        assert_eq!(
            Activation::SELU,
            of(1.673_263_192_176_818_847_656_25, 1.050_701_022_148_132_324_218_75)
        );
    }
}
