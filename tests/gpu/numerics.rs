//! NaN, infinities, signed zeros and subnormal numbers: they go where the definition sends them and nowhere else.

use convoke::Gpu;
use convoke::gpu::Conv2dAlgorithm;
use convoke::ops::{
    Activation, AdaptiveMaxPool2d, AvgPool2d, Binary, Concat, Conv2d, Expand, InstanceNorm, Linear, LocalResponseNorm, LpPool2d,
    MatMul, MaxPool2d, Op, PRelu, Pad2d, Reduce, ReduceKind, Slice, Softmax, Transpose,
};
use convoke::testing::{Random, compare_exact};
use convoke::{Padding2d, PaddingMode};
use ndarray::{Array1, ArrayD, IxDyn};

use crate::check::{answers, check, check_exact, computed};
use crate::goldens::run;
use crate::{Named, Outcome, trial};

pub(crate) const BINARIES: [Binary; 7] = [
    Binary::Add,
    Binary::Mul,
    Binary::Sub,
    Binary::Div,
    Binary::Pow,
    Binary::Min,
    Binary::Max,
];

const SPECIAL: [f32; 5] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0];

pub(crate) fn trials() -> Vec<Named> {
    let mut trials = vec![
        trial("numerics/max_pool2d", max_pool2d),
        trial("numerics/max_pool2d/minus_infinity", minus_infinity),
        trial("numerics/avg_pool2d", avg_pool2d),
        trial("numerics/lp_pool2d", lp_pool2d),
        trial("numerics/activation", activation),
        trial("numerics/prelu", prelu),
        trial("numerics/softmax", softmax),
        trial("numerics/linear", linear),
        trial("numerics/winograd", winograd),
        trial("numerics/matmul", matmul),
        trial("numerics/instance_norm", instance_norm),
        trial("numerics/local_response_norm", local_response_norm),
        trial("numerics/binary", binary),
        trial("numerics/binary/pairs", pairs),
        trial("numerics/activation/edges", edges),
        trial("numerics/copies", copies),
        trial("numerics/reduce", reduce),
        trial("numerics/reduce/of_none", reduce_of_none),
        trial("numerics/subnormals", subnormals),
    ];
    trials.extend(Conv2dAlgorithm::ALL.map(|algorithm| {
        trial(format!("numerics/conv2d/{algorithm:?}"), move |gpu| {
            conv2d(&gpu.with_conv2d(algorithm), algorithm)
        })
    }));
    trials
}

/// Whole numbers with about one special in `every`.
fn sprinkled(random: &mut Random, shape: &[usize], every: usize) -> ArrayD<f32> {
    let mut data = random.integers(shape);
    for x in &mut data {
        if random.below(every) == 0 {
            *x = SPECIAL[random.below(SPECIAL.len())];
        }
    }
    data
}

/// The kernel for small windows, the one for any window and the one with indices, from all finite to mostly special.
fn max_pool2d(gpu: &Gpu) -> Outcome {
    let small = MaxPool2d::new([3, 2]).stride([2, 1]).padding([1, 1]).ceil_mode(true);
    let large = MaxPool2d::new([12, 11]).stride([1, 3]).padding([4, 5]);
    let dilated = MaxPool2d::new([2, 3]).dilation([3, 2]).stride(1).padding([1, 2]);
    let mut random = Random::new(1);
    for every in [1, 2, 5, 40] {
        let input = sprinkled(&mut random, &[2, 3, 13, 17], every);
        for op in [small, large, dilated] {
            for indices in [false, true] {
                check_exact(gpu, &op.return_indices(indices).into(), std::slice::from_ref(&input))?;
            }
        }
        let adaptive = AdaptiveMaxPool2d::new([4, 5]).return_indices(true);
        check_exact(gpu, &adaptive.into(), &[input])?;
    }
    Ok(())
}

