//! Windows over images: kernel, stride, dilation and padding as ONNX gives them, and 1-D as 2-D.

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use crate::error::{Error, Result};
use crate::padding::Padding2d;
use crate::shape::Size2d;

/// The largest extent of a kernel, a step or a padding.
const LARGEST: i64 = i32::MAX as i64;

/// `[N, C, H, W]`, or `[N, C, L]` seen as `[N, C, 1, L]`.
pub(super) struct Image {
    /// With four dimensions.
    pub(super) value: Value,
    /// Whether it has three in the file.
    line: bool,
}

impl Image {
    pub(super) fn new(node: &mut Node<'_, '_>, value: &Value) -> Result<Self> {
        match *value.shape() {
            [_, _, _, _] => Ok(Self {
                value: value.clone(),
                line: false,
            }),
            [n, c, l] => Ok(Self {
                value: node.reshape(value, &[n as isize, c as isize, 1, l as isize])?,
                line: true,
            }),
            ref shape => Err(unsupported(format!(
                "an input of shape {shape:?}: only [N, C, L] and [N, C, H, W]"
            ))),
        }
    }

    /// A weight of as many spatial dimensions.
    pub(super) fn weight(&self, node: &mut Node<'_, '_>, weight: &Value) -> Result<Value> {
        match *weight.shape() {
            [out, input, length] if self.line => node.reshape(weight, &[out as isize, input as isize, 1, length as isize]),
            [_, _, _, _] if !self.line => Ok(weight.clone()),
            ref shape => Err(Error::Onnx(format!(
                "a weight of shape {shape:?} does not fit an input of shape {:?}",
                self.value.shape()
            ))),
        }
    }

    /// A result with the dimensions that the file expects.
    pub(super) fn finish(&self, node: &mut Node<'_, '_>, result: Value) -> Result<Vec<Value>> {
        match *result.shape() {
            [n, c, 1, l] if self.line => Ok(vec![node.reshape(&result, &[n as isize, c as isize, l as isize])?]),
            _ => Ok(vec![result]),
        }
    }

    pub(super) fn size(&self) -> Size2d {
        match *self.value.shape() {
            [_, _, height, width] => Size2d { height, width },
            _ => Size2d::square(0),
        }
    }

    /// An attribute of one number for each spatial dimension.
    pub(super) fn numbers(&self, node: &Node<'_, '_>, name: &str, least: i64) -> Result<Option<Size2d>> {
        let Some(numbers) = node.ints(name)? else {
            return Ok(None);
        };
        if numbers.iter().any(|number| !(least..=LARGEST).contains(number)) {
            return Err(Error::Onnx(format!(
                "{name} must be {least} to {LARGEST}, but it is {numbers:?}"
            )));
        }
        let neutral = usize::from(name != "output_padding");
        match *numbers {
            [height, width] if !self.line => Ok(Some([height as usize, width as usize].into())),
            [width] if self.line => Ok(Some([neutral, width as usize].into())),
            _ => Err(Error::Onnx(format!(
                "{name} must have a number for each spatial dimension, but it is {numbers:?}"
            ))),
        }
    }

    /// A step: 1 where nothing is said.
    pub(super) fn step(&self, node: &Node<'_, '_>, name: &str) -> Result<Size2d> {
        Ok(self.numbers(node, name, 1)?.unwrap_or(Size2d::square(1)))
    }

    /// `pads` as it is, or `None`.
    pub(super) fn pads(&self, node: &Node<'_, '_>) -> Result<Option<Padding2d>> {
        let Some(pads) = node.ints("pads")? else {
            return Ok(None);
        };
        if pads.iter().any(|pad| !(0..=LARGEST).contains(pad)) {
            return Err(Error::Onnx(format!("pads must be 0 to {LARGEST}, but they are {pads:?}")));
        }
        match *pads {
            [top, left, bottom, right] if !self.line => Ok(Some(Padding2d::new(
                left as isize,
                right as isize,
                top as isize,
                bottom as isize,
            ))),
            [left, right] if self.line => Ok(Some(Padding2d::new(left as isize, right as isize, 0, 0))),
            _ => Err(Error::Onnx(format!(
                "pads must have two numbers for each spatial dimension, but they are {pads:?}"
            ))),
        }
    }

    /// The padding of a convolution or pooling, with `auto_pad` resolved for this input.
    pub(super) fn padding(&self, node: &Node<'_, '_>, kernel: Size2d, stride: Size2d, dilation: Size2d) -> Result<Padding2d> {
        let pads = self.pads(node)?;
        let auto = AutoPad::of(node)?;
        let same = |input: usize, kernel: usize, stride: usize, dilation: usize| {
            let output = input.div_ceil(stride);
            let reach = output
                .saturating_sub(1)
                .saturating_mul(stride)
                .saturating_add((kernel - 1).saturating_mul(dilation))
                .saturating_add(1);
            auto.split(reach.saturating_sub(input))
        };
        match auto {
            AutoPad::Explicit => Ok(pads.unwrap_or(Padding2d::NONE)),
            AutoPad::Valid => Ok(Padding2d::NONE),
            AutoPad::SameUpper | AutoPad::SameLower => {
                let input = self.size();
                let (top, bottom) = same(input.height, kernel.height, stride.height, dilation.height);
                let (left, right) = same(input.width, kernel.width, stride.width, dilation.width);
                Ok(Padding2d::new(left, right, top, bottom))
            }
        }
    }
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

    /// Before and after; an odd extra goes to the end with `SAME_UPPER`, else to the start.
    pub(super) fn split(self, total: usize) -> (isize, isize) {
        let (less, more) = ((total / 2) as isize, (total - total / 2) as isize);
        if self == Self::SameUpper { (less, more) } else { (more, less) }
    }
}
