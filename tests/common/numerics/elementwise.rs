//! Special numbers element by element: activations and arithmetic.

use convoke::ops::{Binary, MaxPool2d, Op, PRelu, Reduce, Unary};
use convoke::testing::compare_exact;
use ndarray::{Array1, ArrayD};

use super::SPECIAL;
use crate::device::{Device, Outcome, binaries, check, check_exact, unaries};

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

pub(super) fn activation(device: &dyn Device) -> Outcome {
    let input = ladder();
    let parameters = [
        Unary::LeakyRelu { negative_slope: -2.0 },
        Unary::LeakyRelu { negative_slope: 0.0 },
        Unary::Elu { alpha: -0.5 },
        Unary::Clamp { min: 2.0, max: -1.0 },
        Unary::Clamp {
            min: f32::NEG_INFINITY,
            max: f32::INFINITY,
        },
        Unary::Clamp {
            min: f32::INFINITY,
            max: f32::INFINITY,
        },
        Unary::Selu {
            alpha: -2.0,
            gamma: -0.5,
        },
        Unary::Celu { alpha: 1.0 },
        Unary::Celu { alpha: 1e-6 },
        Unary::Celu { alpha: 1e30 },
        Unary::HardSigmoidWith { alpha: 0.0, beta: 0.5 },
        Unary::HardSigmoidWith {
            alpha: -1e30,
            beta: 1e30,
        },
    ];
    for op in unaries().chain(parameters) {
        check(device, &op.into(), std::slice::from_ref(&input))?;
    }
    Ok(())
}

/// Slopes may be special too.
pub(super) fn prelu(device: &dyn Device) -> Outcome {
    let elements = ladder();
    let slopes = [0.25, -2.0, 0.0, f32::NAN, f32::INFINITY];
    let input = elements
        .broadcast((slopes.len(), elements.len()))
        .ok_or("a row for each slope")?
        .to_owned();
    let input = input.to_shape((1, slopes.len(), elements.len()))?.to_owned().into_dyn();
    check(device, &PRelu.into(), &[input, Array1::from_iter(slopes).into_dyn()])?;
    Ok(())
}

pub(super) fn binary(device: &dyn Device) -> Outcome {
    let row = Array1::from_iter(SPECIAL.into_iter().chain([1.0, -2.5])).into_dyn();
    let column = row.to_shape((row.len(), 1))?.to_owned().into_dyn();
    for op in binaries() {
        check_exact(device, &op.into(), &[row.clone(), column.clone()])?;
    }
    Ok(())
}

/// Where a function is steep, cancels or leaves the range of `f32`: near 0 and 1, subnormal, near overflow and underflow.
pub(super) fn edges(device: &dyn Device) -> Outcome {
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
    for op in unaries() {
        check(device, &op.into(), std::slice::from_ref(&input))?;
    }
    Ok(())
}

/// Each of many numbers, subnormal ones and those at the ends of the range among them, with each.
pub(super) fn pairs(device: &dyn Device) -> Outcome {
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
        check(device, &op.into(), &[row.clone(), column.clone()])?;
    }
    for op in [Binary::Min, Binary::Max] {
        check_exact(device, &op.into(), &[row.clone(), column.clone()])?;
    }
    // Whole powers of whole numbers come without a rounding, and zeros keep the sign that C gives them.
    let bases = Array1::from_iter((-8..=8).map(|base| base as f32)).into_dyn();
    for exponent in 0..=8_u8 {
        let exponent = ndarray::arr1(&[f32::from(exponent)]).into_dyn();
        check_exact(device, &Binary::Pow.into(), &[bases.clone(), exponent])?;
    }
    let zeros = ndarray::array![-0.0_f32, -0.0, 0.0, f32::NEG_INFINITY, -0.0, 1.0].into_dyn();
    let partners = ndarray::array![3.0_f32, 2.0, 3.0, -3.0, 7.0, f32::NEG_INFINITY].into_dyn();
    for (op, want) in [
        (Binary::Pow, [true, false, false, true, true, false]),
        (Binary::Div, [true, true, false, false, true, true]),
    ] {
        let got = device.run_floats(&op.into(), &[&zeros, &partners])?.swap_remove(0);
        let signs: Vec<bool> = got.iter().map(|x| x.is_sign_negative()).collect();
        if signs != want {
            return Err(format!("{op:?}: the signs of {got} are wrong").into());
        }
    }
    Ok(())
}

/// Subnormal numbers may become zero; nothing else may come of them.
pub(super) fn subnormals(device: &dyn Device) -> Outcome {
    let input = Array1::from_iter([1, 77, 0x007f_ffff].into_iter().flat_map(|bits| {
        let x = f32::from_bits(bits);
        [x, -x]
    }))
    .into_dyn();
    let ops: [Op; 4] = [
        Unary::Clamp {
            min: f32::MIN,
            max: f32::MAX,
        }
        .into(),
        Unary::LeakyRelu { negative_slope: 1.0 }.into(),
        Unary::Elu { alpha: 1.0 }.into(),
        Unary::Tanh.into(),
    ];
    for op in ops {
        let got = device.run_floats(&op, &[&input])?.swap_remove(0);
        for (got, want) in got.iter().zip(&input) {
            let off = (f64::from(*got) - f64::from(*want)).abs();
            if *got != 0.0 && off > f64::from(*want).abs() * 1e-5 + f64::from(f32::from_bits(2)) {
                return Err(format!("{op:?} makes {want:e} {got:e}").into());
            }
        }
    }
    // What is exact otherwise may make zero of them too, and the oracle must know.
    let clamp = Unary::Clamp { min: -1.0, max: 1.0 };
    let exact = [Unary::Relu, Unary::Relu6, clamp, Unary::Abs, Unary::Neg];
    for op in exact.map(Op::from) {
        check(device, &op, std::slice::from_ref(&input))?;
    }
    check(device, &Reduce::max([0]).into(), std::slice::from_ref(&input))?;
    let image = input.to_shape((1, 1, 2, 3))?.to_owned().into_dyn();
    check(device, &MaxPool2d::new([2, 1]).into(), std::slice::from_ref(&image))?;
    check(device, &MaxPool2d::new([1, 2]).padding([0, 1]).into(), &[image])?;
    let sum = device
        .run(&Binary::Add.into(), &[&input, &ArrayD::<f32>::ones(input.shape())])?
        .swap_remove(0);
    compare_exact(&sum, &ArrayD::<f32>::ones(input.shape()))?;
    Ok(())
}
