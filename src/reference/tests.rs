//! Cases small enough to work out by hand, and proofs by trial that the bounds hold: for inputs within their bounds, and
//! for plain `f32` arithmetic in several orders.

mod attention;
mod axes;
mod sampling;

use ndarray::{ArrayD, Axis, IxDyn, array};

use super::answer::Answer;
use super::run;
use crate::ops::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Concat, Conv2d, ConvPadding, Expand, Flatten, InstanceNorm,
    Interpolate, LayerNorm, Linear, LocalResponseNorm, LpPool2d, MatMul, MaxPool2d, Op, PRelu, Pad2d, Recurrent, RecurrentCell,
    Reduce, Reshape, Slice, Softmax, Transpose, Unary,
};
use crate::testing::{Random, compare};
use crate::{DType, Padding2d, PaddingMode};

/// A number that the function is defined for, with room for an error.
fn within_domain(function: Unary, x: f32) -> f32 {
    match function {
        Unary::Log | Unary::Sqrt => 0.1 + x * x,
        Unary::Acosh => 1.1 + x * x,
        Unary::Asin | Unary::Acos | Unary::Atanh => 0.9 * x / (1.0 + x.abs()),
        _ => 4.0 * x,
    }
}

fn exact(values: &ArrayD<f32>) -> Answer {
    Answer::exact(values.view())
}

fn run_exact(op: impl Into<Op>, inputs: &[&ArrayD<f32>]) -> Vec<ArrayD<f32>> {
    let inputs: Vec<Answer> = inputs.iter().map(|input| exact(input)).collect();
    let outputs = run(&op.into(), &inputs.iter().collect::<Vec<_>>()).unwrap();
    outputs.iter().map(Answer::to_f32).collect()
}

/// 1 to 6 in two rows of three.
fn six() -> ArrayD<f32> {
    array![[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]].into_dyn()
}

#[test]
fn convolution_by_hand() {
    let weight = array![[[[1.0, 10.0]]]].into_dyn();
    let bias = array![0.5].into_dyn();
    let plain = run_exact(Conv2d::new(), &[&six(), &weight, &bias]);
    assert_eq!(plain, [array![[[[21.5, 32.5], [54.5, 65.5]]]].into_dyn()]);
    let left = Conv2d::new().padding(Padding2d::new(1, 0, 0, 0));
    let mode = |mode| run_exact(left.padding_mode(mode), &[&six(), &weight])[0][[0, 0, 0, 0]];
    assert_eq!(PaddingMode::ALL.map(mode), [10.0, 12.0, 11.0, 13.0]);
    let same = run_exact(Conv2d::new().padding(ConvPadding::Same), &[&six(), &weight]);
    assert_eq!(same, [array![[[[21.0, 32.0, 3.0], [54.0, 65.0, 6.0]]]].into_dyn()]);
}

#[test]
fn groups_keep_to_their_channels() {
    let input = array![[[[1.0]], [[10.0]], [[100.0]], [[1000.0]]]].into_dyn();
    let weight = array![[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]].into_dyn();
    let output = run_exact(Conv2d::new().groups(2), &[&input, &weight]);
    assert_eq!(output, [array![[[[21.0]], [[4300.0]]]].into_dyn()]);
}

#[test]
fn padding_is_not_part_of_a_maximum() {
    let negative = six().mapv(|x| -x);
    let pool = MaxPool2d::new([2, 3]).stride(1).padding([1, 0]).return_indices(true);
    let want = [
        array![[[[-1.0], [-1.0], [-4.0]]]].into_dyn(),
        array![[[[0.0], [0.0], [3.0]]]].into_dyn(),
    ];
    assert_eq!(run_exact(pool, &[&negative]), want);
    // Taps at -1 and 2 of a width of 2: all padding. The index is where the search would have begun.
    let pool = MaxPool2d::new([1, 2])
        .stride(1)
        .padding([0, 1])
        .dilation([1, 3])
        .return_indices(true);
    let output = run_exact(pool, &[&array![[[[7.0, 8.0]]]].into_dyn()]);
    assert_eq!((output[0][[0, 0, 0, 0]], output[1][[0, 0, 0, 0]]), (f32::NEG_INFINITY, 2.0));
}

