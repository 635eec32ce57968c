//! Random operators on random shapes, GPU against reference: whole numbers bit for bit, reals within the bound. The
//! cases are the same in every run, and a failing one is shrunk. `CONVOKE_PROPERTY_FACTOR=20` runs twenty times as many.

use std::cell::Cell;

use convoke::gpu::{Conv2dAlgorithm, DeviceClass};
use convoke::ops::{
    Activation, AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, BatchNorm, Binary, Concat, Conv2d, ConvPadding, ConvTranspose2d,
    CoordinateMode, Expand, Flatten, Fused, FusedBase, IndexOrder, InstanceNorm, Interpolate, InterpolateMode, Linear,
    LocalResponseNorm, LpPool2d, MatMul, MaxPool2d, NearestRounding, Op, PRelu, Pad2d, Reduce, ReduceKind, Reshape, Slice, Softmax,
    Transpose,
};
use convoke::testing::Random;
use convoke::{Gpu, Padding2d, PaddingMode};
use ndarray::ArrayD;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::check::computed;
use crate::numerics::BINARIES;
use crate::{Named, Outcome, trial};

/// An operator with the shapes of its inputs and the seed of their elements.
#[derive(Clone, Debug)]
struct Case {
    op: Op,
    shapes: Vec<Vec<usize>>,
    seed: u64,
}

impl Case {
    fn new(op: impl Into<Op>, shapes: Vec<Vec<usize>>, seed: u64) -> Self {
        Self {
            op: op.into(),
            shapes,
            seed,
        }
    }

    fn is_legal(&self) -> bool {
        let shapes: Vec<&[usize]> = self.shapes.iter().map(Vec::as_slice).collect();
        self.op.output_shapes(&shapes).is_ok()
    }

    /// Whether the results are whole numbers, if the inputs are.
    fn keeps_integers(&self) -> bool {
        match &self.op {
            Op::Activation(op) => matches!(
                op,
                Activation::Relu
                    | Activation::Relu6
                    | Activation::Clamp { .. }
                    | Activation::Abs
                    | Activation::Neg
                    | Activation::Floor
                    | Activation::Ceil
            ),
            Op::Binary(op) => !matches!(op, Binary::Div | Binary::Pow),
            Op::AvgPool2d(op) => op.divisor_override == Some(1),
            Op::Fused(op) => !matches!(op.activation, Some(Activation::LeakyRelu { .. } | Activation::Silu)),
            Op::Interpolate(op) => matches!(op.mode, InterpolateMode::Nearest { .. }),
            Op::LpPool2d(op) => op.p == 1,
            Op::AdaptiveAvgPool2d(_) | Op::Softmax(_) | Op::BatchNorm(_) | Op::InstanceNorm(_) | Op::LocalResponseNorm(_) => false,
            Op::Reduce(op) => op.kind != ReduceKind::Mean,
            _ => true,
        }
    }

    fn inputs(&self, integers: bool) -> Vec<ArrayD<f32>> {
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
        if matches!(self.op, Op::BatchNorm(_)) {
            inputs[2].mapv_inplace(|variance| variance.abs() + 0.125);
        }
        inputs
    }
}

const ONE: [Option<Conv2dAlgorithm>; 1] = [None];

