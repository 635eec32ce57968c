//! Functions of one element: activations and elementary functions.

use super::elementwise::{Elementwise, functions};
use super::operator::Operator;
use crate::dtype::DType;
use crate::error::{Error, Result, ensure};
use crate::shape;
#[cfg(test)]
use crate::{TensorType, ops::Op};

/// The table of the functions, which becomes another macro's: see [`functions`].
macro_rules! unary_functions {
    ($then:ident $arguments:tt) => {
        $then! {
            $arguments
            /// `max(x, 0)`. `torch.relu`.
            Relu "relu" Numbers onnx "Relu",
            /// `min(max(x, 0), 6)`. `F.relu6`.
            Relu6 "relu6" Floats,
            /// `x` where positive, else `negative_slope * x`. `F.leaky_relu`.
            LeakyRelu {
                /// Slope for negative inputs; PyTorch's default is 0.01.
                negative_slope = 0.01,
            } "leaky_relu" Floats,
            /// `x` where positive, else `alpha * (exp(x) - 1)`. `F.elu`.
            Elu {
                /// PyTorch's default is 1.
                alpha = 1.0,
            } "elu" Floats,
            /// `x * sigmoid(x)`. `F.silu`.
            Silu "silu" Floats,
            /// `x / 2 * (1 + erf(x / sqrt(2)))`, the exact form. `F.gelu`.
            Gelu "gelu" Floats,
            /// `x * tanh(softplus(x))`. `F.mish`.
            Mish "mish" Floats onnx "Mish",
            /// `log(1 + exp(x))`. `F.softplus` with its defaults.
            Softplus "softplus" Floats onnx "Softplus",
            /// `1 / (1 + exp(-x))`. `torch.sigmoid`.
            Sigmoid "sigmoid" Floats onnx "Sigmoid",
            /// `torch.tanh`.
            Tanh "tanh" Floats onnx "Tanh",
            /// `min(max(x + 3, 0), 6) / 6`. `F.hardsigmoid`.
            HardSigmoid "hardsigmoid" Floats,
            /// `x * hard_sigmoid(x)`. `F.hardswish`.
            HardSwish "hardswish" Floats onnx "HardSwish",
            /// `min(max(x, min), max)`; `max` wins where `min > max`. `torch.clamp`.
            Clamp {
                /// Lower bound; may be minus infinity, not NaN.
                min = -1.0,
                /// Upper bound; may be infinity, not NaN.
                max = 2.0,
            } "clamp" Floats,
            /// `|x|`. `torch.abs`.
            Abs "abs" Numbers onnx "Abs",
            /// `-x`. `torch.neg`.
            Neg "neg" Numbers onnx "Neg",
            /// `e^x`; infinity where that is too large for `f32`. `torch.exp`.
            Exp "exp" Floats onnx "Exp",
            /// The natural logarithm; NaN for negative numbers, minus infinity for 0. `torch.log`.
            Log "log" Floats onnx "Log",
            /// The square root; NaN for negative numbers. `torch.sqrt`.
            Sqrt "sqrt" Floats onnx "Sqrt",
            /// The error function. `torch.erf`.
            Erf "erf" Floats onnx "Erf",
            /// `x / (1 + |x|)`; NaN for infinities, as in PyTorch. `F.softsign`.
            Softsign "softsign" Floats onnx "Softsign",
            /// `gamma * x` where positive, else `gamma * alpha * (exp(x) - 1)`. ONNX `Selu`; [`Unary::SELU`] is `F.selu`.
            Selu {
                /// ONNX's default is 1.67326319217681884765625.
                alpha = 1.673_263_2,
                /// ONNX's default is 1.05070102214813232421875.
                gamma = 1.050_701,
            } "selu" Floats,
            /// `x` where positive, else `alpha * (exp(x / alpha) - 1)`. `F.celu`, for positive `alpha`.
            Celu {
                /// PyTorch's default is 1. From 2^-126 to 2^126.
                alpha = 1.5,
            } "celu" Floats,
            /// `min(max(alpha * x + beta, 0), 1)`. ONNX `HardSigmoid`; PyTorch's is [`Unary::HardSigmoid`].
            HardSigmoidWith {
                /// ONNX's default is 0.2.
                alpha = 0.2,
                /// ONNX's default is 0.5.
                beta = 0.5,
            } "hard_sigmoid_with" Floats,
            /// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))`. `F.gelu` with `approximate="tanh"`.
            GeluTanh "gelu_tanh" Floats,
            /// The largest whole number that is not larger. `torch.floor`.
            Floor "floor" Floats onnx "Floor",
            /// The smallest whole number that is not smaller. `torch.ceil`.
            Ceil "ceil" Floats onnx "Ceil",
            /// The nearest whole number, the even one of two. `torch.round`.
            Round "round" Floats onnx "Round",
            /// The arc sine in radians; NaN beyond 1. `torch.asin`.
            Asin "asin" Floats onnx "Asin",
            /// The arc cosine in radians; NaN beyond 1. `torch.acos`.
            Acos "acos" Floats onnx "Acos",
            /// The arc tangent in radians. `torch.atan`.
            Atan "atan" Floats onnx "Atan",
            /// The hyperbolic sine. `torch.sinh`.
            Sinh "sinh" Floats onnx "Sinh",
            /// The hyperbolic cosine. `torch.cosh`.
            Cosh "cosh" Floats onnx "Cosh",
            /// The inverse of the hyperbolic sine. `torch.asinh`.
            Asinh "asinh" Floats onnx "Asinh",
            /// The inverse of the hyperbolic cosine; NaN below 1. `torch.acosh`.
            Acosh "acosh" Floats onnx "Acosh",
            /// The inverse of the hyperbolic tangent; infinite at 1, NaN beyond. `torch.atanh`.
            Atanh "atanh" Floats onnx "Atanh",
            /// `x` where it is larger than `alpha`, else 0. `F.threshold` with 0 as the value; ONNX `ThresholdedRelu`.
            ThresholdedRelu {
                /// ONNX's default is 1.
                alpha = 1.0,
            } "thresholded_relu" Floats,
            /// `x + bias` where `x < -lambd`, `x - bias` where `x > lambd`, else 0. `F.hardshrink` with a bias of 0, `F.softshrink` with one of `lambd`; ONNX `Shrink`.
            Shrink {
                /// Where the middle ends; ONNX's default is 0.5.
                lambd = 0.5,
                /// ONNX's default is 0.
                bias = 0.25,
            } "shrink" Floats,
            /// The other bits. `torch.bitwise_not`.
            BitwiseNot "bitwise_not" Integers onnx "BitwiseNot",
            /// 1 for positive numbers, -1 for negative ones, 0 for 0. `torch.sign`.
            Sign "sign" Numbers onnx "Sign",
            /// `1 / x`; infinite for 0. `torch.reciprocal`.
            Reciprocal "reciprocal" Floats onnx "Reciprocal",
            /// The tangent of an angle in radians; NaN for infinities. `torch.tan`.
            Tan "tan" Floats onnx "Tan",
            /// The sine of an angle in radians; NaN for infinities. `torch.sin`.
            Sin "sin" Floats onnx "Sin",
            /// The cosine of an angle in radians; NaN for infinities. `torch.cos`.
            Cos "cos" Floats onnx "Cos",
            /// True for false. `torch.logical_not`.
            Not "logical_not" Bools onnx "Not",
            /// Whether it is NaN. `torch.isnan`.
            IsNan "isnan" Test onnx "IsNaN",
            /// The nearest float with so many bits of its significand after the point, the one of two whose last bit is 0; below the
            /// least exponent the nearest multiple of what that leaves. Without such bits it is the nearest power of two, the larger
            /// one of two. How a float of fewer bits is nearest, but for its largest: `bfloat16` has 7 bits and the exponent -126.
            RoundSignificand {
                /// A whole number from 0 to 22.
                fraction_bits = 3.0,
                /// A whole number from -126 to 0.
                least_exponent = -6.0,
            } "round_significand" Floats,
        }
    };
}
pub(crate) use unary_functions;