/// Padding never wins, not even over minus infinity.
fn minus_infinity(gpu: &Gpu) -> Outcome {
    let input = ArrayD::from_elem(IxDyn(&[1, 2, 4, 5]), f32::NEG_INFINITY);
    for kernel in [[2, 3], [4, 5], [12, 11]] {
        let op = MaxPool2d::new(kernel)
            .stride(1)
            .padding([kernel[0] as isize / 2, kernel[1] as isize / 2]);
        let values = gpu.max_pool2d(&gpu.upload(&input)?, &op)?.read::<f32>()?;
        if values.iter().any(|&x| x != f32::NEG_INFINITY) {
            return Err(format!("{kernel:?}: {values}").into());
        }
        check_exact(gpu, &op.return_indices(true).into(), std::slice::from_ref(&input))?;
    }
    Ok(())
}

fn avg_pool2d(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(2);
    for every in [2, 12, 60] {
        let input = sprinkled(&mut random, &[2, 3, 13, 17], every);
        for kernel in [[3, 2], [12, 11]] {
            let op = AvgPool2d::new(kernel).stride([2, 1]).padding([1, 1]).ceil_mode(true);
            check(gpu, &op.into(), std::slice::from_ref(&input))?;
            check(gpu, &op.count_include_pad(false).into(), std::slice::from_ref(&input))?;
        }
    }
    Ok(())
}

/// Special numbers, and elements whose powers are out of range.
fn lp_pool2d(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(7);
    for p in [1, 2, 3, 7] {
        let op = LpPool2d::new(p, [3, 2]).stride([2, 1]).padding([1, 1]).ceil_mode(true);
        for every in [2, 12, 60] {
            check(gpu, &op.into(), &[sprinkled(&mut random, &[2, 3, 13, 17], every)])?;
        }
        for scale in [1e-30, 1e30] {
            check(gpu, &op.into(), &[random.reals(&[2, 3, 13, 17]).mapv(|x| scale * x)])?;
        }
        check(gpu, &op.into(), &[ArrayD::zeros(IxDyn(&[1, 1, 5, 6]))])?;
    }
    Ok(())
}

/// Specials, and arguments where exponentials overflow, underflow and cancel.
fn ladder() -> ArrayD<f32> {
    let sizes = [
        1e-20,
        1e-6,
        1e-3,
        0.5,
        1.0,
        3.0,
        6.0,
        10.0,
        20.0,
        88.8,
        104.0,
        250.0,
        1e10,
        1e30,
        f32::MAX,
    ];
    let both = sizes.into_iter().flat_map(|size: f32| [size, -size]);
    Array1::from_iter(SPECIAL.into_iter().chain([-f32::NAN]).chain(both)).into_dyn()
}

fn activation(gpu: &Gpu) -> Outcome {
    let input = ladder();
    for op in [
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu { negative_slope: 0.01 },
        Activation::LeakyRelu { negative_slope: -2.0 },
        Activation::LeakyRelu { negative_slope: 0.0 },
        Activation::Elu { alpha: 1.0 },
        Activation::Elu { alpha: -0.5 },
        Activation::Silu,
        Activation::Gelu,
        Activation::Mish,
        Activation::Softplus,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::HardSigmoid,
        Activation::HardSwish,
        Activation::Clamp { min: -1.0, max: 2.0 },
        Activation::Clamp { min: 2.0, max: -1.0 },
        Activation::Clamp {
            min: f32::NEG_INFINITY,
            max: f32::INFINITY,
        },
        Activation::Clamp {
            min: f32::INFINITY,
            max: f32::INFINITY,
        },
        Activation::Abs,
        Activation::Neg,
        Activation::Exp,
        Activation::Log,
        Activation::Sqrt,
        Activation::Erf,
        Activation::Softsign,
        Activation::SELU,
        Activation::Selu {
            alpha: -2.0,
            gamma: -0.5,
        },
        Activation::Celu { alpha: 1.0 },
        Activation::Celu { alpha: 1e-6 },
        Activation::Celu { alpha: 1e30 },
        Activation::HardSigmoidWith { alpha: 0.2, beta: 0.5 },
        Activation::HardSigmoidWith { alpha: 0.0, beta: 0.5 },
        Activation::HardSigmoidWith {
            alpha: -1e30,
            beta: 1e30,
        },
        Activation::GeluTanh,
        Activation::Floor,
        Activation::Ceil,
    ] {
        check(gpu, &op.into(), std::slice::from_ref(&input))?;
    }
    Ok(())
}

