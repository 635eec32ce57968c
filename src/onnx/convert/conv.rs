//! Convolutions, plain and transposed.

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use super::window::{AutoPad, Image};
use crate::error::{Error, Result};
use crate::ops::{Conv2d, ConvTranspose2d};
use crate::padding::Padding2d;
use crate::shape::Size2d;

/// The kernel's extents, which `kernel_shape` may repeat.
fn kernel(node: &Node<'_, '_>, image: &Image, weight: &Value) -> Result<Size2d> {
    let &[_, _, height, width] = weight.shape() else {
        return Err(Error::Onnx(format!("a weight of shape {:?}", weight.shape())));
    };
    let kernel = Size2d { height, width };
    if height == 0 || width == 0 {
        return Err(Error::Onnx(format!("a kernel of {kernel}")));
    }
    match image.numbers(node, "kernel_shape", 1)? {
        Some(given) if given != kernel => Err(Error::Onnx(format!("kernel_shape is {given}, but the weight's is {kernel}"))),
        _ => Ok(kernel),
    }
}

fn groups(node: &Node<'_, '_>) -> Result<usize> {
    let groups = node.int("group", 1)?;
    usize::try_from(groups).map_err(|_| Error::Onnx(format!("group is {groups}")))
}

fn operands<'a>(image: &'a Image, weight: &'a Value, bias: Option<&'a Value>) -> Vec<&'a Value> {
    [&image.value, weight].into_iter().chain(bias).collect()
}

pub(super) fn conv(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let image = Image::new(node, &input)?;
    let weight = image.weight(node, &weight)?;
    let kernel = kernel(node, &image, &weight)?;
    let (stride, dilation) = (image.step(node, "strides")?, image.step(node, "dilations")?);
    let op = Conv2d::new()
        .stride(stride)
        .dilation(dilation)
        .groups(groups(node)?)
        .padding(image.padding(node, kernel, stride, dilation)?);
    let result = node.emit(op, &operands(&image, &weight, bias.as_ref()))?;
    image.finish(node, result)
}

/// How a transposed convolution's full result becomes the wanted one.
struct Fit {
    /// Elements too many.
    excess: usize,
    /// The output padding.
    after: usize,
}

/// `None` where even the largest output padding does not do: it is less than the stride or the dilation.
fn fit((input, stride, kernel, dilation): (usize, usize, usize, usize), after: usize, wanted: usize) -> Option<Fit> {
    let full = input
        .checked_sub(1)?
        .checked_mul(stride)?
        .checked_add((kernel - 1).checked_mul(dilation)?)?
        .checked_add(after)?
        .checked_add(1)?;
    let after = after.checked_add(wanted.saturating_sub(full))?;
    (wanted <= full || after < stride.max(dilation)).then_some(Fit {
        excess: full.saturating_sub(wanted),
        after,
    })
}

pub(super) fn conv_transpose(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let image = Image::new(node, &input)?;
    let weight = image.weight(node, &weight)?;
    let kernel = kernel(node, &image, &weight)?;
    let (stride, dilation) = (image.step(node, "strides")?, image.step(node, "dilations")?);
    let mut output_padding = image.numbers(node, "output_padding", 0)?.unwrap_or(Size2d::square(0));
    let (pads, auto) = (image.pads(node)?, AutoPad::of(node)?);
    let wanted = match (image.numbers(node, "output_shape", 1)?, auto) {
        (Some(wanted), _) => Some(wanted),
        (None, AutoPad::SameUpper | AutoPad::SameLower) => {
            let size = image.size();
            Some(Size2d {
                height: size.height.saturating_mul(stride.height),
                width: size.width.saturating_mul(stride.width),
            })
        }
        (None, _) => None,
    };
    let padding = match wanted {
        None if auto == AutoPad::Valid => Padding2d::NONE,
        None => pads.unwrap_or(Padding2d::NONE),
        Some(wanted) => {
            // What the full result has over the wanted size is taken off; what it lacks comes after its end.
            let size = image.size();
            let vertical = (size.height, stride.height, kernel.height, dilation.height);
            let horizontal = (size.width, stride.width, kernel.width, dilation.width);
            let beyond = || unsupported(format!("an output of {wanted}, more than the windows reach"));
            let rows = fit(vertical, output_padding.height, wanted.height).ok_or_else(beyond)?;
            let columns = fit(horizontal, output_padding.width, wanted.width).ok_or_else(beyond)?;
            output_padding = Size2d {
                height: rows.after,
                width: columns.after,
            };
            let ((top, bottom), (left, right)) = (auto.split(rows.excess), auto.split(columns.excess));
            Padding2d::new(left, right, top, bottom)
        }
    };
    let op = ConvTranspose2d::new()
        .stride(stride)
        .dilation(dilation)
        .groups(groups(node)?)
        .padding(padding)
        .output_padding(output_padding);
    let result = node.emit(op, &operands(&image, &weight, bias.as_ref()))?;
    image.finish(node, result)
}
