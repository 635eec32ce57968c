//! What each pass leaves of small graphs, and that it computes the same.

use ndarray::ArrayD;

use super::Pass;
use crate::graph::{Graph, ValueId};
use crate::ops::{
    BatchNorm, Binary, Concat, Conv2d, ConvTranspose2d, Expand, Flatten, Fused, FusedBase, Linear, Op, Pad2d, Reshape, Slice,
    Transpose, Unary,
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
    fn after(mut self, passes: &[Pass], output: ValueId) -> Vec<Op> {
        self.graph.output(output).unwrap();
        let input = self.random.reals(&INPUT);
        let optimized = self.graph.optimized(passes, Some(&[&INPUT])).unwrap();
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
fn what_no_output_needs_is_removed() {
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    builder.node(Unary::Relu, &[features]);
    assert_eq!(builder.after(&[Pass::RemoveDeadCode], features), [Op::Conv(conv())]);
}
