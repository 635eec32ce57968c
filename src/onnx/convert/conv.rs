//! Convolutions, plain and transposed.

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use super::window::{AutoPad, extents, numbers, per_axis, windows};
use crate::error::{Error, Result};
use crate::ops::{AxisWindow, Conv, ConvTranspose};
use crate::shape::{PerAxis, by};

/// The kernel's extents along so many axes, which `kernel_shape` may repeat.
fn kernel(node: &Node<'_, '_>, weight: &Value, axes: usize) -> Result<Vec<usize>> {
    let kernel = match weight.shape() {
        [_, _, kernel @ ..] if kernel.len() == axes => kernel.to_vec(),
        shape => {
            return Err(Error::Onnx(format!(
                "a weight of shape {shape:?} does not fit an input of {axes} spatial dimensions"
            )));
        }
    };
    if kernel.contains(&0) {
        return Err(Error::Onnx(format!("a kernel of {}", by(&kernel))));
    }
    match numbers(node, "kernel_shape", 1, axes)? {
        Some(given) if given != kernel => Err(Error::Onnx(format!(
            "kernel_shape is {}, but the weight's is {}",
            by(&given),
            by(&kernel)
        ))),
        _ => Ok(kernel),
    }
}

fn groups(node: &Node<'_, '_>) -> Result<usize> {
    let groups = node.int("group", 1)?;
    usize::try_from(groups).map_err(|_| Error::Onnx(format!("group is {groups}")))
}

fn operands<'a>(input: &'a Value, weight: &'a Value, bias: Option<&'a Value>) -> Vec<&'a Value> {
    [input, weight].into_iter().chain(bias).collect()
}

/// The windows and groups that a node says of a convolution of this input and weight.
pub(super) fn operator(node: &Node<'_, '_>, input: &Value, weight: &Value) -> Result<Conv> {
    let extents = extents(input)?;
    let mut windows = windows(node, &extents, &kernel(node, weight, extents.len())?)?;
    let auto = AutoPad::of(node)?;
    for window in &mut windows {
        auto.pad(window);
    }
    Ok(Conv::new()
        .stride(per_axis(&windows, |window| window.stride)?)
        .dilation(per_axis(&windows, |window| window.dilation)?)
        .groups(groups(node)?)
        .padding(per_axis(&windows, |window| window.padding)?))
}

pub(super) fn conv(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let op = operator(node, &input, &weight)?;
    node.emit_one(op, &operands(&input, &weight, bias.as_ref()))
}

/// Has a transposed convolution of these windows and this output padding give the wanted extent: what it writes beyond that is
/// taken off, and what it lacks comes after its end. `None` where even the largest output padding does not do: it is less than
/// the stride or the dilation.
fn fit(window: &mut AxisWindow, output_padding: &mut usize, wanted: usize, auto: AutoPad) -> Option<()> {
    let full = window.written(*output_padding)?;
    let after = output_padding.checked_add(wanted.saturating_sub(full))?;
    if wanted > full && after >= window.stride.max(window.dilation) {
        return None;
    }
    *output_padding = after;
    window.padding = auto.split(full.saturating_sub(wanted));
    Some(())
}

pub(super) fn conv_transpose(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight, bias) = (node.input(0)?, node.input(1)?, node.optional(2));
    let extents = extents(&input)?;
    let axes = extents.len();
    let mut windows = windows(node, &extents, &kernel(node, &weight, axes)?)?;
    let auto = AutoPad::of(node)?;
    let mut output_padding = numbers(node, "output_padding", 0, axes)?.unwrap_or_else(|| vec![0; axes]);
    let wanted = match numbers(node, "output_shape", 1, axes)? {
        None if auto.is_same() => Some(
            windows
                .iter()
                .map(|window| window.input.saturating_mul(window.stride))
                .collect(),
        ),
        wanted => wanted,
    };
    for (axis, &extent) in wanted.iter().flatten().enumerate() {
        fit(&mut windows[axis], &mut output_padding[axis], extent, auto).ok_or_else(|| {
            let wanted = wanted.as_deref().unwrap_or_default();
            unsupported(format!("an output of {}, more than the windows reach", by(wanted)))
        })?;
    }
    let op = ConvTranspose::new()
        .stride(per_axis(&windows, |window| window.stride)?)
        .dilation(per_axis(&windows, |window| window.dilation)?)
        .groups(groups(node)?)
        .padding(per_axis(&windows, |window| window.padding)?)
        .output_padding(PerAxis::try_from(output_padding.as_slice())?);
    node.emit_one(op, &operands(&input, &weight, bias.as_ref()))
}
