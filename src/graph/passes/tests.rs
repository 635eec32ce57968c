//! What each pass leaves of small graphs, and that it computes the same.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use ndarray::ArrayD;

use super::Pass;
use crate::graph::{Graph, ValueId};
use crate::ops::{
    BatchNorm, Binary, Concat, Conv2d, ConvTranspose2d, Expand, Flatten, Fused, FusedBase, Linear, MatMul, Op, Pad2d, Reshape,
    ScaledDotProductAttention, Slice, Softmax, Transpose, Unary,
};
use crate::padding::{Padding2d, PaddingMode};
use crate::session::Backend;
use crate::session::Session;
use crate::testing::{Random, compare};

/// A graph under construction with random whole-number weights.
struct Builder {
    graph: Graph,
    random: Random,
    input: ValueId,
}

const INPUT: [usize; 4] = [1, 3, 7, 9];

impl Builder {
    fn new() -> Self {
        let mut graph = Graph::new();
        let input = graph.input("input");
        Self {
            graph,
            random: Random::new(3),
            input,
        }
    }

    fn constant(&mut self, shape: &[usize]) -> ValueId {
        let array = self.random.reals(shape);
        self.graph.constant("weight", array)
    }

    fn node(&mut self, op: impl Into<Op>, inputs: &[ValueId]) -> ValueId {
        self.graph.node("node", op, inputs).unwrap()
    }

    fn conv(&mut self, op: Conv2d, input: ValueId) -> ValueId {
        let (weight, bias) = (self.constant(&[3, 3, 3, 3]), self.constant(&[3]));
        self.node(op, &[input, weight, bias])
    }

    /// Applies the pass, checks that the graph computes the same on the reference, and gives the operators left.
    fn after(self, passes: &[Pass], output: ValueId) -> Vec<Op> {
        self.after_of(&INPUT, passes, output)
    }

    /// The same for an input of this shape.
    fn after_of(mut self, shape: &[usize], passes: &[Pass], output: ValueId) -> Vec<Op> {
        self.graph.output(output).unwrap();
        let input = self.random.reals(shape);
        let optimized = self.graph.optimized(passes, Some(&[shape])).unwrap();
        let ops = optimized.nodes().iter().map(|node| node.op().clone()).collect();
        let run = |graph: Graph| -> ArrayD<f32> {
            let session = Session::new(graph, &Backend::Reference).unwrap();
            session.run(&[input.view()]).unwrap().swap_remove(0)
        };
        let want = Session::new(self.graph, &Backend::Reference)
            .unwrap()
            .answers(&[input.view()])
            .unwrap();
        compare(&run(optimized), &want[0]).unwrap();
        ops
    }
}

fn conv() -> Conv2d {
    Conv2d::new().padding(1)
}

#[test]
fn constants_are_computed_once() {
    let mut builder = Builder::new();
    let (a, b) = (builder.constant(&[3, 1, 1]), builder.constant(&[1]));
    let sum = builder.node(Binary::Add, &[a, b]);
    let product = builder.node(Binary::Mul, &[builder.input, sum]);
    assert_eq!(builder.after(&[Pass::FoldConstants], product), [Op::Binary(Binary::Mul)]);
}

#[test]
fn batch_norm_becomes_part_of_the_convolution() {
    for bias in [true, false] {
        let mut builder = Builder::new();
        let weight = builder.constant(&[3, 3, 3, 3]);
        let mut inputs = vec![builder.input, weight];
        if bias {
            inputs.push(builder.constant(&[3]));
        }
        let features = builder.node(conv(), &inputs);
        let mean = builder.constant(&[3]);
        let variance = builder.graph.constant("variance", ArrayD::from_elem(vec![3], 2.0));
        let (scale, shift) = (builder.constant(&[3]), builder.constant(&[3]));
        let norm = builder.node(BatchNorm::new(), &[features, mean, variance, scale, shift]);
        assert_eq!(builder.after(&[Pass::FoldBatchNorm], norm), [Op::Conv(conv())]);
    }
}

