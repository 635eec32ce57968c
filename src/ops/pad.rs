//! Padding and cropping of the spatial axes.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::padding::{self, Padding, PaddingMode};
use crate::shape;

const NAME: &str = "pad";

/// Pads `[N, C, H, W]` on four sides, signals `[N, C, L]` on two, volumes `[N, C, D, H, W]` on six. Equals
/// `F.pad(input, (left, right, top, bottom), mode, value)`.
///
/// Negative sides crop; they are legal in the constant mode only. [`PaddingMode::Zeros`] pads with `value`.
///
/// ```
/// use convoke::{Padding2d, PaddingMode, ops::Pad};
/// let pad = Pad::new(Padding2d::new(1, 2, 0, 3)).mode(PaddingMode::Replicate);
/// assert_eq!(pad.output_shape(&[1, 2, 5, 6])?, [1, 2, 8, 9]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a side over its mode's limit; a negative side or a non-zero value in another mode than the constant one;
/// cropping that leaves nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pad {
    /// Elements added on each side.
    pub padding: Padding,
    /// What the padding reads.
    pub mode: PaddingMode,
    /// The constant of [`PaddingMode::Zeros`].
    pub value: f32,
}

impl Pad {
    /// Pads with zeros.
    pub fn new(padding: impl Into<Padding>) -> Self {
        Self {
            padding: padding.into(),
            mode: PaddingMode::Zeros,
            value: 0.0,
        }
    }

    /// Sets what the padding reads.
    pub fn mode(mut self, mode: PaddingMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the constant that stands outside the input.
    pub fn value(mut self, value: f32) -> Self {
        self.value = value;
        self
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (batch, channels, extents) = shape::spatial(NAME, input)?;
        let padding = self.padding.of_axes(NAME, "padding", extents.len())?;
        if self.mode != PaddingMode::Zeros {
            ensure!(
                self.value.to_bits() == 0,
                NAME,
                "{} padding takes no constant value, but got {}",
                self.mode,
                self.value
            );
            padding::check_not_negative(NAME, &padding)?;
        }
        padding::check_mode(NAME, self.mode, &padding, extents)?;
        let padded = padding::padded(NAME, &padding, extents)?;
        let output = [&[batch, channels], &padded[..]].concat();
        shape::element_count(NAME, &output)?;
        Ok(output)
    }
}

impl Operator for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::padding::Sides;

    #[test]
    fn volumes_have_six_sides() {
        let pad = Pad::new([Sides::new(1, 2), Sides::new(0, -1), Sides::new(3, 0)]);
        assert_eq!(pad.output_shape(&[1, 2, 4, 5, 6]).unwrap(), [1, 2, 7, 4, 9]);
        let message = pad
            .mode(PaddingMode::Replicate)
            .output_shape(&[1, 2, 4, 5, 6])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("(left 3, right 0, top 0, bottom -1, front 1, back 2)"),
            "{message}"
        );
        let message = Pad::new(4)
            .mode(PaddingMode::Reflect)
            .output_shape(&[1, 2, 4, 5, 6])
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("input depth") && message.contains("(4 x 5 x 6)"),
            "{message}"
        );
    }
}