/// Slopes may be special too.
fn prelu(gpu: &Gpu) -> Outcome {
    let elements = ladder();
    let slopes = [0.25, -2.0, 0.0, f32::NAN, f32::INFINITY];
    let input = elements
        .broadcast((slopes.len(), elements.len()))
        .ok_or("a row for each slope")?
        .to_owned();
    let input = input.to_shape((1, slopes.len(), elements.len()))?.to_owned().into_dyn();
    check(gpu, &PRelu.into(), &[input, Array1::from_iter(slopes).into_dyn()])?;
    Ok(())
}

/// Rows with one special, with several, with nothing else, and with numbers far apart.
fn softmax(gpu: &Gpu) -> Outcome {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let rows = [
        [1.0, 2.0, 3.0, 4.0],
        [nan, 2.0, 3.0, 4.0],
        [1.0, 2.0, 3.0, nan],
        [inf, 2.0, 3.0, 4.0],
        [1.0, -inf, 3.0, 4.0],
        [-inf, -inf, -inf, 4.0],
        [-inf, -inf, -inf, -inf],
        [inf, inf, 3.0, 4.0],
        [inf, -inf, 3.0, nan],
        [1e30, -1e30, 0.0, 1e30],
        [f32::MAX, f32::MIN, f32::MAX, 0.0],
        [0.0, -0.0, 0.0, -0.0],
        [0.0, -80.0, -120.0, -1000.0],
    ];
    let input = ndarray::arr2(&rows);
    for op in [Softmax::new(-1), Softmax::log(-1)] {
        check(gpu, &op.into(), &[input.clone().into_dyn()])?;
    }
    for op in [Softmax::new(0), Softmax::log(0)] {
        check(gpu, &op.into(), &[input.t().to_owned().into_dyn()])?;
    }
    Ok(())
}

/// A special number reaches the outputs whose windows hold it; neither other windows, channels, groups and batch entries
/// nor the idle lanes and padded channels of a block carry it further.
fn conv2d(gpu: &Gpu, algorithm: Conv2dAlgorithm) -> Outcome {
    let plain = Conv2d::new();
    // Two output channels of three are finite, and so is one batch entry.
    let cases = [
        (plain, [2, 3, 5, 9], [3, 3, 1, 1]),
        (plain.groups(2), [2, 4, 5, 7], [6, 2, 1, 1]),
        (plain.stride([2, 3]), [2, 3, 7, 10], [3, 3, 1, 1]),
        (plain.stride([3, 3]).groups(3), [2, 3, 8, 9], [3, 1, 2, 2]),
        (plain.padding([2, 1]), [2, 2, 6, 9], [3, 2, 3, 2]),
        (plain.padding(1).groups(3), [2, 3, 6, 9], [3, 1, 3, 3]),
        (plain.padding(1), [2, 3, 6, 11], [3, 3, 3, 3]),
        (
            plain.padding(Padding2d::new(1, 2, 0, 3)).padding_mode(PaddingMode::Reflect),
            [2, 2, 6, 9],
            [3, 2, 3, 2],
        ),
    ];
    let mut count = 0;
    for (seed, (op, input_shape, weight_shape)) in cases.into_iter().enumerate() {
        let mut random = Random::new(seed as u64);
        let weight = random.integers(&weight_shape);
        let bias = random.integers(&weight_shape[..1]);
        for special in [f32::NAN, f32::INFINITY] {
            let mut input = random.integers(&input_shape);
            for y in (1..input_shape[2]).step_by(2) {
                input[[1, 0, y, y % input_shape[3]]] = special;
            }
            count += u32::from(computed(gpu, &op.into(), &[input, weight.clone(), bias.clone()], true)?);
            // Now in the weight of the last output channel: zeros of the padding times infinity are NaN.
            let mut weight = weight.clone();
            weight[[weight_shape[0] - 1, 0, 0, 0]] = special;
            count += u32::from(computed(
                gpu,
                &op.into(),
                &[random.integers(&input_shape), weight, bias.clone()],
                true,
            )?);
        }
    }
    let needs_subgroups = matches!(algorithm, Conv2dAlgorithm::DirectBroadcast | Conv2dAlgorithm::GemmBroadcast);
    let has_subgroups = gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8;
    if count == 0 && (has_subgroups || !needs_subgroups) {
        return Err(format!("{algorithm:?} computed nothing").into());
    }
    Ok(())
}

