//! Special numbers along rows, planes and axes: sums, norms, and what only moves.

use convoke::PaddingMode;
use convoke::ops::{
    Concat, Expand, InstanceNorm, LayerNorm, Linear, LocalResponseNorm, MatMul, Op, Pad2d, Recurrent, RecurrentCell, Reduce,
    ReduceKind, ScaledDotProductAttention, Slice, Softmax, Transpose,
};
use convoke::testing::{Random, compare_exact};
use ndarray::{ArrayD, Axis, IxDyn};

use super::sprinkled;
use crate::device::{Device, Outcome, answers, check, check_exact};

/// Rows with one special, with several, with nothing else, and with numbers far apart.
pub(super) fn softmax(device: &dyn Device) -> Outcome {
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
        check(device, &op.into(), &[input.clone().into_dyn()])?;
    }
    // The same as parts of longer rows, which are kept by several lanes.
    let long = ArrayD::from_shape_fn(IxDyn(&[rows.len(), 72]), |place| {
        let column = place[1].wrapping_sub(40);
        rows[place[0]]
            .get(column)
            .copied()
            .unwrap_or(rows[place[0]][place[1] % 2 + 2])
    });
    for op in [Softmax::new(-1), Softmax::log(-1)] {
        check(device, &op.into(), std::slice::from_ref(&long))?;
    }
    for op in [Softmax::new(0), Softmax::log(0)] {
        check(device, &op.into(), &[input.t().to_owned().into_dyn()])?;
    }
    Ok(())
}

/// Scores and values with special numbers, in the first keys and among later ones, of sizes that kernels take in different ways.
pub(super) fn attention(device: &dyn Device) -> Outcome {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    // What is added to the scores of a query: nothing special; one key or all of them not seen, by minus infinity or by a large number; NaN; infinity.
    let rows: [&dyn Fn(usize) -> f32; 8] = [
        &|_| 0.0,
        &|key| if key == 2 { -inf } else { 0.0 },
        &|_| -inf,
        &|_| f32::MIN,
        &|key| if key < 40 { -inf } else { 0.0 },
        &|key| if key < 40 { f32::MIN } else { 0.0 },
        &|key| if key == 41 { nan } else { 0.0 },
        &|key| if key == 3 { inf } else { -inf },
    ];
    for (size, value_size) in [(8, 4), (5, 3), (300, 8)] {
        let mut random = Random::new(9);
        let query = random.reals(&[2, rows.len(), size]);
        let key = random.reals(&[2, 45, size]);
        let mut value = random.reals(&[2, 45, value_size]);
        let mask = ArrayD::from_shape_fn(IxDyn(&[rows.len(), 45]), |place| rows[place[0]](place[1]));
        let op = ScaledDotProductAttention::new().into();
        check(device, &op, &[query.clone(), key.clone(), value.clone(), mask.clone()])?;
        // A special value reaches all queries of its matrix, those that do not see it as 0 times infinity.
        value[[0, 2, 1]] = inf;
        value[[1, 44, 0]] = nan;
        check(device, &op, &[query.clone(), key.clone(), value.clone(), mask])?;
        let output = device.run_floats(&op, &[&query, &key, &value])?.swap_remove(0);
        for row in 0..rows.len() {
            let special = [
                output[[0, row, 1]],
                output[[1, row, 0]],
                output[[0, row, 0]],
                output[[1, row, 1]],
            ];
            if special[0] != inf || !special[1].is_nan() || special[2..].iter().any(|x| !x.is_finite()) {
                return Err(format!("row {row} of size {size}: {special:?}").into());
            }
        }
    }
    Ok(())
}

pub(super) fn linear(device: &dyn Device) -> Outcome {
    let mut random = Random::new(3);
    let mut input = random.integers(&[5, 7]);
    input[[1, 3]] = f32::NAN;
    input[[4, 0]] = f32::INFINITY;
    let mut weight = random.integers(&[11, 7]);
    weight[[10, 6]] = f32::NEG_INFINITY;
    check_exact(device, &Linear.into(), &[input, weight, random.integers(&[11])])?;
    Ok(())
}

/// A special number reaches its row or its column and no other matrix.
pub(super) fn matmul(device: &dyn Device) -> Outcome {
    let mut random = Random::new(4);
    let mut left = random.integers(&[2, 5, 7]);
    left[[1, 3, 3]] = f32::NAN;
    left[[1, 4, 0]] = f32::INFINITY;
    let mut right = random.integers(&[2, 7, 11]);
    right[[0, 6, 10]] = f32::NEG_INFINITY;
    check_exact(device, &MatMul.into(), &[left, right])?;
    Ok(())
}

/// A special number makes its own plane NaN and no other; large means do not drown small deviations.
pub(super) fn instance_norm(device: &dyn Device) -> Outcome {
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
        device,
        &InstanceNorm::new().into(),
        &[input.clone(), weight.clone(), bias.clone()],
    )?;
    let plane = |n: usize, c: usize| (0..13).map(move |x| [n, c, 2, x]);
    let output = device
        .run_floats(&InstanceNorm::new().into(), &[&input, &weight, &bias])?
        .swap_remove(0);
    for (n, c) in [(0, 1), (0, 3), (1, 0)] {
        if plane(n, c).any(|place| !output[place].is_nan()) {
            return Err(format!("plane {n}, {c} is not NaN").into());
        }
    }
    Ok(())
}

