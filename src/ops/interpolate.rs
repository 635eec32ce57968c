//! Resizing of images.

use crate::error::Result;
use crate::shape::{self, Size2d};

const NAME: &str = "interpolate";

/// How values between the input's are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InterpolateMode {
    /// The input element at `floor(i * in / out)`, the product taken in `f32` as PyTorch does.
    Nearest,
    /// Between the four neighbours, linear in each direction.
    Bilinear {
        /// Whether the corner elements' centres coincide (`i * (in - 1) / (out - 1)`), or the corners of the images
        /// (`(i + 0.5) * in / out - 0.5`, not below 0).
        align_corners: bool,
    },
}

/// Resizes `[N, C, H, W]` to `[N, C, size]`. Equals `F.interpolate(input, size=..., mode=..., align_corners=...)`.
///
/// ```
/// use convoke::ops::{Interpolate, InterpolateMode};
/// let resize = Interpolate::new([9, 7], InterpolateMode::Bilinear { align_corners: false });
/// assert_eq!(resize.output_shape(&[1, 2, 5, 6])?, [1, 2, 9, 7]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a size of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interpolate {
    /// Extent of the output.
    pub size: Size2d,
    /// How values between the input's are found.
    pub mode: InterpolateMode,
}

impl Interpolate {
    /// Resizes to this size.
    pub fn new(size: impl Into<Size2d>, mode: InterpolateMode) -> Self {
        Self { size: size.into(), mode }
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<[usize; 4]> {
        let [n, c, _, _] = shape::nchw(NAME, input)?;
        shape::at_least_one(NAME, "size", self.size)?;
        let output = [n, c, self.size.height, self.size.width];
        shape::element_count(NAME, &output)?;
        Ok(output)
    }
}
