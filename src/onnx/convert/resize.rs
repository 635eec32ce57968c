//! Resizing to [`Interpolate`].

use super::builder::Value;
use super::node::Node;
use super::node::unsupported;
use super::window::extents;
use crate::error::{Error, Result};
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
use crate::shape::{self, PerAxis};
use crate::tensor::Tensor;

/// The longest side: `f32` coordinates tell its elements apart.
const LONGEST: usize = 1 << 24;

/// One dimension: its extent, the output's, and the factor between places.
#[derive(Clone, Copy, Debug)]
struct Axis {
    input: usize,
    output: usize,
    scale: f32,
}

impl Axis {
    /// By a factor; the output is what fits.
    fn scaled(input: usize, scale: f32) -> Result<Self> {
        let output = (input as f64 * f64::from(scale)).floor();
        if !(scale > 0.0 && output >= 1.0 && output <= LONGEST as f64) {
            return Err(unsupported(format!("a scale of {scale} of {input} elements")));
        }
        Ok(Self {
            input,
            output: output as usize,
            scale,
        })
    }

    /// To an extent.
    fn sized(input: usize, output: i64) -> Result<Self> {
        let output = usize::try_from(output).ok().filter(|output| (1..=LONGEST).contains(output));
        let output = output.ok_or_else(|| unsupported(format!("a size that is not 1 to {LONGEST}")))?;
        Ok(Self {
            input,
            output,
            scale: output as f32 / input as f32,
        })
    }

    fn is_unchanged(self) -> bool {
        self.input == self.output && self.scale == 1.0
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

pub(super) fn upsample(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let scales = if node.opset() < 9 {
        let scales = node.floats("scales")?.map(<[f32]>::to_vec);
        scales.ok_or_else(|| Error::Onnx("scales are missing".to_owned()))?
    } else {
        floats(node.optional_host(1)?)?
    };
    let mode = node.string("mode", "nearest")?;
    resample(node, &Target::Scales(scales), None, mode, "asymmetric", "floor")
}

pub(super) fn resize(node: &mut Node<'_, '_>) -> Result<Vec<Value>> {
    let mode = node.string("mode", "nearest")?;
    if node.opset() < 11 {
        let scales = floats(node.optional_host(1)?)?;
        return resample(node, &Target::Scales(scales), None, mode, "asymmetric", "floor");
    }
    // They matter only to other modes, or where a side shrinks with antialias.
    node.ignore(&["cubic_coeff_a", "exclude_outside", "extrapolation_value"]);
    node.optional(1);
    let transform = node.string("coordinate_transformation_mode", "half_pixel")?;
    let rounding = node.string("nearest_mode", "round_prefer_floor")?;
    if node.flag("antialias", false)? {
        return Err(unsupported("antialias"));
    }
    let policy = node.string("keep_aspect_ratio_policy", "stretch")?;
    let scales = floats(node.optional_host(2)?)?;
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
    resample(node, &target, axes, mode, transform, rounding)
}

fn floats(host: Option<Tensor>) -> Result<Vec<f32>> {
    match host {
        None => Ok(Vec::new()),
        Some(Tensor::F32(array)) => Ok(array.iter().copied().collect()),
        Some(other) => Err(Error::Onnx(format!("scales are {}", other.dtype()))),
    }
}

/// Each of the axes of an input.
fn sides(shape: &[usize], target: &Target, axes: Option<&[i64]>) -> Result<Vec<Axis>> {
    let axes = axes.map_or_else(|| (0..shape.len() as i64).collect(), <[i64]>::to_vec);
    if axes.len() != target.len() {
        return Err(Error::Onnx(format!(
            "{} scales or sizes for {} axes",
            target.len(),
            axes.len()
        )));
    }
    let unchanged = |&extent: &usize| Axis {
        input: extent,
        output: extent,
        scale: 1.0,
    };
    let mut sides: Vec<Axis> = shape.iter().map(unchanged).collect();
    let axes: Vec<usize> = axes
        .iter()
        .map(|&axis| shape::axis("onnx", axis as isize, shape.len()))
        .collect::<Result<_>>()?;
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
            let size = (scale * extent as f64 + 0.5).floor();
            sides[axis] = Axis {
                scale: scale as f32,
                ..Axis::sized(extent, size as i64)?
            };
        }
    }
    Ok(sides)
}

fn resample(
    node: &mut Node<'_, '_>,
    target: &Target,
    axes: Option<&[i64]>,
    mode: &str,
    transform: &str,
    rounding: &str,
) -> Result<Vec<Value>> {
    let input = node.input(0)?;
    if extents(&input)?.contains(&0) {
        return Err(Error::Onnx(format!("an input of shape {:?}", input.shape())));
    }
    let sides = sides(input.shape(), target, axes)?;
    let (others, spatial) = sides.split_at(2);
    if !others.iter().all(|axis| axis.is_unchanged()) {
        return Err(unsupported("resizing the batch or the channels"));
    }
    if spatial.iter().all(|axis| axis.is_unchanged()) {
        return Ok(vec![input]);
    }
    let mode = match mode {
        "nearest" => InterpolateMode::Nearest {
            rounding: match rounding {
                "floor" => NearestRounding::Floor,
                "ceil" => NearestRounding::Ceil,
                "round_prefer_floor" => NearestRounding::PreferFloor,
                "round_prefer_ceil" => NearestRounding::PreferCeil,
                other => return Err(Error::Onnx(format!("nearest_mode is {other:?}"))),
            },
        },
        "linear" => InterpolateMode::Linear,
        other => return Err(unsupported(format!("mode {other:?}"))),
    };
    // Where a scale does not give a whole size, ONNX's own answers count with the fraction of these two; ONNX Runtime's do so
    // only for the symmetric one.
    let is_whole = |axis: &Axis| axis.input as f64 * f64::from(axis.scale) == axis.output as f64;
    let scales_are_given = matches!(target, Target::Scales(_));
    if matches!(transform, "align_corners" | "half_pixel_symmetric") && scales_are_given && !spatial.iter().all(is_whole) {
        return Err(unsupported(format!(
            "coordinate_transformation_mode {transform:?} with scales that give no whole size"
        )));
    }
    let coordinates = match transform {
        "half_pixel_symmetric" if scales_are_given || matches!(target, Target::Sizes(_)) => CoordinateMode::HalfPixel,
        "half_pixel" => CoordinateMode::HalfPixel,
        "pytorch_half_pixel" => CoordinateMode::PytorchHalfPixel,
        "align_corners" => CoordinateMode::AlignCorners,
        "asymmetric" => CoordinateMode::Asymmetric,
        other => return Err(unsupported(format!("coordinate_transformation_mode {other:?}"))),
    };
    let outputs: Vec<usize> = spatial.iter().map(|axis| axis.output).collect();
    let scales: Vec<f32> = spatial.iter().map(|axis| axis.scale).collect();
    let op =
        Interpolate::new(PerAxis::try_from(outputs.as_slice())?, mode, coordinates).scales(PerAxis::try_from(scales.as_slice())?);
    node.emit_one(op, &[&input])
}