/// Winograd's sums of pixels and of weights overflow where the definition's do not, and are NaN where infinities meet: such
/// outputs must be those of the definition, whatever the padding, and the others untouched.
fn winograd(gpu: &Gpu) -> Outcome {
    let gpu = gpu.with_conv2d(Conv2dAlgorithm::Winograd);
    let mut random = Random::new(11);
    for mode in PaddingMode::ALL {
        let op = Conv2d::new().padding(Padding2d::new(2, 1, 1, 3)).padding_mode(mode);
        for every in [2, 9, 40, 200] {
            let input = sprinkled(&mut random, &[2, 3, 7, 11], every);
            let weight = random.integers(&[5, 3, 3, 3]);
            check_exact(&gpu, &op.into(), &[input, weight, random.integers(&[5])])?;
            let input = random.integers(&[2, 3, 7, 11]);
            let weight = sprinkled(&mut random, &[5, 3, 3, 3], every);
            check_exact(&gpu, &op.into(), &[input, weight])?;
        }
        // Nine products are within range in any order. Four pixels are not, nor are three weights.
        let mut signs = |shape: &[usize], size: f32| random.integers(shape).mapv(|x| size.copysign(x));
        for (pixel, factor) in [(1.2e38, 0.25), (0.25, 1.2e38)] {
            let input = signs(&[2, 1, 7, 11], pixel);
            let weight = signs(&[5, 1, 3, 3], factor);
            check(&gpu, &op.into(), &[input.clone(), weight.clone()])?;
            check(&gpu, &op.into(), &[input.mapv(f32::abs), weight.mapv(f32::abs)])?;
        }
        // Far apart in size, so that small sums are what large ones leave.
        for exponent in [-30.0, 10.0, 18.0] {
            let mut spread = |shape: &[usize]| {
                let sizes = random.reals(shape).mapv(|x| f32::exp2(exponent * x.abs()));
                sizes * random.reals(shape)
            };
            let input = spread(&[2, 3, 7, 11]);
            check(&gpu, &op.into(), &[input, spread(&[5, 3, 3, 3]), random.reals(&[5])])?;
        }
    }
    Ok(())
}

fn linear(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(3);
    let mut input = random.integers(&[5, 7]);
    input[[1, 3]] = f32::NAN;
    input[[4, 0]] = f32::INFINITY;
    let mut weight = random.integers(&[11, 7]);
    weight[[10, 6]] = f32::NEG_INFINITY;
    check_exact(gpu, &Linear.into(), &[input, weight, random.integers(&[11])])?;
    Ok(())
}

/// A special number reaches its row or its column and no other matrix.
fn matmul(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(4);
    let mut left = random.integers(&[2, 5, 7]);
    left[[1, 3, 3]] = f32::NAN;
    left[[1, 4, 0]] = f32::INFINITY;
    let mut right = random.integers(&[2, 7, 11]);
    right[[0, 6, 10]] = f32::NEG_INFINITY;
    check_exact(gpu, &MatMul.into(), &[left, right])?;
    Ok(())
}

