//! Padding and cropping of the last two dimensions.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::padding::{Padding2d, PaddingMode};
use crate::shape::{self, Size2d};

const NAME: &str = "pad";

/// Pads `[N, C, H, W]` on four sides. Equals `F.pad(input, (left, right, top, bottom), mode, value)`.
///
/// Negative sides crop; they are legal in the constant mode only. [`PaddingMode::Zeros`] pads with `value`.
///
/// ```
/// use convoke::{Padding2d, PaddingMode, ops::Pad2d};
/// let pad = Pad2d::new(Padding2d::new(1, 2, 0, 3)).mode(PaddingMode::Replicate);
/// assert_eq!(pad.output_shape(&[1, 2, 5, 6])?, [1, 2, 8, 9]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a side over its mode's limit; a negative side or a non-zero value in another mode than the constant one;
/// cropping that leaves nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pad2d {
    /// Elements added on each side.
    pub padding: Padding2d,
    /// What the padding reads.
    pub mode: PaddingMode,
    /// The constant of [`PaddingMode::Zeros`].
    pub value: f32,
}

impl Pad2d {
    /// Pads with zeros.
    pub fn new(padding: impl Into<Padding2d>) -> Self {
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
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        let [n, c, height, width] = shape::nchw(NAME, input)?;
        let size = Size2d { height, width };
        if self.mode != PaddingMode::Zeros {
            ensure!(
                self.value.to_bits() == 0,
                NAME,
                "{} padding takes no constant value, but got {}",
                self.mode,
                self.value
            );
            self.padding.check_not_negative(NAME)?;
        }
        self.padding.check(NAME, self.mode, size)?;
        let padded = self.padding.padded(NAME, size)?;
        let output = [n, c, padded.height, padded.width];
        shape::element_count(NAME, &output)?;
        Ok(output)
    }
}

impl Operator for Pad2d {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?.to_vec()])
    }
}
