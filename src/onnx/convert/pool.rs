//! Pooling. The indices of maxima count over the whole tensor.

use ndarray::ArrayD;

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use super::window::Image;
use crate::error::{Error, Result};
use crate::onnx::tensor;
use crate::ops::{AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, Binary, Conv2d, IndexOrder, LpPool2d, MaxPool2d, Op, Pad2d};
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

    /// The padding with which exactly the windows of this one fit, none of them beyond it: what overhangs in ceil mode is
    /// padded, a last window that starts past the input is not reached. With it, the number of rows and columns of windows.
    fn exact(&self) -> Result<(Padding2d, Size2d)> {
        let (padding, size) = (self.padding, self.image.size());
        let axis = |extent: usize, (before, after): (isize, isize), kernel: usize, stride: usize, dilation: usize| {
            let reach = (kernel - 1).checked_mul(dilation)?.checked_add(1)?;
            let start = extent.checked_add(before as usize)?;
            let padded = start.checked_add(after as usize)?;
            let mut windows = match padded.checked_sub(reach) {
                Some(span) if self.ceil_mode => span.div_ceil(stride).checked_add(1)?,
                Some(span) => (span / stride).checked_add(1)?,
                None if self.ceil_mode && reach - padded < stride => 1,
                None => return None,
            };
            if self.ceil_mode && (windows - 1).checked_mul(stride)? >= start {
                windows -= 1;
            }
            let end = windows.checked_sub(1)?.checked_mul(stride)?.checked_add(reach)?;
            Some((isize::try_from(end.saturating_sub(start)).ok()?, windows))
        };
        let (kernel, stride, dilation) = (self.kernel, self.stride, self.dilation);
        let rows = axis(
            size.height,
            (padding.top, padding.bottom),
            kernel.height,
            stride.height,
            dilation.height,
        );
        let columns = axis(
            size.width,
            (padding.left, padding.right),
            kernel.width,
            stride.width,
            dilation.width,
        );
        let (Some((bottom, height)), Some((right, width))) = (rows, columns) else {
            return Err(Error::Onnx(format!(
                "a kernel of {kernel} with dilations {dilation} does not fit an image of {size} with padding {padding}"
            )));
        };
        Ok((
            Padding2d::new(padding.left, right, padding.top, bottom),
            Size2d { height, width },
        ))
    }

    /// Pads the image by itself, so that the window needs no padding.
    fn pad_before(&mut self, node: &mut Node<'_, '_>, value: f32) -> Result<()> {
        let (padding, _) = self.exact()?;
        self.image.value = node.emit(Pad2d::new(padding).value(value), &[&self.image.value])?;
        (self.padding, self.ceil_mode) = (Padding2d::NONE, false);
        Ok(())
    }

    /// The average as a depthwise convolution with ones, over the number of elements that count: for dilated windows and
    /// padding of any size.
    fn average_by_convolution(&self, node: &mut Node<'_, '_>, count_include_pad: bool) -> Result<Value> {
        let (padding, windows) = self.exact()?;
        let channels = self.image.value.shape()[1];
        let weight = [channels, 1, self.kernel.height, self.kernel.width];
        let elements = tensor::element_count("the window of ones", &weight)?;
        node.budget().charge("the window of ones", elements, 4)?;
        node.budget().charge("the elements of each window", windows.height, 8)?;
        node.budget().charge("the elements of each window", windows.width, 8)?;
        let op = Conv2d::new()
            .stride(self.stride)
            .dilation(self.dilation)
            .padding(padding)
            .groups(channels);
        let weight = Value::Host(ArrayD::from_elem(weight.to_vec(), 1.0).into());
        let sums = node.emit(op, &[&self.image.value, &weight])?;

        let counts = |windows: usize, extent: usize, (before, after): (isize, isize), taps: (usize, usize, usize)| {
            let (kernel, stride, dilation) = taps;
            let before = before as usize;
            let counted = if count_include_pad {
                0..before + extent + after as usize
            } else {
                before..before + extent
            };
            // Taps of a window before this place.
            let taps = |start: usize, end: usize| end.saturating_sub(start).div_ceil(dilation).min(kernel);
            let starts = (0..windows).map(|window| window * stride);
            starts
                .map(|start| taps(start, counted.end) - taps(start, counted.start))
                .collect::<Vec<_>>()
        };
        let (size, given) = (self.image.size(), self.padding);
        let vertical = (self.kernel.height, self.stride.height, self.dilation.height);
        let horizontal = (self.kernel.width, self.stride.width, self.dilation.width);
        let rows = counts(windows.height, size.height, (given.top, given.bottom), vertical);
        let columns = counts(windows.width, size.width, (given.left, given.right), horizontal);
        let divisors = rows.len().saturating_mul(columns.len());
        node.budget().charge("the elements of each window", divisors, 4)?;
        // The sum of none is 0 and stays so.
        let divisors = ArrayD::from_shape_fn(vec![1, 1, rows.len(), columns.len()], |place| {
            (rows[place[2]] * columns[place[3]]).max(1) as f32
        });
        node.emit(Binary::Div, &[&sums, &Value::Host(divisors.into())])
    }

    /// The pooling of the image, in the rank that it came in.
    fn pool(self, node: &mut Node<'_, '_>, op: impl Into<Op>) -> Result<Vec<Value>> {
        let mut outputs = Vec::new();
        for output in node.emit_all(op, &[&self.image.value])? {
            outputs.append(&mut self.image.finish(node, output)?);
        }
        Ok(outputs)
    }
}

pub(super) fn max_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let index_order = match node.int("storage_order", 0)? {
        0 => IndexOrder::Tensor,
        1 => IndexOrder::TensorByColumns,
        other => return Err(Error::Onnx(format!("storage_order is {other}; it must be 0 or 1"))),
    };
    let mut window = Window::new(node)?;
    let return_indices = node.is_used(1);
    if return_indices && window.is_over_half() {
        return Err(unsupported("indices where the padding is more than half of the kernel"));
    }
    if window.is_over_half() {
        window.pad_before(node, f32::NEG_INFINITY)?;
    }
    let op = MaxPool2d::new(window.kernel)
        .stride(window.stride)
        .dilation(window.dilation)
        .padding(window.padding)
        .ceil_mode(window.ceil_mode)
        .return_indices(return_indices)
        .index_order(index_order);
    window.pool(node, op)
}

pub(super) fn average_pool(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let window = Window::new(node)?;
    let count_include_pad = node.flag("count_include_pad", false)?;
    if window.dilation != Size2d::square(1) || window.is_over_half() {
        let result = window.average_by_convolution(node, count_include_pad)?;
        return window.image.finish(node, result);
    }
    let op = AvgPool2d::new(window.kernel)
        .stride(window.stride)
        .padding(window.padding)
        .ceil_mode(window.ceil_mode)
        .count_include_pad(count_include_pad);
    window.pool(node, op)
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
    window.pool(node, op)
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