/// Gates make 0 and 1 of infinities; a NaN stays in the state of its own element of the batch, from its step on.
pub(super) fn recurrent(device: &dyn Device) -> Outcome {
    let (steps, batch, hidden) = (4, 5, 6);
    for cell in [
        RecurrentCell::Lstm,
        RecurrentCell::Gru,
        RecurrentCell::Tanh,
        RecurrentCell::Relu,
    ] {
        let mut random = Random::new(23);
        let rows = cell.gates() * hidden;
        let mut inputs = vec![
            random.reals(&[steps, batch, rows]),
            random.reals(&[rows, hidden]),
            random.reals(&[rows]),
            random.reals(&[batch, hidden]),
        ];
        if cell == RecurrentCell::Lstm {
            inputs.push(random.reals(&[batch, hidden]));
        }
        for (element, special) in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -0.0].into_iter().enumerate() {
            inputs[0][[1, element, rows - 2]] = special;
        }
        let op = Recurrent::new(cell).into();
        check(device, &op, &inputs)?;
        let output = device.run_floats(&op, &inputs.iter().collect::<Vec<_>>())?.swap_remove(0);
        for element in [3, 4] {
            if output.index_axis(Axis(1), element).iter().any(|x| x.is_nan()) {
                return Err(format!("{cell:?}: NaN in element {element}").into());
            }
        }
        if output[[0, 2, hidden - 2]].is_nan() || !output[[3, 2, 0]].is_nan() {
            return Err(format!("{cell:?}: {:?}", output.index_axis(Axis(1), 2)).into());
        }
    }
    Ok(())
}

/// A special number makes its own row NaN and no other, in rows that are kept, in odd ones and in those that are not kept; large
/// means do not drown small deviations.
pub(super) fn layer_norm(device: &dyn Device) -> Outcome {
    let mut random = Random::new(7);
    for extent in [3, 68, 1001, 40_000] {
        let mut input = random.reals(&[6, extent]);
        let specials = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 1e-40];
        for (row, &special) in specials.iter().enumerate() {
            input[[row, (5 * row + 2) % extent]] = special;
        }
        input.index_axis_mut(Axis(0), 5).mapv_inplace(|x| 0.01 * x + 100.0);
        let (weight, bias) = (random.reals(&[extent]), random.reals(&[extent]));
        check(device, &LayerNorm::rms(-1).into(), &[input.clone(), weight.clone()])?;
        let inputs = [input, weight, bias];
        check(device, &LayerNorm::new(-1).into(), &inputs)?;
        let output = device
            .run_floats(&LayerNorm::new(-1).into(), &inputs.each_ref())?
            .swap_remove(0);
        if (0..3).any(|row| !output[[row, 1]].is_nan()) || output[[3, 1]].is_nan() {
            return Err(format!("of {extent}: {:?}", output.index_axis(Axis(1), 1)).into());
        }
    }
    Ok(())
}

/// NaN and infinities reach the channels near them, in their place alone.
pub(super) fn local_response_norm(device: &dyn Device) -> Outcome {
    let mut random = Random::new(6);
    for every in [2, 20] {
        let input = sprinkled(&mut random, &[2, 9, 5, 7], every);
        for size in [1, 4, 5] {
            check(
                device,
                &LocalResponseNorm::new(size).alpha(0.1).into(),
                std::slice::from_ref(&input),
            )?;
        }
    }
    Ok(())
}

/// What only moves keeps its sign, zeros included.
pub(super) fn copies(device: &dyn Device) -> Outcome {
    let input = ndarray::array![[[[-0.0, 0.0, f32::NEG_INFINITY], [-0.0, f32::INFINITY, -1.5]]]].into_dyn();
    for mode in PaddingMode::ALL {
        let op: Op = Pad2d::new(1).mode(mode).into();
        let got = device.run_floats(&op, &[&input])?.swap_remove(0);
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
        let got = device.run_floats(&op, inputs)?.swap_remove(0);
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
pub(super) fn reduce(device: &dyn Device) -> Outcome {
    let mut random = Random::new(6);
    for every in [1, 3, 9, 40] {
        let input = sprinkled(&mut random, &[3, 4, 5, 7], every);
        for axes in [&[2, 3][..], &[1], &[0, 2], &[]] {
            check_exact(device, &Reduce::max(axes).into(), std::slice::from_ref(&input))?;
            check_exact(device, &Reduce::sum(axes).into(), std::slice::from_ref(&input))?;
            check(device, &Reduce::mean(axes).into(), std::slice::from_ref(&input))?;
        }
    }
    for special in [f32::NEG_INFINITY, f32::NAN, -0.0] {
        let input = ArrayD::from_elem(IxDyn(&[2, 5]), special);
        check_exact(device, &Reduce::max([1]).into(), &[input])?;
    }
    Ok(())
}

/// The sum of none is 0, their mean NaN, and their maximum an error.
pub(super) fn reduce_of_none(device: &dyn Device) -> Outcome {
    let none = ArrayD::<f32>::zeros(IxDyn(&[2, 0, 70]));
    let reduce = |op: Reduce| {
        device
            .run_floats(&op.into(), &[&none])
            .map(|mut outputs| outputs.swap_remove(0))
    };
    compare_exact(&reduce(Reduce::sum([1]))?, &ArrayD::<f32>::zeros(IxDyn(&[2, 70])))?;
    compare_exact(&reduce(Reduce::mean([1]))?, &ArrayD::from_elem(IxDyn(&[2, 70]), f32::NAN))?;
    let max = reduce(Reduce::new(ReduceKind::Max, [1]));
    assert!(matches!(max, Err(convoke::Error::InvalidArgument { .. })), "{max:?}");
    assert_eq!(reduce(Reduce::max([0, 2]))?.shape(), [0]);
    Ok(())
}