#[test]
fn batch_norm_becomes_part_of_transposed_convolution_and_linear() {
    let after = |make: &dyn Fn(&mut Builder) -> ValueId, channels: usize| {
        let mut builder = Builder::new();
        let features = make(&mut builder);
        let mean = builder.constant(&[channels]);
        let variance = builder.graph.constant("variance", ArrayD::from_elem(vec![channels], 2.0));
        let (scale, shift) = (builder.constant(&[channels]), builder.constant(&[channels]));
        let norm = builder.node(BatchNorm::new(), &[features, mean, variance, scale, shift]);
        builder.after(&[Pass::FoldBatchNorm], norm).len()
    };
    let transposed = |builder: &mut Builder| {
        let weight = builder.constant(&[3, 2, 3, 2]);
        builder.node(ConvTranspose2d::new().groups(3).stride(2), &[builder.input, weight])
    };
    assert_eq!(after(&transposed, 6), 1);
    let linear = |builder: &mut Builder| {
        let flat = builder.node(Flatten::default(), &[builder.input]);
        let weight = builder.constant(&[5, 3 * 7 * 9]);
        builder.node(Linear, &[flat, weight])
    };
    assert_eq!(after(&linear, 5), 2);
    // The channels of a batch normalisation of four dimensions are not the features of a linear layer.
    let features = |builder: &mut Builder| {
        let weight = builder.constant(&[3, 9]);
        builder.node(Linear, &[builder.input, weight])
    };
    assert_eq!(after(&features, 3), 2);
}

/// Each operation with the constant on either side, of each shape that broadcasts over a channel.
#[test]
fn scales_and_shifts_become_part_of_what_is_before_them() {
    let binaries = [Binary::Add, Binary::Mul, Binary::Sub, Binary::Div];
    for op in binaries {
        for (shape, left) in [(&[3, 1, 1][..], true), (&[1, 3, 1, 1], false), (&[], true), (&[1, 1], false)] {
            let mut builder = Builder::new();
            let features = builder.conv(conv(), builder.input);
            let constant = builder.constant(shape);
            let operands = if left { [features, constant] } else { [constant, features] };
            let output = builder.node(op, &operands);
            let left_over = usize::from(op == Binary::Div && !left);
            let ops = builder.after(&[Pass::FoldScaleAndShift], output);
            assert_eq!(ops.len(), 1 + left_over, "{op:?} {shape:?} {left}: {ops:?}");
        }
        let mut builder = Builder::new();
        let (weight, constant) = (builder.constant(&[5, 9]), builder.constant(&[5]));
        let features = builder.node(Linear, &[builder.input, weight]);
        let output = builder.node(op, &[features, constant]);
        assert_eq!(builder.after(&[Pass::FoldScaleAndShift], output), [Op::Linear(Linear)]);
    }
}

#[test]
fn a_product_and_then_a_sum_become_part_of_a_transposed_convolution() {
    let mut builder = Builder::new();
    let (weight, scale, shift) = (
        builder.constant(&[3, 2, 3, 2]),
        builder.constant(&[6, 1, 1]),
        builder.constant(&[6, 1, 1]),
    );
    let op = ConvTranspose2d::new().groups(3).stride(2);
    let features = builder.node(op, &[builder.input, weight]);
    let scaled = builder.node(Binary::Mul, &[features, scale]);
    let output = builder.node(Binary::Add, &[shift, scaled]);
    assert_eq!(builder.after(&[Pass::FoldScaleAndShift], output), [Op::ConvTranspose(op)]);
}

/// Constants that differ within a channel, add a dimension or make more channels, that are not finite; other users.
#[test]
fn other_scales_and_shifts_stay() {
    for shape in [&[9][..], &[7, 1], &[1, 1, 1, 1, 1], &[3, 1, 9], &[2, 3, 1, 1]] {
        let mut builder = Builder::new();
        let features = builder.conv(conv(), builder.input);
        let constant = builder.constant(shape);
        let output = builder.node(Binary::Mul, &[features, constant]);
        assert_eq!(builder.after(&[Pass::FoldScaleAndShift], output).len(), 2, "{shape:?}");
    }
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    let constant = builder.constant(&[1]);
    let scaled = builder.node(Binary::Mul, &[features, constant]);
    let sum = builder.node(Binary::Add, &[features, scaled]);
    assert_eq!(builder.after(&[Pass::FoldScaleAndShift], sum).len(), 3);
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    let zero = builder.graph.constant("zero", ArrayD::from_elem(vec![1], 0.0));
    let quotient = builder.node(Binary::Div, &[features, zero]);
    builder.graph.output(quotient).unwrap();
    let optimized = builder.graph.optimized(&[Pass::FoldScaleAndShift], None).unwrap();
    assert_eq!(optimized.nodes().len(), 2);
}

