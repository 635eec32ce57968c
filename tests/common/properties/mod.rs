//! Random operators on random shapes against the reference: whole numbers bit for bit, reals within the bound. The cases
//! are the same in every run and on every device, and a failing one is shrunk. `CONVOKE_PROPERTY_FACTOR=20` runs twenty times
//! as many.

mod attention;
pub(crate) mod axes;
pub(crate) mod convolutions;
pub(crate) mod elementwise;
mod movement;
mod recurrent;
mod sampling;
pub(crate) mod windows;

use std::cell::Cell;

use convoke::ops::{Binary, GridMode, InterpolateMode, Op, ReduceKind, Unary};
use convoke::testing::Random;
use convoke::{DType, PaddingMode};
use ndarray::ArrayD;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::device::{Device, Outcome, computed, takes};

/// An operator with the shapes of its inputs and the seed of their elements.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) op: Op,
    shapes: Vec<Vec<usize>>,
    seed: u64,
}

impl Case {
    pub(crate) fn new(op: impl Into<Op>, shapes: Vec<Vec<usize>>, seed: u64) -> Self {
        Self {
            op: op.into(),
            shapes,
            seed,
        }
    }

    pub(crate) fn is_legal(&self) -> bool {
        let shapes: Vec<&[usize]> = self.shapes.iter().map(Vec::as_slice).collect();
        self.op.output_shapes(&shapes).is_ok()
    }

    /// Whether the results are whole numbers, if the inputs are.
    pub(crate) fn keeps_integers(&self) -> bool {
        match &self.op {
            // What is of whole numbers has whole numbers of them.
            Op::Unary(op) => {
                let keeps = matches!(op, Unary::Relu6 | Unary::Clamp { .. } | Unary::Floor | Unary::Ceil);
                keeps || takes(&self.op, DType::I64, 1)
            }
            Op::Binary(op) => !matches!(op, Binary::Div | Binary::Pow),
            Op::AvgPool(op) => op.divisor_override == Some(1),
            Op::Fused(op) => !matches!(op.activation, Some(Unary::LeakyRelu { .. } | Unary::Silu)),
            Op::Interpolate(op) => matches!(op.mode, InterpolateMode::Nearest { .. }),
            Op::GridSample(op) => op.mode == GridMode::Nearest,
            Op::LpPool(op) => op.p == 1,
            Op::AdaptiveAvgPool(_)
            | Op::Softmax(_)
            | Op::ScaledDotProductAttention(_)
            | Op::BatchNorm(_)
            | Op::InstanceNorm(_)
            | Op::LayerNorm(_)
            | Op::LocalResponseNorm(_)
            | Op::Recurrent(_)
            | Op::RoiAlign(_)
            | Op::CustomOp(_) => false,
            Op::Reduce(op) => op.kind != ReduceKind::Mean,
            _ => true,
        }
    }

    pub(crate) fn inputs(&self, integers: bool) -> Vec<ArrayD<f32>> {
        let mut random = Random::new(self.seed);
        let mut inputs: Vec<ArrayD<f32>> = self
            .shapes
            .iter()
            .map(|shape| {
                if integers {
                    random.integers(shape)
                } else {
                    random.reals(shape)
                }
            })
            .collect();
        match self.op {
            Op::BatchNorm(_) => inputs[2].mapv_inplace(|variance| variance.abs() + 0.125),
            Op::RoiAlign(_) => sampling::regions(&mut inputs),
            // Of a negative base and an exponent near a whole number nothing is sure once both are rounded.
            Op::Binary(Binary::Pow) => inputs[0].mapv_inplace(f32::abs),
            _ => {}
        }
        inputs
    }
}