unary_functions! {
    functions {
        /// A function of one element, applied to each; the output has the input's shape. NaN stays NaN in every one that gives a float.
        ///
        /// ```
        /// use convoke::ops::Unary;
        /// assert_eq!(Unary::SELU.output_shape(&[3])?, [3]);
        /// assert_eq!(Unary::Relu.output_shape(&[2, 3])?, [2, 3]);
        /// assert!(Unary::Clamp { min: f32::NAN, max: 1.0 }.output_shape(&[2, 3]).is_err());
        /// # Ok::<(), convoke::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq)]
        Unary
    }
}

impl Unary {
    /// The functions that take floats and give them, those with parameters with some value of them.
    #[cfg(test)]
    pub(crate) fn of_floats() -> impl Iterator<Item = Self> {
        let float = TensorType::new(DType::F32, [1]);
        let gives_floats = move |function: &Self| {
            Op::from(*function)
                .infer(&[&float])
                .is_ok_and(|output| output == [float.clone()])
        };
        Self::EXAMPLES.iter().copied().filter(gives_floats)
    }

    /// `F.selu`: the constants are PyTorch's, and as `f32` also ONNX's defaults.
    pub const SELU: Self = Self::Selu {
        alpha: 1.673_263_2,
        gamma: 1.050_701,
    };

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
            Self::ThresholdedRelu { alpha } => ensure!(!alpha.is_nan(), self.name(), "alpha must not be NaN"),
            Self::Shrink { lambd, bias } => {
                ensure!(
                    lambd >= 0.0 && bias.is_finite(),
                    self.name(),
                    "expected a lambd of at least 0 and a finite bias, but got {lambd} and {bias}"
                );
            }
            Self::RoundSignificand {
                fraction_bits,
                least_exponent,
            } => {
                let is_whole = fraction_bits.fract() == 0.0 && least_exponent.fract() == 0.0;
                ensure!(
                    is_whole && (0.0..=22.0).contains(&fraction_bits) && (-126.0..=0.0).contains(&least_exponent),
                    self.name(),
                    "expected from 0 to 22 bits and an exponent from -126 to 0, but got {fraction_bits} and {least_exponent}"
                );
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

impl Operator for Unary {
    fn name(&self) -> &'static str {
        Self::name(self)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }

    fn output_types(&self, inputs: &[DType]) -> Result<Vec<DType>> {
        Ok(vec![(*self).signature().output(self.name(), inputs)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_refused_with_their_numbers() {
        let (inf, nan) = (f32::INFINITY, f32::NAN);
        for (activation, part) in [
            (Unary::Selu { alpha: nan, gamma: 2.0 }, "NaN and 2"),
            (Unary::Selu { alpha: 2.0, gamma: inf }, "2 and inf"),
            (Unary::Celu { alpha: 0.0 }, "got 0"),
            (Unary::Celu { alpha: inf }, "got inf"),
            (Unary::HardSigmoidWith { alpha: -inf, beta: 0.5 }, "-inf and 0.5"),
            (Unary::HardSigmoidWith { alpha: 0.5, beta: nan }, "0.5 and NaN"),
            (
                Unary::RoundSignificand {
                    fraction_bits: 23.0,
                    least_exponent: -6.0,
                },
                "23 and -6",
            ),
            (
                Unary::RoundSignificand {
                    fraction_bits: 2.0,
                    least_exponent: -0.5,
                },
                "2 and -0.5",
            ),
        ] {
            let error = activation.output_shape(&[2, 3]).unwrap_err();
            assert!(matches!(error, Error::InvalidArgument { .. }), "{error:?}");
            assert!(error.to_string().contains(part), "{error}");
        }
        for alpha in [-1.5, 1e-40, 1e38] {
            let error = Unary::Celu { alpha }.output_shape(&[2, 3]).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
            assert!(error.to_string().contains(&format!("{alpha:e}")), "{error}");
        }
    }

    /// The constants of `torch.nn.functional.selu` and of ONNX's `Selu`.
    #[test]
    #[expect(clippy::excessive_precision, reason = "as the documents have them")]
    fn selus_constants_are_pytorchs_and_onnxs() {
        let of = |alpha, gamma| Unary::Selu { alpha, gamma };
        assert_eq!(Unary::SELU, of(1.673_263_242_354_377_284_8, 1.050_700_987_355_480_493_4));
        assert_eq!(
            Unary::SELU,
            of(1.673_263_192_176_818_847_656_25, 1.050_701_022_148_132_324_218_75)
        );
    }
}