/// Each is an operator between two activations, so that neither an input nor an output of the graph stands in the way.
fn around(op: impl Into<Op>, constants: &[ArrayD<f32>]) -> usize {
    let mut builder = Builder::new();
    let before = builder.node(Unary::Tanh, &[builder.input]);
    let mut operands = vec![before];
    for constant in constants {
        operands.push(builder.graph.constant("constant", constant.clone()));
    }
    let middle = builder.node(op, &operands);
    let after = builder.node(Unary::Relu, &[middle]);
    builder.after(&[Pass::RemoveNoOps], after).len() - 2
}

#[test]
fn what_changes_nothing_is_removed() {
    let one = |value: f32| [ArrayD::from_elem(vec![3, 1, 1], value)];
    assert_eq!(around(Reshape::new([1, 3, 7, 9]), &[]), 0);
    assert_eq!(around(Flatten::new(0, 0), &[]), 0);
    assert_eq!(around(Expand::new([1, 3, -1, 1]), &[]), 0);
    assert_eq!(around(Concat::new(2), &[]), 0);
    assert_eq!(around(Slice::new([0, 0], [3, 99]).axes([1, 2]), &[]), 0);
    assert_eq!(around(Transpose::new([0, 1, 2, 3]), &[]), 0);
    assert_eq!(around(Pad2d::new(0), &[]), 0);
    assert_eq!(around(Binary::Mul, &one(1.0)), 0);
    assert_eq!(around(Binary::Div, &one(1.0)), 0);
    assert_eq!(around(Binary::Sub, &one(0.0)), 0);
    assert_eq!(around(Binary::Add, &one(-0.0)), 0);
}

#[test]
fn what_changes_something_stays() {
    let one = |value: f32| [ArrayD::from_elem(vec![3, 1, 1], value)];
    assert_eq!(around(Reshape::new([3, 7, 9]), &[]), 1);
    assert_eq!(around(Expand::new([2, 3, 7, 9]), &[]), 1);
    assert_eq!(around(Slice::new([-1], [isize::MIN]).axes([2]).steps([-1]), &[]), 1);
    assert_eq!(around(Slice::new([0], [2]).axes([1]), &[]), 1);
    assert_eq!(around(Transpose::new([0, 1, 3, 2]), &[]), 1);
    assert_eq!(around(Concat::new(1), &[ArrayD::zeros(vec![1, 1, 7, 9])]), 1);
    assert_eq!(around(Pad2d::new([1, 0]), &[]), 1);
    assert_eq!(around(Binary::Mul, &[ArrayD::from_elem(vec![2, 1, 1, 1], 1.0)]), 1);
    // These make 0 of -0, or only look alike.
    assert_eq!(around(Binary::Add, &one(0.0)), 1);
    assert_eq!(around(Binary::Sub, &one(-0.0)), 1);
    assert_eq!(around(Binary::Pow, &one(1.0)), 1);
    assert_eq!(around(Binary::Max, &one(-2.0)), 1);
}

#[test]
fn an_output_that_changes_nothing_is_what_it_equals() {
    let mut builder = Builder::new();
    let active = builder.node(Unary::Tanh, &[builder.input]);
    let first = builder.node(Pad2d::new(0), &[active]);
    let second = builder.node(Reshape::new([1, 3, 7, -1]), &[first]);
    assert_eq!(builder.after(&[Pass::RemoveNoOps], second), [Op::Unary(Unary::Tanh)]);
}

#[test]
fn batch_norm_stays_where_others_use_the_convolution() {
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    let parameters: Vec<_> = (0..4)
        .map(|_| builder.graph.constant("p", ArrayD::from_elem(vec![3], 1.5)))
        .collect();
    let norm = builder.node(BatchNorm::new(), &[&[features], &parameters[..]].concat());
    let sum = builder.node(Binary::Add, &[features, norm]);
    assert_eq!(builder.after(&[Pass::FoldBatchNorm], sum).len(), 3);
}

#[test]
fn padding_of_every_mode_becomes_part_of_the_convolution() {
    for mode in PaddingMode::ALL {
        let mut builder = Builder::new();
        let padding = Padding2d::new(1, 2, 0, 3);
        let padded = builder.node(Pad2d::new(padding).mode(mode), &[builder.input]);
        let features = builder.conv(Conv2d::new(), padded);
        let expected = Conv2d::new().padding(padding).padding_mode(mode);
        assert_eq!(builder.after(&[Pass::FoldPadding], features), [Op::Conv(expected)]);
    }
}

