//! Transposed 2-D convolution, the gradient of a convolution with respect to its input.

use super::conv2d::ConvGeometry;
use super::operator::Operator;
use crate::error::{Error, Result, ensure};
use crate::padding::Padding2d;
use crate::shape::{self, Size2d};

const NAME: &str = "conv_transpose2d";

/// Transposed convolution of `[N, C_in, H, W]` with a weight `[C_in, C_out / groups, KH, KW]` and an optional bias
/// `[C_out]`, giving `[N, C_out, H_out, W_out]`. Equals `torch.nn.ConvTranspose2d` and ONNX `ConvTranspose`.
///
/// `H_out = (H - 1) * stride - top - bottom + dilation * (KH - 1) + output_padding + 1`, and likewise for the width.
///
/// ```
/// use convoke::ops::ConvTranspose2d;
/// let conv = ConvTranspose2d::new().stride(2).padding(1).output_padding(1);
/// assert_eq!(conv.output_shape(&[1, 16, 7, 9], &[16, 8, 3, 3], None)?, [1, 8, 14, 18]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: stride, dilation or groups of 0; negative padding; output padding that is not smaller than stride or dilation;
/// channels that do not divide into the groups; a weight or bias of the wrong shape; an empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConvTranspose2d {
    /// Step between the windows that input elements write.
    pub stride: Size2d,
    /// Elements taken off each side of the output.
    pub padding: Padding2d,
    /// Elements added at the bottom and the right of the output, to choose among the sizes that one input may come from.
    pub output_padding: Size2d,
    /// Step between the taps of a window.
    pub dilation: Size2d,
    /// Number of groups; input and output channels are split among them.
    pub groups: usize,
}

impl Default for ConvTranspose2d {
    fn default() -> Self {
        Self {
            stride: Size2d::square(1),
            padding: Padding2d::NONE,
            output_padding: Size2d::square(0),
            dilation: Size2d::square(1),
            groups: 1,
        }
    }
}

impl ConvTranspose2d {
    /// Stride 1, no padding, dilation 1, one group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets what is taken off each side.
    pub fn padding(mut self, padding: impl Into<Padding2d>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets what is added at the bottom and the right.
    pub fn output_padding(mut self, output_padding: impl Into<Size2d>) -> Self {
        self.output_padding = output_padding.into();
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
            padding,
            output_padding,
            dilation,
            groups,
        } = *self;
        shape::at_least_one(NAME, "stride", stride)?;
        shape::at_least_one(NAME, "dilation", dilation)?;
        ensure!(groups > 0, NAME, "groups must be at least 1, but got 0");
        padding.check_not_negative(NAME)?;
        ensure!(
            output_padding.height < stride.height.max(dilation.height) && output_padding.width < stride.width.max(dilation.width),
            NAME,
            "output padding must be smaller than stride or dilation, but got output padding {output_padding}, stride {stride} and dilation {dilation}"
        );
        let [batch, in_channels, height, width] = shape::nchw(NAME, input)?;
        let [weight_channels, group_channels, kernel_height, kernel_width] =
            shape::conv_weight(NAME, weight, "[C_in, C_out / groups, KH, KW]")?;
        ensure!(
            weight_channels == in_channels,
            NAME,
            "a weight of shape {weight:?} expects input to have {weight_channels} channels, but got {in_channels} (input {input:?})"
        );
        ensure!(
            in_channels % groups == 0,
            NAME,
            "with groups={groups}, the input's channels must be divisible by {groups}, but got {in_channels} (input {input:?})"
        );
        let out_channels = shape::element_count(NAME, &[group_channels, groups])?;
        if let Some(bias) = bias {
            ensure!(
                bias == [out_channels],
                NAME,
                "a weight of shape {weight:?} with groups={groups} expects a bias of shape [{out_channels}], but got {bias:?}"
            );
        }
        let extent = |input: usize,
                      stride: usize,
                      dilation: usize,
                      kernel: usize,
                      output_padding: usize,
                      (before, after): (isize, isize)| {
            let full = (input - 1)
                .checked_mul(stride)?
                .checked_add(dilation.checked_mul(kernel - 1)?)?
                .checked_add(output_padding)?
                .checked_add(1)?;
            full.checked_sub(before as usize)?
                .checked_sub(after as usize)
                .filter(|&extent| extent > 0)
        };
        let (vertical, horizontal) = ((padding.top, padding.bottom), (padding.left, padding.right));
        let (Some(out_height), Some(out_width)) = (
            extent(
                height,
                stride.height,
                dilation.height,
                kernel_height,
                output_padding.height,
                vertical,
            ),
            extent(
                width,
                stride.width,
                dilation.width,
                kernel_width,
                output_padding.width,
                horizontal,
            ),
        ) else {
            return Err(Error::invalid(
                NAME,
                format!(
                    "no valid output size for an input of ({height} x {width}), kernel ({kernel_height} x {kernel_width}), stride {stride}, dilation {dilation}, padding {padding} and output padding {output_padding}"
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
            input: Size2d { height, width },
            kernel: Size2d {
                height: kernel_height,
                width: kernel_width,
            },
            padding,
            output,
        })
    }
}

impl Operator for ConvTranspose2d {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
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

    #[test]
    fn refusals_carry_the_numbers() {
        let refusal =
            |conv: ConvTranspose2d, weight: &[usize]| conv.output_shape(&[1, 4, 3, 5], weight, None).unwrap_err().to_string();
        assert!(refusal(ConvTranspose2d::new(), &[3, 2, 3, 3]).contains("expects input to have 3 channels, but got 4"));
        assert!(refusal(ConvTranspose2d::new().output_padding(1), &[4, 2, 3, 3]).contains("output padding (1 x 1)"));
        assert!(refusal(ConvTranspose2d::new().groups(3), &[4, 2, 3, 3]).contains("divisible by 3"));
        assert!(refusal(ConvTranspose2d::new().padding(3), &[4, 2, 3, 3]).contains("no valid output size"));
        assert!(refusal(ConvTranspose2d::new().stride(usize::MAX), &[4, 2, 3, 3]).contains("no valid output size"));
    }
}