/// A property's name and what checks it.
type Property = (&'static str, fn(&dyn Device) -> Outcome);

/// Every property but those of certain algorithms.
pub(crate) fn properties() -> Vec<Property> {
    vec![
        ("conv_transpose2d", |device| {
            all(device, 40, convolutions::transposed_convolutions())
        }),
        ("fused", |device| all(device, 40, convolutions::fused())),
        ("fused/pointwise", |device| all(device, 40, convolutions::pointwise())),
        ("fused/few_positions", |device| all(device, 40, convolutions::few_positions())),
        ("interpolate", |device| {
            all(device, 240, windows::interpolations(windows::images(), 20))
        }),
        // Many coordinates that fall near whole numbers and halves.
        ("interpolate/long", |device| {
            all(device, 80, windows::interpolations(windows::rows(), 900))
        }),
        ("pad2d", |device| all(device, 160, windows::pads())),
        ("max_pool2d", |device| all(device, 60, windows::windows(true))),
        ("avg_pool2d", |device| all(device, 60, windows::windows(false))),
        ("strips", |device| all(device, 60, windows::strips())),
        ("lp_pool2d", |device| all(device, 80, windows::lp_windows())),
        ("adaptive_pool2d", |device| all(device, 60, windows::adaptive())),
        ("activation", |device| all(device, 100, elementwise::activations())),
        ("prelu", |device| all(device, 40, elementwise::prelus())),
        ("softmax", |device| all(device, 60, elementwise::softmaxes())),
        ("softmax/rows", |device| all(device, 40, elementwise::softmaxes_of_rows())),
        ("linear", |device| all(device, 24, elementwise::linears())),
        ("matmul", |device| all(device, 80, elementwise::matmuls())),
        ("attention", |device| all(device, 120, attention::attentions())),
        ("batch_norm", |device| all(device, 40, elementwise::batch_norms())),
        ("instance_norm", |device| all(device, 60, elementwise::instance_norms())),
        ("layer_norm", |device| all(device, 60, elementwise::layer_norms())),
        ("layer_norm/rows", |device| {
            all(device, 60, elementwise::layer_norms_of_rows())
        }),
        ("local_response_norm", |device| {
            all(device, 60, elementwise::local_response_norms())
        }),
        ("recurrent", |device| all(device, 80, recurrent::layers())),
        ("binary", |device| all(device, 240, elementwise::binaries())),
        ("reshape", |device| all(device, 60, movement::reshapes())),
        ("concat", |device| all(device, 60, movement::concats())),
        ("slice", |device| all(device, 120, movement::slices())),
        ("transpose", |device| all(device, 60, movement::transposes())),
        ("expand", |device| all(device, 60, movement::expands())),
        ("reduce", |device| all(device, 160, elementwise::reductions())),
        ("conv2d/larger_planes", |device| {
            all(device, 20, convolutions::fused_over(convolutions::larger_planes()))
        }),
        ("conv2d/threes", |device| {
            all(device, 20, convolutions::fused_over(convolutions::threes()))
        }),
        ("signals/conv", |device| all(device, 40, axes::convolutions(1))),
        ("signals/conv_transpose", |device| {
            all(device, 40, axes::transposed_convolutions(1))
        }),
        ("signals/pool", |device| all(device, 60, axes::pools(1))),
        ("signals/lp_pool", |device| all(device, 40, axes::lp_pools(1))),
        ("signals/pad", |device| all(device, 60, axes::pads(1))),
        ("signals/nearest", |device| all(device, 40, axes::resizes(1, false))),
        ("signals/linear", |device| all(device, 40, axes::resizes(1, true))),
        ("volumes/conv", |device| all(device, 60, axes::convolutions(3))),
        ("volumes/conv_transpose", |device| {
            all(device, 40, axes::transposed_convolutions(3))
        }),
        ("volumes/pool", |device| all(device, 80, axes::pools(3))),
        ("volumes/pad", |device| all(device, 60, axes::pads(3))),
        ("volumes/nearest", |device| all(device, 40, axes::resizes(3, false))),
        ("volumes/linear", |device| all(device, 60, axes::resizes(3, true))),
        ("grid_sample", |device| all(device, 120, sampling::grids())),
        ("roi_align", |device| all(device, 80, sampling::regions_of_images())),
        ("resample", |device| all(device, 60, movement::resamplings())),
        ("conv2d/rule", |device| all(device, 40, convolutions::convolutions())),
    ]
}

/// All cases must be computed and right.
pub(crate) fn all(device: &dyn Device, cases: u32, strategy: impl Strategy<Value = Case>) -> Outcome {
    let checked = run(device, cases, strategy)?;
    if checked < cases {
        return Err(format!("only {checked} of {cases} cases were computed").into());
    }
    Ok(())
}

/// How many cases were computed and are right.
pub(crate) fn run(device: &dyn Device, cases: u32, strategy: impl Strategy<Value = Case>) -> Result<u32, String> {
    let factor = std::env::var("CONVOKE_PROPERTY_FACTOR").ok();
    let factor = factor.and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let config = Config {
        cases: cases * factor,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let checked = Cell::new(0);
    let strategy = strategy.prop_filter("a legal call", Case::is_legal);
    let outcome = runner.run(&strategy, |case| {
        let right = |integers: bool| {
            computed(device, &case.op, &case.inputs(integers), integers && case.keeps_integers()).map_err(TestCaseError::fail)
        };
        if right(true)? && right(false)? {
            checked.set(checked.get() + 1);
        }
        Ok(())
    });
    match outcome {
        Ok(()) => Ok(checked.get()),
        Err(TestError::Fail(reason, case)) => Err(format!("{reason}\nthe smallest failing case: {case:?}")),
        Err(TestError::Abort(reason)) => Err(format!("no cases: {reason}")),
    }
}

fn modes() -> impl Strategy<Value = PaddingMode> {
    prop::sample::select(PaddingMode::ALL.to_vec())
}

fn shapes(ranks: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..=7usize, ranks)
}
