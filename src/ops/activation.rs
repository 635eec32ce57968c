//! Activations: functions of one element.

use crate::error::{Result, ensure};
use crate::shape;

/// A function applied to each element; the output has the input's shape. NaN stays NaN in every one.
///
/// ```
/// use convoke::ops::Activation;
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
}

impl Activation {
    /// PyTorch's name of the function.
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
