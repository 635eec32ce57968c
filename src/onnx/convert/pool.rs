//! Pooling. The indices of maxima, which ONNX counts over the whole tensor, are refused where they are used.

use super::node::unsupported;
use super::window::Image;
use super::{Node, Value};
use crate::error::{Error, Result};
use crate::ops::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, LpPool2d, MaxPool2d, Pad2d};
use crate::padding::Padding2d;
use crate::shape::Size2d;

/// What both kinds of window have.
struct Window {
    image: Image,
    kernel: Size2d,
    stride: Size2d,
    dilation: Size2d,
    padding: Padding2d,
    ceil_mode: bool,
}

impl Window {
    fn new(node: &mut Node<'_, '_>) -> Result<Self> {
        let input = node.input(0)?;
        let image = Image::new(node, &input)?;
        let kernel = image
            .numbers(node, "kernel_shape", 1)?
            .ok_or_else(|| Error::Onnx("kernel_shape is missing".to_owned()))?;
        let (stride, dilation) = (image.step(node, "strides")?, image.step(node, "dilations")?);
        Ok(Self {
            kernel,
            stride,
            dilation,
            padding: image.padding(node, kernel, stride, dilation)?,
            ceil_mode: node.flag("ceil_mode", false)?,
            image,
        })
    }

    /// Whether padding is over half of the dilated kernel, PyTorch's limit, which ONNX does not have.
    fn is_over_half(&self) -> bool {
        let over = |before: isize, after: isize, kernel: usize, dilation: usize| {
            before.max(after) as usize > ((kernel - 1).saturating_mul(dilation).saturating_add(1)) / 2
        };
        let (padding, kernel, dilation) = (self.padding, self.kernel, self.dilation);
        over(padding.top, padding.bottom, kernel.height, dilation.height)
            || over(padding.left, padding.right, kernel.width, dilation.width)
    }

    /// Pads the image by itself, so that the window needs no padding.
    fn pad_before(&mut self, node: &mut Node<'_, '_>, value: f32) -> Result<()> {
        if self.ceil_mode {
            return Err(unsupported(format!(
                "ceil_mode with padding {} over half of the kernel",
                self.padding
            )));
        }
        self.image.value = node.emit(Pad2d::new(self.padding).value(value), &[&self.image.value])?;
        self.padding = Padding2d::NONE;
        Ok(())
    }
}

pub(super) fn max_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    // Only says how indices are counted.
    node.ignore(&["storage_order"]);
    let mut window = Window::new(node)?;
    if window.is_over_half() {
        window.pad_before(node, f32::NEG_INFINITY)?;
    }
    let op = MaxPool2d::new(window.kernel)
        .stride(window.stride)
        .dilation(window.dilation)
        .padding(window.padding)
        .ceil_mode(window.ceil_mode);
    let result = node.emit(op, &[&window.image.value])?;
    window.image.finish(node, result)
}

pub(super) fn average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mut window = Window::new(node)?;
    let count_include_pad = node.flag("count_include_pad", false)?;
    if window.dilation != Size2d::square(1) {
        return Err(unsupported(format!("dilations {}", window.dilation)));
    }
    if window.is_over_half() {
        if !count_include_pad {
            return Err(unsupported(format!("padding {} over half of the kernel", window.padding)));
        }
        window.pad_before(node, 0.0)?;
    }
    let op = AvgPool2d::new(window.kernel)
        .stride(window.stride)
        .padding(window.padding)
        .ceil_mode(window.ceil_mode)
        .count_include_pad(count_include_pad);
    let result = node.emit(op, &[&window.image.value])?;
    window.image.finish(node, result)
}

pub(super) fn lp_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let p = node.int("p", 2)?;
    let p = u32::try_from(p).map_err(|_| Error::Onnx(format!("p is {p}")))?;
    let mut window = Window::new(node)?;
    if window.is_over_half() {
        window.pad_before(node, 0.0)?;
    }
    let op = LpPool2d::new(p, window.kernel)
        .stride(window.stride)
        .dilation(window.dilation)
        .padding(window.padding)
        .ceil_mode(window.ceil_mode);
    let result = node.emit(op, &[&window.image.value])?;
    window.image.finish(node, result)
}

pub(super) fn global_average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let image = Image::new(node, &input)?;
    let result = node.emit(AdaptiveAvgPool2d::global(), &[&image.value])?;
    image.finish(node, result)
}

pub(super) fn global_max_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    let image = Image::new(node, &input)?;
    let result = node.emit(AdaptiveMaxPool2d::global(), &[&image.value])?;
    image.finish(node, result)
}
