//! Signals and volumes by hand. Larger ones follow from images: what has one slice, or one row, is the image's.

use ndarray::{ArrayD, Axis, array};

use super::run_exact;
use crate::ops::{
    AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, Conv, ConvTranspose, IndexOrder, Interpolate, LpPool, MaxPool, Op, Pad,
};
use crate::testing::Random;
use crate::{PaddingMode, PerAxis, Sides};

/// 1 to 12 in two slices of two rows of three.
fn twelve() -> ArrayD<f32> {
    array![[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]]]].into_dyn()
}

#[test]
fn convolutions_of_volumes() {
    // Units go to the first tap, thousands to the last.
    let weight = array![[[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1000.0]]]]].into_dyn();
    let valid = run_exact(Conv::new(), &[&twelve(), &weight]);
    assert_eq!(valid, [array![[[[[11_001.0, 12_002.0]]]]].into_dyn()]);
    // A slice before the volume: the mode says which.
    let before = Conv::new().padding([Sides::new(1, 0), Sides::NONE, Sides::NONE]);
    let first = |mode| run_exact(before.padding_mode(mode), &[&twelve(), &weight])[0][[0, 0, 0, 0, 0]];
    let modes = [
        PaddingMode::Zeros,
        PaddingMode::Reflect,
        PaddingMode::Replicate,
        PaddingMode::Circular,
    ];
    assert_eq!(modes.map(first), [5000.0, 5007.0, 5001.0, 5007.0]);
    let strided = run_exact(Conv::new().stride((2, 1, 1)).dilation((1, 1, 2)), &[&twelve(), &weight]);
    assert_eq!(strided, [array![[[[[12_001.0]]]]].into_dyn()]);
}

#[test]
fn transposed_convolutions_of_volumes() {
    let (input, weight) = (
        array![[[[[2.0]], [[3.0]]]]].into_dyn(),
        array![[[[[1.0]], [[10.0]], [[100.0]]]]].into_dyn(),
    );
    let full = run_exact(ConvTranspose::new().stride((2, 1, 1)), &[&input, &weight]);
    assert_eq!(
        full,
        [array![[[[[2.0]], [[20.0]], [[203.0]], [[30.0]], [[300.0]]]]].into_dyn()]
    );
    let cut = ConvTranspose::new()
        .stride((2, 1, 1))
        .padding([1, 0, 0])
        .output_padding((1, 0, 0));
    assert_eq!(
        run_exact(cut, &[&input, &weight]),
        [array![[[[[20.0]], [[203.0]], [[30.0]], [[300.0]]]]].into_dyn()]
    );
}

#[test]
fn convolutions_of_signals() {
    let (signal, weight) = (array![[[1.0, 2.0, 4.0, 8.0]]].into_dyn(), array![[[1.0, 10.0]]].into_dyn());
    assert_eq!(
        run_exact(Conv::new(), &[&signal, &weight]),
        [array![[[21.0, 42.0, 84.0]]].into_dyn()]
    );
    let mirrored = Conv::new()
        .padding([Sides::new(2, 0)])
        .padding_mode(PaddingMode::Reflect)
        .stride([2]);
    assert_eq!(
        run_exact(mirrored, &[&signal, &weight]),
        [array![[[24.0, 21.0, 84.0]]].into_dyn()]
    );
    let back = run_exact(ConvTranspose::new().stride(3), &[&signal, &weight]);
    assert_eq!(
        back,
        [array![[[1.0, 10.0, 0.0, 2.0, 20.0, 0.0, 4.0, 40.0, 0.0, 8.0, 80.0]]].into_dyn()]
    );
}

#[test]
fn pools_of_volumes() {
    let pool = MaxPool::new((2, 1, 2)).stride(1).return_indices(true);
    let maxima = run_exact(pool, &[&twelve()]);
    assert_eq!(maxima[0], array![[[[[8.0, 9.0], [11.0, 12.0]]]]].into_dyn());
    assert_eq!(maxima[1], array![[[[[7.0, 8.0], [10.0, 11.0]]]]].into_dyn());
    // Column by column: a slice is 1, a row 2, a column 4.
    let by_columns = run_exact(pool.index_order(IndexOrder::TensorByColumns), &[&twelve()]);
    assert_eq!(by_columns[1], array![[[[[5.0, 9.0], [7.0, 11.0]]]]].into_dyn());
    let average = AvgPool::new((2, 2, 3)).padding([1, 0, 0]);
    assert_eq!(run_exact(average, &[&twelve()])[0], array![[[[[1.75]], [[4.75]]]]].into_dyn());
    assert_eq!(
        run_exact(average.count_include_pad(false), &[&twelve()])[0],
        array![[[[[3.5]], [[9.5]]]]].into_dyn()
    );
    assert_eq!(
        run_exact(AdaptiveAvgPool::global(), &[&twelve()])[0],
        array![[[[[6.5]]]]].into_dyn()
    );
    let halves = run_exact(AdaptiveMaxPool::new((2, 1, 2)).return_indices(true), &[&twelve()]);
    assert_eq!(halves[0], array![[[[[5.0, 6.0]], [[11.0, 12.0]]]]].into_dyn());
    assert_eq!(halves[1], array![[[[[4.0, 5.0]], [[10.0, 11.0]]]]].into_dyn());
    let norm = run_exact(LpPool::new(2, (2, 2, 1)), &[&twelve()]);
    assert_eq!(norm[0].as_slice().unwrap()[0], 166.0_f32.sqrt());
}

