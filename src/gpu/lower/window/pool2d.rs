//! Pooling: small windows in blocks of rows, everything else one output at a time.

use crate::error::Result;
use crate::gpu::choose::plane::{PlaneWindow, PoolPlane, size};
use crate::gpu::choose::problem::{check_extent, step};
use crate::gpu::choose::rules;
use crate::gpu::choose::rules::LANES;
use crate::gpu::choose::strips::{Strips, Windows};
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::rows::reduce::{Axes, FEWEST_ALONG, Term, reduce_by};
use crate::gpu::lower::window::pool3d;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::window::{PoolParameters, PoolWindowParameters};
use crate::ops::{AvgPool, IndexOrder, MaxPool, PoolWindow, ReduceKind};
use crate::padding::{Padding2d, PaddingMode};
use crate::shape::Size2d;

/// The most taps of a window that an invocation goes through alone.
pub(crate) const MOST_TAPS_ALONE: usize = 1024;
/// The bits of minus infinity.
pub(crate) const LOWEST: u32 = f32::NEG_INFINITY.to_bits();

/// What a window reduces to.
#[derive(Clone, Copy)]
pub(crate) enum Reduction {
    Max(IndexOrder),
    Average { count_include_pad: bool, divisor_override: f32 },
}

pub(crate) fn lower_max(op: &MaxPool, input: &Value, outputs: &[Value], recording: &mut Recording) -> Result<()> {
    let window = op.window(&input.shape)?;
    lower_axes(
        "max_pool2d",
        &window,
        Reduction::Max(op.index_order),
        input,
        outputs,
        recording,
    )
}

pub(crate) fn lower_average(op: &AvgPool, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let reduction = Reduction::Average {
        count_include_pad: op.count_include_pad,
        divisor_override: op.divisor_override.map_or(0.0, |divisor| divisor as f32),
    };
    let (window, outputs) = (op.window(&input.shape)?, std::slice::from_ref(output));
    lower_axes("avg_pool2d", &window, reduction, input, outputs, recording)
}

fn lower_axes(
    name: &'static str,
    window: &PoolWindow,
    reduction: Reduction,
    input: &Value,
    outputs: &[Value],
    recording: &mut Recording,
) -> Result<()> {
    match *window.axes {
        [depth, height, width] => pool3d::lower(name, [depth, height, width], reduction, input, outputs, recording),
        _ => lower_window(name, &PoolPlane::new(name, window)?, reduction, input, outputs, recording),
    }
}

/// Checks that a kernel's signed coordinates reach wherever a window does.
pub(crate) fn check_window(name: &'static str, window: &PlaneWindow) -> Result<()> {
    let PlaneWindow {
        input,
        kernel,
        dilation,
        padding,
        ..
    } = *window;
    check_extent(name, input.height, padding.top, padding.bottom)?;
    check_extent(name, input.width, padding.left, padding.right)?;
    // In ceil mode a window may overhang the padded input.
    check_extent(name, (kernel.height - 1).saturating_mul(dilation.height), 0, 0)?;
    check_extent(name, (kernel.width - 1).saturating_mul(dilation.width), 0, 0)
}