pub(crate) fn trials() -> Vec<Named> {
    let mut trials = vec![
        property("conv_transpose2d", 40, transposed_convolutions(), &ONE),
        property("fused", 40, fused(), &ONE),
        property("fused/pointwise", 40, pointwise(), &ONE),
        property("fused/few_positions", 40, few_positions(), &ONE),
        property("interpolate", 240, interpolations(images(), 20), &ONE),
        // Many coordinates that fall near whole numbers and halves.
        property("interpolate/long", 80, interpolations(rows(), 900), &ONE),
        property("pad2d", 160, pads(), &ONE),
        property("max_pool2d", 60, windows(true), &ONE),
        property("avg_pool2d", 60, windows(false), &ONE),
        property("lp_pool2d", 80, lp_windows(), &ONE),
        property("adaptive_pool2d", 60, adaptive(), &ONE),
        property("activation", 100, activations(), &ONE),
        property("prelu", 40, prelus(), &ONE),
        property("softmax", 60, softmaxes(), &ONE),
        property("linear", 24, linears(), &ONE),
        property("matmul", 80, matmuls(), &ONE),
        property("batch_norm", 40, batch_norms(), &ONE),
        property("instance_norm", 60, instance_norms(), &ONE),
        property("local_response_norm", 60, local_response_norms(), &ONE),
        property("binary", 240, binaries(), &ONE),
        property("reshape", 60, reshapes(), &ONE),
        property("concat", 60, concats(), &ONE),
        property("slice", 120, slices(), &ONE),
        property("transpose", 60, transposes(), &ONE),
        property("expand", 60, expands(), &ONE),
        property("reduce", 160, reductions(), &ONE),
    ];
    for class in [DeviceClass::Integrated, DeviceClass::Discrete] {
        trials.push(on_class(class, "fused", fused()));
        trials.push(on_class(class, "fused/pointwise", pointwise()));
        trials.push(on_class(class, "fused/few_positions", few_positions()));
        trials.push(on_class(class, "fused/winograd", fused_over(threes())));
        trials.push(on_class(class, "linear", linears()));
    }
    // The same cases for each algorithm; it is shrunk and counted by itself.
    trials.push(property("conv2d/rule", 40, convolutions(), &ONE));
    for algorithm in Conv2dAlgorithm::ALL {
        trials.push(trial(format!("property/conv2d/{algorithm:?}"), move |gpu| {
            let checked = match algorithm {
                Conv2dAlgorithm::Winograd => run(gpu, 40, fused_over(threes()), &[Some(algorithm)])?,
                _ => run(gpu, 40, convolutions(), &[Some(algorithm)])?,
            };
            // A third of the cases are pointwise, a third depthwise; Winograd's are all its own.
            let needs_subgroups = matches!(algorithm, Conv2dAlgorithm::DirectBroadcast | Conv2dAlgorithm::GemmBroadcast);
            let has_subgroups = gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8;
            if checked < 8 && (has_subgroups || !needs_subgroups) {
                return Err(format!("{algorithm:?} computed only {checked} of 40 cases").into());
            }
            Ok(())
        }));
    }
    trials
}

fn property(
    name: &'static str,
    cases: u32,
    strategy: impl Strategy<Value = Case> + Send + 'static,
    algorithms: &'static [Option<Conv2dAlgorithm>],
) -> Named {
    trial(format!("property/{name}"), move |gpu| -> Outcome {
        let checked = run(gpu, cases, strategy, algorithms)?;
        if checked < cases {
            return Err(format!("only {checked} of {cases} cases were computed").into());
        }
        Ok(())
    })
}

/// The same cases by the rules of another class of device.
fn on_class(class: DeviceClass, name: &str, strategy: impl Strategy<Value = Case> + Send + 'static) -> Named {
    trial(format!("property/{}/{name}", class.name()), move |gpu| -> Outcome {
        let checked = run(&gpu.with_device_class(class), 24, strategy, &ONE)?;
        if checked < 24 {
            return Err(format!("only {checked} of 24 cases were computed").into());
        }
        Ok(())
    })
}

