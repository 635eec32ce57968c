//! Windows along spatial axes: what of an input each element of an output sees. The arithmetic of their extents is here alone.

use crate::error::{Error, Result, ensure};
use crate::padding::{self, Padding, Sides};
use crate::shape::{self, PerAxis, by};

/// The windows along one axis. Signals have one axis, images two, volumes three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AxisWindow {
    /// Extent of the input.
    pub(crate) input: usize,
    /// Taps of a window.
    pub(crate) kernel: usize,
    /// Step between windows; between taps of one input element, where a convolution is transposed.
    pub(crate) stride: usize,
    /// Step between the taps of a window.
    pub(crate) dilation: usize,
    /// What stands before and after the input, or is taken off the output of a transposed convolution.
    pub(crate) padding: Sides,
    /// Extent of the output.
    pub(crate) output: usize,
}

impl AxisWindow {
    /// The extent of a window with the gaps between its taps.
    pub(crate) fn reach(&self) -> Option<usize> {
        self.dilation.checked_mul(self.kernel.checked_sub(1)?)?.checked_add(1)
    }

    /// What of the padded input the windows read.
    #[cfg(feature = "cpu")]
    pub(crate) fn read(&self) -> Option<usize> {
        let last = self.output.saturating_sub(1).checked_mul(self.stride)?;
        last.checked_add(self.reach()?)
    }

    /// How many windows fit into the padded input. In ceil mode a last one may overhang it, by less than the stride.
    pub(crate) fn windows(&self, ceil_mode: bool) -> Option<usize> {
        let (padded, reach) = (self.padding.padded(self.input)?, self.reach()?);
        let windows = match padded.checked_sub(reach) {
            Some(span) if ceil_mode => span.div_ceil(self.stride) + 1,
            Some(span) => return Some(span / self.stride + 1),
            None if ceil_mode && reach - padded < self.stride => 1,
            None => return None,
        };
        // The last window must start inside the input or its padding before it.
        let overhangs = (windows - 1).checked_mul(self.stride)? >= self.input.checked_add_signed(self.padding.before)?;
        Some(windows - usize::from(overhangs)).filter(|&windows| windows > 0)
    }

    /// What the windows of a transposed convolution write, before padding is taken off.
    pub(crate) fn written(&self, output_padding: usize) -> Option<usize> {
        let last = self.input.checked_sub(1)?.checked_mul(self.stride)?;
        last.checked_add(self.reach()?)?.checked_add(output_padding)
    }
}

/// Kernel, stride and dilation of an operator, and its padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) stride: PerAxis,
    pub(super) dilation: PerAxis,
    pub(super) padding: Padding,
}

impl Steps {
    /// The windows along each axis of an input, with their outputs still to be found. Steps of 0 and negative padding are
    /// refused.
    pub(super) fn axes(&self, operator: &'static str, kernel: &[usize], input: &[usize]) -> Result<Vec<AxisWindow>> {
        let axes = input.len();
        let stride = self.stride.of_axes(operator, "stride", axes)?;
        let dilation = self.dilation.of_axes(operator, "dilation", axes)?;
        let padding = self.padding.of_axes(operator, "padding", axes)?;
        shape::at_least_one(operator, "stride", &stride)?;
        shape::at_least_one(operator, "dilation", &dilation)?;
        padding::check_not_negative(operator, &padding)?;
        let axis = |axis: usize| AxisWindow {
            input: input[axis],
            kernel: kernel[axis],
            stride: stride[axis],
            dilation: dilation[axis],
            padding: padding[axis],
            output: 0,
        };
        Ok((0..axes).map(axis).collect())
    }
}

/// One quantity of all axes.
pub(crate) fn of_each<T>(axes: &[AxisWindow], quantity: impl Fn(&AxisWindow) -> T) -> Vec<T> {
    axes.iter().map(quantity).collect()
}

/// The windows' extents with dilation as messages show them.
pub(super) fn reaches(axes: &[AxisWindow]) -> String {
    by(&of_each(axes, |axis| axis.reach().unwrap_or(usize::MAX)))
}