#[test]
fn the_first_of_equals_and_the_last_nan_win() {
    let pool = |values: [f32; 4]| {
        let input = ArrayD::from_shape_vec(IxDyn(&[1, 1, 1, 4]), values.to_vec()).unwrap();
        let output = run_exact(AdaptiveMaxPool2d::global().return_indices(true), &[&input]);
        (output[0][[0, 0, 0, 0]], output[1][[0, 0, 0, 0]])
    };
    assert_eq!(pool([1.0, 3.0, 3.0, 2.0]), (3.0, 1.0));
    assert_eq!(pool([f32::NEG_INFINITY; 4]), (f32::NEG_INFINITY, 0.0));
    let (value, index) = pool([f32::NAN, 5.0, f32::NAN, f32::INFINITY]);
    assert!(value.is_nan());
    assert_eq!(index, 2.0);
}

#[test]
fn norms_of_windows_by_hand() {
    let input = array![[[[3.0, -4.0, 0.0], [0.0, 0.0, -2.0]]]].into_dyn();
    let pool = |p| run_exact(LpPool2d::new(p, [2, 2]).stride(1), &[&input]);
    assert_eq!(pool(1), [array![[[[7.0, 6.0]]]].into_dyn()]);
    assert_eq!(pool(2), [array![[[[5.0, 20.0_f32.sqrt()]]]].into_dyn()]);
    // 3^3 + 4^3 and 4^3 + 2^3.
    assert_eq!(pool(3), [array![[[[91.0_f32.cbrt(), 72.0_f32.cbrt()]]]].into_dyn()]);
}

#[test]
fn resizing_by_hand() {
    let resize = |op: Interpolate| run_exact(op, &[&six()]).swap_remove(0);
    assert_eq!(
        resize(Interpolate::nearest([1, 4])),
        array![[[[1.0, 1.0, 2.0, 3.0]]]].into_dyn()
    );
    assert_eq!(
        resize(Interpolate::bilinear([3, 2], true)),
        array![[[[1.0, 3.0], [2.5, 4.5], [4.0, 6.0]]]].into_dyn()
    );
    // With scales that overshoot, everything past the last element is that element.
    assert_eq!(
        resize(Interpolate::bilinear([1, 2], false).scales([0.1, 0.25])),
        array![[[[5.5, 6.0]]]].into_dyn()
    );
}

#[test]
fn averages_by_hand() {
    let pool = AvgPool2d::new(2).padding(1);
    let corner = |pool: AvgPool2d| run_exact(pool, &[&six()])[0][[0, 0, 0, 1]];
    // The second window has 2 and 3, above them the padding.
    assert_eq!(corner(pool), 1.25);
    assert_eq!(corner(pool.count_include_pad(false)), 2.5);
    assert_eq!(corner(pool.divisor_override(-5)), -1.0);
    // The overhang of ceil mode does not count, with padding or without.
    let overhang = AvgPool2d::new([1, 2]).ceil_mode(true);
    assert_eq!(
        run_exact(overhang, &[&six()]),
        [array![[[[1.5, 3.0], [4.5, 6.0]]]].into_dyn()]
    );
    let thirds = run_exact(AdaptiveAvgPool2d::new([1, 2]), &[&six()]);
    assert_eq!(thirds, [array![[[[3.0, 4.0]]]].into_dyn()]);
}

#[test]
fn broadcasting_by_hand() {
    let (column, row) = (array![[1.0], [2.0]].into_dyn(), array![10.0, 20.0, 30.0].into_dyn());
    assert_eq!(
        run_exact(Binary::Add, &[&column, &row]),
        [array![[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]].into_dyn()]
    );
    assert_eq!(
        run_exact(Binary::Mul, &[&row, &column]),
        [array![[10.0, 20.0, 30.0], [20.0, 40.0, 60.0]].into_dyn()]
    );
    let empty = ArrayD::zeros(IxDyn(&[0, 3]));
    assert_eq!(run_exact(Binary::Add, &[&empty, &array![[1.0]].into_dyn()]), [empty]);
}

