//! Convolution of volumes: one kernel for all of them, plain and transposed.

use std::ops::Range;

use crate::error::Result;
use crate::gpu::choose::problem::{check_extent, step};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::lower::matmul::epilogue::Operands;
use crate::gpu::lower::matmul::long_sums;
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::Kernel;
use crate::gpu::wgsl::parameters::conv::Conv3dParameters;
use crate::ops::{AxisWindow, ConvGeometry};
use crate::padding::PaddingMode;

/// A checked convolution with three spatial axes.
pub(crate) struct VolumeConv<'a> {
    pub(crate) name: &'static str,
    pub(crate) geometry: &'a ConvGeometry,
    pub(crate) axes: [AxisWindow; 3],
    pub(crate) groups: usize,
    pub(crate) padding_mode: PaddingMode,
    pub(crate) transposed: bool,
}

impl VolumeConv<'_> {
    pub(crate) fn lower(&self, operands: &Operands<'_>, output: &Value, recording: &mut Recording) -> Result<()> {
        let parts = self.parts(recording)?;
        long_sums::in_parts(
            self.name,
            &parts,
            operands,
            output,
            recording,
            |part, operands, output, recording| self.part(part, operands, output, recording),
        )
    }

    /// The taps and channels that are summed one after another.
    pub(crate) fn parts(&self, recording: &Recording) -> Result<Vec<[Range<usize>; 2]>> {
        for axis in &self.axes {
            let padded = if self.transposed { axis.output } else { axis.input };
            check_extent(self.name, padded, axis.padding.before, axis.padding.after)?;
        }
        let taps = self.axes.iter().map(|axis| axis.kernel).product();
        Ok(long_sums::boxes(
            [taps, self.geometry.in_channels / self.groups],
            None,
            recording,
        ))
    }

    /// The terms of some taps in some channels.
    fn part(
        &self,
        [taps, channels]: &[Range<usize>; 2],
        operands: &Operands<'_>,
        output: &Value,
        recording: &mut Recording,
    ) -> Result<()> {
        let parameters = self.parameters(taps, channels, operands.activation_parameters(), output);
        let own = [
            ("LANES", LANES),
            ("PADDING_MODE", self.padding_mode.code()),
            ("TRANSPOSED", u32::from(self.transposed)),
        ];
        let key = operands.key(Kernel::Conv3d, &own);
        let inputs = operands.slots(slot(operands.weight)?)?;
        let rounds = taps.len() * (1 + channels.len());
        let work = Work::of(elements(output).div_ceil(LANES as usize)).rounds(rounds);
        recording.dispatch(self.name, key, &parameters, &inputs, &[slot(output)?], work)
    }

    /// What a kernel takes that sums some taps in some channels.
    pub(crate) fn parameters(
        &self,
        taps: &Range<usize>,
        channels: &Range<usize>,
        (activation_first, activation_second): (f32, f32),
        output: &Value,
    ) -> Conv3dParameters {
        let [depth, height, width] = self.axes;
        // The strides of a transposed convolution run over the input.
        let stride = |axis: AxisWindow| step(axis.stride, if self.transposed { axis.input } else { axis.output });
        let dilation = |axis: AxisWindow| step(axis.dilation, axis.kernel);
        Conv3dParameters {
            in_channels: (self.geometry.in_channels / self.groups) as u32,
            in_depth: depth.input as u32,
            in_height: height.input as u32,
            in_width: width.input as u32,
            out_channels: (self.geometry.out_channels / self.groups) as u32,
            out_depth: depth.output as u32,
            out_height: height.output as u32,
            out_width: width.output as u32,
            kernel_depth: depth.kernel as u32,
            kernel_height: height.kernel as u32,
            kernel_width: width.kernel as u32,
            stride_depth: stride(depth),
            stride_height: stride(height),
            stride_width: stride(width),
            dilation_depth: dilation(depth),
            dilation_height: dilation(height),
            dilation_width: dilation(width),
            pad_front: depth.padding.before as u32,
            pad_top: height.padding.before as u32,
            pad_left: width.padding.before as u32,
            first_tap: taps.start as u32,
            last_tap: taps.end as u32,
            first_channel: channels.start as u32,
            last_channel: channels.end as u32,
            groups: self.groups as u32,
            outputs: elements(output) as u32,
            activation_first,
            activation_second,
        }
    }
}
