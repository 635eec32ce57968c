//! 2-D convolution (cross-correlation, as every framework defines it).

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::padding::{Padding2d, PaddingMode};
use crate::shape::{self, Size2d};

const NAME: &str = "conv2d";

/// How much padding a convolution adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConvPadding {
    /// So many elements on each side.
    Explicit(Padding2d),
    /// As much as keeps the extent at stride 1; an odd extra goes right and bottom. PyTorch's `padding="same"`.
    Same,
    /// None. PyTorch's `padding="valid"`.
    Valid,
}

impl<P: Into<Padding2d>> From<P> for ConvPadding {
    fn from(padding: P) -> Self {
        Self::Explicit(padding.into())
    }
}

/// 2-D convolution of `[N, C_in, H, W]` with a weight `[C_out, C_in / groups, KH, KW]` and an optional bias `[C_out]`,
/// giving `[N, C_out, H_out, W_out]`. Equals `torch.nn.Conv2d`; ONNX `Conv` where the mode is zeros.
///
/// `H_out = floor((H + top + bottom - dilation * (KH - 1) - 1) / stride) + 1`, and likewise for the width.
///
/// ```
/// use convoke::{PaddingMode, ops::Conv2d};
/// let conv = Conv2d::new().stride([2, 1]).padding(1).padding_mode(PaddingMode::Reflect);
/// assert_eq!(conv.output_shape(&[1, 3, 32, 20], &[16, 3, 3, 3], None)?, [1, 16, 16, 20]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: stride, dilation or groups of 0; negative padding; channels that do not divide into the groups; a weight or
/// bias of the wrong shape; a dilated kernel larger than the padded input; padding over its mode's limit;
/// [`ConvPadding::Same`] with a stride other than 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Conv2d {
    /// Step between windows.
    pub stride: Size2d,
    /// Amount of padding.
    pub padding: ConvPadding,
    /// What the padding reads.
    pub padding_mode: PaddingMode,
    /// Step between the taps of a window.
    pub dilation: Size2d,
    /// Number of groups; input and output channels are split among them. `groups == C_in` is depthwise.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self {
            stride: Size2d::square(1),
            padding: ConvPadding::Valid,
            padding_mode: PaddingMode::Zeros,
            dilation: Size2d::square(1),
            groups: 1,
        }
    }
}

impl Conv2d {
    /// Stride 1, no padding, dilation 1, one group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the padding: a number for all sides, `[vertical, horizontal]`, a [`Padding2d`] or a [`ConvPadding`].
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
    pub fn dilation(mut self, dilation: impl Into<Size2d>) -> Self {
        self.dilation = dilation.into();
        self
    }

    /// Sets the number of groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Checks the shapes and gives the output's, `[N, C_out, H_out, W_out]`.
    pub fn output_shape(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<[usize; 4]> {
        let geometry = self.geometry(input, weight, bias)?;
        Ok([
            geometry.batch,
            geometry.out_channels,
            geometry.output.height,
            geometry.output.width,
        ])
    }

    /// Checks everything and resolves what a backend needs to know.
    pub(crate) fn geometry(&self, input: &[usize], weight: &[usize], bias: Option<&[usize]>) -> Result<ConvGeometry> {
        let Self {
            stride,
            dilation,
            groups,
            ..
        } = *self;
        shape::at_least_one(NAME, "stride", stride)?;
        shape::at_least_one(NAME, "dilation", dilation)?;
        ensure!(groups > 0, NAME, "groups must be at least 1, but got 0");
        let [batch, in_channels, height, width] = shape::nchw(NAME, input)?;
        let [out_channels, weight_channels, kernel_height, kernel_width] =
            shape::conv_weight(NAME, weight, "[C_out, C_in / groups, KH, KW]")?;
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
        let kernel = Size2d {
            height: kernel_height,
            width: kernel_width,
        };
        let padding = match self.padding {
            ConvPadding::Explicit(padding) => padding,
            ConvPadding::Valid => Padding2d::NONE,
            ConvPadding::Same => {
                ensure!(
                    stride == Size2d::square(1),
                    NAME,
                    "padding 'same' is not defined for strided convolutions: stride must be 1, but got {stride}"
                );
                Padding2d::same(kernel, dilation)
            }
        };
        padding.check_not_negative(NAME)?;
        let input_size = Size2d { height, width };
        padding.check(NAME, self.padding_mode, input_size)?;
        let padded = padding.padded(NAME, input_size)?;
        let output = |padded: usize, kernel: usize, dilation: usize, stride: usize| {
            let dilated = dilation.checked_mul(kernel - 1)?.checked_add(1)?;
            (dilated <= padded).then(|| (padded - dilated) / stride + 1)
        };
        let (Some(out_height), Some(out_width)) = (
            output(padded.height, kernel.height, dilation.height, stride.height),
            output(padded.width, kernel.width, dilation.width, stride.width),
        ) else {
            let dilated = Size2d {
                height: dilation.height.saturating_mul(kernel.height - 1).saturating_add(1),
                width: dilation.width.saturating_mul(kernel.width - 1).saturating_add(1),
            };
            return Err(crate::Error::invalid(
                NAME,
                format!(
                    "padded input size per channel is {padded}, kernel size with dilation is {dilated}: the kernel must not be larger than the input"
                ),
            ));
        };
        let output = Size2d {
            height: out_height,
            width: out_width,
        };
        shape::element_count(NAME, &[batch, out_channels, output.height, output.width])?;
        Ok(ConvGeometry {
            batch,
            in_channels,
            out_channels,
            input: input_size,
            kernel,
            padding,
            output,
        })
    }
}

/// A checked convolution: every extent, with the padding resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvGeometry {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) input: Size2d,
    pub(crate) kernel: Size2d,
    pub(crate) padding: Padding2d,
    pub(crate) output: Size2d,
}

impl Operator for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn arity(&self) -> (usize, usize) {
        (2, 3)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![
            self.output_shape(inputs[0], inputs[1], inputs.get(2).copied())?.to_vec(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(conv: Conv2d, weight: &[usize]) -> String {
        conv.output_shape(&[1, 3, 5, 6], weight, None).unwrap_err().to_string()
    }

    #[test]
    fn a_kernel_larger_than_the_input_is_refused_with_both_sizes() {
        let message = refusal(Conv2d::new(), &[4, 3, 6, 3]);
        assert!(message.contains("(5 x 6)") && message.contains("(6 x 3)"), "{message}");
        // The dilated kernel is what must fit; in unsigned arithmetic its extent could wrap.
        let message = refusal(Conv2d::new().dilation(usize::MAX), &[4, 3, 3, 3]);
        assert!(message.contains("(5 x 6)"), "{message}");
    }

    #[test]
    fn a_batch_of_zero_is_legal() {
        assert_eq!(
            Conv2d::new().output_shape(&[0, 3, 5, 6], &[4, 3, 3, 3], None).unwrap(),
            [0, 4, 3, 4]
        );
        assert!(Conv2d::new().output_shape(&[1, 3, 0, 6], &[4, 3, 3, 3], None).is_err());
    }
}