/// Examples of the ONNX specification among them: Slice's two, Concat's and Expand's.
#[test]
fn moves_by_hand() {
    let eight = array![[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]].into_dyn();
    let slice = |op: Slice| run_exact(op, &[&eight]).swap_remove(0);
    assert_eq!(
        slice(Slice::new([1, 0], [2, 3]).axes([0, 1]).steps([1, 2])),
        array![[5.0, 7.0]].into_dyn()
    );
    assert_eq!(slice(Slice::new([0, 1], [-1, 1000])), array![[2.0, 3.0, 4.0]].into_dyn());
    assert_eq!(
        slice(Slice::new([-1], [isize::MIN]).axes([-1]).steps([-2])),
        array![[4.0, 2.0], [8.0, 6.0]].into_dyn()
    );
    assert_eq!(slice(Slice::new([3], [9])).shape(), [0, 4]);
    assert_eq!(
        slice(Slice::new([-9], [isize::MIN]).steps([-1])),
        array![[1.0, 2.0, 3.0, 4.0]].into_dyn()
    );

    let (left, right) = (array![[1.0, 2.0], [3.0, 4.0]].into_dyn(), array![[5.0], [7.0]].into_dyn());
    assert_eq!(
        run_exact(Concat::new(-1), &[&left, &right, &left]),
        [array![[1.0, 2.0, 5.0, 1.0, 2.0], [3.0, 4.0, 7.0, 3.0, 4.0]].into_dyn()]
    );
    let transposed = array![[1.0, 3.0], [2.0, 4.0]].into_dyn();
    assert_eq!(run_exact(Transpose::reversed(), &[&left]), [transposed]);
    let turned = run_exact(Transpose::new([3, 0, -3, 2]), &[&six()]).swap_remove(0);
    assert_eq!(turned.shape(), [3, 1, 1, 2]);
    assert_eq!(turned.iter().copied().collect::<Vec<_>>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);

    let column = array![[1.0], [2.0], [3.0]].into_dyn();
    let want = ArrayD::from_shape_fn(IxDyn(&[2, 3, 6]), |place| place[1] as f32 + 1.0);
    assert_eq!(run_exact(Expand::new([2, 1, 6]), &[&column]), [want]);
    let want = array![[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]].into_dyn();
    assert_eq!(run_exact(Expand::new([-1, 2]), &[&column]), [want]);
    assert_eq!(run_exact(Expand::new([1]), &[&column]), [column]);
}

#[test]
fn reductions_by_hand() {
    let image = six();
    let reduce = |op: Reduce| run_exact(op, &[&image]).swap_remove(0);
    assert_eq!(reduce(Reduce::sum([-1])), array![[[6.0, 15.0]]].into_dyn());
    assert_eq!(
        reduce(Reduce::mean([2]).keep_dims(true)),
        array![[[[2.5, 3.5, 4.5]]]].into_dyn()
    );
    assert_eq!(reduce(Reduce::max([3, 0])), array![[3.0, 6.0]].into_dyn());
    assert_eq!(reduce(Reduce::sum([])), ndarray::arr0(21.0).into_dyn());
    assert_eq!(reduce(Reduce::max([]).keep_dims(true)), array![[[[6.0]]]].into_dyn());
    let scalar = ndarray::arr0(2.5).into_dyn();
    assert_eq!(run_exact(Reduce::mean([]), &[&scalar]), [scalar]);

    let none = ArrayD::zeros(IxDyn(&[2, 0]));
    assert_eq!(run_exact(Reduce::sum([1]), &[&none]), [array![0.0, 0.0].into_dyn()]);
    assert!(run_exact(Reduce::mean([1]), &[&none])[0].iter().all(|x| x.is_nan()));
    assert!(run(&Reduce::max([1]).into(), &[&exact(&none)]).is_err());
    assert_eq!(run_exact(Reduce::max([0]), &[&none])[0].shape(), [0]);
    let nan = array![[f32::NAN, 5.0], [f32::NEG_INFINITY, f32::NEG_INFINITY]].into_dyn();
    let largest = run_exact(Reduce::max([1]), &[&nan]).swap_remove(0);
    assert!(largest[0].is_nan() && largest[1] == f32::NEG_INFINITY);
}

#[test]
fn powers_and_quotients_by_hand() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let cases = [
        (Binary::Sub, 2.0, 5.0, -3.0),
        (Binary::Div, -3.0, 2.0, -1.5),
        (Binary::Div, 3.0, -0.0, -inf),
        (Binary::Div, 0.0, 0.0, nan),
        (Binary::Div, inf, -inf, nan),
        (Binary::Div, 1e30, 1e-30, inf),
        (Binary::Pow, -2.0, 3.0, -8.0),
        (Binary::Pow, -2.0, -2.0, 0.25),
        (Binary::Pow, -2.0, 0.5, nan),
        (Binary::Pow, 0.0, 0.0, 1.0),
        (Binary::Pow, nan, 0.0, 1.0),
        (Binary::Pow, 1.0, nan, 1.0),
        (Binary::Pow, nan, 1.0, nan),
        (Binary::Pow, -0.0, -3.0, -inf),
        (Binary::Pow, -10.0, 39.0, -inf),
        (Binary::Min, 2.0, -5.0, -5.0),
        (Binary::Max, 2.0, -5.0, 2.0),
        (Binary::Min, nan, 2.0, nan),
        (Binary::Max, 2.0, nan, nan),
    ];
    for (op, left, right, want) in cases {
        let got = run_exact(op, &[&array![left].into_dyn(), &array![right].into_dyn()])[0][0];
        assert!(got == want || got.is_nan() && want.is_nan(), "{left} {op:?} {right}: {got}");
    }
}

