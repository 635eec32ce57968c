//! Sessions whose numbers are stored as 16-bit floats: operators within the bounds of such storage, and what else it changes.

use convoke::gpu::{Conv2dAlgorithm, DeviceClass};
use convoke::graph::Graph;
use convoke::ops::{Binary, Concat, Conv2d, Cumulative, Fused, FusedBase, MaxPool2d, Op, Pad2d, Reduce, Slice, Unary};
use convoke::reference::Answer;
use convoke::testing::{Mismatch, Random, compare, compare_exact};
use convoke::{Backend, Error, Gpu, Precision, Session, Tensor, wgpu};
use ndarray::{ArrayD, ArrayViewD, IxDyn, arr1};
use proptest::prelude::*;

use crate::common::golden_cases;
use crate::device::{Device, computed};
use crate::random::convolutions::{few_positions, fused_over, larger_planes, pointwise, threes};
use crate::random::{Case, properties, run};
use crate::{Named, Outcome, trial};

/// What the names of these trials begin with: an adapter without 16-bit floats skips them.
pub(crate) const NAMES: &str = "f16/";

pub(crate) fn trials() -> Vec<Named> {
    // What software adapters compile longest is left to the other convolutions.
    let properties = properties()
        .into_iter()
        .filter(|(name, _)| !["fused", "conv2d/threes", "interpolate/long"].contains(name));
    let mut trials: Vec<Named> = properties
        .map(|(name, check)| trial(format!("{NAMES}property/{name}"), move |gpu| check(&Halves(gpu.clone()))))
        .collect();
    trials.extend([
        on_gpus("fused/pointwise", pointwise),
        on_gpus("fused/few_positions", few_positions),
        on_gpus("fused/winograd", || fused_over(threes())),
        on_gpus("fused/larger_planes", || fused_over(larger_planes())),
    ]);
    trials.extend([
        trial(format!("{NAMES}golden"), goldens),
        trial(format!("{NAMES}fewer_bits_are_refused"), fewer_bits_are_refused),
        trial(format!("{NAMES}special_numbers"), special_numbers),
        trial(format!("{NAMES}indices_are_exact"), indices_are_exact),
        trial(format!("{NAMES}cumulative_in_blocks"), cumulative_in_blocks),
        trial(format!("{NAMES}memory"), memory),
        trial(format!("{NAMES}network"), network),
        #[cfg(feature = "wrong-kernel")]
        trial(format!("{NAMES}wrong_kernel"), wrong_kernel),
        trial("session/f16_refused", refusals),
    ]);
    trials
}

/// A few cases by the rules of real GPUs, which compute by tiles in workgroup memory.
fn on_gpus<S: Strategy<Value = Case> + 'static>(name: &str, strategy: fn() -> S) -> Named {
    trial(format!("{NAMES}property/discrete/{name}"), move |gpu| {
        let checked = run(&Halves(gpu.with_device_class(DeviceClass::Discrete)), 6, strategy())?;
        if checked < 6 {
            return Err(format!("only {checked} of 6 cases were computed").into());
        }
        Ok(())
    })
}

/// One operator as a session that stores halves. What follows the first input is constant.
struct Halves(Gpu);

impl Halves {
    fn session(&self, op: &Op, inputs: &[&ArrayD<f32>]) -> convoke::Result<Session> {
        let mut graph = Graph::new();
        let input = graph.input("input");
        let constants = inputs.iter().skip(1).map(|&array| graph.constant("constant", array.clone()));
        let operands = [vec![input], constants.collect()].concat();
        for output in graph.node_outputs("op", op.clone(), &operands)? {
            graph.output(output)?;
        }
        Session::builder()
            .backend(self.0.clone())
            .passes(&[])
            .precision(Precision::F16)
            .build(graph)
    }
}

/// Numbers that halves are: 11 significant bits, and none that is subnormal. Rounding others can make two maxima equal, and so
/// change an index, or make 0 of what has no square root.
fn shortened(inputs: &[&ArrayD<f32>]) -> Vec<ArrayD<f32>> {
    let shorten = |x: f32| {
        if x.abs() < 1e-4 {
            0.0
        } else {
            f32::from_bits(x.to_bits() & !0x1fff)
        }
    };
    inputs.iter().map(|input| input.mapv(shorten)).collect()
}

impl Device for Halves {
    fn name(&self) -> String {
        format!("{} in f16", self.0.info())
    }