#[test]
fn zeros_add_up_and_other_paddings_stay() {
    let after = |pad: Pad2d, own: Conv2d| {
        let mut builder = Builder::new();
        let padded = builder.node(pad, &[builder.input]);
        let features = builder.conv(own, padded);
        builder.after(&[Pass::FoldPadding], features)
    };
    let both = Conv2d::new().padding(Padding2d::new(2, 3, 1, 4));
    assert_eq!(after(Pad2d::new(Padding2d::new(1, 2, 0, 3)), conv()), [Op::Conv(both)]);
    assert_eq!(after(Pad2d::new(1).mode(PaddingMode::Reflect), conv()).len(), 2);
    assert_eq!(after(Pad2d::new(1).value(2.0), Conv2d::new()).len(), 2);
    assert_eq!(after(Pad2d::new(-1), Conv2d::new()).len(), 2);
}

#[test]
fn a_residual_block_is_two_operators() {
    let mut builder = Builder::new();
    let first = builder.conv(conv(), builder.input);
    let active = builder.node(Unary::Relu, &[first]);
    let second = builder.conv(conv(), active);
    let sum = builder.node(Binary::Add, &[builder.input, second]);
    let output = builder.node(Unary::Relu, &[sum]);
    let fused = Fused::new(FusedBase::Conv(conv())).activation(Unary::Relu);
    let expected = [Op::Fused(fused), Op::Fused(fused.residual(true))];
    assert_eq!(builder.after(&[Pass::FuseEpilogues], output), expected);
}

#[test]
fn a_sum_that_broadcasts_is_no_residual() {
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    let offset = builder.constant(&[3, 1, 1]);
    let sum = builder.node(Binary::Add, &[features, offset]);
    assert_eq!(builder.after(&[Pass::FuseEpilogues], sum).len(), 2);
}

#[test]
fn linear_takes_its_activation() {
    let mut builder = Builder::new();
    let (weight, bias) = (builder.constant(&[5, 9]), builder.constant(&[5]));
    let features = builder.node(Linear, &[builder.input, weight, bias]);
    let active = builder.node(Unary::Gelu, &[features]);
    let expected = Fused::new(FusedBase::Linear(Linear)).activation(Unary::Gelu);
    assert_eq!(builder.after(&[Pass::FuseEpilogues], active), [Op::Fused(expected)]);
}

#[test]
fn a_gelu_in_parts_is_one_function() {
    let number = |builder: &mut Builder, number: f32| builder.graph.constant("number", ndarray::arr0(number).into_dyn());
    for order in 0..4 {
        let mut builder = Builder::new();
        let features = builder.conv(conv(), builder.input);
        let (half, one) = (number(&mut builder, 0.5), number(&mut builder, 1.0));
        let scaled = if order % 2 == 0 {
            let root = number(&mut builder, SQRT_2);
            builder.node(Binary::Div, &[features, root])
        } else {
            let factor = number(&mut builder, FRAC_1_SQRT_2);
            builder.node(Binary::Mul, &[factor, features])
        };
        let erf = builder.node(Unary::Erf, &[scaled]);
        let sum = builder.node(Binary::Add, &[erf, one]);
        let active = if order < 2 {
            let product = builder.node(Binary::Mul, &[features, sum]);
            builder.node(Binary::Mul, &[product, half])
        } else {
            let product = builder.node(Binary::Mul, &[half, features]);
            builder.node(Binary::Mul, &[sum, product])
        };
        let fused = Fused::new(FusedBase::Conv(conv())).activation(Unary::Gelu);
        assert_eq!(
            builder.after(&[Pass::FuseGelu, Pass::FuseEpilogues], active),
            [Op::Fused(fused)]
        );
    }
}

