//! Resizing: to [`Interpolate`] what it does, and axis by axis all else.

use std::sync::Arc;

use super::activation::number;
use super::builder::Value;
use super::filter::{Axis, Curve, Filter, Transform};
use super::movement::gathered;
use super::node::{Node, unsupported};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::ops::{Cast, CoordinateMode, Interpolate, InterpolateMode, NearestRounding, Resample, TapTable, Ternary, Unary};
use crate::shape::{self, PerAxis};
use crate::tensor::Tensor;

/// The longest side: `f32` coordinates tell its elements apart.
const LONGEST: usize = 1 << 24;

impl Axis {
    /// By a factor; the output is what fits.
    fn scaled(input: usize, scale: f32) -> Result<Self> {
        let length = input as f64 * f64::from(scale);
        let output = length.floor();
        if !(scale > 0.0 && output >= 1.0 && output <= LONGEST as f64) {
            return Err(unsupported(format!("a scale of {scale} of {input} elements")));
        }
        Ok(Self {
            output: output as usize,
            scale: f64::from(scale),
            length,
            ..Self::unchanged(input)
        })
    }

    /// To an extent.
    fn sized(input: usize, output: i64) -> Result<Self> {
        let output = usize::try_from(output).ok().filter(|output| (1..=LONGEST).contains(output));
        let output = output.ok_or_else(|| unsupported(format!("a size that is not 1 to {LONGEST}")))?;
        Ok(Self {
            output,
            scale: output as f64 / input as f64,
            length: output as f64,
            ..Self::unchanged(input)
        })
    }
}

/// Numbers for each axis, or one each for the named axes with all others unchanged.
enum Target {
    Scales(Vec<f32>),
    Sizes(Vec<i64>),
    /// One scale for all axes: the smallest of those that give these sizes, or the largest.
    Within(Vec<i64>),
    Around(Vec<i64>),
}

impl Target {
    fn len(&self) -> usize {
        match self {
            Self::Scales(scales) => scales.len(),
            Self::Sizes(sizes) | Self::Within(sizes) | Self::Around(sizes) => sizes.len(),
        }
    }
}

/// How elements are found, but for where they lie.
#[derive(Clone, Copy, Debug)]
enum Method {
    Nearest(NearestRounding),
    Filter(Filter),
}

/// What a node says of resizing, whatever the axes.
#[derive(Clone, Copy, Debug)]
struct Resize {
    method: Method,
    transform: Transform,
    /// What lies beyond the input in parts that reach there.
    extrapolation: f32,
}

pub(super) fn upsample(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let scales = if node.opset() < 9 {
        let scales = node.floats("scales")?.map(<[f32]>::to_vec);
        scales.ok_or_else(|| Error::Onnx("scales are missing".to_owned()))?
    } else {
        floats("scales", node.optional_host(1)?)?
    };
    by_scales(node, scales)
}

pub(super) fn resize(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    if node.opset() < 11 {
        let scales = floats("scales", node.optional_host(1)?)?;
        return by_scales(node, scales);
    }
    let resize = Resize::of(node)?;
    let policy = node.string("keep_aspect_ratio_policy", "stretch")?;
    let scales = floats("scales", node.optional_host(2)?)?;
    let target = match node.optional_host_ints(3)? {
        Some(sizes) if !sizes.is_empty() => match policy {
            "stretch" => Target::Sizes(sizes),
            "not_larger" => Target::Within(sizes),
            "not_smaller" => Target::Around(sizes),
            other => return Err(Error::Onnx(format!("keep_aspect_ratio_policy is {other:?}"))),
        },
        _ => Target::Scales(scales),
    };
    let axes = node.ints("axes")?;
    let input = node.input(0)?;
    let mut sides = sides(input.shape(), &target, axes)?;
    if resize.transform == Transform::CropAndResize {
        crop(node, &mut sides, axes)?;
    } else {
        node.optional(1);
    }
    resample(node, input, &sides, resize)
}

/// As `Upsample` and the first `Resize` have it.
fn by_scales(node: &mut Node<'_, '_>, scales: Vec<f32>) -> Result<Vec<Value>> {
    let method = match node.string("mode", "nearest")? {
        "nearest" => Method::Nearest(NearestRounding::Floor),
        "linear" => Method::Filter(Filter {
            curve: Curve::Linear,
            antialias: false,
            exclude_outside: false,
        }),
        other => return Err(Error::Onnx(format!("mode is {other:?}"))),
    };
    let input = node.input(0)?;
    let sides = sides(input.shape(), &Target::Scales(scales), None)?;
    let resize = Resize {
        method,
        transform: Transform::Asymmetric,
        extrapolation: 0.0,
    };
    resample(node, input, &sides, resize)
}