/// Where an input's error reaches a pole, no finite bound is true, and none is given.
#[test]
fn near_a_pole_nothing_is_bounded() {
    let uncertain = |value: f32| Answer {
        bound: array![0.5].into_dyn(),
        ..exact(&array![value].into_dyn())
    };
    let bound = |op: Op, inputs: &[&Answer]| run(&op, inputs).unwrap()[0].bound[0];
    let one = exact(&array![1.0].into_dyn());
    assert_eq!(bound(Unary::Log.into(), &[&uncertain(0.25)]), f64::INFINITY);
    assert!(bound(Unary::Log.into(), &[&uncertain(0.75)]) < 1.2);
    assert_eq!(bound(Binary::Div.into(), &[&one, &uncertain(-0.25)]), f64::INFINITY);
    let fraction = exact(&array![-1.5].into_dyn());
    assert_eq!(bound(Binary::Pow.into(), &[&uncertain(0.25), &fraction]), f64::INFINITY);
    let square = exact(&array![2.0].into_dyn());
    let squared = bound(Binary::Pow.into(), &[&uncertain(0.25), &square]);
    assert!((0.5625 - 0.0625..0.7).contains(&squared), "{squared}");
}

#[test]
fn matrix_products_by_hand() {
    let matrix = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_dyn();
    let vector = array![1.0, 10.0, 100.0].into_dyn();
    assert_eq!(run_exact(MatMul, &[&matrix, &vector]), [array![321.0, 654.0].into_dyn()]);
    assert_eq!(
        run_exact(MatMul, &[&vector, &vector]),
        [ArrayD::from_elem(IxDyn(&[]), 10101.0)]
    );
    let columns = array![[[1.0], [0.0], [0.0]], [[0.0], [0.0], [2.0]]].into_dyn();
    let want = array![[[1.0], [4.0]], [[6.0], [12.0]]].into_dyn();
    assert_eq!(run_exact(MatMul, &[&matrix, &columns]), [want]);
}

#[test]
fn instance_norm_by_hand() {
    let weight = array![2.0, 3.0].into_dyn();
    let bias = array![0.5, -1.0].into_dyn();
    let input = array![[[1.0, 3.0, 1.0, 3.0], [7.0, 7.0, 7.0, 7.0]]].into_dyn();
    // Variances of 1 and 0; with the 3 added, deviations of 2 and sqrt(3).
    let output = run_exact(InstanceNorm::new().eps(3.0), &[&input, &weight, &bias]);
    assert_eq!(
        output,
        [array![[[-0.5, 1.5, -0.5, 1.5], [-1.0, -1.0, -1.0, -1.0]]].into_dyn()]
    );
}

#[test]
fn layer_norm_by_hand() {
    let input = array![[[1.0, 3.0], [1.0, 3.0]], [[7.0, 7.0], [7.0, 7.0]]].into_dyn();
    let weight = array![[2.0, 3.0], [4.0, 5.0]].into_dyn();
    let bias = array![[0.5, -1.0], [0.0, 1.0]].into_dyn();
    // Variances of 1 and 0; with the 3 added, deviations of 2 and sqrt(3).
    let norm = LayerNorm::new(-2).eps(3.0);
    let want = array![[[-1.0, 1.5], [-2.0, 2.5]], [[0.0, 0.0], [0.0, 0.0]]].into_dyn();
    assert_eq!(run_exact(norm, &[&input, &weight])[0], want);
    assert_eq!(run_exact(norm, &[&input, &weight, &bias]), [want + bias]);
    // Means of squares of 5 and 49; with the 4 added, the first row's root is 3.
    let want = run_exact(LayerNorm::rms(1).eps(4.0), &[&input, &weight]).swap_remove(0);
    assert_eq!(
        want.index_axis(Axis(0), 0),
        array![[2.0 / 3.0, 3.0], [4.0 / 3.0, 5.0]].into_dyn()
    );
    assert_eq!(want[[1, 0, 0]], 14.0 / 53.0_f32.sqrt());
}