#[test]
fn what_is_almost_a_gelu_stays() {
    for (half, one, root) in [(0.25, 1.0, SQRT_2), (0.5, 2.0, SQRT_2), (0.5, 1.0, 1.5)] {
        let mut builder = Builder::new();
        let [half, one, root] =
            [half, one, root].map(|number: f32| builder.graph.constant("number", ndarray::arr0(number).into_dyn()));
        let scaled = builder.node(Binary::Div, &[builder.input, root]);
        let erf = builder.node(Unary::Erf, &[scaled]);
        let sum = builder.node(Binary::Add, &[erf, one]);
        let product = builder.node(Binary::Mul, &[builder.input, sum]);
        let active = builder.node(Binary::Mul, &[product, half]);
        assert_eq!(builder.after(&[Pass::FuseGelu], active).len(), 5);
    }
}

#[test]
fn a_product_with_its_own_sigmoid_is_one_function() {
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    let factor = builder.node(Unary::Sigmoid, &[features]);
    let active = builder.node(Binary::Mul, &[factor, features]);
    let fused = Fused::new(FusedBase::Conv(conv())).activation(Unary::Silu);
    assert_eq!(
        builder.after(&[Pass::FuseSilu, Pass::FuseEpilogues], active),
        [Op::Fused(fused)]
    );
}

#[test]
fn a_sigmoid_that_others_read_stays() {
    let mut builder = Builder::new();
    let factor = builder.node(Unary::Sigmoid, &[builder.input]);
    let active = builder.node(Binary::Mul, &[builder.input, factor]);
    let sum = builder.node(Binary::Add, &[active, factor]);
    let expected = [Unary::Sigmoid.into(), Unary::Silu.into(), Binary::Add.into()];
    assert_eq!(builder.after(&[Pass::FuseSilu], sum), expected);
}

#[test]
fn what_no_output_needs_is_removed() {
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    builder.node(Unary::Relu, &[features]);
    assert_eq!(builder.after(&[Pass::RemoveDeadCode], features), [Op::Conv(conv())]);
}

/// Heads of one input, `[2, 6, 5, 8]`, as queries, keys and values, in parts as exporters write attention.
struct Heads {
    builder: Builder,
    scale: ValueId,
}

const HEADS: [usize; 4] = [2, 6, 5, 8];

impl Heads {
    fn new() -> Self {
        let mut builder = Builder::new();
        let scale = builder.graph.constant("scale", ndarray::arr0(0.5_f32).into_dyn());
        Self { builder, scale }
    }

    fn scaled(&mut self, input: ValueId) -> ValueId {
        self.builder.node(Binary::Mul, &[input, self.scale])
    }

    /// The product of queries and of keys that are transposed, neither of which is scaled.
    fn scores(&mut self) -> ValueId {
        let heads = self.builder.input;
        let key = self.builder.node(Transpose::new([0, 1, 3, 2]), &[heads]);
        self.builder.node(MatMul, &[heads, key])
    }

    /// What attention with these scores is, if a pass finds it.
    fn after(self, scores: ValueId) -> Vec<Op> {
        let value = self.builder.input;
        self.after_with(scores, value)
    }

    fn after_with(mut self, scores: ValueId, value: ValueId) -> Vec<Op> {
        let weights = self.builder.node(Softmax::new(-1), &[scores]);
        let output = self.builder.node(MatMul, &[weights, value]);
        self.builder
            .after_of(&HEADS, &[Pass::FuseAttention, Pass::RemoveDeadCode], output)
    }
}

fn attention(scale: f32) -> Op {
    ScaledDotProductAttention::new().scale(scale).into()
}

#[test]
fn attention_is_fused_wherever_it_is_scaled() {
    // PyTorch's exporters: both sides, the keys after they are transposed.
    let mut heads = Heads::new();
    let input = heads.builder.input;
    let query = heads.scaled(input);
    let key = heads.builder.node(Transpose::new([0, 1, 3, 2]), &[input]);
    let key = heads.scaled(key);
    let scores = heads.builder.node(MatMul, &[query, key]);
    assert_eq!(heads.after(scores), [attention(0.25)]);
    // The product, by a quotient.
    let mut heads = Heads::new();
    let scores = heads.scores();
    let scores = heads.builder.node(Binary::Div, &[scores, heads.scale]);
    assert_eq!(heads.after(scores), [attention(2.0)]);
    // Keys that lie as the product needs them are transposed for it.
    let mut heads = Heads::new();
    let input = heads.builder.input;
    let key = heads.builder.node(Reshape::new([2, 6, 8, 5]), &[input]);
    let scores = heads.builder.node(MatMul, &[input, key]);
    let transposed = [
        Reshape::new([2, 6, 8, 5]).into(),
        Transpose::new([0, 1, 3, 2]).into(),
        attention(1.0),
    ];
    assert_eq!(heads.after(scores), transposed);
}