impl Resize {
    fn of(node: &Node<'_, '_>) -> Result<Self> {
        let transform = node.string("coordinate_transformation_mode", "half_pixel")?;
        let transform =
            Transform::named(transform).ok_or_else(|| unsupported(format!("coordinate_transformation_mode {transform:?}")))?;
        let filter = Filter {
            curve: Curve::Linear,
            antialias: node.flag("antialias", false)?,
            exclude_outside: node.flag("exclude_outside", false)?,
        };
        let rounding = node.string("nearest_mode", "round_prefer_floor")?;
        let coefficient = f64::from(node.float("cubic_coeff_a", -0.75)?);
        let method = match node.string("mode", "nearest")? {
            "nearest" if filter.antialias => return Err(Error::Onnx("antialias with mode \"nearest\"".to_owned())),
            "nearest" => Method::Nearest(match rounding {
                "floor" => NearestRounding::Floor,
                "ceil" => NearestRounding::Ceil,
                "round_prefer_floor" => NearestRounding::PreferFloor,
                "round_prefer_ceil" => NearestRounding::PreferCeil,
                other => return Err(Error::Onnx(format!("nearest_mode is {other:?}"))),
            }),
            "linear" => Method::Filter(filter),
            "cubic" => Method::Filter(Filter {
                curve: Curve::Cubic(coefficient),
                ..filter
            }),
            other => return Err(Error::Onnx(format!("mode is {other:?}"))),
        };
        Ok(Self {
            method,
            transform,
            extrapolation: node.float("extrapolation_value", 0.0)?,
        })
    }

    /// The operator of whole images, where they are resized in a way that it knows.
    fn interpolate(self, sides: &[Axis], dtype: Option<DType>) -> Option<Interpolate> {
        let (others, spatial) = sides.split_at_checked(2)?;
        let is_image = (1..=3).contains(&spatial.len()) && others.iter().all(Axis::is_unchanged);
        if !is_image || dtype != Some(DType::F32) {
            return None;
        }
        let mode = match self.method {
            Method::Nearest(rounding) => InterpolateMode::Nearest { rounding },
            // What grows is not filtered, and linear weights of what lies outside all fall to the element at the edge.
            Method::Filter(filter) => {
                let is_plain = !filter.antialias || spatial.iter().all(|axis| axis.scale >= 1.0);
                (is_plain && filter.curve == Curve::Linear).then_some(InterpolateMode::Linear)?
            }
        };
        let is_whole = spatial.iter().all(Axis::is_whole);
        let coordinates = match self.transform {
            Transform::HalfPixel => CoordinateMode::HalfPixel,
            Transform::PytorchHalfPixel => CoordinateMode::PytorchHalfPixel,
            Transform::Asymmetric => CoordinateMode::Asymmetric,
            Transform::HalfPixelSymmetric if is_whole => CoordinateMode::HalfPixel,
            Transform::AlignCorners if is_whole => CoordinateMode::AlignCorners,
            _ => return None,
        };
        let outputs: Vec<usize> = spatial.iter().map(|axis| axis.output).collect();
        let scales: Vec<f32> = spatial.iter().map(|axis| axis.scale as f32).collect();
        let size = PerAxis::try_from(outputs.as_slice()).ok()?;
        let scales = PerAxis::try_from(scales.as_slice()).ok()?;
        Some(Interpolate::new(size, mode, coordinates).scales(scales))
    }

    /// The taps of one axis, or its nearest elements where nothing else is asked for.
    fn along(self, node: &mut Node<'_, '_>, axis: Axis) -> Result<Along> {
        let filter = match self.method {
            Method::Filter(filter) => filter,
            Method::Nearest(rounding) => {
                let nearest = axis.nearest(self.transform, rounding);
                if let Some(places) = nearest.iter().copied().collect() {
                    return Ok(Along::Places(places));
                }
                let mut table = TapTable::new(axis.input);
                nearest
                    .iter()
                    .try_for_each(|source| table.push(source.map(|source| (source, 1.0))))?;
                return Ok(Along::Taps(table));
            }
        };
        node.budget().charge("a table of weights", axis.most_taps(filter), 8)?;
        Ok(Along::Taps(axis.table(self.transform, filter)?))
    }
}

/// What an axis of the output is made of.
enum Along {
    Places(Vec<usize>),
    Taps(TapTable),
}

fn floats(what: &str, host: Option<Tensor>) -> Result<Vec<f32>> {
    match host {
        None => Ok(Vec::new()),
        Some(Tensor::F32(array)) => Ok(array.iter().copied().collect()),
        Some(other) => Err(Error::Onnx(format!("{what} are {}", other.dtype()))),
    }
}

