//! Samples of images at places that a grid names.

use super::operator::Operator;
use crate::error::{Result, ensure};
use crate::shape;

const NAME: &str = "grid_sample";

/// How values between an image's elements are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GridMode {
    /// The nearest element in each direction, of two the one with the even number.
    Nearest,
    /// Between the two neighbours in each direction.
    Linear,
    /// Between four in each direction, by cubic convolution with the coefficient -0.75.
    Cubic,
}

/// What is outside an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GridPadding {
    /// Zeros.
    Zeros,
    /// The element at the edge.
    Border,
    /// The image again, reflected as often as it takes: by its outer edges, or, where coordinates are not
    /// [`Edges`](GridCoordinates::Edges), by the centres of the elements there.
    Reflection,
}

/// What a grid's coordinates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GridCoordinates {
    /// -1 and 1 are the outer edges of an image. PyTorch's, with `align_corners=False`.
    Edges,
    /// -1 and 1 are the centres of the elements at the edges. PyTorch's, with `align_corners=True`.
    Centres,
    /// The number of an element, whose centre it is.
    Elements,
}

/// Samples images `[N, C, H, W]`, signals `[N, C, L]` or volumes `[N, C, D, H, W]` at the places of a grid `[N, OH, OW, 2]`, in which
/// the coordinate along the last axis comes first; the output is `[N, C, OH, OW]`. Equals `F.grid_sample` and, but for cubic
/// samples that are padded by the border, ONNX's `GridSample`.
///
/// A coordinate that is NaN makes samples NaN. What a sample has outside the image has no part in it, even if it were infinite.
///
/// ```
/// use convoke::ops::{GridMode, GridPadding, GridSample};
/// let sample = GridSample::new(GridMode::Linear).padding(GridPadding::Border).align_corners(true);
/// assert_eq!(sample.output_shape(&[2, 3, 8, 6], &[2, 4, 5, 2])?, [2, 3, 4, 5]);
/// # Ok::<(), convoke::Error>(())
/// ```
///
/// Errors: a grid of another batch or another number of axes; an image without elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct GridSample {
    /// How values between elements are found.
    pub mode: GridMode,
    /// What is outside an image.
    pub padding: GridPadding,
    /// What the grid's coordinates are.
    pub coordinates: GridCoordinates,
}

impl GridSample {
    /// With zeros outside and coordinates from edge to edge: PyTorch's defaults.
    pub const fn new(mode: GridMode) -> Self {
        Self {
            mode,
            padding: GridPadding::Zeros,
            coordinates: GridCoordinates::Edges,
        }
    }

    /// Sets what is outside an image.
    pub const fn padding(mut self, padding: GridPadding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets what the grid's coordinates are.
    pub const fn coordinates(mut self, coordinates: GridCoordinates) -> Self {
        self.coordinates = coordinates;
        self
    }

    /// PyTorch's flag: coordinates from centre to centre, or from edge to edge.
    pub const fn align_corners(self, align: bool) -> Self {
        self.coordinates(if align {
            GridCoordinates::Centres
        } else {
            GridCoordinates::Edges
        })
    }

    /// Checks the shapes of the input and the grid and gives the output's.
    pub fn output_shape(&self, input: &[usize], grid: &[usize]) -> Result<Vec<usize>> {
        let (batch, channels, extents) = shape::spatial(NAME, input)?;
        let axes = extents.len();
        ensure!(
            grid.len() == axes + 2 && grid[0] == batch && grid[axes + 1] == axes,
            NAME,
            "expected a grid of {batch} times {axes} extents and {axes} coordinates for {input:?}, but got {grid:?}"
        );
        let output = [&[batch, channels], &grid[1..=axes]].concat();
        shape::element_count(NAME, &output)?;
        Ok(output)
    }
}

impl Operator for GridSample {
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
    fn shapes_and_refusals() {
        let shape = |input: &[usize], grid: &[usize]| GridSample::new(GridMode::Linear).output_shape(input, grid);
        assert_eq!(shape(&[2, 3, 4, 5, 6], &[2, 7, 8, 9, 3]).unwrap(), [2, 3, 7, 8, 9]);
        assert_eq!(shape(&[2, 3, 4], &[2, 0, 1]).unwrap(), [2, 3, 0]);
        for (input, grid) in [
            (&[2, 3, 4, 5], &[1, 7, 8, 2][..]),
            (&[2, 3, 4, 5], &[2, 7, 8, 3]),
            (&[2, 3, 4, 5], &[2, 7, 2]),
        ] {
            let message = shape(input, grid).unwrap_err().to_string();
            assert!(message.contains("2 times 2 extents and 2 coordinates"), "{message}");
        }
        assert!(
            shape(&[2, 3, 4, 0], &[2, 7, 8, 2])
                .unwrap_err()
                .to_string()
                .contains("without a zero")
        );
    }
}