#[test]
fn recurrent_layers_by_hand() {
    // relu(x + W h + b) from [1, 2]: [1 + 4 + 1, 2 - 1 - 4] and then, from [6, 0], [0 + 0 + 1, -1 - 6 + 0].
    let input = array![[[1.0, 2.0]], [[0.0, -1.0]]].into_dyn();
    let weight = array![[0.0, 2.0], [-1.0, -2.0]].into_dyn();
    let (bias, state) = (array![1.0, 0.0].into_dyn(), array![[1.0, 2.0]].into_dyn());
    let forward = run_exact(Recurrent::new(RecurrentCell::Relu), &[&input, &weight, &bias, &state]);
    assert_eq!(forward, [array![[[6.0, 0.0]], [[1.0, 0.0]]].into_dyn()]);
    // The second step first: [0 + 4 + 1, -1 - 1 - 4], then, from [5, 0], [1 + 0 + 1, 2 - 5].
    let reverse = Recurrent::new(RecurrentCell::Relu).reverse(true);
    let backward = run_exact(reverse, &[&input, &weight, &bias, &state]);
    assert_eq!(backward, [array![[[2.0, 0.0]], [[5.0, 0.0]]].into_dyn()]);
}

#[test]
fn gates_by_hand() {
    // Far from 0 gates are open or shut, and tanh is 1 or -1.
    let (open, shut) = (200.0, -200.0);
    let weight = ArrayD::zeros(vec![4, 1]);
    let bias = ArrayD::zeros(vec![4]);
    let state = array![[0.25]].into_dyn();
    // Input, output, forget, new: 0.5 + 1, hidden; then 1.5 kept, seen; then forgotten for -1, half seen.
    let gates = array![
        [[open, shut, open, open]],
        [[shut, open, open, open]],
        [[open, 0.0, shut, shut]]
    ]
    .into_dyn();
    let cell_state = array![[0.5]].into_dyn();
    let outputs = run_exact(
        Recurrent::new(RecurrentCell::Lstm),
        &[&gates, &weight, &bias, &state, &cell_state],
    );
    let seen = |cell_state: f64| cell_state.tanh() as f32;
    assert_eq!(outputs[0], array![[[0.0]], [[seen(1.5)]], [[0.5 * seen(-1.0)]]].into_dyn());
    assert_eq!(outputs[1], array![[-1.0]].into_dyn());
    // Update, reset, new: replaced; kept; half of each, without and with the state's share, 3 * 0 + 200.
    let weight = array![[0.0], [0.0], [3.0]].into_dyn();
    let bias = array![0.0, 0.0, 200.0].into_dyn();
    let gates = array![
        [[shut, shut, open]],
        [[open, shut, shut]],
        [[0.0, shut, shut]],
        [[0.0, open, 0.0]]
    ]
    .into_dyn();
    let outputs = run_exact(Recurrent::new(RecurrentCell::Gru), &[&gates, &weight, &bias, &state]);
    assert_eq!(outputs, [array![[[1.0]], [[1.0]], [[0.0]], [[0.5]]].into_dyn()]);
}

#[test]
fn an_even_window_of_channels_reaches_further_after() {
    let input = array![[[3.0], [1.0], [2.0]]].into_dyn();
    let norm = LocalResponseNorm::new(2).alpha(2.0).beta(1.0);
    // 1 + 3^2 + 1^2, 1 + 1^2 + 2^2, 1 + 2^2.
    let want = array![[[3.0 / 11.0], [1.0 / 6.0], [2.0 / 5.0]]].into_dyn();
    assert_eq!(run_exact(norm, &[&input]), [want]);
}

#[test]
fn softmax_of_equals_is_uniform_and_does_not_overflow() {
    let large = ArrayD::from_elem(IxDyn(&[2, 4]), 3e38);
    assert_eq!(
        run_exact(Softmax::new(1), &[&large]),
        [ArrayD::from_elem(IxDyn(&[2, 4]), 0.25)]
    );
    assert_eq!(run_exact(Softmax::log(0), &[&large])[0][[0, 0]], -std::f32::consts::LN_2);
    let input = array![0.0, f32::NEG_INFINITY].into_dyn();
    assert_eq!(run_exact(Softmax::new(0), &[&input]), [array![1.0, 0.0].into_dyn()]);
    assert_eq!(
        run_exact(Softmax::log(0), &[&input]),
        [array![0.0, f32::NEG_INFINITY].into_dyn()]
    );
    let nan = run_exact(Softmax::new(0), &[&array![0.0, f32::NAN].into_dyn()]);
    assert!(nan[0].iter().all(|x| x.is_nan()));
}

