//! Convolution (cross-correlation, as every framework defines it) of signals, images and volumes.

use super::operator::Operator;
use super::window::{AxisWindow, Steps, of_each, reaches, shape_of};
use crate::error::{Error, Result, ensure};
use crate::padding::{self, Padding, PaddingMode, Sides};
use crate::shape::{self, PerAxis, by};

const NAME: &str = "conv2d";

/// How much padding a convolution adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConvPadding {
    /// So many elements on each side.
    Explicit(Padding),
    /// As much as keeps the extent at stride 1; an odd extra goes after the input. PyTorch's `padding="same"`.
    Same,
    /// None. PyTorch's `padding="valid"`.
    Valid,
}

impl<P: Into<Padding>> From<P> for ConvPadding {
    fn from(padding: P) -> Self {
        Self::Explicit(padding.into())
    }
}

/// Convolution of `[N, C_in, H, W]` with a weight `[C_out, C_in / groups, KH, KW]` and an optional bias `[C_out]`, giving
/// `[N, C_out, H_out, W_out]`; of signals `[N, C_in, L]` and volumes `[N, C_in, D, H, W]` likewise, with a weight of as many axes.
/// Equals `torch.nn.Conv1d`, `Conv2d` and `Conv3d`; ONNX `Conv` where the mode is zeros.
///
/// `H_out = floor((H + top + bottom - dilation * (KH - 1) - 1) / stride) + 1`, and likewise for the other axes.
///
/// ```
/// use convoke::{PaddingMode, ops::Conv};
/// let conv = Conv::new().stride([2, 1]).padding(1).padding_mode(PaddingMode::Reflect);
/// assert_eq!(conv.output_shape(&[1, 3, 32, 20], &[16, 3, 3, 3], None)?, [1, 16, 16, 20]);
///
/// let conv = Conv::new().stride(2);
/// assert_eq!(conv.output_shape(&[1, 3, 9, 32, 20], &[16, 3, 3, 4, 2], None)?, [1, 16, 4, 15, 10]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: stride, dilation or groups of 0; numbers for other axes than the input has; negative padding; channels that do not
/// divide into the groups; a weight or bias of the wrong shape; a dilated kernel larger than the padded input; padding over its
/// mode's limit; [`ConvPadding::Same`] with a stride other than 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Conv {
    /// Step between windows.
    pub stride: PerAxis,
    /// Amount of padding.
    pub padding: ConvPadding,
    /// What the padding reads.
    pub padding_mode: PaddingMode,
    /// Step between the taps of a window.
    pub dilation: PerAxis,
    /// Number of groups; input and output channels are split among them. `groups == C_in` is depthwise.
    pub groups: usize,
}

impl Default for Conv {
    fn default() -> Self {
        Self {
            stride: PerAxis::All(1),
            padding: ConvPadding::Valid,
            padding_mode: PaddingMode::Zeros,
            dilation: PerAxis::All(1),
            groups: 1,
        }
    }
}