/// How many cases were computed and are right.
fn run(
    gpu: &Gpu,
    cases: u32,
    strategy: impl Strategy<Value = Case>,
    algorithms: &[Option<Conv2dAlgorithm>],
) -> Result<u32, String> {
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
        for &algorithm in algorithms {
            let gpu = gpu.with_conv2d(algorithm);
            let right = |integers: bool| {
                computed(&gpu, &case.op, &case.inputs(integers), integers && case.keeps_integers()).map_err(TestCaseError::fail)
            };
            if right(true)? && right(false)? {
                checked.set(checked.get() + 1);
            }
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

/// The sides within the mode's limits.
fn within(mode: PaddingMode, sides: [usize; 4], height: usize, width: usize) -> Padding2d {
    let most = |extent: usize| match mode {
        PaddingMode::Reflect => extent - 1,
        PaddingMode::Circular => extent,
        _ => usize::MAX,
    };
    let [left, right, top, bottom] = sides;
    let (left, right) = (left.min(most(width)), right.min(most(width)));
    let (top, bottom) = (top.min(most(height)), bottom.min(most(height)));
    Padding2d::new(left as isize, right as isize, top as isize, bottom as isize)
}

/// Plain and grouped ones, then pointwise, then depthwise. Few output rows: the blocks of rows, and so the pipelines,
/// stay few.
fn convolutions() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=3usize, 1..=3usize, 1..=10usize);
    let image = (1..=7usize, 1..=13usize);
    let window = ([1..=3usize, 1..=4usize], [1..=2usize, 1..=3usize], [1..=2usize, 1..=3usize]);
    let padding = (modes(), prop::array::uniform4(0..=3usize), prop::bool::weighted(0.2));
    (channels, image, window, padding, 0..3u8, any::<(bool, u64)>()).prop_map(
        |((batch, groups, ins, outs), (height, width), (kernel, stride, dilation), (mode, sides, same), family, (bias, seed))| {
            let (mut op, mut ins, mut outs, mut kernel) = (Conv2d::new().groups(groups), ins, outs, kernel);
            match family {
                0 => {
                    op = op.stride(stride).dilation(dilation).padding_mode(mode);
                    op = op.padding(within(mode, sides, height, width));
                    let fits = kernel[0] * dilation[0] <= height && kernel[1] * dilation[1] <= width;
                    if same && stride == [1, 1] && fits {
                        op = op.padding(ConvPadding::Same);
                    }
                }
                1 => kernel = [1, 1],
                _ => {
                    (ins, outs) = (1, outs.min(2));
                    op = op.stride([stride[0], 1]).padding_mode(mode);
                    op = op.padding(within(mode, sides, height, width));
                }
            }
            let mut shapes = vec![
                vec![batch, groups * ins, height, width],
                vec![groups * outs, ins, kernel[0], kernel[1]],
            ];
            if bias {
                shapes.push(vec![groups * outs]);
            }
            Case::new(op, shapes, seed)
        },
    )
}

fn transposed_convolutions() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=3usize, 1..=3usize, 1..=10usize);
    let image = (1..=5usize, 1..=7usize);
    let window = ([1..=3usize, 1..=4usize], [1..=3usize, 1..=3usize], [1..=2usize, 1..=3usize]);
    let sides = (prop::array::uniform4(0..=2isize), [0..=2usize, 0..=2usize]);
    (channels, image, window, sides, any::<(bool, u64)>()).prop_map(
        |((batch, groups, ins, outs), (height, width), (kernel, stride, dilation), (sides, extra), (bias, seed))| {
            let [left, right, top, bottom] = sides;
            let extra = [0, 1].map(|i| extra[i] % stride[i].max(dilation[i]));
            let op = ConvTranspose2d::new()
                .groups(groups)
                .stride(stride)
                .dilation(dilation)
                .output_padding(extra);
            let op = op.padding(Padding2d::new(left, right, top, bottom));
            let weight = vec![groups * ins, outs, kernel[0], kernel[1]];
            let mut shapes = vec![vec![batch, groups * ins, height, width], weight];
            if bias {
                shapes.push(vec![groups * outs]);
            }
            Case::new(op, shapes, seed)
        },
    )
}

/// Convolutions of every kind and linear layers, with what may follow them.
fn fused() -> impl Strategy<Value = Case> {
    fused_over(prop_oneof![convolutions(), transposed_convolutions(), linears()])
}

/// Pointwise ones whose planes are whole vectors, over more channels and pixels than one block has.
fn pointwise() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=2usize, 1..=9usize, 1..=70usize);
    let convolution = (channels, 1..=19usize, 1..=5usize, any::<(bool, u64)>());
    fused_over(
        convolution.prop_map(|((batch, groups, ins, outs), height, quads, (bias, seed))| {
            let mut shapes = vec![vec![batch, groups * ins, height, 4 * quads], vec![groups * outs, ins, 1, 1]];
            shapes.extend(bias.then(|| vec![groups * outs]));
            Case::new(Conv2d::new().groups(groups), shapes, seed)
        }),
    )
}

