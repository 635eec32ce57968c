//! Functions of the elements of several tensors, with broadcasting.

use std::array;

use crate::error::{Error, Result};
use crate::gpu::choose::rules::LANES;
use crate::gpu::lower::common::{elements, slot};
use crate::gpu::plan::recording::{Recording, SlotId, Value, Work};
use crate::gpu::wgsl::function::{Function, Scalar, Snippet};
use crate::gpu::wgsl::kernel::{Kernel, PipelineKey};
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::elementwise::BroadcastParameters;

/// A function of as many inputs as the kernel takes.
pub(crate) fn lower<const N: usize>(
    kernel: Kernel,
    snippet: Snippet,
    inputs: [&Value; N],
    output: &Value,
    recording: &mut Recording,
) -> Result<()> {
    let shapes = inputs.map(|input| input.shape.as_slice());
    let merged = merge_axes(shapes, &output.shape);
    if merged.len() > MOST_AXES {
        return Err(Error::unsupported(
            snippet.name,
            format!("shapes {shapes:?} alternate between broadcast and not over more than {MOST_AXES} axes"),
        ));
    }
    let mut axes = [[1, 0, 0, 0]; MOST_AXES];
    axes[..merged.len()].copy_from_slice(&merged);
    let same_shape = u32::from(shapes.iter().all(|shape| *shape == output.shape));
    let constants = [("LANES", LANES), ("SAME_SHAPE", same_shape), ("AXES", MOST_AXES as u32)];
    let parameters = BroadcastParameters {
        elements: elements(output) as u32,
        unused: [0; 3],
        axes,
    };
    let workgroups = elements(output).div_ceil(LANES as usize);
    let scalars = inputs.map(|input| Scalar::from(input.dtype));
    let function = Function::of_elements(snippet, &scalars, output.dtype.into());
    let slots = inputs.into_iter().map(slot).collect::<Result<Vec<SlotId>>>()?;
    recording.dispatch(
        snippet.name,
        PipelineKey::new(kernel, constants).with(function),
        &parameters,
        &slots,
        &[slot(output)?],
        Work::of(workgroups),
    )
}

/// The output's axes from the last to the first as extent and the inputs' strides, then zeros; axes over which all run on as before
/// are merged into one.
pub(crate) fn merge_axes<const N: usize>(inputs: [&[usize]; N], output: &[usize]) -> Vec<[u32; 4]> {
    let mut axes: Vec<(usize, [usize; N])> = Vec::new();
    let mut steps = [1; N];
    for (from_end, &extent) in output.iter().rev().enumerate() {
        let strides: [usize; N] = array::from_fn(|input| {
            let shape = inputs[input];
            let own = shape.len().checked_sub(from_end + 1).map_or(1, |axis| shape[axis]);
            let stride = if own == 1 { 0 } else { steps[input] };
            steps[input] *= own;
            stride
        });
        match axes.last_mut() {
            _ if extent == 1 => {}
            Some((inner, own)) if (0..N).all(|input| strides[input] == *inner * own[input]) => *inner *= extent,
            _ => axes.push((extent, strides)),
        }
    }
    let fields = |(extent, strides): (usize, [usize; N])| {
        let mut fields = [extent as u32, 0, 0, 0];
        fields[1..]
            .iter_mut()
            .zip(strides)
            .for_each(|(field, stride)| *field = stride as u32);
        fields
    };
    axes.into_iter().map(fields).collect()
}

#[cfg(test)]
mod tests {
    use super::merge_axes;

    #[test]
    fn axes_that_broadcast_alike_merge() {
        assert_eq!(merge_axes([&[2, 3, 4], &[2, 3, 4]], &[2, 3, 4]), [[24, 1, 1, 0]]);
        assert_eq!(
            merge_axes([&[2, 3, 4, 5], &[3, 1, 1]], &[2, 3, 4, 5]),
            [[20, 1, 0, 0], [3, 20, 1, 0], [2, 60, 0, 0]]
        );
        assert_eq!(merge_axes([&[], &[2, 3]], &[2, 3]), [[6, 0, 1, 0]]);
        assert_eq!(merge_axes([&[1, 1], &[1, 1]], &[1, 1]), [[0u32; 4]; 0]);
        assert_eq!(merge_axes([&[3], &[2, 1], &[2, 3]], &[2, 3]), [[3, 1, 0, 1], [2, 0, 1, 3]]);
    }
}
