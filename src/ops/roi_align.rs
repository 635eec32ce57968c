//! Regions of images, each pooled to one size.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape::{self, PerAxis};

const NAME: &str = "roi_align";
const MOST_SAMPLES: usize = 64;

/// What becomes of the samples of a part of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RoiReduction {
    /// Their average, zeros outside the image included. torchvision's.
    Average,
    /// The largest of what they are sums of: each element times its weight. ONNX's.
    Max,
}

/// Pools regions of images `[N, C, H, W]` to `[K, C, size]`. A region is a row of `[K, 5]`: the number of its image, and x and y of
/// two corners. Each is cut into `size` equal parts, and each part is sampled at the points of a grid, between four elements.
/// Equals `torchvision.ops.roi_align` and ONNX's `RoiAlign`.
///
/// Samples more than one element outside the image are 0, and others there lie on the edge. A corner that is NaN or 2^24 elements away
/// makes its region NaN. A number of an image that there is not is an error on the reference and the CPU; a GPU takes the nearest there
/// is. Where the number of samples follows from the regions, a GPU gives NaN for those that are more than twice as large as the image
/// and have parts of more than 64 elements along an axis.
///
/// ```
/// use convoke::ops::RoiAlign;
/// let align = RoiAlign::new([7, 7]).spatial_scale(0.25).sampling_ratio(2).aligned(true);
/// assert_eq!(align.output_shape(&[1, 256, 50, 60], &[100, 5])?, [100, 256, 7, 7]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a size of 0; regions of another shape; a scale that is not finite; more than 64 samples along an axis of a part.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoiAlign {
    /// The parts of a region, which are the output's extents.
    pub size: PerAxis,
    /// What the corners are multiplied by.
    pub spatial_scale: f32,
    /// Samples of a part along each axis; as many as elements, rounded up, where it is 0.
    pub sampling_ratio: usize,
    /// Whether corners count from the edge of the first element, not from its centre; else regions have at least one element.
    pub aligned: bool,
    /// What becomes of the samples.
    pub reduction: RoiReduction,
}

impl RoiAlign {
    /// To this size, with torchvision's defaults.
    pub fn new(size: impl Into<PerAxis>) -> Self {
        Self {
            size: size.into(),
            spatial_scale: 1.0,
            sampling_ratio: 0,
            aligned: false,
            reduction: RoiReduction::Average,
        }
    }

    /// Sets what the corners are multiplied by.
    pub const fn spatial_scale(mut self, scale: f32) -> Self {
        self.spatial_scale = scale;
        self
    }

    /// How far away a corner makes its region NaN: `f32` does not tell all elements apart there.
    pub(crate) const FARTHEST: f32 = 16_777_216.0;

    /// Sets how many samples a part has along each axis.
    pub const fn sampling_ratio(mut self, samples: usize) -> Self {
        self.sampling_ratio = samples;
        self
    }

    /// Sets whether corners count from the edge of the first element.
    pub const fn aligned(mut self, aligned: bool) -> Self {
        self.aligned = aligned;
        self
    }

    /// Sets what becomes of the samples.
    pub const fn reduction(mut self, reduction: RoiReduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// The parts of a region along each axis.
    pub(crate) fn parts(&self) -> Result<[usize; 2]> {
        let parts = self.size.of_axes(NAME, "size", 2)?;
        shape::at_least_one(NAME, "size", &parts)?;
        Ok([parts[0], parts[1]])
    }

    /// Checks the shapes of the input and the regions and gives the output's.
    pub fn output_shape(&self, input: &[usize], regions: &[usize]) -> Result<Vec<usize>> {
        let (batch, channels, extents) = shape::spatial(NAME, input)?;
        let [height, width] = self.parts()?;
        ensure!(
            extents.len() == 2 && batch > 0,
            NAME,
            "expected images [N, C, H, W], but got {input:?}"
        );
        ensure!(
            matches!(regions, [_, 5]),
            NAME,
            "expected regions of 5 numbers each, but got {regions:?}"
        );
        ensure!(
            self.spatial_scale.is_finite(),
            NAME,
            "expected a finite scale, but got {}",
            self.spatial_scale
        );
        ensure!(
            self.sampling_ratio <= MOST_SAMPLES,
            NAME,
            "expected at most {MOST_SAMPLES} samples of a part along an axis, but got {}",
            self.sampling_ratio
        );
        let output = vec![regions[0], channels, height, width];
        shape::element_count(NAME, &output)?;
        Ok(output)
    }
}

impl Operator for RoiAlign {
    fn name(&self) -> &'static str {
        NAME
    }

    fn arity(&self) -> (usize, usize) {
        (2, 2)
    }

    fn output_shapes(&self, inputs: &[&[usize]]) -> Result<Vec<Vec<usize>>> {
        Ok(vec![self.output_shape(inputs[0], inputs[1])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_carry_the_numbers() {
        let plain = RoiAlign::new([2, 3]);
        assert_eq!(plain.output_shape(&[2, 4, 5, 6], &[7, 5]).unwrap(), [7, 4, 2, 3]);
        for (op, input, regions, words) in [
            (plain, &[2, 4, 5, 6][..], &[7, 4][..], "but got [7, 4]"),
            (plain, &[2, 4, 5], &[7, 5], "but got [2, 4, 5]"),
            (plain, &[0, 4, 5, 6], &[7, 5], "but got [0, 4, 5, 6]"),
            (plain.sampling_ratio(65), &[2, 4, 5, 6], &[7, 5], "but got 65"),
            (RoiAlign::new([2, 0]), &[2, 4, 5, 6], &[7, 5], "but got (2 x 0)"),
            (plain.spatial_scale(f32::NAN), &[2, 4, 5, 6], &[7, 5], "but got NaN"),
        ] {
            let message = op.output_shape(input, regions).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }
}
