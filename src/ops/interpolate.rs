//! Resizing of signals, images and volumes.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape::{self, PerAxis};

const NAME: &str = "interpolate";

/// How values between the input's are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InterpolateMode {
    /// The nearest element, in each direction.
    Nearest {
        /// Which neighbour it is.
        rounding: NearestRounding,
    },
    /// Between the two neighbours in each direction: linear, bilinear and trilinear.
    Linear,
}

/// Which whole number a coordinate becomes; ONNX Resize's `nearest_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NearestRounding {
    /// The one below. PyTorch's.
    Floor,
    /// The one above.
    Ceil,
    /// The nearest, of two the one below. ONNX's default.
    PreferFloor,
    /// The nearest, of two the one above.
    PreferCeil,
}

/// Which input coordinate `x` an output element `i` has, where the output is `scale` times as large; ONNX Resize's
/// `coordinate_transformation_mode`. What lies outside is moved to the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CoordinateMode {
    /// `(i + 0.5) / scale - 0.5`: the corners of the images coincide.
    HalfPixel,
    /// As [`HalfPixel`](Self::HalfPixel), but 0 where the output's extent is 1.
    PytorchHalfPixel,
    /// `i * (in - 1) / (out - 1)`, 0 where the output's extent is 1: the centres of the corner elements coincide. Scales
    /// that are given have no say.
    AlignCorners,
    /// `i / scale`.
    Asymmetric,
}

/// Resizes `[N, C, H, W]`, signals `[N, C, L]` or volumes `[N, C, D, H, W]` to `[N, C, size]`. Equals
/// `F.interpolate(input, size=..)` for modes `nearest`, `linear`, `bilinear` and `trilinear`, and ONNX `Resize` and `Upsample` for
/// modes `nearest` and `linear` over spatial axes.
///
/// Coordinates are computed in `f32`, an operation at a time. Without scales, `1 / scale` is `in / out`, as in PyTorch. With
/// scales, coordinates are divided by them, as in ONNX Runtime, which rounds otherwise; it takes `out / in` for them where
/// the model gives sizes. Nearest elements are the same on every backend.
///
/// ```
/// use convoke::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
/// let resize = Interpolate::linear([9, 7], false);
/// assert_eq!(resize.output_shape(&[1, 2, 5, 6])?, [1, 2, 9, 7]);
///
/// // ONNX Resize with scales of 1.5 and its default modes.
/// let mode = InterpolateMode::Nearest { rounding: NearestRounding::PreferFloor };
/// let resize = Interpolate::new([7, 9], mode, CoordinateMode::HalfPixel).scales([1.5, 1.5]);
/// assert_eq!(resize.output_shape(&[1, 2, 5, 6])?, [1, 2, 7, 9]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a size of 0; a scale that is not positive and finite.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interpolate {
    /// Extent of the output.
    pub size: PerAxis,
    /// The scale of each axis for the coordinates, where it is not `size` over the input's extent.
    pub scales: Option<PerAxis<f32>>,
    /// How values between the input's are found.
    pub mode: InterpolateMode,
    /// Where the output's elements lie in the input.
    pub coordinates: CoordinateMode,
}

impl Interpolate {
    /// Resizes to this size, with the scales that follow from it.
    pub fn new(size: impl Into<PerAxis>, mode: InterpolateMode, coordinates: CoordinateMode) -> Self {
        Self {
            size: size.into(),
            scales: None,
            mode,
            coordinates,
        }
    }

    /// PyTorch's `mode="nearest"`: the element at `floor(i * in / out)`.
    pub fn nearest(size: impl Into<PerAxis>) -> Self {
        let rounding = NearestRounding::Floor;
        Self::new(size, InterpolateMode::Nearest { rounding }, CoordinateMode::Asymmetric)
    }

    /// PyTorch's `mode="linear"`, `"bilinear"` or `"trilinear"`.
    pub fn linear(size: impl Into<PerAxis>, align_corners: bool) -> Self {
        let coordinates = if align_corners {
            CoordinateMode::AlignCorners
        } else {
            CoordinateMode::HalfPixel
        };
        Self::new(size, InterpolateMode::Linear, coordinates)
    }

    /// PyTorch's `mode="bilinear"`: [`linear`](Self::linear) by its name for images.
    pub fn bilinear(size: impl Into<PerAxis>, align_corners: bool) -> Self {
        Self::linear(size, align_corners)
    }

    /// Sets the scale of each axis that coordinates are computed with.
    pub fn scales(mut self, scales: impl Into<PerAxis<f32>>) -> Self {
        self.scales = Some(scales.into());
        self
    }

    /// Checks the shape and gives the output's.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let (batch, channels, extents) = shape::spatial(NAME, input)?;
        let size = self.size.of_axes(NAME, "size", extents.len())?;
        shape::at_least_one(NAME, "size", &size)?;
        for scale in self.scales_of(extents.len())?.into_iter().flatten() {
            ensure!(
                scale.is_finite() && scale > 0.0,
                NAME,
                "scales must be positive and finite, but got {scale}"
            );
        }
        let output = [&[batch, channels], &size[..]].concat();
        shape::element_count(NAME, &output)?;
        Ok(output)
    }

    /// The scale of each of so many axes, where scales are given.
    pub(crate) fn scales_of(&self, axes: usize) -> Result<Vec<Option<f32>>> {
        match self.scales {
            None => Ok(vec![None; axes]),
            Some(scales) => Ok(scales.of_axes(NAME, "scales", axes)?.into_iter().map(Some).collect()),
        }
    }
}

impl Operator for Interpolate {
    fn name(&self) -> &'static str {
        "interpolate"
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        let plain = Interpolate::nearest([4, 5]);
        for (op, words) in [
            (Interpolate::nearest([4, 0]), "size must be at least 1, but got (4 x 0)"),
            (plain.scales([1.0, 0.0]), "positive and finite, but got 0"),
            (plain.scales([f32::NAN, 1.0]), "positive and finite, but got NaN"),
            (Interpolate::nearest([usize::MAX, 5]), "more elements"),
        ] {
            let message = op.output_shape(&[1, 2, 3, 3]).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