/// A special number makes its own plane NaN and no other; large means do not drown small deviations.
fn instance_norm(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(5);
    let mut input = random.reals(&[2, 5, 9, 13]);
    input[[0, 1, 8, 12]] = f32::NAN;
    input[[0, 3, 0, 0]] = f32::INFINITY;
    input[[1, 0, 4, 4]] = f32::NEG_INFINITY;
    for (place, x) in input.indexed_iter_mut() {
        if place[1] == 4 {
            *x = 0.01 * *x + 100.0;
        }
    }
    let (weight, bias) = (random.reals(&[5]), random.reals(&[5]));
    check(
        gpu,
        &InstanceNorm::new().into(),
        &[input.clone(), weight.clone(), bias.clone()],
    )?;
    let plane = |n: usize, c: usize| (0..13).map(move |x| [n, c, 2, x]);
    let output = gpu.instance_norm(
        &gpu.upload(&input)?,
        &gpu.upload(&weight)?,
        &gpu.upload(&bias)?,
        &InstanceNorm::new(),
    )?;
    let output = output.read::<f32>()?;
    for (n, c) in [(0, 1), (0, 3), (1, 0)] {
        if plane(n, c).any(|place| !output[place].is_nan()) {
            return Err(format!("plane {n}, {c} is not NaN").into());
        }
    }
    Ok(())
}

/// NaN and infinities reach the channels near them, in their place alone.
fn local_response_norm(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(6);
    for every in [2, 20] {
        let input = sprinkled(&mut random, &[2, 9, 5, 7], every);
        for size in [1, 4, 5] {
            check(
                gpu,
                &LocalResponseNorm::new(size).alpha(0.1).into(),
                std::slice::from_ref(&input),
            )?;
        }
    }
    Ok(())
}

fn binary(gpu: &Gpu) -> Outcome {
    let row = Array1::from_iter(SPECIAL.into_iter().chain([1.0, -2.5])).into_dyn();
    let column = row.to_shape((row.len(), 1))?.to_owned().into_dyn();
    for op in BINARIES {
        check_exact(gpu, &op.into(), &[row.clone(), column.clone()])?;
    }
    Ok(())
}

/// Where a function is steep, cancels or leaves the range of `f32`: near 0 and 1, subnormal, near overflow and underflow.
fn edges(gpu: &Gpu) -> Outcome {
    let mut elements: Vec<f32> = ladder().iter().copied().collect();
    for centre in [
        1.0_f32,
        0.5,
        2.0,
        std::f32::consts::SQRT_2,
        f32::MIN_POSITIVE,
        88.722_83,
        0.625,
    ] {
        elements.extend((0..7).map(|step| f32::from_bits(centre.to_bits() + step - 3)));
    }
    elements.extend([1u32, 77, 0x0040_0000, 0x007f_ffff].map(f32::from_bits));
    elements.extend((-176..=176).map(|step| 0.593 * step as f32));
    let input = Array1::from_vec(elements).into_dyn();
    for op in [
        Activation::Abs,
        Activation::Neg,
        Activation::Exp,
        Activation::Log,
        Activation::Sqrt,
        Activation::Erf,
        Activation::Softsign,
        Activation::SELU,
        Activation::Celu { alpha: 3.0 },
        Activation::HardSigmoidWith { alpha: 0.01, beta: 0.5 },
        Activation::GeluTanh,
        Activation::Floor,
        Activation::Ceil,
    ] {
        check(gpu, &op.into(), std::slice::from_ref(&input))?;
    }
    Ok(())
}

