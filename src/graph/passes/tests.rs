//! What each pass leaves of small graphs, and that it computes the same.

use ndarray::ArrayD;

use super::Pass;
use crate::backend::Backend;
use crate::graph::{Graph, Session, ValueId};
use crate::ops::{Activation, BatchNorm, Binary, Conv2d, Fused, FusedBase, Linear, Op, Pad2d};
use crate::padding::{Padding2d, PaddingMode};
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
        assert_eq!(builder.after(&[Pass::FoldBatchNorm], norm), [Op::Conv2d(conv())]);
    }
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
        assert_eq!(builder.after(&[Pass::FoldPadding], features), [Op::Conv2d(expected)]);
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
    assert_eq!(after(Pad2d::new(Padding2d::new(1, 2, 0, 3)), conv()), [Op::Conv2d(both)]);
    assert_eq!(after(Pad2d::new(1).mode(PaddingMode::Reflect), conv()).len(), 2);
    assert_eq!(after(Pad2d::new(1).value(2.0), Conv2d::new()).len(), 2);
    assert_eq!(after(Pad2d::new(-1), Conv2d::new()).len(), 2);
}

#[test]
fn a_residual_block_is_two_operators() {
    let mut builder = Builder::new();
    let first = builder.conv(conv(), builder.input);
    let active = builder.node(Activation::Relu, &[first]);
    let second = builder.conv(conv(), active);
    let sum = builder.node(Binary::Add, &[builder.input, second]);
    let output = builder.node(Activation::Relu, &[sum]);
    let fused = Fused::new(FusedBase::Conv2d(conv())).activation(Activation::Relu);
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
    let active = builder.node(Activation::Gelu, &[features]);
    let expected = Fused::new(FusedBase::Linear(Linear)).activation(Activation::Gelu);
    assert_eq!(builder.after(&[Pass::FuseEpilogues], active), [Op::Fused(expected)]);
}

#[test]
fn what_no_output_needs_is_removed() {
    let mut builder = Builder::new();
    let features = builder.conv(conv(), builder.input);
    builder.node(Activation::Relu, &[features]);
    assert_eq!(builder.after(&[Pass::RemoveDeadCode], features), [Op::Conv2d(conv())]);
}