/// A checked pooling window with the extents that it runs over.
#[derive(Clone, Debug)]
pub(crate) struct PoolWindow {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) axes: Vec<AxisWindow>,
}

impl PoolWindow {
    pub(super) fn new(operator: &'static str, input: &[usize], kernel: PerAxis, steps: Steps, ceil_mode: bool) -> Result<Self> {
        let (batch, channels, extents) = shape::spatial(operator, input)?;
        let kernel = kernel.of_axes(operator, "kernel size", extents.len())?;
        shape::at_least_one(operator, "kernel size", &kernel)?;
        let mut axes = steps.axes(operator, &kernel, extents)?;
        let dilation = || by(&of_each(&axes, |axis| axis.dilation));
        let sides = of_each(&axes, |axis| axis.padding);
        for axis in &axes {
            let Some(reach) = axis.reach() else {
                return Err(Error::invalid(
                    operator,
                    format!("kernel size {} with dilation {} is too large", by(&kernel), dilation()),
                ));
            };
            ensure!(
                axis.padding.before.max(axis.padding.after) as usize <= reach / 2,
                operator,
                "padding must be at most half of the kernel size, but got padding {}, kernel size {} and dilation {}",
                padding::sides(&sides),
                by(&kernel),
                dilation()
            );
        }
        let padded = padding::padded(operator, &sides, extents)?;
        let reaches = reaches(&axes);
        for axis in &mut axes {
            axis.output = axis.windows(ceil_mode).ok_or_else(|| {
                Error::invalid(
                    operator,
                    format!(
                        "the output would be empty: the padded input is {}, the kernel with dilation {reaches} (input {input:?})",
                        by(&padded)
                    ),
                )
            })?;
        }
        let window = Self { batch, channels, axes };
        shape::element_count(operator, &window.output_shape())?;
        Ok(window)
    }

    pub(crate) fn output_shape(&self) -> Vec<usize> {
        shape_of(self.batch, self.channels, &self.axes)
    }
}

/// The shape of an output.
pub(super) fn shape_of(batch: usize, channels: usize, axes: &[AxisWindow]) -> Vec<usize> {
    let extents = axes.iter().map(|axis| axis.output);
    [batch, channels].into_iter().chain(extents).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(input: usize, [kernel, stride, dilation]: [usize; 3], padding: Sides) -> AxisWindow {
        AxisWindow {
            input,
            kernel,
            stride,
            dilation,
            padding,
            output: 0,
        }
    }

    #[test]
    fn windows_that_fit_are_counted() {
        assert_eq!(axis(5, [3, 1, 1], Sides::NONE).windows(false), Some(3));
        assert_eq!(axis(6, [3, 2, 1], Sides::NONE).windows(false), Some(2));
        assert_eq!(axis(6, [3, 2, 1], Sides::new(0, 1)).windows(false), Some(3));
        assert_eq!(axis(7, [3, 2, 3], Sides::NONE).windows(false), Some(1));
        assert_eq!(axis(5, [6, 1, 1], Sides::NONE).windows(false), None);
        // The reach wraps around in unsigned arithmetic.
        assert_eq!(axis(5, [3, 1, usize::MAX], Sides::NONE).windows(false), None);
    }

    #[test]
    fn in_ceil_mode_the_last_window_starts_inside() {
        assert_eq!(axis(6, [3, 2, 1], Sides::NONE).windows(true), Some(3));
        // A third window would start at 6, past the input and its padding before it.
        assert_eq!(axis(5, [2, 3, 1], Sides::new(1, 1)).windows(true), Some(2));
        // Even the first may overhang, by less than the stride.
        assert_eq!(axis(4, [6, 3, 1], Sides::NONE).windows(true), Some(1));
        assert_eq!(axis(4, [6, 2, 1], Sides::NONE).windows(true), None);
    }

    #[test]
    fn what_a_transposed_convolution_writes() {
        assert_eq!(axis(7, [3, 2, 1], Sides::NONE).written(1), Some(16));
        assert_eq!(axis(3, [2, 1, 4], Sides::NONE).written(0), Some(7));
        assert_eq!(axis(2, [3, usize::MAX, 1], Sides::NONE).written(0), None);
    }
}
