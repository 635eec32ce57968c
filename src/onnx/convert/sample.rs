//! Sampling at places that are computed: by grids, and by convolutions whose taps are moved.

use ndarray::{Array1, Array2, ArrayD, IxDyn};

use super::activation::number;
use super::builder::{Value, signed};
use super::node::{Node, unsupported};
use super::window::{extents, numbers};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::onnx::tensor;
use crate::ops::{
    Binary, Cast, Concat, GridCoordinates, GridMode, GridPadding, GridSample, MatMul, RoiAlign, RoiReduction, Slice, Ternary,
    Transpose, Unary,
};

pub(super) fn grid_sample(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, grid) = (node.input(0)?, node.input(1)?);
    let mode = match node.string("mode", if node.opset() < 20 { "bilinear" } else { "linear" })? {
        "nearest" => GridMode::Nearest,
        "linear" | "bilinear" => GridMode::Linear,
        "cubic" | "bicubic" => GridMode::Cubic,
        other => return Err(Error::Onnx(format!("mode is {other:?}"))),
    };
    let padding = match node.string("padding_mode", "zeros")? {
        "zeros" => GridPadding::Zeros,
        "border" => GridPadding::Border,
        "reflection" => GridPadding::Reflection,
        other => return Err(Error::Onnx(format!("padding_mode is {other:?}"))),
    };
    let align_corners = node.flag("align_corners", false)?;
    let grid = if mode == GridMode::Cubic && padding == GridPadding::Border {
        within_border(node, &grid, &extents(&input)?, align_corners)?
    } else {
        grid
    };
    let op = GridSample::new(mode).padding(padding).align_corners(align_corners);
    node.emit_one(op, &[&input, &grid])
}

/// Coordinates beyond an image moved to the centre of the element at its edge, as ONNX has it before cubic samples are taken.
fn within_border(node: &mut Node<'_, '_>, grid: &Value, extents: &[usize], align_corners: bool) -> Result<Value> {
    let centre = |&extent: &usize| if align_corners { 1.0 } else { 1.0 - 1.0 / extent as f32 };
    // The grid names the last axis first.
    let most: Array1<f32> = extents.iter().rev().map(centre).collect();
    let (least, most) = (Value::Host((-&most).into_dyn().into()), Value::Host(most.into_dyn().into()));
    let distance = node.emit(Unary::Abs, &[grid])?;
    let is_beyond = node.emit(Binary::Greater, &[&distance, &number(1.0)])?;
    let moved = node.emit(Ternary::Clamp, &[grid, &least, &most])?;
    node.emit(Ternary::Where, &[&is_beyond, &moved, grid])
}

/// An affine map of every place of an image, as a grid to sample by.
pub(super) fn affine_grid(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let theta = node.input(0)?;
    let size = tensor::extents("the image", &node.host_ints(1)?)?;
    let align_corners = node.flag("align_corners", false)?;
    let [batch, _, extents @ ..] = size.as_slice() else {
        return Err(Error::Onnx(format!("size is {size:?}")));
    };
    let axes = extents.len();
    if !(2..=3).contains(&axes) || theta.shape() != [*batch, axes, axes + 1] {
        return Err(Error::Onnx(format!(
            "theta of shape {:?} for a size of {size:?}",
            theta.shape()
        )));
    }
    if align_corners && extents.contains(&1) {
        return Err(unsupported(format!(
            "align_corners with a size of {size:?}: one element has no two corners"
        )));
    }
    let points = tensor::element_count("the places", extents)?;
    node.budget().charge("the places", points.saturating_mul(axes + 1), 4)?;
    // Each place with a 1 for what the map adds.
    let places = Array2::from_shape_fn((points, axes + 1), |(point, coordinate)| {
        if coordinate == axes {
            return 1.0;
        }
        let axis = axes - 1 - coordinate;
        let inner: usize = extents[axis + 1..].iter().product();
        let (place, extent) = ((point / inner % extents[axis]) as f64, extents[axis] as f64);
        let centred = if align_corners {
            2.0 * place / (extent - 1.0) - 1.0
        } else {
            (2.0 * place + 1.0) / extent - 1.0
        };
        centred as f32
    });
    let map = node.emit(Transpose::new([0, 2, 1]), &[&theta])?;
    let grid = node.emit(MatMul, &[&Value::Host(places.into_dyn().into()), &map])?;
    let shape = [&[*batch], extents, &[axes]].concat();
    Ok(vec![node.reshape(&grid, &signed(&shape))?])
}