#[test]
fn attention_is_fused_with_what_is_added_to_scores() {
    // A table of positions for each head, and a mask for each of three windows, whose axis is split off meanwhile.
    let mut heads = Heads::new();
    let (table, mask) = (heads.builder.constant(&[6, 5, 5]), heads.builder.constant(&[3, 1, 5, 5]));
    let scores = heads.scores();
    let scores = heads.scaled(scores);
    let scores = heads.builder.node(Binary::Add, &[table, scores]);
    let split = heads.builder.node(Reshape::new([2, 3, 2, 5, 5]), &[scores]);
    let split = heads.builder.node(Binary::Add, &[split, mask]);
    let scores = heads.builder.node(Reshape::new([2, 6, 5, 5]), &[split]);
    let windows = || Op::from(Reshape::new([2, 3, 2, 5, 8]));
    let fused = [
        windows(),
        windows(),
        windows(),
        Reshape::new([1, 3, 2, 5, 5]).into(),
        Binary::Add.into(),
        attention(0.5),
        Reshape::new([2, 6, 5, 8]).into(),
    ];
    assert_eq!(heads.after(scores), fused);
    // A factor for each head, which queries take up.
    let mut heads = Heads::new();
    let factor = heads.builder.constant(&[6, 1, 1]);
    let scores = heads.scores();
    let scores = heads.builder.node(Binary::Mul, &[scores, factor]);
    assert_eq!(heads.after(scores), [Binary::Mul.into(), attention(1.0)]);
    // What is computed in every run.
    let mut heads = Heads::new();
    let scores = heads.scores();
    let mask = heads.builder.node(Slice::new([0], [5]).axes([3]), &[heads.builder.input]);
    let scores = heads.builder.node(Binary::Add, &[scores, mask]);
    assert_eq!(heads.after(scores), [Slice::new([0], [5]).axes([3]).into(), attention(1.0)]);
}

#[test]
fn what_is_more_than_attention_stays() {
    let parts = |heads: Heads, scores: ValueId| {
        let ops = heads.after(scores);
        assert!(
            !ops.iter().any(|op| matches!(op, Op::ScaledDotProductAttention(_))),
            "{ops:?}"
        );
    };
    // Scores that are wanted by themselves.
    let mut heads = Heads::new();
    let scores = heads.scores();
    heads.builder.graph.output(scores).unwrap();
    let weights = heads.builder.node(Softmax::new(-1), &[scores]);
    let output = heads.builder.node(MatMul, &[weights, heads.builder.input]);
    heads.builder.graph.output(output).unwrap();
    let optimized = heads
        .builder
        .graph
        .optimized(&[Pass::FuseAttention], Some(&[&HEADS]))
        .unwrap();
    assert_eq!(optimized.nodes().len(), 4);
    // A mask that is scaled; another axis; scores that are no product.
    let mut heads = Heads::new();
    let scores = heads.scores();
    let scores = heads.builder.node(Binary::Add, &[scores, heads.scale]);
    let scores = heads.scaled(scores);
    parts(heads, scores);
    let mut heads = Heads::new();
    let scores = heads.scores();
    let scores = heads.builder.node(Softmax::new(2), &[scores]);
    parts(heads, scores);
    let mut heads = Heads::new();
    let scores = heads.builder.node(Slice::new([0], [5]).axes([3]), &[heads.builder.input]);
    parts(heads, scores);
    // A scale that leaves nothing of the scores, and more operators between than anyone writes.
    let mut heads = Heads::new();
    let zero = heads.builder.graph.constant("zero", ndarray::arr0(0.0_f32).into_dyn());
    let scores = heads.scores();
    let scores = heads.builder.node(Binary::Mul, &[scores, zero]);
    parts(heads, scores);
    let mut heads = Heads::new();
    let mut scores = heads.scores();
    for _ in 0..16 {
        scores = heads.scaled(scores);
    }
    parts(heads, scores);
    // Values that are the same for all heads.
    let mut heads = Heads::new();
    let scores = heads.scores();
    let value = heads.builder.constant(&[5, 3]);
    let ops = heads.after_with(scores, value);
    assert_eq!(ops.len(), 4, "{ops:?}");
}