/// Each of many numbers, subnormal ones and those at the ends of the range among them, with each.
fn pairs(gpu: &Gpu) -> Outcome {
    let sizes: [f32; 22] = [
        1e-45,
        1e-40,
        1.5e-38,
        1e-30,
        3e-20,
        0.01,
        0.5,
        0.999_999_94,
        1.0,
        1.000_001,
        1.5,
        2.0,
        3.0,
        7.0,
        16.0,
        17.0,
        33.3,
        1e6,
        16_777_215.0,
        16_777_216.0,
        1e30,
        f32::MAX,
    ];
    let row: Vec<f32> = SPECIAL
        .into_iter()
        .chain(sizes.into_iter().flat_map(|size| [size, -size]))
        .collect();
    let row = Array1::from_vec(row).into_dyn();
    let column = row.to_shape((row.len(), 1))?.to_owned().into_dyn();
    for op in [Binary::Div, Binary::Pow] {
        check(gpu, &op.into(), &[row.clone(), column.clone()])?;
    }
    for op in [Binary::Min, Binary::Max] {
        check_exact(gpu, &op.into(), &[row.clone(), column.clone()])?;
    }
    // Whole powers of whole numbers come without a rounding, and zeros keep the sign that C gives them.
    let bases = Array1::from_iter((-8..=8).map(|base| base as f32)).into_dyn();
    for exponent in 0..=8_u8 {
        let exponent = ndarray::arr1(&[f32::from(exponent)]).into_dyn();
        check_exact(gpu, &Binary::Pow.into(), &[bases.clone(), exponent])?;
    }
    let zeros = ndarray::array![-0.0_f32, -0.0, 0.0, f32::NEG_INFINITY, -0.0, 1.0].into_dyn();
    let partners = ndarray::array![3.0_f32, 2.0, 3.0, -3.0, 7.0, f32::NEG_INFINITY].into_dyn();
    for (op, want) in [
        (Binary::Pow, [true, false, false, true, true, false]),
        (Binary::Div, [true, true, false, false, true, true]),
    ] {
        let got = gpu.binary(&gpu.upload(&zeros)?, &gpu.upload(&partners)?, op)?.read::<f32>()?;
        let signs: Vec<bool> = got.iter().map(|x| x.is_sign_negative()).collect();
        if signs != want {
            return Err(format!("{op:?}: the signs of {got} are wrong").into());
        }
    }
    Ok(())
}

/// What only moves keeps its sign, zeros included.
fn copies(gpu: &Gpu) -> Outcome {
    let input = ndarray::array![[[[-0.0, 0.0, f32::NEG_INFINITY], [-0.0, f32::INFINITY, -1.5]]]].into_dyn();
    for mode in PaddingMode::ALL {
        let op: Op = Pad2d::new(1).mode(mode).into();
        let got = run(gpu, &op, &[&input])?.swap_remove(0);
        let want = answers(&op, std::slice::from_ref(&input))?[0].to_f32();
        compare_exact(&got, &want)?;
        let signs = |array: &ArrayD<f32>| array.mapv(f32::is_sign_negative);
        if signs(&got) != signs(&want) {
            return Err(format!("{mode}: the sign of a zero is lost: {got}").into());
        }
    }
    // What moves whole elements keeps every bit, of NaN and of subnormal numbers too.
    let bits = [0x7fc0_1234, 0xffa0_0001, 1, 0x8000_0000, 0x7f80_0000, 0x3f80_0000];
    let input = ArrayD::from_shape_vec(IxDyn(&[2, 3]), bits.map(f32::from_bits).to_vec())?;
    let moved = |op: Op, inputs: &[&ArrayD<f32>], order: &[usize]| -> Outcome {
        let got = run(gpu, &op, inputs)?.swap_remove(0);
        let (got, want): (Vec<u32>, Vec<u32>) = (
            got.iter().map(|x| x.to_bits()).collect(),
            order.iter().map(|&i| bits[i]).collect(),
        );
        if got != want {
            return Err(format!("{op:?}: {got:x?}, not {want:x?}").into());
        }
        Ok(())
    };
    moved(Transpose::reversed().into(), &[&input], &[0, 3, 1, 4, 2, 5])?;
    moved(
        Slice::new([-1], [isize::MIN]).steps([-1]).into(),
        &[&input],
        &[3, 4, 5, 0, 1, 2],
    )?;
    moved(
        Concat::new(1).into(),
        &[&input, &input],
        &[0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5],
    )?;
    let twice = [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5];
    moved(Expand::new([2, 2, 3]).into(), &[&input], &twice)?;
    Ok(())
}