/// Regions of images, whose numbers are an input of their own.
pub(super) fn roi_align(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, corners, images) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let [regions] = *images.shape() else {
        return Err(Error::Onnx(format!("batch_indices of shape {:?}", images.shape())));
    };
    let default = if node.opset() < 16 {
        "output_half_pixel"
    } else {
        "half_pixel"
    };
    let aligned = match node.string("coordinate_transformation_mode", default)? {
        "half_pixel" => true,
        "output_half_pixel" => false,
        other => return Err(Error::Onnx(format!("coordinate_transformation_mode is {other:?}"))),
    };
    let reduction = match node.string("mode", "avg")? {
        "avg" => RoiReduction::Average,
        "max" => RoiReduction::Max,
        other => return Err(Error::Onnx(format!("mode is {other:?}"))),
    };
    let whole = |name: &str, default: i64| {
        let number = node.int(name, default)?;
        usize::try_from(number).map_err(|_| Error::Onnx(format!("{name} is {number}")))
    };
    let op = RoiAlign::new([whole("output_height", 1)?, whole("output_width", 1)?])
        .spatial_scale(node.float("spatial_scale", 1.0)?)
        .sampling_ratio(whole("sampling_ratio", 0)?)
        .aligned(aligned)
        .reduction(reduction);
    let images = node.emit(Cast::new(DType::F32), &[&images])?;
    let images = node.reshape(&images, &signed(&[regions, 1]))?;
    let regions = node.emit(Concat::new(1), &[&images, &corners])?;
    node.emit_one(op, &[&input, &regions])
}

/// The taps of a convolution that is moved, along one axis.
struct Taps {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    output: usize,
}

/// A convolution each of whose taps is moved by an offset: samples at all taps as columns, times the weight.
pub(super) fn deform_conv(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let (input, weight, offset) = (node.input(0)?, node.input(1)?, node.input(2)?);
    let extents = extents(&input)?;
    let axes = extents.len();
    let taps = taps(node, &extents, weight.shape())?;
    let (batch, channels, out_channels) = (input.shape()[0], input.shape()[1], weight.shape()[0]);
    let groups = divisor(node, "group", channels)?;
    let offset_groups = divisor(node, "offset_group", channels)?;
    let kernel: usize = taps.iter().map(|axis| axis.kernel).product();
    let outputs: Vec<usize> = taps.iter().map(|axis| axis.output).collect();
    let points = tensor::element_count("the output", &outputs)?;
    let is_fit = |value: &Value, numbers: usize| {
        let shape = [&[batch, offset_groups * kernel * numbers], &outputs[..]].concat();
        if value.shape() == shape {
            return Ok(());
        }
        Err(Error::Onnx(format!(
            "expected offsets or a mask of {shape:?}, but got {:?}",
            value.shape()
        )))
    };
    is_fit(&offset, axes)?;
    if !out_channels.is_multiple_of(groups) || weight.shape()[1] * groups != channels {
        return Err(Error::Onnx(format!(
            "a weight of {:?} in {groups} groups for an input of {:?}",
            weight.shape(),
            input.shape()
        )));
    }

    let images = batch * offset_groups;
    let offset = node.reshape(&offset, &signed(&[images, kernel, axes, points]))?;
    let places = places(node, &taps, kernel, points)?;
    let places = node.emit(Binary::Add, &[&offset, &places])?;
    // A grid names the last axis first.
    let places = node.emit(Slice::new([-1], [isize::MIN]).axes([2]).steps([-1]), &[&places])?;
    let places = node.emit(Transpose::new([0, 1, 3, 2]), &[&places])?;
    let in_a_row = [&[kernel * points], &vec![1; axes - 1][..]].concat();
    let grid = node.reshape(&places, &signed(&[&[images], &in_a_row[..], &[axes]].concat()))?;
    let grouped = node.reshape(&input, &signed(&[&[images, channels / offset_groups], &extents[..]].concat()))?;
    let sample = GridSample::new(GridMode::Linear).coordinates(GridCoordinates::Elements);
    let mut columns = node.emit(sample, &[&grouped, &grid])?;
    if let Some(mask) = node.optional(4) {
        is_fit(&mask, 1)?;
        let mask = node.reshape(&mask, &signed(&[&[images, 1], &in_a_row[..]].concat()))?;
        columns = node.emit(Binary::Mul, &[&columns, &mask])?;
    }
    let terms = channels / groups * kernel;
    let columns = node.reshape(&columns, &signed(&[batch, groups, terms, points]))?;
    let weight = node.reshape(&weight, &signed(&[groups, out_channels / groups, terms]))?;
    let product = node.emit(MatMul, &[&weight, &columns])?;
    let mut result = node.reshape(&product, &signed(&[&[batch, out_channels], &outputs[..]].concat()))?;
    if let Some(bias) = node.optional(3) {
        let bias = node.reshape(&bias, &signed(&[&[out_channels], &vec![1; axes][..]].concat()))?;
        result = node.emit(Binary::Add, &[&result, &bias])?;
    }
    Ok(vec![result])
}

