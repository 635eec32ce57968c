//! Convolution of whole numbers: one kernel for all.

use crate::error::Result;
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::conv::volume::VolumeConv;
use crate::gpu::lower::matmul::long_sums;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::ops::{AxisWindow, ConvInteger};
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

pub(crate) fn lower(op: &ConvInteger, input: &Value, weight: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let geometry = op.conv.geometry(&input.shape, &weight.shape, None)?;
    let mut axes = [NO_AXIS; 3];
    axes[3 - geometry.axes.len()..].copy_from_slice(&geometry.axes);
    let volume = VolumeConv {
        name: NAME,
        geometry: &geometry,
        axes,
        groups: op.conv.groups,
        padding_mode: op.conv.padding_mode,
        transposed: false,
    };
    let parts = volume.parts(recording)?;
    long_sums::whole_in_parts(
        NAME,
        &parts,
        output,
        recording,
        |[taps, channels], before, output, recording| {
            let constants = [
                ("LANES", LANES),
                ("PADDING_MODE", volume.padding_mode.code()),
                ("TRANSPOSED", 0),
                ("HAS_BEFORE", u32::from(before.is_some())),
            ];
            let key = PipelineKey::new(Kernel::ConvInteger, constants);
            let parameters = volume.parameters(taps, channels, (0.0, 0.0), output);
            let input = slot(input)?;
            let before = before.map_or(Ok(input), slot)?;
            let work = Work::of(elements(output).div_ceil(LANES as usize)).rounds(taps.len() * (1 + channels.len()));
            recording.dispatch(
                NAME,
                key,
                &parameters,
                &[input, slot(weight)?, before],
                &[slot(output)?],
                work,
            )
        },
    )
}