    fn run(&self, op: &Op, inputs: &[&ArrayD<f32>]) -> convoke::Result<Vec<Tensor>> {
        let shortened = shortened(inputs);
        let inputs = if op.output_count() > 1 {
            &shortened.iter().collect::<Vec<_>>()
        } else {
            inputs
        };
        self.session(op, inputs)?.run_tensors(&[inputs[0].view()])
    }

    fn answers(&self, op: &Op, inputs: &[ArrayD<f32>]) -> convoke::Result<Vec<Answer>> {
        let inputs: Vec<&ArrayD<f32>> = inputs.iter().collect();
        let shortened = shortened(&inputs);
        let inputs = if op.output_count() > 1 {
            shortened.iter().collect()
        } else {
            inputs
        };
        self.session(op, &inputs)?.answers(&[inputs[0].view()])
    }

    fn holds(&self, answer: &Answer) -> bool {
        answer.values.iter().all(|value| value.abs() <= 2048.0)
    }
}

/// PyTorch's cases, a fifth of them, since each has pipelines to compile.
fn goldens(gpu: &Gpu) -> Outcome {
    let device = Halves(gpu.clone());
    let mut count = 0;
    for case in golden_cases().into_iter().step_by(5) {
        let inputs = shortened(&case.inputs.iter().collect::<Vec<_>>());
        let right = computed(&device, &case.op, &inputs, false).map_err(|error| format!("{}: {error}", case.name))?;
        count += usize::from(right);
    }
    if count < 80 {
        return Err(format!("only {count} cases were computed").into());
    }
    Ok(())
}

fn views(arrays: &[ArrayD<f32>]) -> Vec<ArrayViewD<'_, f32>> {
    arrays.iter().map(|array| array.view()).collect()
}

/// The bounds of an operator are not so wide that an answer with 8 significant bits (bfloat16) or 9 would do.
fn fewer_bits_are_refused(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(5);
    let inputs = [random.reals(&[1, 6, 9, 7]), random.reals(&[5, 6, 3, 3])];
    // What needs no rounding has no error of its own, as where `verify` compares.
    let inputs = shortened(&inputs.each_ref());
    let (device, conv) = (Halves(gpu.clone()), Op::from(Conv2d::new()));
    let output = device.run_floats(&conv, &inputs.iter().collect::<Vec<_>>())?.swap_remove(0);
    let answer = device.answers(&conv, &inputs)?.swap_remove(0);
    compare(&output, &answer)?;
    for bits in [8, 9] {
        let fewer = output.mapv(|x| f32::from_bits(x.to_bits() & (u32::MAX << (24 - bits))));
        if !matches!(compare(&fewer, &answer), Err(Mismatch::Values { .. })) {
            return Err(format!("{bits} bits are within the bounds").into());
        }
    }
    Ok(())
}

/// NaN and infinities stay, what is too large becomes infinite, subnormal numbers are kept or 0.
fn special_numbers(gpu: &Gpu) -> Outcome {
    let numbers = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        65504.0,
        65519.0,
        65520.0,
        -1e6,
        f32::MAX,
        -0.0,
        1e-5,
        6e-8,
        1e-40,
        2049.0,
    ];
    let device = Halves(gpu.clone());
    let input = arr1(&numbers).into_dyn();
    let image = input.clone().into_shape_with_order(IxDyn(&[1, 1, 1, 13]))?;
    let ones = ArrayD::from_elem(IxDyn(&[1, 1, 1, 1]), 1.0_f32);
    let square = Op::from(Binary::Mul);
    for (op, inputs) in [
        (Unary::Relu.into(), vec![input.clone()]),
        (Unary::Neg.into(), vec![input.clone()]),
        (square, vec![input.clone(), input.clone()]),
        (Binary::Add.into(), vec![input.clone(), input.clone()]),
        (Concat::new(0).into(), vec![input.clone(), input.clone()]),
        (Slice::new([1], [12]).steps([2]).into(), vec![input.clone()]),
        (Pad2d::new(1).value(1e5).into(), vec![image.clone()]),
        (MaxPool2d::new([1, 3]).padding([0, 1]).stride(1).into(), vec![image.clone()]),
        (Conv2d::new().into(), vec![image, ones]),
        (Reduce::mean([0]).into(), vec![ArrayD::zeros(IxDyn(&[0, 3]))]),
    ] {
        computed(&device, &op, &inputs, false)?;
    }
    // Rounded to nearest by the host, moved by the GPU.
    let moved = device
        .run(&Slice::new([12], [0]).steps([-1]).into(), &[&input])?
        .swap_remove(0);
    let expected = [
        2048.0,
        0.0,
        5.960_464_5e-8,
        1.001_358e-5,
        -0.0,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ];
    let rest = [f32::INFINITY, 65504.0, 65504.0, f32::NEG_INFINITY, f32::INFINITY];
    compare_exact(&moved, &arr1(&[&expected[..], &rest].concat()).into_dyn())?;
    Ok(())
}