#[test]
fn nan_stays_nan_and_has_no_bound() {
    for activation in Unary::of_floats() {
        let answers = run(&activation.into(), &[&exact(&array![f32::NAN].into_dyn())]).unwrap();
        assert!(answers[0].values[0].is_nan() && answers[0].bound[0] == 0.0, "{activation:?}");
    }
}

#[test]
fn bad_arguments_are_refused() {
    let input = exact(&six());
    assert!(run(&Conv2d::new().into(), &[&input]).is_err());
    assert!(run(&Conv2d::new().into(), &[]).is_err());
    assert!(run(&Pad2d::new(2).mode(PaddingMode::Reflect).into(), &[&input]).is_err());
    let unbounded = Answer {
        bound: ArrayD::zeros(IxDyn(&[1])),
        ..input
    };
    assert!(run(&Unary::Relu.into(), &[&unbounded]).is_err());
}

#[test]
fn the_largest_strides_leave_one_window() {
    let strided = MaxPool2d::new(2).stride(usize::MAX);
    assert_eq!(run_exact(strided, &[&six()]), [array![[[[5.0]]]].into_dyn()]);
    assert_eq!(run_exact(strided.ceil_mode(true), &[&six()]), [array![[[[5.0]]]].into_dyn()]);
    let conv = Conv2d::new().stride(usize::MAX);
    assert_eq!(
        run_exact(conv, &[&six(), &array![[[[2.0]]]].into_dyn()]),
        [array![[[[2.0]]]].into_dyn()]
    );
}

/// Every operator with random inputs, none of them square.
fn operators(random: &mut Random) -> Vec<(Op, Vec<ArrayD<f32>>)> {
    let image = random.reals(&[2, 4, 5, 7]);
    let mut cases: Vec<(Op, Vec<ArrayD<f32>>)> = Vec::new();
    for mode in PaddingMode::ALL {
        let conv = Conv2d::new()
            .stride([1, 2])
            .padding(Padding2d::new(1, 2, 0, 3))
            .padding_mode(mode)
            .groups(2);
        cases.push((
            conv.into(),
            vec![image.clone(), random.reals(&[6, 2, 3, 2]), random.reals(&[6])],
        ));
        cases.push((Pad2d::new(Padding2d::new(1, 2, 0, 3)).mode(mode).into(), vec![image.clone()]));
    }
    for activation in Unary::of_floats() {
        let input = image.mapv(|x| within_domain(activation, x));
        cases.push((activation.into(), vec![input]));
    }
    for op in [
        MaxPool2d::new([2, 3]).stride(1).padding(1).into(),
        AvgPool2d::new([3, 2]).ceil_mode(true).into(),
        LpPool2d::new(1, [2, 3]).padding(1).into(),
        LpPool2d::new(2, [3, 2]).into(),
        Interpolate::nearest([3, 9]).into(),
        Interpolate::bilinear([7, 3], false).into(),
        LpPool2d::new(3, 2).ceil_mode(true).into(),
        AdaptiveAvgPool2d::new([2, 3]).into(),
        AdaptiveMaxPool2d::new([2, 3]).into(),
        Softmax::new(1).into(),
        Softmax::log(-1).into(),
        Flatten::default().into(),
        Reshape::new([-1, 10]).into(),
        Slice::new([1, -1], [4, 0]).axes([2, 3]).steps([2, -3]).into(),
        Transpose::new([2, 0, 3, 1]).into(),
        Expand::new([3, 1, 1, 1, 7]).into(),
        Reduce::sum([1, 3]).into(),
        Reduce::mean([0, 2]).keep_dims(true).into(),
        Reduce::max([]).into(),
    ] {
        cases.push((op, vec![image.clone()]));
    }
    cases.push((PRelu.into(), vec![image.clone(), random.reals(&[4])]));
    cases.push((
        Linear.into(),
        vec![random.reals(&[3, 17]), random.reals(&[5, 17]), random.reals(&[5])],
    ));
    let variance = random.reals(&[4]).mapv(|x| 0.5 + x.abs());
    let (mean, weight, bias) = (random.reals(&[4]), random.reals(&[4]), random.reals(&[4]));
    cases.push((BatchNorm::new().into(), vec![image.clone(), mean, variance, weight, bias]));
    let (weight, bias) = (random.reals(&[4]), random.reals(&[4]));
    cases.push((InstanceNorm::new().into(), vec![image.clone(), weight, bias]));
    let (weight, bias) = (random.reals(&[5, 7]), random.reals(&[5, 7]));
    cases.push((LayerNorm::rms(2).into(), vec![image.clone(), weight.clone()]));
    cases.push((LayerNorm::new(2).into(), vec![image.clone(), weight, bias]));
    for cell in [
        RecurrentCell::Lstm,
        RecurrentCell::Gru,
        RecurrentCell::Tanh,
        RecurrentCell::Relu,
    ] {
        let rows = cell.gates() * 5;
        let mut inputs: Vec<ArrayD<f32>> = [&[3, 2, rows][..], &[rows, 5], &[rows], &[2, 5]]
            .iter()
            .map(|shape| random.reals(shape))
            .collect();
        if cell == RecurrentCell::Lstm {
            inputs.push(random.reals(&[2, 5]));
        }
        cases.push((Recurrent::new(cell).into(), inputs));
    }
    let norm = LocalResponseNorm::new(3).alpha(2.0).k(0.5);
    cases.push((norm.into(), vec![image.clone()]));
    cases.push((Binary::Add.into(), vec![image.clone(), random.reals(&[4, 1, 7])]));
    cases.push((MatMul.into(), vec![random.reals(&[2, 1, 3, 9]), random.reals(&[4, 9, 5])]));
    for binary in [Binary::Mul, Binary::Sub, Binary::Min, Binary::Max] {
        cases.push((binary.into(), vec![image.clone(), random.reals(&[4, 1, 7])]));
    }
    let divisor = random.reals(&[4, 1, 7]).mapv(|x| x + 0.5_f32.copysign(x));
    cases.push((Binary::Div.into(), vec![image.clone(), divisor]));
    cases.push((
        Concat::new(1).into(),
        vec![image.clone(), random.reals(&[2, 1, 5, 7]), image.clone()],
    ));
    let base = random.reals(&[4, 1, 7]).mapv(|x| 0.1 + x * x);
    cases.push((Binary::Pow.into(), vec![base, image]));
    cases
}

