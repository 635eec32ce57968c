//! Elementwise arithmetic of two tensors with broadcasting.

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, Value, Work};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::elementwise::BinaryParameters;
use crate::ops::Binary;

/// The number that stands for an operation in a shader's header.
const fn code(op: Binary) -> u32 {
    match op {
        Binary::Add => 0,
        Binary::Mul => 1,
        Binary::Sub => 2,
        Binary::Div => 3,
        Binary::Pow => 4,
        Binary::Min => 5,
        Binary::Max => 6,
    }
}

pub(crate) fn lower(op: Binary, left: &Value, right: &Value, output: &Value, recording: &mut Recording) -> Result<()> {
    let merged = merge_axes(&left.shape, &right.shape, &output.shape);
    if merged.len() > MOST_AXES {
        return Err(Error::unsupported(
            op.name(),
            format!(
                "shapes {:?} and {:?} alternate between broadcast and not over more than {MOST_AXES} axes",
                left.shape, right.shape
            ),
        ));
    }
    let mut axes = [[1, 0, 0, 0]; MOST_AXES];
    axes[..merged.len()].copy_from_slice(&merged);
    let same_shape = u32::from(left.shape == right.shape);
    let constants = [
        ("LANES", LANES),
        ("OPERATION", code(op)),
        ("SAME_SHAPE", same_shape),
        ("AXES", MOST_AXES as u32),
    ];
    let parameters = BinaryParameters {
        elements: elements(output) as u32,
        unused: [0; 3],
        axes,
    };
    let workgroups = elements(output).div_ceil(LANES as usize);
    let key = PipelineKey::new(Kernel::Binary, constants);
    recording.dispatch(
        op.name(),
        key,
        &parameters,
        &[slot(left)?, slot(right)?],
        &[slot(output)?],
        Work::of(workgroups),
    )
}

/// The output's axes from the last to the first as `[extent, left stride, right stride, 0]`; axes over which both
/// sides run on as before are merged into one.
pub(crate) fn merge_axes(left: &[usize], right: &[usize], output: &[usize]) -> Vec<[u32; 4]> {
    let mut axes: Vec<[usize; 3]> = Vec::new();
    let (mut left_step, mut right_step) = (1, 1);
    for (from_end, &extent) in output.iter().rev().enumerate() {
        let stride = |shape: &[usize], step: &mut usize| {
            let own = shape.len().checked_sub(from_end + 1).map_or(1, |axis| shape[axis]);
            let stride = if own == 1 { 0 } else { *step };
            *step *= own;
            stride
        };
        let axis = [extent, stride(left, &mut left_step), stride(right, &mut right_step)];
        match axes.last_mut() {
            _ if extent == 1 => {}
            Some(last) if axis[1] == last[0] * last[1] && axis[2] == last[0] * last[2] => last[0] *= extent,
            _ => axes.push(axis),
        }
    }
    axes.into_iter()
        .map(|[extent, left, right]| [extent as u32, left as u32, right as u32, 0])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::merge_axes;

    #[test]
    fn axes_that_broadcast_alike_merge() {
        assert_eq!(merge_axes(&[2, 3, 4], &[2, 3, 4], &[2, 3, 4]), [[24, 1, 1, 0]]);
        assert_eq!(
            merge_axes(&[2, 3, 4, 5], &[3, 1, 1], &[2, 3, 4, 5]),
            [[20, 1, 0, 0], [3, 20, 1, 0], [2, 60, 0, 0]]
        );
        assert_eq!(merge_axes(&[], &[2, 3], &[2, 3]), [[6, 0, 1, 0]]);
        assert_eq!(merge_axes(&[1, 1], &[1, 1], &[1, 1]), [[0u32; 4]; 0]);
    }
}