/// What Winograd's algorithm computes, over a few rows and columns of quads of tiles and past their edges.
fn threes() -> impl Strategy<Value = Case> {
    let channels = (1..=2usize, 1..=9usize, 1..=40usize);
    let padding = (modes(), prop::array::uniform4(0..=3usize));
    (channels, (1..=37usize, 1..=21usize), padding, any::<(bool, u64)>()).prop_map(
        |((batch, ins, outs), (height, width), (mode, sides), (bias, seed))| {
            let op = Conv2d::new().padding_mode(mode).padding(within(mode, sides, height, width));
            let mut shapes = vec![vec![batch, ins, height, width], vec![outs, ins, 3, 3]];
            shapes.extend(bias.then(|| vec![outs]));
            Case::new(op, shapes, seed)
        },
    )
}

/// Linear layers over a few rows and pointwise convolutions over a few pixels, with more channels than one block has.
fn few_positions() -> impl Strategy<Value = Case> {
    let convolution = (1..=2usize, 1..=2usize, 1..=3usize, 1..=3usize);
    let channels = (1..=19usize, 1..=70usize, 1..=7usize);
    let case = (any::<bool>(), convolution, channels, any::<(bool, u64)>());
    fused_over(
        case.prop_map(|(linear, (batch, groups, height, width), (ins, outs, rows), (bias, seed))| {
            let (op, mut shapes): (Op, _) = if linear {
                (Linear.into(), vec![vec![rows, ins], vec![outs, ins]])
            } else {
                let image = vec![batch, groups * ins, height, width];
                (
                    Conv2d::new().groups(groups).into(),
                    vec![image, vec![groups * outs, ins, 1, 1]],
                )
            };
            let channels = shapes[1][0];
            shapes.extend(bias.then(|| vec![channels]));
            Case::new(op, shapes, seed)
        }),
    )
}

fn fused_over(base: impl Strategy<Value = Case>) -> impl Strategy<Value = Case> {
    let activation = prop::sample::select(vec![
        None,
        Some(Activation::Relu),
        Some(Activation::LeakyRelu { negative_slope: 0.25 }),
        Some(Activation::Clamp { min: -20.0, max: 30.0 }),
        Some(Activation::Silu),
    ]);
    (base, any::<bool>(), activation).prop_map(|(case, residual, activation)| {
        let base = match case.op {
            Op::Conv2d(op) => FusedBase::Conv2d(op),
            Op::ConvTranspose2d(op) => FusedBase::ConvTranspose2d(op),
            _ => FusedBase::Linear(Linear),
        };
        let mut shapes = case.shapes.clone();
        let operands: Vec<&[usize]> = case.shapes.iter().map(Vec::as_slice).collect();
        // Refused bases stay as they are and are filtered out.
        if let (true, Ok(output)) = (residual, case.op.output_shapes(&operands)) {
            shapes.extend(output);
        }
        Case::new(Fused::new(base).residual(residual).activation(activation), shapes, case.seed)
    })
}

/// Every mode, with the scales that follow from the size, with others near them, and with some that have nothing to do
/// with it.
fn interpolations(images: impl Strategy<Value = Vec<usize>>, most: usize) -> impl Strategy<Value = Case> {
    use NearestRounding::{Ceil, Floor, PreferCeil, PreferFloor};
    let nearest = [Floor, Ceil, PreferFloor, PreferCeil].map(|rounding| InterpolateMode::Nearest { rounding });
    let modes = [nearest.to_vec(), vec![InterpolateMode::Bilinear; 4]].concat();
    let coordinates = prop::sample::select(vec![
        CoordinateMode::HalfPixel,
        CoordinateMode::PytorchHalfPixel,
        CoordinateMode::AlignCorners,
        CoordinateMode::Asymmetric,
    ]);
    let scales = (0..3u8, prop::sample::select(vec![0.3_f32, 0.5, 1.0, 1.7, 2.0, 3.0]));
    let mode = prop::sample::select(modes);
    (images, [1..=20usize, 1..=most], mode, coordinates, (scales, any::<u64>())).prop_map(
        |(image, size, mode, coordinates, ((given, other), seed))| {
            let scales = match given {
                0 => None,
                1 => Some([0, 1].map(|axis| size[axis] as f32 / image[2 + axis] as f32)),
                _ => Some([other, size[1] as f32 / image[3] as f32]),
            };
            let op = Interpolate::new(size, mode, coordinates).scales(scales);
            Case::new(op, vec![image], seed)
        },
    )
}