#[test]
fn inputs_within_their_bounds_give_outputs_within_theirs() {
    let mut random = Random::new(11);
    for (op, inputs) in operators(&mut random) {
        // What `f64` itself rounds away.
        let rounding = 1e-12;
        for error in [1e-3, 0.05] {
            let uncertain: Vec<Answer> = inputs
                .iter()
                .map(|input| Answer {
                    bound: ArrayD::from_elem(input.raw_dim(), error),
                    ..exact(input)
                })
                .collect();
            let want = &run(&op, &uncertain.iter().collect::<Vec<_>>()).unwrap()[0];
            for _ in 0..20 {
                // Errors as large as they may be.
                let moved: Vec<Answer> = inputs
                    .iter()
                    .map(|input| Answer {
                        dtype: DType::F32,
                        values: input.mapv(|x| f64::from(x) + if random.below(2) == 0 { error } else { -error }),
                        bound: ArrayD::zeros(input.raw_dim()),
                        chance: None,
                    })
                    .collect();
                let got = &run(&op, &moved.iter().collect::<Vec<_>>()).unwrap()[0];
                for ((&got, &want), &bound) in got.values.iter().zip(&want.values).zip(&want.bound) {
                    assert!(
                        (got - want).abs() <= bound + rounding,
                        "{op:?}: {got} for {want} within {bound}, inputs within {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn f32_sums_in_any_order_are_within_the_bound() {
    let mut random = Random::new(5);
    let (input, weight) = (random.reals(&[7, 300]), random.reals(&[4, 300]));
    let want = &run(&Linear.into(), &[&exact(&input), &exact(&weight)]).unwrap()[0];
    let product = |n: usize, o: usize, i: usize| input[[n, i]] * weight[[o, i]];
    let forwards = |n, o| (0..300).fold(0.0, |sum, i| sum + product(n, o, i));
    let backwards = |n, o| (0..300).rev().fold(0.0, |sum, i| sum + product(n, o, i));
    let fused = |n, o| (0..300).fold(0.0_f32, |sum, i| input[[n, i]].mul_add(weight[[o, i]], sum));
    let in_tiles = |n, o| {
        (0..10).fold(0.0, |sum, tile| {
            sum + (0..30).fold(0.0, |sum, i| sum + product(n, o, 30 * tile + i))
        })
    };
    let orders: [&dyn Fn(usize, usize) -> f32; 4] = [&forwards, &backwards, &fused, &in_tiles];
    for order in orders {
        let got = ArrayD::from_shape_fn(IxDyn(&[7, 4]), |place| order(place[0], place[1]));
        compare(&got, want).unwrap();
        // One product missing is more than rounding.
        let wrong = ArrayD::from_shape_fn(IxDyn(&[7, 4]), |place| {
            order(place[0], place[1]) - product(place[0], place[1], 150)
        });
        assert!(compare(&wrong, want).is_err());
    }
}

#[test]
fn f32_activations_are_within_bounds_that_are_not_slack() {
    let input = ArrayD::from_shape_fn(IxDyn(&[4001]), |place| (place[0] as f32 - 2000.0) / 100.0);
    // Twice that of GELU's approximation.
    let tanh_argument = |x: f32| 1.595_769 * x * (1.0 + 0.044_715 * x * x);
    let in_f32 = |activation: Unary, x: f32| {
        Some(match activation {
            Unary::Relu => x.max(0.0),
            Unary::Relu6 => x.clamp(0.0, 6.0),
            Unary::LeakyRelu { negative_slope } => x.max(negative_slope * x),
            Unary::Elu { alpha } if x < 0.0 => alpha * x.exp_m1(),
            Unary::Elu { .. } => x,
            Unary::Silu => x / (1.0 + (-x).exp()),
            Unary::Mish => {
                let q = (-x.abs()).exp();
                let ratio = if x < 0.0 {
                    q * (q + 2.0) / (q * (q + 2.0) + 2.0)
                } else {
                    (1.0 + 2.0 * q) / (1.0 + 2.0 * q * (1.0 + q))
                };
                x * ratio
            }
            Unary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Unary::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Unary::Tanh => x.tanh(),
            Unary::HardSigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Unary::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
            Unary::Clamp { min, max } => x.clamp(min, max),
            Unary::Abs => x.abs(),
            Unary::Neg => -x,
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Erf => super::erf::erf(f64::from(x)) as f32,
            Unary::Softsign => x / (1.0 + x.abs()),
            Unary::Selu { alpha, gamma } => gamma * if x > 0.0 { x } else { alpha * x.exp_m1() },
            Unary::Celu { alpha } => x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0),
            Unary::HardSigmoidWith { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Unary::GeluTanh => x / (1.0 + (-tanh_argument(x)).exp()),
            Unary::Floor => x.floor(),
            Unary::Ceil => x.ceil(),
            Unary::Gelu => 0.5 * x * super::erf::erfc(f64::from(-x * std::f32::consts::FRAC_1_SQRT_2)) as f32,
            _ => return None,
        })
    };
    for activation in Unary::of_floats() {
        let want = &run(&activation.into(), &[&exact(&input)]).unwrap()[0];
        if in_f32(activation, 0.0).is_some() {
            let got = input.mapv(|x| in_f32(activation, x).unwrap());
            compare(&got, want).unwrap_or_else(|mismatch| panic!("{activation:?}: {mismatch}"));
        }
        for ((&x, &value), &bound) in input.iter().zip(&want.values).zip(&want.bound) {
            // An exponential's own error grows with its argument, GELU's with the square.
            let t = match activation {
                Unary::Gelu => x * x,
                Unary::GeluTanh => 4.0 * tanh_argument(x.abs()),
                _ => x.abs(),
            };
            let limit = 50.0 + 2.0 * f64::from(t.min(512.0));
            // `x / 6 + 0.5` is as good as `(x + 3) / 6`, and has the rounding error of a number near 0.5.
            let smallest = match activation {
                Unary::HardSigmoid | Unary::HardSwish | Unary::HardSigmoidWith { .. } => 0.1,
                // The root of a number that may be flushed to zero.
                Unary::Sqrt => 1e-13,
                _ => 1e-30,
            };
            if value.is_nan() {
                assert!(bound == 0.0, "{activation:?} at {x}: {value:e} within {bound:e}");
                continue;
            }
            assert!(
                bound <= limit * f64::from(f32::EPSILON) * value.abs().max(smallest),
                "{activation:?} at {x}: bound {bound:e} for {value:e}"
            );
        }
    }
}