#[test]
fn padding_and_resizing_of_volumes() {
    let pad = Pad::new([Sides::new(1, 0), Sides::new(0, -1), Sides::new(0, 1)]).value(0.5);
    assert_eq!(
        run_exact(pad, &[&twelve()]),
        [array![[[[[0.5, 0.5, 0.5, 0.5]], [[1.0, 2.0, 3.0, 0.5]], [[7.0, 8.0, 9.0, 0.5]]]]].into_dyn()]
    );
    let nearest = run_exact(Interpolate::nearest((4, 1, 2)), &[&twelve()]);
    assert_eq!(
        nearest,
        [array![[[[[1.0, 2.0]], [[1.0, 2.0]], [[7.0, 8.0]], [[7.0, 8.0]]]]].into_dyn()]
    );
    let trilinear = run_exact(Interpolate::linear((3, 3, 2), true), &[&twelve()]);
    let want = array![[[
        [[1.0, 3.0], [2.5, 4.5], [4.0, 6.0]],
        [[4.0, 6.0], [5.5, 7.5], [7.0, 9.0]],
        [[7.0, 9.0], [8.5, 10.5], [10.0, 12.0]]
    ]]];
    assert_eq!(trilinear, [want.into_dyn()]);
}

/// What an operator makes of an image, it makes of a volume of one slice, and of a signal as of an image of one row.
#[test]
fn a_missing_axis_is_one_of_extent_one() {
    let mut random = Random::new(7);
    let (image, weight) = (random.reals(&[2, 4, 7, 9]), random.reals(&[6, 4, 3, 2]));
    let (row, line) = (random.reals(&[2, 4, 1, 9]), random.reals(&[6, 4, 1, 2]));
    let same = |lower: Op, inputs: &[&ArrayD<f32>], higher: Op| {
        let lifted: Vec<ArrayD<f32>> = inputs.iter().map(|input| (*input).clone().insert_axis(Axis(2))).collect();
        let of_lower = run_exact(lower, inputs);
        let of_higher = run_exact(higher, &lifted.iter().collect::<Vec<_>>());
        let lowered: Vec<ArrayD<f32>> = of_higher
            .into_iter()
            .map(|output| output.index_axis_move(Axis(2), 0))
            .collect();
        assert_eq!(of_lower, lowered);
    };
    let conv = Conv::new().stride((2, 1)).padding([1, 2]);
    same(
        conv.into(),
        &[&image, &weight],
        conv.stride((1, 2, 1)).padding([0, 1, 2]).into(),
    );
    let pool = |kernel: PerAxis| MaxPool::new(kernel).stride(2).return_indices(true);
    same(pool((3, 2).into()).into(), &[&image], pool((1, 3, 2).into()).into());
    let resize = |size: PerAxis| Op::from(Interpolate::linear(size, false));
    same(resize((4, 5).into()), &[&image], resize((1, 4, 5).into()));
    let (signal, taps) = (row.index_axis_move(Axis(2), 0), line.index_axis_move(Axis(2), 0));
    same(
        Conv::new().stride([3]).into(),
        &[&signal, &taps],
        Conv::new().stride((1, 3)).into(),
    );
    same(
        AvgPool::new([2]).padding([1]).into(),
        &[&signal],
        AvgPool::new((1, 2)).padding([0, 1]).into(),
    );
}

/// What is cropped away is not computed: here it would be more than memory holds.
#[test]
fn a_transposed_convolution_makes_no_more_than_is_kept() {
    let input = array![[[1.0, 2.0]]].into_dyn();
    let weight = array![[[3.0, 5.0]]].into_dyn();
    let far = 1 << 40;
    let before = Sides {
        before: far as isize,
        after: 0,
    };
    let op = ConvTranspose::new().stride(far).padding(PerAxis::from([before]));
    assert_eq!(run_exact(op, &[&input, &weight]), [array![[[6.0, 10.0]]].into_dyn()]);
}
