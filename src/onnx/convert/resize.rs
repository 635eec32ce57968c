//! Resizing of images to [`Interpolate`].

use super::node::unsupported;
use super::{Node, Value};
use crate::error::{Error, Result};
use crate::onnx::tensor::Host;
use crate::ops::{CoordinateMode, Interpolate, InterpolateMode, NearestRounding};
use crate::shape;

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
    if node.string("keep_aspect_ratio_policy", "stretch")? != "stretch" {
        return Err(unsupported("keep_aspect_ratio_policy"));
    }
    let scales = floats(node.optional_host(2)?)?;
    let target = match node.optional_host_ints(3)? {
        Some(sizes) if !sizes.is_empty() => Target::Sizes(sizes),
        _ => Target::Scales(scales),
    };
    let axes = node.ints("axes")?;
    resample(node, &target, axes, mode, transform, rounding)
}

fn floats(host: Option<Host>) -> Result<Vec<f32>> {
    match host {
        None => Ok(Vec::new()),
        Some(Host::Float(array)) => Ok(array.iter().copied().collect()),
        Some(Host::Int(_)) => Err(Error::Onnx("scales are whole numbers".to_owned())),
    }
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
    let &[_, _, height, width] = input.shape() else {
        return Err(unsupported(format!(
            "an input of shape {:?}: only [N, C, H, W]",
            input.shape()
        )));
    };
    if height == 0 || width == 0 {
        return Err(Error::Onnx(format!("an input of shape {:?}", input.shape())));
    }
    let count = match target {
        Target::Scales(scales) => scales.len(),
        Target::Sizes(sizes) => sizes.len(),
    };
    let axes = axes.map_or(vec![0, 1, 2, 3], <[i64]>::to_vec);
    if axes.len() != count {
        return Err(Error::Onnx(format!("{count} scales or sizes for {} axes", axes.len())));
    }
    let unchanged = |&extent: &usize| Axis {
        input: extent,
        output: extent,
        scale: 1.0,
    };
    let mut sides: Vec<Axis> = input.shape().iter().map(unchanged).collect();
    for (index, &axis) in axes.iter().enumerate() {
        let axis = shape::axis("onnx", axis as isize, 4)?;
        let extent = input.shape()[axis];
        let unchanged = match target {
            Target::Scales(scales) => scales[index] == 1.0,
            Target::Sizes(sizes) => usize::try_from(sizes[index]) == Ok(extent),
        };
        if !unchanged {
            sides[axis] = match target {
                Target::Scales(scales) => Axis::scaled(extent, scales[index])?,
                Target::Sizes(sizes) => Axis::sized(extent, sizes[index])?,
            };
        }
    }
    let &[batch, channels, rows, columns] = sides.as_slice() else {
        return Err(unsupported("an input without 4 dimensions"));
    };
    if !batch.is_unchanged() || !channels.is_unchanged() {
        return Err(unsupported("resizing the batch or the channels"));
    }
    if rows.is_unchanged() && columns.is_unchanged() {
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
        "linear" => InterpolateMode::Bilinear,
        other => return Err(unsupported(format!("mode {other:?}"))),
    };
    let coordinates = match transform {
        "half_pixel" => CoordinateMode::HalfPixel,
        "pytorch_half_pixel" => CoordinateMode::PytorchHalfPixel,
        "align_corners" => CoordinateMode::AlignCorners,
        "asymmetric" => CoordinateMode::Asymmetric,
        other => return Err(unsupported(format!("coordinate_transformation_mode {other:?}"))),
    };
    let op = Interpolate::new([rows.output, columns.output], mode, coordinates).scales([rows.scale, columns.scale]);
    node.emit_one(op, &[&input])
}
