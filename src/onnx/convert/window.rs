//! Windows along spatial axes: kernel, stride, dilation and padding as ONNX gives them.

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use crate::error::{Error, Result};
use crate::ops::AxisWindow;
use crate::padding::Sides;
use crate::shape::PerAxis;

/// The largest extent of a kernel, a step or a padding.
const LARGEST: i64 = i32::MAX as i64;

/// The spatial extents of a signal, an image or a volume.
pub(super) fn extents(input: &Value) -> Result<Vec<usize>> {
    match input.shape() {
        [_, _, extents @ ..] if (1..=3).contains(&extents.len()) => Ok(extents.to_vec()),
        shape => Err(unsupported(format!(
            "an input of shape {shape:?}: only [N, C, L], [N, C, H, W] and [N, C, D, H, W]"
        ))),
    }
}

/// An attribute of one number for each of so many spatial axes.
pub(super) fn numbers(node: &Node<'_, '_>, name: &str, least: i64, axes: usize) -> Result<Option<Vec<usize>>> {
    let Some(numbers) = node.ints(name)? else {
        return Ok(None);
    };
    if numbers.iter().any(|number| !(least..=LARGEST).contains(number)) {
        return Err(Error::Onnx(format!(
            "{name} must be {least} to {LARGEST}, but it is {numbers:?}"
        )));
    }
    if numbers.len() != axes {
        return Err(Error::Onnx(format!(
            "{name} must have a number for each spatial dimension, but it is {numbers:?}"
        )));
    }
    Ok(Some(numbers.iter().map(|&number| number as usize).collect()))
}

/// A step along each axis: 1 where nothing is said.
fn steps(node: &Node<'_, '_>, name: &str, axes: usize) -> Result<Vec<usize>> {
    Ok(numbers(node, name, 1, axes)?.unwrap_or_else(|| vec![1; axes]))
}

/// `pads`, all begins before all ends.
fn pads(node: &Node<'_, '_>, axes: usize) -> Result<Vec<Sides>> {
    let Some(pads) = node.ints("pads")? else {
        return Ok(vec![Sides::NONE; axes]);
    };
    if pads.iter().any(|pad| !(0..=LARGEST).contains(pad)) {
        return Err(Error::Onnx(format!("pads must be 0 to {LARGEST}, but they are {pads:?}")));
    }
    if pads.len() != 2 * axes {
        return Err(Error::Onnx(format!(
            "pads must have two numbers for each spatial dimension, but they are {pads:?}"
        )));
    }
    let (before, after) = pads.split_at(axes);
    let sides = before.iter().zip(after);
    Ok(sides
        .map(|(&before, &after)| Sides::new(before as isize, after as isize))
        .collect())
}

/// The windows along each axis by `strides`, `dilations` and, where `auto_pad` says nothing else, `pads`; their outputs are not
/// known yet.
pub(super) fn windows(node: &Node<'_, '_>, extents: &[usize], kernel: &[usize]) -> Result<Vec<AxisWindow>> {
    let axes = extents.len();
    let (strides, dilations) = (steps(node, "strides", axes)?, steps(node, "dilations", axes)?);
    let (pads, auto) = (pads(node, axes)?, AutoPad::of(node)?);
    let explicit = |axis: usize| match auto {
        AutoPad::Explicit => pads[axis],
        AutoPad::Valid | AutoPad::SameUpper | AutoPad::SameLower => Sides::NONE,
    };
    let window = |axis: usize| AxisWindow {
        input: extents[axis],
        kernel: kernel[axis],
        stride: strides[axis],
        dilation: dilations[axis],
        padding: explicit(axis),
        output: 0,
    };
    Ok((0..axes).map(window).collect())
}

/// What `each` says of every axis, as operators take it.
pub(super) fn per_axis<T: Copy>(windows: &[AxisWindow], each: impl Fn(&AxisWindow) -> T) -> Result<PerAxis<T>> {
    let values: Vec<T> = windows.iter().map(each).collect();
    PerAxis::try_from(values.as_slice())
}

/// The attribute `auto_pad`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoPad {
    Explicit,
    Valid,
    SameUpper,
    SameLower,
}

impl AutoPad {
    pub(super) fn of(node: &Node<'_, '_>) -> Result<Self> {
        Ok(match node.string("auto_pad", "NOTSET")? {
            "NOTSET" | "" => Self::Explicit,
            "VALID" => Self::Valid,
            "SAME_UPPER" => Self::SameUpper,
            "SAME_LOWER" => Self::SameLower,
            other => return Err(Error::Onnx(format!("auto_pad is {other:?}"))),
        })
    }

    pub(super) fn is_same(self) -> bool {
        matches!(self, Self::SameUpper | Self::SameLower)
    }

    /// Pads a convolution or pooling so that there is a window for each stride that the input has.
    pub(super) fn pad(self, window: &mut AxisWindow) {
        if self.is_same() {
            let last = (window.input.div_ceil(window.stride).saturating_sub(1)).saturating_mul(window.stride);
            let reach = last.saturating_add(window.reach().unwrap_or(usize::MAX));
            window.padding = self.split(reach.saturating_sub(window.input));
        }
    }

    /// An odd extra goes to the end with `SAME_UPPER`, else to the start.
    pub(super) fn split(self, total: usize) -> Sides {
        let (less, more) = ((total / 2) as isize, (total - total / 2) as isize);
        if self == Self::SameUpper {
            Sides::new(less, more)
        } else {
            Sides::new(more, less)
        }
    }
}
