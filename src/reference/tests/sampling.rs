//! Weighted sums, samples and regions, by hand.

use std::sync::Arc;

use ndarray::{ArrayD, array};

use super::{exact, run_exact, six};
use crate::ops::{GridCoordinates, GridMode, GridPadding, GridSample, Op, Resample, RoiAlign, RoiReduction, TapTable};
use crate::reference::run;

#[test]
fn what_is_no_tap_has_no_part_in_a_sum() {
    let mut table = TapTable::new(3);
    table.push([(0, 2.0), (2, -1.0)]).unwrap();
    table.push([]).unwrap();
    let input = array![[1.0, f32::INFINITY, 3.0]].into_dyn();
    let op = Resample::new(-1, Arc::new(table)).empty(7.0);
    assert_eq!(run_exact(op, &[&input]), [array![[-1.0, 7.0]].into_dyn()]);
}

/// Samples of a row of 1, 2, 3.
fn row(op: GridSample, coordinates: &[f32]) -> Vec<f32> {
    let input = array![[[1.0, 2.0, 3.0]]].into_dyn();
    let grid = ArrayD::from_shape_vec(vec![1, coordinates.len(), 1], coordinates.to_vec()).unwrap();
    run_exact(op, &[&input, &grid]).swap_remove(0).iter().copied().collect()
}

#[test]
fn coordinates_name_places() {
    let op = |coordinates| GridSample::new(GridMode::Linear).coordinates(coordinates);
    let coordinates = [-1.0, 0.0, 0.5, 1.0];
    assert_eq!(row(op(GridCoordinates::Edges), &coordinates), [0.5, 2.0, 2.75, 1.5]);
    assert_eq!(row(op(GridCoordinates::Centres), &coordinates), [1.0, 2.0, 2.5, 3.0]);
    assert_eq!(row(op(GridCoordinates::Elements), &coordinates), [0.0, 1.0, 1.5, 2.0]);
    // Halves go to the even number.
    let nearest = GridSample::new(GridMode::Nearest).coordinates(GridCoordinates::Elements);
    assert_eq!(row(nearest, &[0.5, 1.5, 2.4, 2.6]), [1.0, 3.0, 3.0, 0.0]);
}

#[test]
fn what_is_outside_follows_from_the_padding() {
    let places = [-1.5, -0.5, 3.0, f32::INFINITY];
    let linear = |padding| {
        let op = GridSample::new(GridMode::Linear).coordinates(GridCoordinates::Elements);
        row(op.padding(padding), &places)
    };
    assert_eq!(linear(GridPadding::Zeros), [0.0, 0.5, 0.0, 0.0]);
    assert_eq!(linear(GridPadding::Border), [1.0, 1.0, 3.0, 3.0]);
    assert_eq!(linear(GridPadding::Reflection)[..3], [2.5, 1.5, 2.0]);
    // By the outer edges: an element further out is the one at the edge again.
    let edges = GridSample::new(GridMode::Nearest).padding(GridPadding::Reflection);
    assert_eq!(row(edges, &[-1.5, -1.1, 3.0]), [1.0, 1.0, 1.0]);
    // A quarter beyond the second of four, of which the first is outside.
    let cubic = GridSample::new(GridMode::Cubic).coordinates(GridCoordinates::Elements);
    let [second, third, fourth] = [0.878_906_25, 0.261_718_75, -0.035_156_25];
    assert_eq!(row(cubic, &[0.25]), [second + 2.0 * third + 3.0 * fourth]);
    assert!(row(edges, &[f32::NAN])[0].is_nan());
}

/// Where the place may be on either side of a step, either element may come.
#[test]
fn bounds_count_what_places_may_be_off() {
    let input = array![[[0.0, 100.0, 0.0, 0.0]]].into_dyn();
    let bound = |mode, coordinate: f32| {
        let op = Op::from(GridSample::new(mode));
        let grid = exact(&array![[[coordinate]]].into_dyn());
        run(&op, &[&exact(&input), &grid]).unwrap()[0].bound[[0, 0, 0]]
    };
    // At the place 0.5 exactly, and at 1.
    assert_eq!(bound(GridMode::Nearest, -0.5), 100.0);
    assert_eq!(bound(GridMode::Nearest, -0.25), 0.0);
    let linear = bound(GridMode::Linear, -0.25);
    assert!(linear > 1e-5 && linear < 1e-2, "{linear:e}");
}

#[test]
fn regions_by_hand() {
    let pooled = |op: RoiAlign, region: [f32; 5]| {
        let regions = array![region].into_dyn();
        let output = run_exact(op, &[&six(), &regions]).swap_remove(0);
        output.iter().copied().collect::<Vec<f32>>()
    };
    let op = RoiAlign::new([1, 2]).sampling_ratio(1);
    // From x = 0 to 2 in two parts, whose samples lie at 0.5 and 1.5; y from 0 to 1.
    assert_eq!(pooled(op, [0.0, 0.0, 0.0, 2.0, 1.0]), [3.0, 4.0]);
    assert_eq!(pooled(op.aligned(true), [0.0, 0.5, 0.5, 2.5, 1.5]), [3.0, 4.0]);
    assert_eq!(pooled(op.spatial_scale(0.5), [0.0, 0.0, 0.0, 4.0, 2.0]), [3.0, 4.0]);
    // The largest of four elements, a quarter each.
    assert_eq!(
        pooled(op.reduction(RoiReduction::Max), [0.0, 0.0, 0.0, 2.0, 1.0]),
        [1.25, 1.5]
    );
    // As many samples as elements; an empty region has one, and no samples where corners count from edges.
    assert_eq!(pooled(op.sampling_ratio(0), [0.0, 0.0, 0.0, 4.0, 1.0]), [3.5, 2.25]);
    assert_eq!(
        pooled(op.sampling_ratio(0).aligned(true), [0.0, 1.5, 0.5, 1.5, 0.5]),
        [0.0, 0.0]
    );
    assert!(pooled(op, [0.0, f32::NAN, 0.0, 1.0, 1.0]).iter().all(|x| x.is_nan()));
    let regions = exact(&array![[1.0, 0.0, 0.0, 1.0, 1.0]].into_dyn());
    let message = run(&op.into(), &[&exact(&six()), &regions]).unwrap_err().to_string();
    assert!(message.contains("region 0 is of image 1 of 1"), "{message}");
}
