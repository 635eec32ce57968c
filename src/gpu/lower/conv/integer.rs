//! Convolution of whole numbers: by the kernels of floats where parts of sums are exact in these, else by one kernel for all.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::gpu::choose::problem::problem;
use crate::gpu::choose::rules::{self, LANES};
use crate::gpu::lower::common::slot;
use crate::gpu::lower::conv::direct::lower_by;
use crate::gpu::lower::conv::volume::VolumeConv;
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::long_sums;
use crate::gpu::lower::matmul::two_operands::block;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::conv::Conv3dParameters;
use crate::graph::exact_sums::ExactSums;
use crate::ops::{AxisWindow, Conv, ConvGeometry, ConvInteger};
use crate::padding::Sides;

const NAME: &str = "conv_integer";

/// An axis that signals and images do not have.
const NO_AXIS: AxisWindow = AxisWindow {
    input: 1,
    kernel: 1,
    stride: 1,
    dilation: 1,
    padding: Sides::NONE,
    output: 1,
};

/// `exact` says how `f32` adds the sums up exactly, where the graph tells.
pub(crate) fn lower(
    op: &ConvInteger,
    [input, weight]: [&Value; 2],
    exact: Option<&ExactSums>,
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let geometry = op.conv.geometry(&input.shape, &weight.shape, None)?;
    let taps = weight.shape[2..].iter().product();
    let by_types = || ExactSums::of_types(input.dtype, weight.dtype, weight.shape[1], taps);
    let exact = exact.cloned().or_else(by_types);
    match exact.filter(|_| geometry.axes.len() < 3) {
        Some(exact) => {
            let operands = Operands {
                exact: Some(&exact),
                ..Operands::new(input, weight)
            };
            by_floats(&op.conv, &operands, exact.parts.len(), output, recording)
        }
        None => by_definition(op, &geometry, [input, weight], output, recording),
    }
}

/// By the kernel that is chosen for floats, but that transforms are not exact, and tuning plans are of floats.
fn by_floats(op: &Conv, operands: &Operands<'_>, parts: usize, output: &Value, recording: &mut Recording) -> Result<()> {
    let problem = problem(op, &operands.input.shape, &operands.weight.shape, None)?.of_whole_numbers();
    let capabilities = &recording.capabilities;
    let how = match recording.policy.conv2d {
        None => rules::conv2d(&problem, capabilities),
        Some(algorithm) => {
            let forced = rules::complete(algorithm, &problem, capabilities);
            if let Some(reason) = forced.obstacle(&problem, capabilities) {
                let message = format!("the algorithm {algorithm:?} does not apply: {reason}");
                return Err(Error::unsupported(NAME, message));
            }
            forced
        }
    };
    lower_by(
        if parts > 1 { how.in_parts() } else { how },
        &problem,
        operands,
        output,
        recording,
    )
}

fn by_definition(
    op: &ConvInteger,
    geometry: &ConvGeometry,
    [input, weight]: [&Value; 2],
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let mut axes = [NO_AXIS; 3];
    axes[3 - geometry.axes.len()..].copy_from_slice(&geometry.axes);
    let volume = VolumeConv {
        name: NAME,
        geometry,
        axes,
        groups: op.conv.groups,
        padding_mode: op.conv.padding_mode,
        transposed: false,
    };
    let outputs_of_group = geometry.out_channels / op.conv.groups;
    let (channels, columns) = (block(outputs_of_group), block(volume.axes[2].output));
    let rows = geometry.batch * op.conv.groups * volume.axes[0].output * volume.axes[1].output;
    let blocks = rows * outputs_of_group.div_ceil(channels) * volume.axes[2].output.div_ceil(columns);
    let parts = volume.parts(recording)?;
    let record = |[taps, terms]: &[Range<usize>; 2], before: Option<&Value>, output: &Value, recording: &mut Recording| {
        let constants = [
            ("LANES", LANES),
            ("CHANNELS", channels as u32),
            ("COLUMNS", columns as u32),
            ("PADDING_MODE", volume.padding_mode.code()),
            ("TRANSPOSED", 0),
            ("HAS_BEFORE", u32::from(before.is_some())),
        ];
        let key = PipelineKey::new(Kernel::ConvInteger, constants);
        let parameters = Conv3dParameters {
            outputs: blocks as u32,
            ..volume.parameters(taps, terms, (0.0, 0.0), output)
        };
        let input = slot(input)?;
        let before = before.map_or(Ok(input), slot)?;
        let work = Work::of(blocks.div_ceil(LANES as usize)).rounds(taps.len() * (1 + terms.len()));
        recording.dispatch(
            NAME,
            key,
            &parameters,
            &[input, slot(weight)?, before],
            &[slot(output)?],
            work,
        )
    };
    long_sums::whole_in_parts(NAME, &parts, output, recording, record)
}
