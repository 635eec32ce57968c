//! Convolutions and products of whole numbers by every algorithm and the rules of every class of devices: the reference's numbers,
//! with zero points on either side, where planes are whole vectors and where not, and where sums exceed what floats have.

use convoke::gpu::{Conv2dAlgorithm, DeviceClass};
use convoke::graph::{Graph, ValueId};
use convoke::ops::{Binary, Cast, Conv, ConvInteger, MatMulInteger, Op};
use convoke::testing::{Random, compare_exact};
use convoke::{Backend, DType, Error, Gpu, Padding2d, PaddingMode, Session, Tensor};
use ndarray::ArrayD;

use crate::{Named, Outcome, trial};

/// An operator, its input's shape and its weight's.
type Case = (Op, Vec<usize>, Vec<usize>);

pub(crate) fn trials() -> Vec<Named> {
    let mut trials: Vec<Named> = Conv2dAlgorithm::ALL
        .into_iter()
        .map(|algorithm| {
            trial(format!("whole_sums/{algorithm:?}"), move |gpu: &Gpu| {
                forced(&gpu.with_conv2d(algorithm), algorithm)
            })
        })
        .collect();
    trials.extend(DeviceClass::ALL.map(|class| {
        trial(format!("whole_sums/{}", class.name()), move |gpu: &Gpu| {
            for case in convolutions().into_iter().chain(products()) {
                mismatch(&gpu.with_device_class(class), &case)?.map_or(Ok(()), Err)?;
            }
            Ok(())
        })
    }));
    trials
}

fn convolutions() -> Vec<Case> {
    let case = |conv: Conv, input: [usize; 4], weight: [usize; 4]| (ConvInteger::new(conv).into(), input.to_vec(), weight.to_vec());
    let uneven = Conv::new()
        .padding(Padding2d::new(1, 2, 0, 1))
        .stride([2, 1])
        .dilation([1, 2]);
    vec![
        case(uneven, [2, 5, 7, 9], [6, 5, 3, 3]),
        case(uneven.groups(3), [1, 6, 8, 9], [9, 2, 3, 2]),
        case(uneven.groups(2), [1, 22, 8, 9], [18, 11, 3, 2]),
        case(uneven.padding_mode(PaddingMode::Reflect), [1, 3, 6, 7], [5, 3, 3, 2]),
        case(Conv::new().padding(1).groups(7), [1, 7, 9, 5], [7, 1, 3, 3]),
        case(Conv::new().padding(1).stride(2).groups(6), [2, 6, 8, 8], [6, 1, 3, 3]),
        case(Conv::new().padding(1), [1, 18, 8, 8], [33, 18, 3, 3]),
        case(Conv::new(), [1, 13, 5, 7], [9, 13, 1, 1]),
        case(Conv::new(), [2, 12, 4, 8], [35, 12, 1, 1]),
        case(Conv::new().stride(2), [1, 10, 7, 7], [17, 10, 1, 1]),
        // Sums beyond 2^24.
        case(Conv::new(), [1, 1100, 5, 4], [10, 1100, 1, 1]),
        case(Conv::new().padding(1), [1, 130, 4, 5], [10, 130, 3, 3]),
    ]
}

fn products() -> Vec<Case> {
    vec![
        (MatMulInteger.into(), vec![5, 7], vec![7, 3]),
        (MatMulInteger.into(), vec![1, 1100], vec![1100, 9]),
        (MatMulInteger.into(), vec![2, 20, 1100], vec![1100, 34]),
        (MatMulInteger.into(), vec![2, 3, 12], vec![2, 12, 8]),
    ]
}

/// Bytes of which most are at the ends of their type.
fn bytes(dtype: DType, shape: &[usize], seed: u64) -> Tensor {
    let mut random = Random::new(seed);
    let numbers = ArrayD::from_shape_fn(shape, |_| match random.below(8) {
        0 => random.below(256) as i32,
        1 => 0,
        _ => 255,
    });
    match dtype {
        DType::U8 => numbers.mapv(|x| x as u8).into(),
        _ => numbers.mapv(|x| (x - 128) as i8).into(),
    }
}

/// A value less a zero point, or one for each place along the first axis.
fn centred(graph: &mut Graph, value: ValueId, zero_points: ArrayD<i32>) -> convoke::Result<ValueId> {
    let whole = graph.node("whole", Cast::new(DType::I32), &[value])?;
    let zero_points = graph.constant("zero points", zero_points);
    graph.node("centred", Binary::Sub, &[whole, zero_points])
}

fn network((op, _, weight_shape): &Case, [left, right]: [DType; 2], has_zero_points: bool) -> convoke::Result<Graph> {
    let mut graph = Graph::new();
    let mut input = graph.input_of_type("input", left);
    let mut weight = graph.constant("weight", bytes(right, weight_shape, 5));
    if has_zero_points {
        input = centred(&mut graph, input, ArrayD::from_elem(vec![1], 11))?;
        let mut shape = vec![1; weight_shape.len()];
        shape[0] = weight_shape[0];
        weight = centred(
            &mut graph,
            weight,
            ArrayD::from_shape_fn(shape, |place| place[0] as i32 % 7 - 3),
        )?;
    }
    let sums = graph.node("sums", op.clone(), &[input, weight])?;
    graph.output(sums)?;
    Ok(graph)
}

/// What is wrong with a case for any types, if anything is.
fn mismatch(gpu: &Gpu, case: &Case) -> convoke::Result<Option<String>> {
    use DType::{I8, U8};
    for types in [[U8, I8], [I8, U8], [U8, U8], [I8, I8]] {
        for has_zero_points in [false, true] {
            let input = bytes(types[0], &case.1, 3);
            let want = Session::new(network(case, types, has_zero_points)?, &Backend::Reference)?.run_tensors(&[&input])?;
            let session = Session::new(network(case, types, has_zero_points)?, &gpu.clone().into())?;
            let got = session.run_tensors(&[&input])?;
            if let Err(mismatch) = compare_exact(&got[0], &want[0]) {
                return Ok(Some(format!(
                    "{case:?} of {types:?}, zero points {has_zero_points}: {mismatch}"
                )));
            }
        }
    }
    Ok(None)
}

/// What an algorithm does not compute it refuses; transforms compute nothing, since they are not exact.
fn forced(gpu: &Gpu, algorithm: Conv2dAlgorithm) -> Outcome {
    let mut computed = 0;
    for case in convolutions() {
        match mismatch(gpu, &case) {
            Ok(None) => computed += 1,
            Ok(Some(mismatch)) => return Err(mismatch.into()),
            Err(Error::Unsupported { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let computes = match algorithm {
        Conv2dAlgorithm::Winograd | Conv2dAlgorithm::WinogradLarge => false,
        // Adapters without subgroups of eight refuse all.
        Conv2dAlgorithm::DirectBroadcast | Conv2dAlgorithm::GemmBroadcast => {
            gpu.info().subgroups && gpu.info().subgroup_size.0 >= 8
        }
        _ => true,
    };
    if (computed > 0) != computes {
        return Err(format!("{algorithm:?} computed {computed} convolutions").into());
    }
    Ok(())
}
