//! Pooling of volumes: one output an invocation; whole volumes are reductions.

use crate::error::Result;
use crate::gpu::choose::problem::{check_extent, step};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::window::pool2d::{LOWEST, Reduction, lower_whole};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::window::Pool3dParameters;
use crate::ops::{AxisWindow, IndexOrder};
use crate::padding::Sides;

/// Windows along the axes of volumes.
pub(crate) fn lower(
    name: &'static str,
    axes: [AxisWindow; 3],
    reduction: Reduction,
    input: &Value,
    outputs: &[Value],
    recording: &mut Recording,
) -> Result<()> {
    for axis in &axes {
        check_extent(name, axis.input, axis.padding.before, axis.padding.after)?;
        // In ceil mode a window may overhang the padded input.
        check_extent(name, (axis.kernel - 1).saturating_mul(axis.dilation), 0, 0)?;
    }
    let taps = axes.map(|axis| axis.kernel.min(axis.input));
    dispatch(name, axes, false, reduction, taps, input, outputs, recording)
}

/// Parts of volumes, each a window.
pub(crate) fn lower_adaptive(
    name: &'static str,
    reduction: Reduction,
    input: &Value,
    outputs: &[Value],
    recording: &mut Recording,
) -> Result<()> {
    let axis = |axis: usize| AxisWindow {
        input: input.shape[2 + axis],
        output: outputs[0].shape[2 + axis],
        kernel: 1,
        stride: 1,
        dilation: 1,
        padding: Sides::NONE,
    };
    let axes = [axis(0), axis(1), axis(2)];
    for axis in &axes {
        check_extent(name, axis.input, 0, 0)?;
    }
    if let [output] = outputs
        && axes.iter().all(|axis| axis.output == 1)
    {
        return lower_whole(name, matches!(reduction, Reduction::Max(_)), None, input, output, recording);
    }
    // A part of an extent overlaps one element more than its share at most.
    let taps = axes.map(|axis| axis.input.min(axis.input.div_ceil(axis.output) + 1));
    dispatch(name, axes, true, reduction, taps, input, outputs, recording)
}

/// `taps` are the most along each axis of a window.
#[expect(clippy::too_many_arguments, reason = "what is pooled, how, from where to where")]
fn dispatch(
    name: &'static str,
    axes: [AxisWindow; 3],
    adaptive: bool,
    reduction: Reduction,
    taps: [usize; 3],
    input: &Value,
    outputs: &[Value],
    recording: &mut Recording,
) -> Result<()> {
    let [depth, height, width] = axes;
    let (is_max, order, count_include_pad, divisor_override) = match reduction {
        Reduction::Max(order) => (1, order, 0, 0.0),
        Reduction::Average {
            count_include_pad,
            divisor_override,
        } => (0, IndexOrder::Plane, u32::from(count_include_pad), divisor_override),
    };
    let (index_steps, index_volume) = order.steps(&axes.map(|axis| axis.input));
    let padded = |axis: AxisWindow| axis.padding.padded(axis.input).unwrap_or(axis.input) as u32;
    let windows = elements(&outputs[0]);
    let parameters = Pool3dParameters {
        in_depth: depth.input as u32,
        in_height: height.input as u32,
        in_width: width.input as u32,
        out_depth: depth.output as u32,
        out_height: height.output as u32,
        out_width: width.output as u32,
        kernel_depth: depth.kernel as u32,
        kernel_height: height.kernel as u32,
        kernel_width: width.kernel as u32,
        stride_depth: step(depth.stride, depth.output),
        stride_height: step(height.stride, height.output),
        stride_width: step(width.stride, width.output),
        dilation_depth: step(depth.dilation, depth.kernel),
        dilation_height: step(height.dilation, height.kernel),
        dilation_width: step(width.dilation, width.kernel),
        pad_front: depth.padding.before as u32,
        pad_top: height.padding.before as u32,
        pad_left: width.padding.before as u32,
        padded_depth: padded(depth),
        padded_height: padded(height),
        padded_width: padded(width),
        outputs: windows as u32,
        count_include_pad,
        divisor_override,
        index_slice: index_steps[0] as u32,
        index_row: index_steps[1] as u32,
        index_column: index_steps[2] as u32,
        index_volume: index_volume as u32,
        lowest: LOWEST,
    };
    let kernel = if outputs.len() == 2 {
        Kernel::Pool3dIndices
    } else {
        Kernel::Pool3d
    };
    let key = PipelineKey::new(
        kernel,
        [("LANES", LANES), ("IS_MAX", is_max), ("ADAPTIVE", u32::from(adaptive))],
    );
    let [slices, rows, columns] = taps;
    let work = Work::of(windows.div_ceil(LANES as usize)).rounds(slices * (1 + rows * (1 + columns)));
    let targets = outputs.iter().map(slot).collect::<Result<Vec<_>>>()?;
    recording.dispatch(name, key, &parameters, &[slot(input)?], &targets, work)
}
