//! Transposed convolution, the gradient of a convolution with respect to its input.

use super::conv::ConvGeometry;
use super::operator::Operator;
use super::window::{AxisWindow, Steps, of_each};
use crate::error::{Error, Result, ensure};
use crate::padding::{self, Padding};
use crate::shape::{self, PerAxis, by};

const NAME: &str = "conv_transpose2d";

/// Transposed convolution of `[N, C_in, H, W]` with a weight `[C_in, C_out / groups, KH, KW]` and an optional bias
/// `[C_out]`, giving `[N, C_out, H_out, W_out]`; of signals `[N, C_in, L]` and volumes `[N, C_in, D, H, W]` likewise, with a weight
/// of as many axes. Equals `torch.nn.ConvTranspose1d`, `ConvTranspose2d` and `ConvTranspose3d`, and ONNX `ConvTranspose`.
///
/// `H_out = (H - 1) * stride - top - bottom + dilation * (KH - 1) + output_padding + 1`, and likewise for the other axes.
///
/// ```
/// use convoke::ops::ConvTranspose;
/// let conv = ConvTranspose::new().stride(2).padding(1).output_padding(1);
/// assert_eq!(conv.output_shape(&[1, 16, 7, 9], &[16, 8, 3, 3], None)?, [1, 8, 14, 18]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: stride, dilation or groups of 0; numbers for other axes than the input has; negative padding; output padding that is
/// not smaller than stride or dilation; channels that do not divide into the groups; a weight or bias of the wrong shape; an
/// empty output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ConvTranspose {
    /// Step between the windows that input elements write.
    pub stride: PerAxis,
    /// Elements taken off each side of the output.
    pub padding: Padding,
    /// Elements added after the output along each axis, to choose among the sizes that one input may come from.
    pub output_padding: PerAxis,
    /// Step between the taps of a window.
    pub dilation: PerAxis,
    /// Number of groups; input and output channels are split among them.
    pub groups: usize,
}

impl Default for ConvTranspose {
    fn default() -> Self {
        Self {
            stride: PerAxis::All(1),
            padding: Padding::NONE,
            output_padding: PerAxis::All(0),
            dilation: PerAxis::All(1),
            groups: 1,
        }
    }
}

impl ConvTranspose {
    /// Stride 1, no padding, dilation 1, one group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the step between windows.
    pub fn stride(mut self, stride: impl Into<PerAxis>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets what is taken off each side.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets what is added after the output along each axis.
    pub fn output_padding(mut self, output_padding: impl Into<PerAxis>) -> Self {
        self.output_padding = output_padding.into();
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
        let (weight_channels, group_channels, kernel) = shape::conv_weight(NAME, weight, "C_in, C_out / groups", extents.len())?;
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
            padding: self.padding,
        };
        let mut axes = steps.axes(NAME, kernel, input)?;
        let output_padding = self.output_padding.of_axes(NAME, "output padding", axes.len())?;
        let [strides, dilations] =
            [of_each(&axes, |axis| axis.stride), of_each(&axes, |axis| axis.dilation)].map(|steps| by(&steps));
        let sides = padding::sides(&of_each(&axes, |axis| axis.padding));
        for (axis, &extra) in axes.iter_mut().zip(&output_padding) {
            ensure!(
                extra < axis.stride.max(axis.dilation),
                NAME,
                "output padding must be smaller than stride or dilation, but got output padding {}, stride {strides} and dilation {dilations}",
                by(&output_padding)
            );
            let kept = |written: usize| {
                let kept = written
                    .checked_sub(axis.padding.before as usize)?
                    .checked_sub(axis.padding.after as usize)?;
                (kept > 0).then_some(kept)
            };
            axis.output = axis.written(extra).and_then(kept).ok_or_else(|| {
                Error::invalid(
                    NAME,
                    format!(
                        "no valid output size for an input of {}, kernel {}, stride {strides}, dilation {dilations}, padding {sides} and output padding {}",
                        by(input),
                        by(kernel),
                        by(&output_padding)
                    ),
                )
            })?;
        }
        Ok(axes)
    }
}

impl Operator for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
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

    #[test]
    fn signals_and_volumes_have_axes_of_their_own() {
        let conv = ConvTranspose::new()
            .stride((2, 1, 3))
            .output_padding([1, 0, 2])
            .padding([0, 1, 0]);
        let shape = conv.output_shape(&[2, 4, 3, 5, 2], &[4, 6, 3, 2, 5], None).unwrap();
        assert_eq!(shape, [2, 6, 8, 4, 10]);
        let shape = ConvTranspose::new().stride(2).output_shape(&[1, 2, 5], &[2, 3, 4], None);
        assert_eq!(shape.unwrap(), [1, 3, 12]);
    }

    #[test]
    fn refusals_carry_the_numbers() {
        let refusal =
            |conv: ConvTranspose, weight: &[usize]| conv.output_shape(&[1, 4, 3, 5], weight, None).unwrap_err().to_string();
        assert!(refusal(ConvTranspose::new(), &[3, 2, 3, 3]).contains("expects input to have 3 channels, but got 4"));
        assert!(refusal(ConvTranspose::new().output_padding(1), &[4, 2, 3, 3]).contains("output padding (1 x 1)"));
        assert!(refusal(ConvTranspose::new().groups(3), &[4, 2, 3, 3]).contains("divisible by 3"));
        assert!(refusal(ConvTranspose::new().padding(3), &[4, 2, 3, 3]).contains("no valid output size"));
        assert!(refusal(ConvTranspose::new().stride(usize::MAX), &[4, 2, 3, 3]).contains("no valid output size"));
    }
}