/// Images whose rows are long.
fn rows() -> impl Strategy<Value = Vec<usize>> {
    (1..=5usize, 1..=400usize).prop_map(|(height, width)| vec![1, 1, height, width])
}

fn images() -> impl Strategy<Value = Vec<usize>> {
    (1..=3usize, 1..=4usize, 1..=9usize, 1..=13usize).prop_map(|(n, c, h, w)| vec![n, c, h, w])
}

fn pads() -> impl Strategy<Value = Case> {
    let sides = prop::array::uniform4(-4..=5isize);
    (images(), sides, modes(), -3..=3i8, any::<u64>()).prop_map(|(image, sides, mode, value, seed)| {
        let op = if mode == PaddingMode::Zeros {
            let [left, right, top, bottom] = sides;
            Pad2d::new(Padding2d::new(left, right, top, bottom)).value(f32::from(value))
        } else {
            Pad2d::new(within(mode, sides.map(isize::unsigned_abs), image[2], image[3])).mode(mode)
        };
        Case::new(op, vec![image], seed)
    })
}

/// Windows small and large, the latter over planes that hold them.
fn windows(is_max: bool) -> impl Strategy<Value = Case> {
    let sizes = ([1..=4usize, 1..=3usize], [1..=3usize, 1..=4usize], [1..=2usize, 1..=3usize]);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(prop::sample::select(vec![1isize, -3, 7])),
    );
    let sides = prop::array::uniform4(0..=9usize);
    (images(), sizes, sides, flags, prop::bool::weighted(0.2), any::<u64>()).prop_map(
        move |(mut image, (mut kernel, stride, dilation), sides, (ceil_mode, flag, divisor), large, seed)| {
            if large {
                kernel = [kernel[0] + 11, kernel[1] + 10];
                image[2] += 14;
                image[3] += 14;
            }
            let dilation = if is_max && !large { dilation } else { [1, 1] };
            // At most half of the dilated kernel.
            let half = [0, 1].map(|i| 1 + (dilation[i] * (kernel[i] - 1)).div_ceil(2));
            let [left, right, top, bottom] = sides.map(|side| side as isize);
            let (vertical, horizontal) = (half[0] as isize, half[1] as isize);
            let padding = Padding2d::new(left % horizontal, right % horizontal, top % vertical, bottom % vertical);
            let op: Op = if is_max {
                let op = MaxPool2d::new(kernel).stride(stride).padding(padding).dilation(dilation);
                let orders = [IndexOrder::Plane, IndexOrder::Tensor, IndexOrder::TensorByColumns];
                let op = op.index_order(orders[seed as usize % 3]);
                op.ceil_mode(ceil_mode).return_indices(flag).into()
            } else {
                let op = AvgPool2d::new(kernel).stride(stride).padding(padding).ceil_mode(ceil_mode);
                op.count_include_pad(flag).divisor_override(divisor).into()
            };
            Case::new(op, vec![image], seed)
        },
    )
}

/// Windows with every small power, and one that only squaring reaches.
fn lp_windows() -> impl Strategy<Value = Case> {
    let sizes = ([1..=4usize, 1..=5usize], [1..=3usize, 1..=4usize], [1..=2usize, 1..=3usize]);
    let powers = prop::sample::select(vec![1, 2, 3, 4, 5, 50]);
    let sides = prop::array::uniform4(0..=9usize);
    (images(), sizes, sides, powers, any::<(bool, u64)>()).prop_map(
        |(image, (kernel, stride, dilation), sides, p, (ceil_mode, seed))| {
            // At most half of the dilated kernel.
            let half = [0, 1].map(|i| 1 + (dilation[i] * (kernel[i] - 1)).div_ceil(2));
            let [left, right, top, bottom] = sides;
            let sides = [left % half[1], right % half[1], top % half[0], bottom % half[0]];
            let [left, right, top, bottom] = sides.map(|side| side as isize);
            let op = LpPool2d::new(p, kernel)
                .stride(stride)
                .dilation(dilation)
                .ceil_mode(ceil_mode);
            Case::new(op.padding(Padding2d::new(left, right, top, bottom)), vec![image], seed)
        },
    )
}