/// Beyond 2048 halves skip whole numbers; indices do not.
fn indices_are_exact(gpu: &Gpu) -> Outcome {
    let (height, width) = (3, 7001);
    let mut image = ArrayD::zeros(IxDyn(&[1, 1, height, width]));
    for place in [4097, 7003, 20_001] {
        image[[0, 0, place / width, place % width]] = 1.0;
    }
    let pool = Op::from(MaxPool2d::new([1, width]).return_indices(true));
    let outputs = Halves(gpu.clone()).run(&pool, &[&image])?;
    let expected = arr1(&[4097_i64, 7003, 20_001]).into_shape_with_order(IxDyn(&[1, 1, 3, 1]))?;
    compare_exact(&outputs[1], &expected)?;
    Ok(())
}

/// Rows longer than one invocation goes through are summed in blocks, whose totals are wider than what is stored. Once the copies
/// between the two were invalid kernels.
fn cumulative_in_blocks(gpu: &Gpu) -> Outcome {
    let device = Halves(gpu.clone());
    let input = Random::new(9).integers(&[1, 70_000, 2]);
    for op in [Cumulative::sum(1), Cumulative::sum(1).exclusive(true).reverse(true)] {
        let outputs = device.run(&op.into(), &[&input])?;
        let answers = device.answers(&op.into(), std::slice::from_ref(&input))?;
        compare(&outputs[0], &answers[0]).map_err(|error| format!("{op:?}: {error}"))?;
    }
    Ok(())
}

/// Branches over planes of an odd number of elements that are joined, and a second output: offsets and copies are in whole
/// words and aligned.
fn branches() -> convoke::Result<Graph> {
    let (mut graph, mut random) = (Graph::new(), Random::new(8));
    let image = graph.input("image");
    let mut joined = Vec::new();
    for (name, channels) in [("left", 16), ("middle", 5), ("right", 32)] {
        let weight = graph.constant(name, random.reals(&[channels, 3, 5, 3]));
        let bias = graph.constant(name, random.reals(&[channels]));
        let conv = Fused::new(FusedBase::Conv(Conv2d::new().padding([2, 1]))).activation(Unary::Relu);
        joined.push(graph.node(name, conv, &[image, weight, bias])?);
    }
    let whole = graph.node("joined", Concat::new(1), &joined)?;
    let scale = graph.constant("scale", random.reals(&[53, 1, 1]));
    let scaled = graph.node("scaled", Binary::Mul, &[whole, scale])?;
    let pooled = graph.node_outputs("pooled", MaxPool2d::new(3).return_indices(true), &[scaled])?;
    let active = graph.node("active", Unary::Silu, &[scaled])?;
    let mean = graph.node("mean", Reduce::mean([2, 3]), &[active])?;
    for output in [pooled[0], pooled[1], mean, scaled] {
        graph.output(output)?;
    }
    Ok(graph)
}

fn halves(gpu: &Gpu, graph: Graph) -> convoke::Result<Session> {
    Session::builder().backend(gpu.clone()).precision(Precision::F16).build(graph)
}