impl Conv {
    /// Stride 1, no padding, dilation 1, one group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the padding: a number for all sides, `[vertical, horizontal]` or a number for each axis, a [`Padding`] or a [`ConvPadding`].
    pub fn padding(mut self, padding: impl Into<ConvPadding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets what the padding reads.
    pub fn padding_mode(mut self, mode: PaddingMode) -> Self {
        self.padding_mode = mode;
        self
    }

    /// Sets the step between the taps of a window.
    pub fn dilation(mut self, dilation: impl Into<PerAxis>) -> Self {
        self.dilation = dilation.into();
        self
    }

    /// Sets the number of groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Checks the shapes and gives the output's, `[N, C_out, H_out, W_out]`.
    pub fn output_shape(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<Vec<usize>> {
        Ok(self.geometry(input, weight, bias)?.output_shape())
    }

    /// Checks everything and resolves what a backend needs to know.
    pub(crate) fn geometry(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<ConvGeometry> {
        let groups = self.groups;
        ensure!(groups > 0, NAME, "groups must be at least 1, but got 0");
        let (batch, in_channels, extents) = shape::spatial(NAME, input)?;
        let (out_channels, weight_channels, kernel) = shape::conv_weight(NAME, weight, "C_out, C_in / groups", extents.len())?;
        ensure!(
            out_channels % groups == 0,
            NAME,
            "with groups={groups}, the weight's output channels must be divisible by {groups}, but got weight of shape {weight:?}"
        );
        ensure!(
            weight_channels.checked_mul(groups) == Some(in_channels),
            NAME,
            "with groups={groups}, a weight of shape {weight:?} expects input to have {} channels, but got {in_channels} (input {input:?})",
            weight_channels.saturating_mul(groups)
        );
        if let Some(bias) = bias {
            ensure!(
                bias == [out_channels],
                NAME,
                "a weight of shape {weight:?} expects a bias of shape [{out_channels}], but got {bias:?}"
            );
        }
        let geometry = ConvGeometry {
            batch,
            in_channels,
            out_channels,
            axes: self.axes(kernel, extents)?,
        };
        shape::element_count(NAME, &geometry.output_shape())?;
        Ok(geometry)
    }

    fn axes(&self, kernel: &[usize], input: &[usize]) -> Result<Vec<AxisWindow>> {
        let steps = Steps {
            stride: self.stride,
            dilation: self.dilation,
            padding: match self.padding {
                ConvPadding::Explicit(padding) => padding,
                ConvPadding::Valid | ConvPadding::Same => Padding::NONE,
            },
        };
        let mut axes = steps.axes(NAME, kernel, input)?;
        if self.padding == ConvPadding::Same {
            ensure!(
                axes.iter().all(|axis| axis.stride == 1),
                NAME,
                "padding 'same' is not defined for strided convolutions: stride must be 1, but got {}",
                by(&of_each(&axes, |axis| axis.stride))
            );
            for axis in &mut axes {
                axis.padding = Sides::same(axis.kernel, axis.dilation);
            }
        }
        let sides = of_each(&axes, |axis| axis.padding);
        padding::check_mode(NAME, self.padding_mode, &sides, input)?;
        let padded = padding::padded(NAME, &sides, input)?;
        let reaches = reaches(&axes);
        for axis in &mut axes {
            axis.output = axis.windows(false).ok_or_else(|| {
                Error::invalid(
                    NAME,
                    format!(
                        "padded input size per channel is {}, kernel size with dilation is {reaches}: the kernel must not be larger than the input",
                        by(&padded)
                    ),
                )
            })?;
        }
        Ok(axes)
    }
}

/// A checked convolution: every extent, with the padding resolved.
#[derive(Clone, Debug)]
pub(crate) struct ConvGeometry {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) axes: Vec<AxisWindow>,
}

impl ConvGeometry {
    pub(crate) fn output_shape(&self) -> Vec<usize> {
        shape_of(self.batch, self.out_channels, &self.axes)
    }
}

impl Operator for Conv {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 3)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1], inputs.get(2).copied())?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(conv: Conv, weight: &[usize]) -> String {
        conv.output_shape(&[1, 3, 5, 6], weight, None).unwrap_err().to_string()
    }

    #[test]
    fn a_kernel_larger_than_the_input_is_refused_with_both_sizes() {
        let message = refusal(Conv::new(), &[4, 3, 6, 3]);
        assert!(message.contains("(5 x 6)") && message.contains("(6 x 3)"), "{message}");
        // The dilated kernel is what must fit; in unsigned arithmetic its extent could wrap.
        let message = refusal(Conv::new().dilation(usize::MAX), &[4, 3, 3, 3]);
        assert!(message.contains("(5 x 6)"), "{message}");
    }

    #[test]
    fn signals_and_volumes_have_axes_of_their_own() {
        let conv = Conv::new().stride((2, 1, 3)).padding([1, 0, 2]).dilation([1, 2, 1]);
        let shape = conv.output_shape(&[2, 4, 7, 9, 8], &[6, 4, 3, 2, 5], None).unwrap();
        assert_eq!(shape, [2, 6, 4, 7, 3]);
        let shape = Conv::new()
            .padding(ConvPadding::Same)
            .output_shape(&[1, 2, 9], &[3, 2, 4], None);
        assert_eq!(shape.unwrap(), [1, 3, 9]);
        let message = conv.output_shape(&[1, 3, 5, 6], &[4, 3, 3, 3], None).unwrap_err().to_string();
        assert!(
            message.contains("stride") && message.contains("2 spatial axes") && message.contains("for 3"),
            "{message}"
        );
        let message = refusal(Conv::new(), &[4, 3, 2, 3, 3]);
        assert!(message.contains("4 dimensions [C_out, C_in / groups, KH, KW]"), "{message}");
        let message = Conv::new()
            .output_shape(&[1, 3, 4, 4, 4, 4], &[4, 3, 3, 3], None)
            .unwrap_err()
            .to_string();
        assert!(message.contains("3 to 5 dimensions"), "{message}");
    }

    #[test]
    fn a_batch_of_zero_is_legal() {
        assert_eq!(
            Conv::new().output_shape(&[0, 3, 5, 6], &[4, 3, 3, 3], None).unwrap(),
            [0, 4, 3, 4]
        );
        assert!(Conv::new().output_shape(&[1, 3, 0, 6], &[4, 3, 3, 3], None).is_err());
    }
}
