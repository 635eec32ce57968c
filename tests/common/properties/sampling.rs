//! Samples at places that are themselves inputs.

use convoke::ops::{GridCoordinates, GridMode, GridPadding, GridSample, RoiAlign, RoiReduction};
use ndarray::ArrayD;
use proptest::prelude::*;

use super::Case;

/// Every way of sampling, of signals, images and volumes; extents of 1 are among them.
pub(crate) fn grids() -> impl Strategy<Value = Case> {
    use GridCoordinates::{Centres, Edges, Elements};
    let mode = prop::sample::select(vec![GridMode::Nearest, GridMode::Linear, GridMode::Cubic]);
    let padding = prop::sample::select(vec![GridPadding::Zeros, GridPadding::Border, GridPadding::Reflection]);
    let coordinates = prop::sample::select(vec![Edges, Centres, Elements]);
    let extents = prop::collection::vec((1..=6usize, 1..=5usize), 1..=3);
    (mode, padding, coordinates, extents, 1..=2usize, any::<u64>()).prop_map(
        |(mode, padding, coordinates, extents, batch, seed)| {
            let (images, grids): (Vec<usize>, Vec<usize>) = extents.into_iter().unzip();
            let input = [&[batch, 3], &images[..]].concat();
            let grid = [&[batch], &grids[..], &[images.len()]].concat();
            let op = GridSample::new(mode).padding(padding).coordinates(coordinates);
            Case::new(op, vec![input, grid], seed)
        },
    )
}

/// Regions in and around images, many of them empty or the wrong way round.
pub(crate) fn regions_of_images() -> impl Strategy<Value = Case> {
    let scale = prop::sample::select(vec![1.0_f32, 0.3, 2.5]);
    (
        1..=3usize,
        [1..=9usize, 1..=9],
        [1..=4usize, 1..=4],
        0..=3usize,
        scale,
        any::<([bool; 2], u64)>(),
    )
        .prop_map(|(batch, [height, width], size, samples, scale, ([aligned, is_max], seed))| {
            let reduction = if is_max { RoiReduction::Max } else { RoiReduction::Average };
            let op = RoiAlign::new(size)
                .sampling_ratio(samples)
                .spatial_scale(scale)
                .aligned(aligned)
                .reduction(reduction);
            Case::new(op, vec![vec![batch, 2, height, width], vec![7, 5]], seed)
        })
}

/// Makes regions of rows of numbers: of images that there are, and no larger than a GPU takes.
pub(crate) fn regions(inputs: &mut [ArrayD<f32>]) {
    let (batch, extent) = (inputs[0].shape()[0], inputs[0].shape()[2].min(inputs[0].shape()[3]) as f32);
    for (index, mut region) in inputs[1].outer_iter_mut().enumerate() {
        region.mapv_inplace(|corner| (corner * 2.0).clamp(-0.3, 1.2) * extent / 2.5);
        region[[0]] = (index % batch) as f32;
    }
}