/// Runs are within the bounds whatever ran before, every operator is right by itself, and nothing is made again.
fn network(_: &Gpu) -> Outcome {
    // A device of its own, on which nobody else makes anything.
    let gpu = Gpu::new()?;
    let session = halves(&gpu, branches()?)?;
    let mut random = Random::new(2);
    let inputs: Vec<_> = (0..3).map(|_| [random.reals(&[1, 3, 7, 9])]).collect();
    session.run_tensors(&views(&inputs[0]))?;
    let made = gpu.counters();
    for input in &inputs {
        let outputs = session.run_tensors(&views(input))?;
        let answers = session.answers(&views(input))?;
        // Rounding may make two maxima equal, and so another the first.
        for index in [0, 2, 3] {
            compare(&outputs[index], &answers[index]).map_err(|error| format!("output {index}: {error}"))?;
        }
        let places = outputs[1].array::<i64>()?;
        assert!(places.iter().all(|place| (0..63).contains(place)), "{places}");
    }
    assert_eq!(gpu.counters(), made, "made again");
    for check in session.verify(&views(&inputs[1]))? {
        if let Some(mismatch) = check.mismatch {
            return Err(format!("{} ({}): {mismatch}", check.node, check.operator).into());
        }
    }
    // In f32 the answers are those of f32.
    let session = Session::new(branches()?, &gpu.into())?;
    compare(
        &session.run_tensors(&views(&inputs[0]))?[3],
        &session.answers(&views(&inputs[0]))?[3],
    )?;
    Ok(())
}

/// What is off by 0.3 % is noticed where it arises, though it is less than an answer of 8 significant bits may be off.
#[cfg(feature = "wrong-kernel")]
fn wrong_kernel(gpu: &Gpu) -> Outcome {
    let wrong = Gpu::builder().named(gpu.info().name.as_str());
    let wrong = wrong
        .wrong_kernel("binary:store_output(index, combine=>store_output(index, 1.003 * combine")
        .build()?;
    let session = halves(&wrong, branches()?)?;
    let checks = session.verify(&[Random::new(2).reals(&[1, 3, 7, 9]).view()])?;
    let named: Vec<_> = checks
        .iter()
        .filter(|check| check.mismatch.is_some())
        .map(|check| check.node.as_str())
        .collect();
    assert_eq!(named, ["scaled"]);
    Ok(())
}

/// Weights take half, and so do intermediate results. (Sizes are such that the classes of buffers do not matter.)
fn memory(gpu: &Gpu) -> Outcome {
    let (mut graph, mut random) = (Graph::new(), Random::new(3));
    let mut value = graph.input("image");
    for (index, channels) in [[32, 3], [64, 32], [64, 64]].into_iter().enumerate() {
        let weight = graph.constant("weight", random.reals(&[channels[0], channels[1], 3, 3]));
        let conv = Conv2d::new().padding(1).stride(1 + index % 2);
        value = graph.node("conv", conv, &[value, weight])?;
        value = graph.node("relu", Unary::Relu, &[value])?;
    }
    graph.output(value)?;
    let image = random.reals(&[1, 3, 64, 64]);
    // Winograd's intermediate results are f32 in any case.
    let gpu = gpu.with_conv2d(Conv2dAlgorithm::Direct);
    let memory = |precision| -> convoke::Result<_> {
        let session = Session::builder()
            .backend(gpu.clone())
            .precision(precision)
            .build(graph.clone())?;
        Ok(session.resident(&[image.view()])?.memory())
    };
    let (single, half) = (memory(Precision::F32)?, memory(Precision::F16)?);
    assert_eq!(half.lower_bound * 2, single.lower_bound, "{half:?} {single:?}");
    assert_eq!(half.unshared * 2, single.unshared, "{half:?} {single:?}");
    assert_eq!(half.constants * 2, single.constants, "{half:?} {single:?}");
    assert!(half.planned as f64 <= 0.53 * single.planned as f64, "{half:?} {single:?}");
    Ok(())
}

/// No GPU, or one that was opened without 16-bit floats.
fn refusals(gpu: &Gpu) -> Outcome {
    let Some(adapter) = pollster::block_on(wgpu::Instance::default().enumerate_adapters(wgpu::Backends::all()))
        .into_iter()
        .find(|adapter| adapter.get_info().name == gpu.info().name)
    else {
        return Err("the adapter is gone".into());
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let plain = Gpu::from_device(device, queue, &adapter.get_info())?;
    for (backend, part) in [
        (Backend::from(plain), "SHADER_F16"),
        (Backend::Reference, "f16 needs a GPU"),
        (Backend::cpu(), "f16 needs a GPU"),
    ] {
        let builder = Session::builder().backend(backend.clone());
        builder.clone().precision(Precision::F32).build(branches()?)?;
        match builder.precision(Precision::F16).build(branches()?) {
            Err(error @ Error::Unsupported { .. }) if error.to_string().contains(part) => {}
            outcome => return Err(format!("{backend}: {outcome:?}").into()),
        }
    }
    Ok(())
}