/// NaN and infinities along one axis, along two apart, and everywhere.
fn reduce(gpu: &Gpu) -> Outcome {
    let mut random = Random::new(6);
    for every in [1, 3, 9, 40] {
        let input = sprinkled(&mut random, &[3, 4, 5, 7], every);
        for axes in [&[2, 3][..], &[1], &[0, 2], &[]] {
            check_exact(gpu, &Reduce::max(axes).into(), std::slice::from_ref(&input))?;
            check_exact(gpu, &Reduce::sum(axes).into(), std::slice::from_ref(&input))?;
            check(gpu, &Reduce::mean(axes).into(), std::slice::from_ref(&input))?;
        }
    }
    for special in [f32::NEG_INFINITY, f32::NAN, -0.0] {
        let input = ArrayD::from_elem(IxDyn(&[2, 5]), special);
        check_exact(gpu, &Reduce::max([1]).into(), &[input])?;
    }
    Ok(())
}

/// The sum of none is 0, their mean NaN, and their maximum an error.
fn reduce_of_none(gpu: &Gpu) -> Outcome {
    let none = gpu.upload(&ArrayD::<f32>::zeros(IxDyn(&[2, 0, 70])))?;
    let sum = gpu.reduce(&none, &Reduce::sum([1]))?.read::<f32>()?;
    compare_exact(&sum, &ArrayD::zeros(IxDyn(&[2, 70])))?;
    let mean = gpu.reduce(&none, &Reduce::mean([1]))?.read::<f32>()?;
    compare_exact(&mean, &ArrayD::from_elem(IxDyn(&[2, 70]), f32::NAN))?;
    let max = gpu.reduce(&none, &Reduce::new(ReduceKind::Max, [1]));
    assert!(matches!(max, Err(convoke::Error::InvalidArgument { .. })), "{max:?}");
    assert_eq!(gpu.reduce(&none, &Reduce::max([0, 2]))?.shape(), [0]);
    Ok(())
}

/// Subnormal numbers may become zero; nothing else may come of them.
fn subnormals(gpu: &Gpu) -> Outcome {
    let input = Array1::from_iter([1, 77, 0x007f_ffff].into_iter().flat_map(|bits| {
        let x = f32::from_bits(bits);
        [x, -x]
    }))
    .into_dyn();
    let ops: [Op; 4] = [
        Activation::Clamp {
            min: f32::MIN,
            max: f32::MAX,
        }
        .into(),
        Activation::LeakyRelu { negative_slope: 1.0 }.into(),
        Activation::Elu { alpha: 1.0 }.into(),
        Activation::Tanh.into(),
    ];
    for op in ops {
        let got = run(gpu, &op, &[&input])?.swap_remove(0);
        for (got, want) in got.iter().zip(&input) {
            let off = (f64::from(*got) - f64::from(*want)).abs();
            if *got != 0.0 && off > f64::from(*want).abs() * 1e-5 + f64::from(f32::from_bits(2)) {
                return Err(format!("{op:?} makes {want:e} {got:e}").into());
            }
        }
    }
    // What is exact otherwise may make zero of them too, and the oracle must know.
    let clamp = Activation::Clamp { min: -1.0, max: 1.0 };
    let exact = [Activation::Relu, Activation::Relu6, clamp, Activation::Abs, Activation::Neg];
    for op in exact.map(Op::from) {
        check(gpu, &op, std::slice::from_ref(&input))?;
    }
    check(gpu, &Reduce::max([0]).into(), std::slice::from_ref(&input))?;
    let image = input.to_shape((1, 1, 2, 3))?.to_owned().into_dyn();
    check(gpu, &MaxPool2d::new([2, 1]).into(), std::slice::from_ref(&image))?;
    check(gpu, &MaxPool2d::new([1, 2]).padding([0, 1]).into(), &[image])?;
    let sum = run(gpu, &Binary::Add.into(), &[&input, &ArrayD::ones(input.shape())])?.swap_remove(0);
    compare_exact(&sum, &ArrayD::ones(input.shape()))?;
    Ok(())
}