fn lower_window(
    name: &'static str,
    &PoolPlane { planes, ref window }: &PoolPlane,
    reduction: Reduction,
    input: &Value,
    outputs: &[Value],
    recording: &mut Recording,
) -> Result<()> {
    let PlaneWindow {
        kernel,
        stride,
        dilation,
        padding,
        ..
    } = *window;
    check_window(name, window)?;
    let stride_height = step(stride.height, window.output.height);
    let stride_width = step(stride.width, window.output.width);
    let dilation_height = step(dilation.height, kernel.height);
    let dilation_width = step(dilation.width, kernel.width);
    let padded = Size2d {
        height: window.input.height + (padding.top + padding.bottom) as usize,
        width: window.input.width + (padding.left + padding.right) as usize,
    };
    let (is_max, order, count_include_pad, divisor_override) = match reduction {
        Reduction::Max(order) => (1, order, 0, 0.0),
        Reduction::Average {
            count_include_pad,
            divisor_override,
        } => (0, IndexOrder::Plane, u32::from(count_include_pad), divisor_override),
    };
    let (index_steps, index_plane) = order.steps(&[window.input.height, window.input.width]);
    let (index_row, index_column, index_plane) = (index_steps[0] as u32, index_steps[1] as u32, index_plane as u32);

    let windows = Windows {
        sets: planes,
        channels: 1,
        input: window.input,
        output: window.output,
        kernel,
        padding,
        stride: [stride_height, stride_width],
        dilation: [dilation_height, dilation_width],
    };
    let parameters = PoolParameters {
        in_height: window.input.height as u32,
        in_width: window.input.width as u32,
        out_height: window.output.height as u32,
        out_width: window.output.width as u32,
        kernel_height: kernel.height as u32,
        kernel_width: kernel.width as u32,
        stride_height,
        stride_width,
        dilation_height,
        dilation_width,
        pad_top: padding.top as u32,
        pad_left: padding.left as u32,
        padded_height: padded.height as u32,
        padded_width: padded.width as u32,
        outputs: elements(&outputs[0]) as u32,
        count_include_pad,
        divisor_override,
        index_row,
        index_column,
        index_plane,
        lowest: LOWEST,
    };
    if let (Some(strips), [output]) = (windows.cut(recording.capabilities.class), outputs) {
        return by_strips(name, &strips, is_max, &parameters, input, output, recording);
    }
    if is_whole_plane(window)
        && pays_whole(window.input, recording)
        && let [output] = outputs
    {
        let divisor = (divisor_override != 0.0).then_some(divisor_override);
        return lower_whole(name, is_max == 1, divisor, input, output, recording);
    }
    let taps = [kernel.height.min(window.input.height), kernel.width.min(window.input.width)];
    dispatch_any(name, is_max, false, taps, &parameters, input, outputs, recording)
}

pub(crate) fn lower_adaptive(is_max: bool, input: &Value, outputs: &[Value], recording: &mut Recording) -> Result<()> {
    let name = if is_max {
        "adaptive_max_pool2d"
    } else {
        "adaptive_avg_pool2d"
    };
    if input.shape.len() == 5 {
        let reduction = if is_max {
            Reduction::Max(IndexOrder::Plane)
        } else {
            Reduction::Average {
                count_include_pad: false,
                divisor_override: 0.0,
            }
        };
        return pool3d::lower_adaptive(name, reduction, input, outputs, recording);
    }
    let (plane, pooled) = (size(name, &input.shape[2..])?, size(name, &outputs[0].shape[2..])?);
    let (in_height, in_width) = (plane.height, plane.width);
    check_extent(name, in_height, 0, 0)?;
    check_extent(name, in_width, 0, 0)?;
    if pays_whole(plane, recording)
        && let [output] = outputs
        && (pooled.height, pooled.width) == (1, 1)
    {
        return lower_whole(name, is_max, None, input, output, recording);
    }
    let parameters = PoolParameters {
        in_height: in_height as u32,
        in_width: in_width as u32,
        out_height: pooled.height as u32,
        out_width: pooled.width as u32,
        kernel_height: 1,
        kernel_width: 1,
        stride_height: 1,
        stride_width: 1,
        dilation_height: 1,
        dilation_width: 1,
        pad_top: 0,
        pad_left: 0,
        padded_height: in_height as u32,
        padded_width: in_width as u32,
        outputs: elements(&outputs[0]) as u32,
        count_include_pad: 0,
        divisor_override: 0.0,
        index_row: in_width as u32,
        index_column: 1,
        index_plane: 0,
        lowest: LOWEST,
    };
    // A part of an extent overlaps one element more than its share at most.
    let most = |extent: usize, parts: usize| extent.min(extent.div_ceil(parts) + 1);
    let taps = [most(in_height, pooled.height), most(in_width, pooled.width)];
    dispatch_any(name, u32::from(is_max), true, taps, &parameters, input, outputs, recording)
}

