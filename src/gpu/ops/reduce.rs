//! Sum, mean and maximum along axes.

use super::block::lanes;
use super::strided_copy::{Axis, MOST_AXES, check_axes, merge, strides};
use super::{LANES, elements, parameters, slot};
use crate::error::Result;
use crate::gpu::recording::{Recording, Value};
use crate::gpu::shader::{Kernel, PipelineKey};
use crate::ops::{Reduce, ReduceKind};

parameters!(ReduceParameters {
    outputs: u32,
    count: f32,
    rows: u32,
    unused: u32,
    axes: [[u32; 4]; MOST_AXES]
});
parameters!(FillParameters {
    elements: u32,
    bits: u32
});

pub(super) fn lower(op: &Reduce, input: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let outputs = elements(output);
    if input.slot.is_none() {
        // The sum of none, or the mean.
        let value = if op.kind == ReduceKind::Sum { 0.0 } else { f32::NAN };
        return fill(op.kind.name(), value, output, recording);
    }
    let [kept, reduced] = axes(op, &input.shape)?;
    check_axes(op.kind.name(), &kept, &input.shape)?;
    check_axes(op.kind.name(), &reduced, &input.shape)?;
    let mut axes = [[1, 0, 1, 0]; MOST_AXES];
    for (to, axis) in axes.iter_mut().zip(&kept) {
        [to[0], to[1]] = [axis.extent as u32, axis.input_stride as u32];
    }
    for (to, axis) in axes.iter_mut().zip(&reduced) {
        [to[2], to[3]] = [axis.extent as u32, axis.input_stride as u32];
    }
    let kind = match op.kind {
        ReduceKind::Sum => 0,
        ReduceKind::Mean => 1,
        ReduceKind::Max => 2,
    };
    let lanes = lanes(recording, false);
    let constants = [
        ("LANES", lanes),
        ("REDUCTION", kind),
        ("KEPT", kept.len().max(1) as u32),
        ("REDUCED", reduced.len().max(1) as u32),
        ("MOST_AXES", MOST_AXES as u32),
    ];
    let count = elements(input) / outputs;
    let parameters = ReduceParameters {
        outputs: outputs as u32,
        count: count as f32,
        rows: (count / reduced.first().map_or(1, |axis| axis.extent)) as u32,
        unused: 0,
        axes,
    };
    recording.dispatch(
        op.kind.name(),
        PipelineKey::new(Kernel::Reduce, constants),
        &parameters,
        &[slot(input)?],
        &[slot(output)?],
        outputs.div_ceil(lanes as usize),
    )
}

/// Writes one value everywhere.
fn fill(name: &'static str, value: f32, output: &Value, recording: &mut Recording) -> Result<()> {
    let outputs = elements(output);
    let parameters = FillParameters {
        elements: outputs as u32,
        bits: value.to_bits(),
    };
    let key = PipelineKey::new(Kernel::Fill, [("LANES", LANES)]);
    recording.dispatch(
        name,
        key,
        &parameters,
        &[],
        &[slot(output)?],
        outputs.div_ceil(LANES as usize),
    )
}

/// The axes that stay and those that go, the last first, merged.
fn axes(op: &Reduce, input: &[usize]) -> Result<[Vec<Axis>; 2]> {
    let (reduced, strides) = (op.reduced(input.len())?, strides(input));
    let of_kind = |goes: bool| {
        let axes = (0..input.len()).rev().filter(|&axis| reduced[axis] == goes);
        merge(axes.map(|axis| Axis {
            extent: input[axis],
            input_stride: strides[axis],
            // The order is kept, so that there is nothing to say of the output.
            output_stride: 0,
        }))
    };
    Ok([of_kind(false), of_kind(true)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_one_axis() {
        let numbers = |axes: &[isize], input: &[usize]| {
            let both = super::axes(&Reduce::sum(axes), input).unwrap();
            both.map(|axes| axes.iter().map(|axis| (axis.extent, axis.input_stride)).collect::<Vec<_>>())
        };
        assert_eq!(numbers(&[2, 3], &[2, 3, 5, 7]), [vec![(6, 35)], vec![(35, 1)]]);
        assert_eq!(numbers(&[0, 2], &[2, 3, 5]), [vec![(3, 5)], vec![(5, 1), (2, 15)]]);
        assert_eq!(numbers(&[1], &[2, 3, 5]), [vec![(5, 1), (2, 15)], vec![(3, 5)]]);
        assert_eq!(numbers(&[], &[2, 3]), [vec![], vec![(6, 1)]]);
    }
}