/// A number of groups of the channels.
fn divisor(node: &Node<'_, '_>, name: &str, channels: usize) -> Result<usize> {
    let groups = node.int(name, 1)?;
    let divides = |groups: &usize| *groups > 0 && channels.is_multiple_of(*groups);
    let checked = usize::try_from(groups).ok().filter(divides);
    checked.ok_or_else(|| Error::Onnx(format!("{name} is {groups} for {channels} channels")))
}

/// Along each axis.
fn taps(node: &Node<'_, '_>, extents: &[usize], weight: &[usize]) -> Result<Vec<Taps>> {
    let axes = extents.len();
    let ones = || vec![1; axes];
    let strides = numbers(node, "strides", 1, axes)?.unwrap_or_else(ones);
    let dilations = numbers(node, "dilations", 1, axes)?.unwrap_or_else(ones);
    let pads = numbers(node, "pads", 0, 2 * axes)?.unwrap_or_else(|| vec![0; 2 * axes]);
    let kernel = numbers(node, "kernel_shape", 1, axes)?;
    if weight.len() != axes + 2 || kernel.is_some_and(|kernel| kernel != weight[2..]) || weight.contains(&0) {
        return Err(Error::Onnx(format!("a weight of shape {weight:?} for {axes} spatial axes")));
    }
    let along = |axis: usize| {
        let kernel = weight[2 + axis];
        let whole = (kernel - 1).checked_mul(dilations[axis])?.checked_add(1)?;
        let padded = extents[axis].checked_add(pads[axis])?.checked_add(pads[axes + axis])?;
        Some(Taps {
            kernel,
            stride: strides[axis],
            dilation: dilations[axis],
            before: pads[axis],
            output: padded.checked_sub(whole)? / strides[axis] + 1,
        })
    };
    let taps: Option<Vec<Taps>> = (0..axes).map(along).collect();
    taps.ok_or_else(|| {
        Error::Onnx(format!(
            "a kernel of {:?} is larger than the padded {extents:?}",
            &weight[2..]
        ))
    })
}

/// Where each tap of each output lies along each axis before it is moved: `[taps, axes, outputs]`.
fn places(node: &mut Node<'_, '_>, taps: &[Taps], kernel: usize, points: usize) -> Result<Value> {
    let axes = taps.len();
    let elements = tensor::element_count("the places of taps", &[kernel, axes, points])?;
    node.budget().charge("the places of taps", elements, 4)?;
    let places = ArrayD::from_shape_fn(IxDyn(&[kernel, axes, points]), |place| {
        let (tap, axis, point) = (place[0], place[1], place[2]);
        let within = &taps[axis + 1..];
        let tap = tap / within.iter().map(|axis| axis.kernel).product::<usize>() % taps[axis].kernel;
        let output = point / within.iter().map(|axis| axis.output).product::<usize>() % taps[axis].output;
        (output * taps[axis].stride + tap * taps[axis].dilation) as f32 - taps[axis].before as f32
    });
    Ok(Value::Host(places.into()))
}