/// Records pooling over small windows.
fn by_strips(
    name: &'static str,
    strips: &Strips,
    is_max: u32,
    window: &PoolParameters,
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let lanes = rules::strip_lanes(recording.capabilities.class);
    let own = [
        ("LANES", lanes),
        ("IS_MAX", is_max),
        ("PADDING_MODE", PaddingMode::Zeros.code()),
    ];
    let parameters = PoolWindowParameters {
        in_height: window.in_height,
        in_width: window.in_width,
        out_height: window.out_height,
        out_width: window.out_width,
        pad_top: window.pad_top,
        pad_left: window.pad_left,
        padded_height: window.padded_height,
        padded_width: window.padded_width,
        strips: strips.across as u32,
        segment_rows: strips.segment_rows as u32,
        segments: strips.segments as u32,
        invocations: strips.invocations as u32,
        count_include_pad: window.count_include_pad,
        divisor_override: window.divisor_override,
        lowest: LOWEST,
    };
    let key = PipelineKey::new(
        if strips.quads {
            Kernel::Pool2dWindowQuads
        } else {
            Kernel::Pool2dWindow
        },
        [&own[..], &strips.constants].concat(),
    );
    let work = Work::of(strips.invocations.div_ceil(lanes as usize)).rounds(strips.rounds);
    recording.dispatch(name, key, &parameters, &[slot(input)?], &[slot(output)?], work)
}

/// Whether the planes are rows that a reduction has lanes along.
fn pays_whole(plane: Size2d, recording: &Recording) -> bool {
    plane.height * plane.width >= FEWEST_ALONG && recording.capabilities.splits_sums()
}

/// Whether the only window is the plane itself.
fn is_whole_plane(window: &PlaneWindow) -> bool {
    let PlaneWindow {
        input,
        output,
        kernel,
        padding,
        ..
    } = *window;
    kernel == input && (output.height, output.width) == (1, 1) && padding == Padding2d::default()
}

/// Records the maximum or mean of whole planes, where those are worth it.
pub(crate) fn lower_whole(
    name: &'static str,
    is_max: bool,
    divisor: Option<f32>,
    input: &Value,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let planes = elements(output);
    let plane = elements(input) / planes;
    let kind = if is_max { ReduceKind::Max } else { ReduceKind::Mean };
    let axes = Axes::middle(planes, plane, 1);
    let divisor = divisor.unwrap_or(plane as f32);
    reduce_by(name, kind, Term::Plain, &axes, divisor, input, output, recording)
}

/// `taps` are the most rows and columns of a window.
#[expect(clippy::too_many_arguments, reason = "what is pooled, how, from where to where")]
fn dispatch_any(
    name: &'static str,
    is_max: u32,
    adaptive: bool,
    taps: [usize; 2],
    parameters: &PoolParameters,
    input: &Value,
    outputs: &[Value],
    recording: &mut Recording,
) -> Result<()> {
    let [rows, columns] = taps;
    let together = rows * columns > MOST_TAPS_ALONE && recording.capabilities.splits_sums();
    let kernel = match (together, outputs.len()) {
        (false, 2) => Kernel::Pool2dAnyIndices,
        (false, _) => Kernel::Pool2dAny,
        (true, 2) => Kernel::Pool2dLongIndices,
        (true, _) => Kernel::Pool2dLong,
    };
    let key = PipelineKey::new(
        kernel,
        [("LANES", LANES), ("IS_MAX", is_max), ("ADAPTIVE", u32::from(adaptive))],
    );
    let outputs_slots = outputs.iter().map(slot).collect::<Result<Vec<_>>>()?;
    let windows = elements(&outputs[0]);
    let work = if together {
        let rounds = (rows * columns).div_ceil(LANES as usize) + LANES.ilog2() as usize;
        Work::of(windows).rounds(rounds)
    } else {
        Work::of(windows.div_ceil(LANES as usize)).rounds(rows * (1 + columns))
    };
    recording.dispatch(name, key, parameters, &[slot(input)?], &outputs_slots, work)
}
