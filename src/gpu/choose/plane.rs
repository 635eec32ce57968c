//! Windows over planes, as kernels have them: a signal is a plane of one row. Volumes are refused.

use crate::error::{Error, Result};
use crate::ops::{AxisWindow, ConvGeometry, PoolWindow};
use crate::padding::{Padding2d, Sides};
use crate::shape::Size2d;

/// The values of height and width, of which a signal's height has the neutral one.
pub(crate) fn plane<T: Copy>(operator: &'static str, values: &[T], neutral: T) -> Result<[T; 2]> {
    match *values {
        [width] => Ok([neutral, width]),
        [height, width] => Ok([height, width]),
        _ => Err(Error::unsupported(
            operator,
            format!("expected 1 or 2 spatial axes on the GPU, but got {}", values.len()),
        )),
    }
}

/// The extents of a plane.
pub(crate) fn size(operator: &'static str, extents: &[usize]) -> Result<Size2d> {
    let [height, width] = plane(operator, extents, 1)?;
    Ok(Size2d { height, width })
}

/// The sides of a plane.
pub(crate) fn padding(operator: &'static str, sides: &[Sides]) -> Result<Padding2d> {
    let [rows, columns] = plane(operator, sides, Sides::NONE)?;
    Ok(Padding2d::new(columns.before, columns.after, rows.before, rows.after))
}

/// Windows over a plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlaneWindow {
    pub(crate) input: Size2d,
    pub(crate) kernel: Size2d,
    pub(crate) stride: Size2d,
    pub(crate) dilation: Size2d,
    pub(crate) padding: Padding2d,
    pub(crate) output: Size2d,
}

impl PlaneWindow {
    pub(crate) fn new(operator: &'static str, axes: &[AxisWindow]) -> Result<Self> {
        let each = |extent: fn(&AxisWindow) -> usize| size(operator, &axes.iter().map(extent).collect::<Vec<_>>());
        let sides: Vec<Sides> = axes.iter().map(|axis| axis.padding).collect();
        Ok(Self {
            input: each(|axis| axis.input)?,
            kernel: each(|axis| axis.kernel)?,
            stride: each(|axis| axis.stride)?,
            dilation: each(|axis| axis.dilation)?,
            padding: padding(operator, &sides)?,
            output: each(|axis| axis.output)?,
        })
    }
}

/// A convolution of planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvPlane {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) window: PlaneWindow,
}

impl ConvPlane {
    pub(crate) fn new(operator: &'static str, geometry: &ConvGeometry) -> Result<Self> {
        Ok(Self {
            batch: geometry.batch,
            in_channels: geometry.in_channels,
            out_channels: geometry.out_channels,
            window: PlaneWindow::new(operator, &geometry.axes)?,
        })
    }
}

impl std::ops::Deref for ConvPlane {
    type Target = PlaneWindow;

    fn deref(&self) -> &PlaneWindow {
        &self.window
    }
}

/// Pooling of planes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolPlane {
    /// Images times channels.
    pub(crate) planes: usize,
    pub(crate) window: PlaneWindow,
}

impl PoolPlane {
    pub(crate) fn new(operator: &'static str, window: &PoolWindow) -> Result<Self> {
        Ok(Self {
            planes: window.batch * window.channels,
            window: PlaneWindow::new(operator, &window.axes)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_planes_of_one_row_and_volumes_are_refused() {
        assert_eq!(plane("pad", &[5], 1).unwrap(), [1, 5]);
        assert_eq!(plane("pad", &[4, 5], 1).unwrap(), [4, 5]);
        let message = plane("pad", &[3, 4, 5], 1).unwrap_err().to_string();
        assert!(
            message.starts_with("pad: ") && message.contains("expected 1 or 2 spatial axes") && message.contains("got 3"),
            "{message}"
        );
    }
}