/// The axes that a node names, or all.
fn named_axes(shape: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>> {
    let Some(axes) = axes else {
        return Ok((0..shape.len()).collect());
    };
    let mut named = Vec::new();
    for &axis in axes {
        let axis = shape::axis("onnx", axis as isize, shape.len())?;
        if named.contains(&axis) {
            return Err(Error::Onnx(format!("axis {axis} is named twice")));
        }
        named.push(axis);
    }
    Ok(named)
}

/// Each of the axes of an input.
fn sides(shape: &[usize], target: &Target, axes: Option<&[i64]>) -> Result<Vec<Axis>> {
    let axes = named_axes(shape, axes)?;
    if axes.len() != target.len() {
        return Err(Error::Onnx(format!(
            "{} scales or sizes for {} axes",
            target.len(),
            axes.len()
        )));
    }
    let mut sides: Vec<Axis> = shape.iter().copied().map(Axis::unchanged).collect();
    let common = match target {
        Target::Scales(_) | Target::Sizes(_) => None,
        Target::Within(sizes) | Target::Around(sizes) => {
            let scales = sizes.iter().zip(&axes).map(|(&size, &axis)| size as f64 / shape[axis] as f64);
            Some(match target {
                Target::Within(_) => scales.fold(f64::INFINITY, f64::min),
                _ => scales.fold(0.0, f64::max),
            })
        }
    };
    for (index, &axis) in axes.iter().enumerate() {
        let extent = shape[axis];
        match target {
            Target::Scales(scales) if scales[index] != 1.0 => sides[axis] = Axis::scaled(extent, scales[index])?,
            Target::Sizes(sizes) if usize::try_from(sizes[index]) != Ok(extent) => {
                sides[axis] = Axis::sized(extent, sizes[index])?;
            }
            _ => {}
        }
        if let Some(scale) = common.filter(|&scale| scale != 1.0) {
            // Halves go up.
            let length = scale * extent as f64;
            sides[axis] = Axis {
                scale,
                length,
                ..Axis::sized(extent, (length + 0.5).floor() as i64)?
            };
        }
    }
    if sides.iter().any(|side| side.input == 0 && !side.is_unchanged()) {
        return Err(Error::Onnx(format!("an input of shape {shape:?}")));
    }
    Ok(sides)
}

/// Notes the part that is resized: where it starts along each of the axes, then where it ends.
fn crop(node: &Node<'_, '_>, sides: &mut [Axis], axes: Option<&[i64]>) -> Result<()> {
    let shape: Vec<usize> = sides.iter().map(|side| side.input).collect();
    let axes = named_axes(&shape, axes)?;
    let region = floats("the numbers of roi", node.optional_host(1)?)?;
    if region.len() != 2 * axes.len() {
        return Err(Error::Onnx(format!(
            "roi has {} numbers for {} axes",
            region.len(),
            axes.len()
        )));
    }
    for (index, &axis) in axes.iter().enumerate() {
        if !sides[axis].is_whole() {
            return Err(unsupported(
                "coordinate_transformation_mode \"tf_crop_and_resize\" with scales that give no whole size",
            ));
        }
        sides[axis].region = [region[index], region[index + axes.len()]].map(f64::from);
    }
    Ok(())
}

fn resample(node: &mut Node<'_, '_>, input: Value, sides: &[Axis], resize: Resize) -> Result<Vec<Value>> {
    if sides.iter().all(Axis::is_unchanged) {
        return Ok(vec![input]);
    }
    if let Some(op) = resize.interpolate(sides, input.dtype()) {
        return node.emit_one(op, &[&input]);
    }
    let mut changed: Vec<(usize, Axis)> = sides.iter().copied().enumerate().collect();
    changed.retain(|(_, axis)| !axis.is_unchanged());
    // What shrinks most comes first: less is left for the others.
    changed.sort_by(|(_, one), (_, other)| one.scale.total_cmp(&other.scale));
    let dtype = input.dtype();
    let mut result = input;
    for (at, axis) in changed {
        result = match resize.along(node, axis)? {
            Along::Places(places) => gathered(node, &result, at, &places)?,
            Along::Taps(table) => {
                let floats = as_floats(node, result)?;
                let op = Resample::new(at as isize, Arc::new(table)).empty(resize.extrapolation);
                node.emit(op, &[&floats])?
            }
        };
    }
    match dtype.filter(|&dtype| result.dtype() != Some(dtype)) {
        Some(dtype) => Ok(vec![rounded(node, &result, dtype)?]),
        None => Ok(vec![result]),
    }
}

/// Bytes as floats, which hold them exactly.
fn as_floats(node: &mut Node<'_, '_>, value: Value) -> Result<Value> {
    match value.dtype() {
        Some(DType::U8 | DType::I8) => node.emit(Cast::new(DType::F32), &[&value]),
        Some(dtype) if dtype != DType::F32 => Err(unsupported(format!("weighted sums of {dtype}"))),
        _ => Ok(value),
    }
}

/// The nearest whole numbers, of two the even one, within the range of a type.
fn rounded(node: &mut Node<'_, '_>, value: &Value, dtype: DType) -> Result<Value> {
    let (least, largest) = dtype.range().unwrap_or_default();
    let rounded = node.emit(Unary::Round, &[value])?;
    let clamped = node.emit(Ternary::Clamp, &[&rounded, &number(least as f32), &number(largest as f32)])?;
    node.emit(Cast::new(dtype), &[&clamped])
}
