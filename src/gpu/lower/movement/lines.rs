//! An output gone through element by element, with another tensor beside it: of the same extents or others along an axis.

use crate::error::{Error, Result};
use crate::gpu::lower::common::elements;
use crate::gpu::plan::recording::Value;
use crate::gpu::wgsl::parameters::MOST_AXES;
use crate::gpu::wgsl::parameters::movement::LinesParameters;
use crate::shape;

/// Where the lines of the other tensor lie beside the output's elements. `extent` is of the data along the axis, `indices` of the
/// indices.
pub(super) fn parameters(
    operator: &'static str,
    axis: isize,
    output: &Value,
    other: &Value,
    [extent, indices]: [usize; 2],
) -> Result<LinesParameters> {
    let axis = shape::axis(operator, axis, output.shape.len())?;
    let merged = merge_axes(&output.shape, &other.shape, axis);
    if merged.len() > MOST_AXES {
        return Err(Error::unsupported(
            operator,
            format!(
                "data and indices of shapes {:?} and {:?} over more than {MOST_AXES} axes that differ",
                output.shape, other.shape
            ),
        ));
    }
    let mut axes = [[1, 1, 0, 0]; MOST_AXES];
    axes[..merged.len()].copy_from_slice(&merged);
    Ok(LinesParameters {
        elements: elements(output) as u32,
        extent: extent as i32,
        indices: indices as u32,
        stride: other.shape[axis + 1..].iter().product::<usize>() as u32,
        axes,
    })
}

/// The output's axes from the last to the first: extent, how far the other tensor goes, its stride but along the axis, and whether
/// it is the axis. Axes over which both run on as before are merged into one.
fn merge_axes(output: &[usize], other: &[usize], axis: usize) -> Vec<[u32; 4]> {
    let mut axes: Vec<[usize; 4]> = Vec::new();
    let mut step = 1;
    for at in (0..output.len()).rev() {
        let (extent, reach) = (output[at], other[at]);
        match axes.last_mut() {
            _ if extent == 1 && at != axis => {}
            _ if at == axis => axes.push([extent, extent, 0, 1]),
            Some([inner, end, stride, 0]) if end == inner && step == *stride * *inner => {
                *end *= extent.min(reach);
                *inner *= extent;
            }
            _ => axes.push([extent, extent.min(reach), step, 0]),
        }
        step *= reach;
    }
    axes.into_iter().map(|fields| fields.map(|field| field as u32)).collect()
}

#[cfg(test)]
mod tests {
    use super::merge_axes;

    #[test]
    fn axes_that_run_on_merge() {
        assert_eq!(
            merge_axes(&[2, 3, 4, 5], &[2, 7, 4, 5], 1),
            [[20, 20, 1, 0], [3, 3, 0, 1], [2, 2, 140, 0]]
        );
        assert_eq!(merge_axes(&[2, 3, 4], &[2, 3, 9], 2), [[4, 4, 0, 1], [6, 6, 9, 0]]);
        // Indices that do not go as far as the data, which is gone through.
        assert_eq!(merge_axes(&[3, 4, 5], &[9, 2, 5], 0), [[20, 10, 1, 0], [3, 3, 0, 1]]);
        assert_eq!(
            merge_axes(&[3, 4, 5], &[9, 4, 2], 0),
            [[5, 2, 1, 0], [4, 4, 2, 0], [3, 3, 0, 1]]
        );
        // Data that goes further than the indices, which are gone through.
        assert_eq!(
            merge_axes(&[9, 4, 2], &[3, 4, 5], 0),
            [[2, 2, 1, 0], [4, 4, 5, 0], [9, 9, 0, 1]]
        );
        assert_eq!(merge_axes(&[2, 3], &[2, 9], 0), [[3, 3, 1, 0], [2, 2, 0, 1]]);
    }
}