fn adaptive() -> impl Strategy<Value = Case> {
    let output = [1..=11usize, 1..=9usize];
    (images(), output, any::<(bool, bool, u64)>()).prop_map(|(image, output, (is_max, indices, seed))| {
        let op: Op = if is_max {
            AdaptiveMaxPool2d::new(output).return_indices(indices).into()
        } else {
            AdaptiveAvgPool2d::new(output).into()
        };
        Case::new(op, vec![image], seed)
    })
}

fn shapes(ranks: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..=7usize, ranks)
}

fn activations() -> impl Strategy<Value = Case> {
    let kinds = vec![
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu { negative_slope: 0.2 },
        Activation::LeakyRelu { negative_slope: -1.5 },
        Activation::Elu { alpha: 1.0 },
        Activation::Elu { alpha: 0.3 },
        Activation::Silu,
        Activation::Gelu,
        Activation::Mish,
        Activation::Softplus,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::HardSigmoid,
        Activation::HardSwish,
        Activation::Clamp { min: -1.0, max: 3.0 },
        Activation::Clamp { min: 2.0, max: -3.0 },
        Activation::Abs,
        Activation::Neg,
        Activation::Exp,
        Activation::Log,
        Activation::Sqrt,
        Activation::Erf,
        Activation::Softsign,
        Activation::SELU,
        Activation::Selu { alpha: -2.0, gamma: 0.5 },
        Activation::Celu { alpha: 0.5 },
        Activation::HardSigmoidWith { alpha: 0.2, beta: 0.5 },
        Activation::HardSigmoidWith { alpha: -1.5, beta: 0.1 },
        Activation::GeluTanh,
        Activation::Floor,
        Activation::Ceil,
    ];
    (prop::sample::select(kinds), shapes(0..=5), any::<u64>()).prop_map(|(op, shape, seed)| Case::new(op, vec![shape], seed))
}

fn prelus() -> impl Strategy<Value = Case> {
    (shapes(2..=5), any::<(bool, u64)>()).prop_map(|(shape, (one, seed))| {
        let slopes = if one { 1 } else { shape[1] };
        Case::new(PRelu, vec![shape, vec![slopes]], seed)
    })
}

fn softmaxes() -> impl Strategy<Value = Case> {
    (shapes(1..=5), any::<(prop::sample::Index, bool, bool, u64)>()).prop_map(|(shape, (axis, log, from_end, seed))| {
        let axis = axis.index(shape.len()) as isize - if from_end { shape.len() as isize } else { 0 };
        let op = if log { Softmax::log(axis) } else { Softmax::new(axis) };
        Case::new(op, vec![shape], seed)
    })
}

fn linears() -> impl Strategy<Value = Case> {
    let features = (1..=40usize, 1..=21usize);
    (shapes(0..=3), features, any::<(bool, u64)>()).prop_map(|(mut shape, (ins, outs), (bias, seed))| {
        shape.push(ins);
        let mut shapes = vec![shape, vec![outs, ins]];
        if bias {
            shapes.push(vec![outs]);
        }
        Case::new(Linear, shapes, seed)
    })
}

/// Two operands that fit: from one product, each drops leading extents, makes some of the others 1, or is a vector.
fn matmuls() -> impl Strategy<Value = Case> {
    let extents = (1..=11usize, 1..=40usize, 1..=13usize);
    let flags = (any::<(u8, u8)>(), 0..=3usize, 0..=3usize, 0..4u8);
    (shapes(0..=3), extents, flags, any::<u64>()).prop_map(
        |(batch, (rows, inner, columns), ((left, right), drop_left, drop_right, vectors), seed)| {
            let operand = |mask: u8, dropped: usize, matrix: [usize; 2]| -> Vec<usize> {
                let extent = |(axis, &extent): (usize, &usize)| if mask >> axis & 1 == 1 { 1 } else { extent };
                let leading = batch.iter().enumerate().map(extent).skip(dropped.min(batch.len()));
                leading.chain(matrix).collect()
            };
            let left = match vectors {
                1 | 3 => vec![inner],
                _ => operand(left, drop_left, [rows, inner]),
            };
            let right = match vectors {
                2 | 3 => vec![inner],
                _ => operand(right, drop_right, [inner, columns]),
            };
            Case::new(MatMul, vec![left, right], seed)
        },
    )
}

fn batch_norms() -> impl Strategy<Value = Case> {
    (shapes(2..=5), prop::sample::select(vec![0.0, 1e-5, 0.5]), any::<u64>()).prop_map(|(shape, eps, seed)| {
        let channels = vec![shape[1]];
        let shapes = vec![shape, channels.clone(), channels.clone(), channels.clone(), channels];
        Case::new(BatchNorm::new().eps(eps), shapes, seed)
    })
}

/// Planes of one element, of fewer than a workgroup's lanes, and of more.
fn instance_norms() -> impl Strategy<Value = Case> {
    let eps = prop::sample::select(vec![1e-5, 1e-3, 0.5]);
    (shapes(3..=5), eps, any::<u64>()).prop_map(|(shape, eps, seed)| {
        let channels = vec![shape[1]];
        let shapes = vec![shape, channels.clone(), channels];
        Case::new(InstanceNorm::new().eps(eps), shapes, seed)
    })
}

/// Windows of an odd and an even number of channels, and wider than all of them.
fn local_response_norms() -> impl Strategy<Value = Case> {
    let select = |values: [f32; 4]| prop::sample::select(values.to_vec());
    let factors = (
        select([0.0, 1e-4, 0.5, 7.0]),
        select([0.1, 0.75, 1.0, 3.0]),
        select([0.3, 1.0, 2.0, 9.0]),
    );
    (shapes(2..=5), 1..=9usize, factors, any::<u64>()).prop_map(|(shape, size, (alpha, beta, k), seed)| {
        let op = LocalResponseNorm::new(size).alpha(alpha).beta(beta).k(k);
        Case::new(op, vec![shape], seed)
    })
}

/// Two shapes that broadcast: from one, each drops leading extents and makes some of the others 1.
fn binaries() -> impl Strategy<Value = Case> {
    let masks = any::<(u8, u8)>();
    let dropped = (0..=5usize, 0..=5usize, any::<bool>());
    let kinds = prop::sample::select(BINARIES.to_vec());
    (shapes(0..=5), masks, dropped, (kinds, any::<u64>())).prop_map(
        |(shape, (left, right), (drop_left, drop_right, same), (op, seed))| {
            let operand = |mask: u8, dropped: usize| -> Vec<usize> {
                let extent = |(axis, &extent): (usize, &usize)| if !same && mask >> axis & 1 == 1 { 1 } else { extent };
                let dropped = if same { 0 } else { dropped.min(shape.len()) };
                shape.iter().enumerate().map(extent).skip(dropped).collect()
            };
            let shapes = vec![operand(left, drop_left), operand(right, drop_right)];
            Case::new(op, shapes, seed)
        },
    )
}

fn reshapes() -> impl Strategy<Value = Case> {
    (shapes(1..=5), any::<(prop::sample::Index, prop::sample::Index, bool, u64)>()).prop_map(
        |(shape, (first, second, flatten, seed))| {
            let (first, second) = (first.index(shape.len()), second.index(shape.len()));
            let op: Op = if flatten {
                Flatten::new(first.min(second) as isize, first.max(second) as isize).into()
            } else {
                // The extents in another order, one of them inferred.
                let mut target: Vec<isize> = shape.iter().map(|&extent| extent as isize).collect();
                target.swap(first, second);
                target[first] = -1;
                Reshape::new(target).into()
            };
            Case::new(op, vec![shape], seed)
        },
    )
}

/// Makes the last extent a multiple of four in half of the cases: what lies together so is copied four at once.
fn in_quads(mut shape: Vec<usize>, seed: u64) -> Vec<usize> {
    if let (Some(last), true) = (shape.last_mut(), seed.is_multiple_of(2)) {
        *last *= 4;
    }
    shape
}

/// Some parts may be empty.
fn concats() -> impl Strategy<Value = Case> {
    let extents = prop::collection::vec(0..=5usize, 1..=4);
    (shapes(1..=5), extents, any::<(prop::sample::Index, u64)>()).prop_map(|(shape, extents, (axis, seed))| {
        let shape = in_quads(shape, seed);
        let axis = axis.index(shape.len());
        let part = |extent: usize| {
            let mut part = shape.clone();
            part[axis] = extent;
            part
        };
        Case::new(Concat::new(axis as isize), extents.into_iter().map(part).collect(), seed)
    })
}

/// Ranges in and around each axis, forwards and backwards; many are empty.
fn slices() -> impl Strategy<Value = Case> {
    let range = (
        -9..=9isize,
        -9..=9isize,
        prop::sample::select(vec![1isize, 1, 2, 3, -1, -1, -2, -5]),
    );
    let open = prop::sample::select(vec![0u8, 1, 2]);
    let ranges = prop::collection::vec((range, open), 5);
    (shapes(1..=5), ranges, any::<u64>()).prop_map(|(shape, ranges, seed)| {
        let shape = in_quads(shape, seed);
        let named = 1 + (seed / 2) as usize % shape.len();
        // The last axes, counted from the end.
        let axes: Vec<isize> = (1..=named as isize).map(|axis| -axis).collect();
        let whole = |&((start, end, step), open): &((isize, isize, isize), u8)| {
            let (first, last) = if step > 0 {
                (isize::MIN, isize::MAX)
            } else {
                (isize::MAX, isize::MIN)
            };
            (if open > 1 { first } else { start }, if open > 0 { last } else { end }, step)
        };
        let ranges: Vec<_> = ranges.iter().take(named).map(whole).collect();
        let list = |pick: fn(&(isize, isize, isize)) -> isize| ranges.iter().map(pick).collect::<Vec<_>>();
        let op = Slice::new(list(|range| range.0), list(|range| range.1)).steps(list(|range| range.2));
        Case::new(op.axes(axes), vec![shape], seed)
    })
}

fn transposes() -> impl Strategy<Value = Case> {
    let order = prop::collection::vec(any::<u64>(), 6);
    (prop::collection::vec(1..=5usize, 0..=6), order, any::<u64>()).prop_map(|(shape, order, seed)| {
        let mut permutation: Vec<isize> = (0..shape.len() as isize).collect();
        permutation.sort_by_key(|&axis| order[axis as usize]);
        Case::new(Transpose::new(permutation), vec![shape], seed)
    })
}

/// A shape, and an input that drops some of its leading extents and has 1 for some others; the target may say -1 or 1.
fn expands() -> impl Strategy<Value = Case> {
    (shapes(0..=5), any::<(u8, u8)>(), 0..=2usize, any::<u64>()).prop_map(|(shape, (ones, kept), dropped, seed)| {
        let dropped = dropped.min(shape.len());
        let bit = |mask: u8, axis: usize| mask >> axis & 1 == 1;
        let axes = || shape.iter().copied().enumerate();
        let input = axes()
            .skip(dropped)
            .map(|(axis, extent)| if bit(ones, axis) { 1 } else { extent });
        let target = axes().map(
            |(axis, extent)| match axis >= dropped && !bit(ones, axis) && bit(kept, axis) {
                true if axis % 2 == 0 => -1,
                true => 1,
                false => extent as isize,
            },
        );
        Case::new(Expand::new(target.collect::<Vec<_>>()), vec![input.collect()], seed)
    })
}

fn reductions() -> impl Strategy<Value = Case> {
    let kind = prop::sample::select(vec![ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Max]);
    let shape = prop::collection::vec(prop::sample::select(vec![1usize, 2, 3, 4, 5, 7, 0]), 0..=5);
    (kind, shape, any::<(u8, bool, bool, u64)>()).prop_map(|(kind, shape, (mask, keep_dims, from_end, seed))| {
        let rank = shape.len() as isize;
        let axes = (0..rank).filter(|axis| mask >> axis & 1 == 1);
        let axes: Vec<isize> = axes.map(|axis| if from_end { axis - rank } else { axis }).collect();
        Case::new(Reduce::new(kind, axes).keep_dims(keep_dims), vec![shape], seed)
    })
}
