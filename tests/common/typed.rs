//! Tensors of every element type through sessions: what moves elements moves them all, and what cannot be is refused.

use convoke::graph::Graph;
use convoke::ops::{
    ArgReduce, Binary, Cast, Concat, Conv, ConvInteger, Cumulative, Expand, Gather, MatMulInteger, MaxPool2d, Op, Reduce,
    ReduceKind, Reshape, Slice, Ternary, TopK, Transpose, Unary,
};
use convoke::testing::{Random, compare_exact};
use convoke::{Backend, DType, Error, PaddingMode, Session, Tensor, TensorType, TensorView};
use half::f16;
use ndarray::{Array, ArrayD};

use crate::device::Outcome;

/// Small numbers of a type, bools among them.
pub(crate) fn numbers(dtype: DType, shape: &[usize]) -> Tensor {
    let numbers = Random::new(11).integers(shape);
    match dtype {
        DType::F16 => numbers.mapv(|x| f16::from_f32(x / 4.0)).into(),
        DType::I64 => numbers.mapv(|x| i64::from(i32::MAX) - 8 + x as i64).into(),
        DType::I32 => numbers.mapv(|x| (i32::MIN + 8).wrapping_add(x as i32)).into(),
        DType::U8 => numbers.mapv(|x| (x + 247.0) as u8).into(),
        DType::I8 => numbers.mapv(|x| (x - 120.0) as i8).into(),
        DType::Bool => numbers.mapv(|x| x > 0.0).into(),
        _ => numbers.into(),
    }
}

/// Every operator that moves elements, one after another, with a constant among them, and the input itself as an output.
fn moving(dtype: DType) -> convoke::Result<Graph> {
    let mut graph = Graph::new();
    let input = graph.input_of_type("input", dtype);
    let constant = graph.constant("constant", numbers(dtype, &[2, 1, 5]));
    let joined = graph.node("joined", Concat::new(1), &[input, constant])?;
    let part = graph.node(
        "part",
        Slice::new([-1, 1], [isize::MIN, 5]).axes([1, 2]).steps([-1, 2]),
        &[joined],
    )?;
    let turned = graph.node("turned", Transpose::new([2, 0, 1]), &[part])?;
    let flat = graph.node("flat", Reshape::new([2, 1, 8]), &[turned])?;
    let spread = graph.node("spread", Expand::new([2, 3, 8]), &[flat])?;
    graph.output(spread)?;
    graph.output(part)?;
    Ok(graph)
}

/// A network's outputs on a backend are those on the reference, whatever the type; operators are right one by one, too.
pub(crate) fn moves(backend: &Backend) -> Outcome {
    for dtype in DType::ALL {
        let input = numbers(dtype, &[2, 3, 5]);
        let want = Session::new(moving(dtype)?, &Backend::Reference)?.run_tensors(&[&input])?;
        let session = Session::new(moving(dtype)?, backend)?;
        for _ in 0..2 {
            let got = session.run_tensors(&[&input])?;
            for (got, want) in got.iter().zip(&want) {
                compare_exact(got, want).map_err(|mismatch| format!("{dtype}: {mismatch}"))?;
            }
        }
        let awaited = pollster::block_on(session.run_tensors_async(&[&input]))?;
        assert_eq!(awaited, want, "{dtype}");
        for check in session.verify(&[&input])? {
            if let Some(mismatch) = check.mismatch {
                return Err(format!("{dtype}: {} ({}): {mismatch}", check.node, check.operator).into());
            }
        }
    }
    Ok(())
}

/// Parts of constant and of changing data of every type, by indices of either type; parts of whole vectors and of few elements.
pub(crate) fn gathers(backend: &Backend) -> Outcome {
    let places = ndarray::array![[3_i64, -5, 0], [-1, 3, 1]];
    for dtype in DType::ALL {
        for (indices, inner) in [
            (Tensor::from(places.clone()), 8),
            (places.mapv(|place| place as i32).into(), 3),
        ] {
            let data = numbers(dtype, &[2, 5, inner]);
            let mut graph = Graph::new();
            let changing = graph.input_of_type("data", dtype);
            let chosen = graph.input_of_type("indices", indices.dtype());
            let table = graph.constant("table", data.clone());
            let turned = graph.node("turned", Transpose::new([0, 2, 1]), &[table])?;
            for (name, data, axis) in [("parts", changing, 1), ("rows", table, -2), ("elements", turned, 2)] {
                let output = graph.node(name, Gather::new(axis), &[data, chosen])?;
                graph.output(output)?;
            }
            let session = Session::new(graph, backend)?;
            for check in session.verify(&[&data, &indices])? {
                if let Some(mismatch) = check.mismatch {
                    return Err(format!("{dtype} by {}: {} {mismatch}", indices.dtype(), check.node).into());
                }
            }
        }
    }
    Ok(())
}

/// Products and convolutions of whole numbers: more terms than floats add up exactly, grouped and not, and numbers whose sums wrap
/// around.
pub(crate) fn sums(backend: &Backend) -> Outcome {
    let padded = Conv::new().padding([1, 2]).stride([2, 1]);
    let windows: [(Op, &[usize], &[usize]); 6] = [
        (MatMulInteger.into(), &[2, 3, 700], &[700, 5]),
        (MatMulInteger.into(), &[4, 1, 3, 7], &[2, 7, 5]),
        (MatMulInteger.into(), &[6], &[6]),
        (ConvInteger::new(padded).into(), &[2, 80, 5, 6], &[9, 80, 3, 2]),
        (ConvInteger::new(padded.groups(3)).into(), &[1, 6, 5, 6], &[3, 2, 3, 2]),
        (
            ConvInteger::new(Conv::new().padding_mode(PaddingMode::Reflect).padding(1)).into(),
            &[1, 2, 4, 3, 5],
            &[3, 2, 2, 3, 2],
        ),
    ];
    for (op, left, right) in windows {
        for dtypes in [
            [DType::U8, DType::I8],
            [DType::I8, DType::U8],
            [DType::I32, DType::I32],
            [DType::U8, DType::U8],
        ] {
            let mut graph = Graph::new();
            let changing = graph.input_of_type("left", dtypes[0]);
            let mut weight = graph.constant("right", operands(dtypes[1], right, 5));
            if dtypes[1] == DType::I32 {
                // What is computed of constants keeps its type, even once its elements are on a device alone.
                let centre = graph.constant("centre", ndarray::arr0(7_i32).into_dyn());
                weight = graph.node("centred", Binary::Sub, &[weight, centre])?;
            }
            let output = graph.node("sums", op.clone(), &[changing, weight])?;
            graph.output(output)?;
            for check in Session::new(graph, backend)?.verify(&[&operands(dtypes[0], left, 3)])? {
                if let Some(mismatch) = check.mismatch {
                    return Err(format!("{op:?} of {dtypes:?}: {mismatch}").into());
                }
            }
        }
    }
    Ok(())
}

/// Numbers of a type for arithmetic: those at the ends of a type wrap around, but 64 bits, of which GPUs have 32.
fn operands(dtype: DType, shape: &[usize], seed: u64) -> Tensor {
    let numbers = Random::new(seed).integers(shape);
    match dtype {
        DType::I64 => numbers.mapv(|x| 1000 * x as i64).into(),
        DType::I32 => numbers.mapv(|x| (x as i32).wrapping_mul(i32::MAX / 8)).into(),
        DType::U8 => numbers.mapv(|x| (31.0 * (x + 8.0)).min(255.0) as u8).into(),
        DType::I8 => numbers.mapv(|x| (16.0 * x) as i8).into(),
        // A few that are no numbers, infinite or negative zeros.
        DType::F32 => numbers
            .mapv(|x| {
                if x > 5.0 {
                    [f32::NAN, f32::INFINITY, -0.0][x as usize - 6]
                } else {
                    x / 2.0
                }
            })
            .into(),
        _ => self::numbers(dtype, shape),
    }
}

/// The operators along an axis, the middle one of three.
fn along_an_axis() -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    for flag in [false, true] {
        for op in [ArgReduce::max(1), ArgReduce::min(-2).keep_dims(true)] {
            ops.push(op.last(flag).into());
        }
        for op in [Cumulative::sum(1), Cumulative::product(1)] {
            ops.extend([op.exclusive(flag).into(), op.exclusive(flag).reverse(true).into()]);
        }
    }
    ops.extend([TopK::largest(5).axis(1).into(), TopK::smallest(2).axis(1).into()]);
    for kind in [ReduceKind::Sum, ReduceKind::Product, ReduceKind::Max] {
        let axes: [&[isize]; 3] = [&[1], &[0, 2], &[]];
        ops.extend(axes.map(|axes| Op::from(Reduce::new(kind, axes))));
    }
    ops
}

/// Operands of a row operator; those of products of floats are about 1, so that no order of multiplication overflows.
fn row_operands(op: &Op, dtype: DType, shape: &[usize]) -> Tensor {
    let is_product =
        matches!(op, Op::Cumulative(op) if op.product) || matches!(op, Op::Reduce(op) if op.kind == ReduceKind::Product);
    if is_product && dtype == DType::F32 {
        return Random::new(5)
            .integers(shape)
            .mapv(|x| (1.0 + x / 128.0) * if x == 3.0 { -1.0 } else { 1.0 })
            .into();
    }
    if is_product && dtype == DType::I64 {
        // Of which GPUs have 32 bits.
        return Random::new(5)
            .integers(shape)
            .mapv(|x| if x > 6.0 { -1_i64 } else { 1 })
            .into();
    }
    operands(dtype, shape, 5)
}

/// What goes along axes, of every type that it takes, in rows that lie together and apart, short and long.
pub(crate) fn rows(backend: &Backend) -> Outcome {
    let mut cases: Vec<(Op, [usize; 3])> = Vec::new();
    for op in along_an_axis() {
        cases.extend([[2, 5, 3], [3, 400, 1], [2, 300, 2]].map(|shape| (op.clone(), shape)));
    }
    for op in [TopK::largest(300), TopK::smallest(300), TopK::largest(8400)] {
        cases.push((op.into(), [1, 2, 8400]));
    }
    // Longer than an invocation may go through: in blocks, and by more lanes.
    for op in [Cumulative::sum(1), Cumulative::sum(1).exclusive(true).reverse(true)] {
        cases.push((op.into(), [1, 70_000, 2]));
    }
    cases.extend([TopK::largest(1000), TopK::smallest(70)].map(|op| (op.axis(1).into(), [1, 100_000, 2])));
    cases.push((Reduce::product([]).into(), [1, 0, 2]));
    let mut checked = 0;
    for (op, shape) in cases {
        for dtype in DType::ALL {
            if op.infer(&[&TensorType::new(dtype, shape)]).is_err() {
                continue;
            }
            let input = row_operands(&op, dtype, &shape);
            let mut graph = Graph::new();
            let value = graph.input_of_type("input", dtype);
            for output in graph.node_outputs("rows", op.clone(), &[value])? {
                graph.output(output)?;
            }
            for check in Session::new(graph, backend)?.verify(&[&input])? {
                checked += 1;
                if let Some(mismatch) = check.mismatch {
                    return Err(format!("{op:?} of {dtype}{shape:?}: {mismatch}").into());
                }
            }
        }
    }
    if checked < 5 * along_an_axis().len() {
        return Err(format!("only {checked} checks").into());
    }
    Ok(())
}

/// The types of its inputs that a function takes where the last is of this type, if it takes any. A condition is of bools.
fn types_of(op: &Op, dtype: DType) -> Option<Vec<DType>> {
    let of = |dtypes: &[DType]| -> Option<Vec<DType>> {
        let types: Vec<TensorType> = dtypes.iter().map(|&dtype| TensorType::new(dtype, [1])).collect();
        op.infer(&types.iter().collect::<Vec<_>>()).ok().map(|_| dtypes.to_vec())
    };
    (1..=3)
        .find_map(|count| of(&vec![dtype; count]))
        .or_else(|| of(&[DType::Bool, dtype, dtype]))
}

/// Every function of elements, on every type that it takes, broadcast and not.
pub(crate) fn functions(backend: &Backend) -> Outcome {
    let unary = Unary::EXAMPLES.iter().map(|&function| Op::from(function));
    let binary = Binary::EXAMPLES.iter().map(|&function| Op::from(function));
    let ternary = Ternary::EXAMPLES.iter().map(|&function| Op::from(function));
    let shapes: [&[usize]; 3] = [&[2, 3, 5], &[3, 1], &[2, 1, 5]];
    let mut checked = 0;
    let casts = DType::ALL.into_iter().map(|dtype| Op::from(Cast::new(dtype)));
    for op in unary.chain(binary).chain(ternary).chain(casts) {
        let typed = DType::ALL.into_iter().filter_map(|dtype| types_of(&op, dtype));
        for (dtypes, is_broadcast) in typed.flat_map(|dtypes| [(dtypes.clone(), false), (dtypes, true)]) {
            let mut graph = Graph::new();
            let (mut values, mut inputs) = (Vec::new(), Vec::new());
            for (index, &dtype) in dtypes.iter().enumerate() {
                let shape = if is_broadcast { shapes[index] } else { shapes[0] };
                values.push(graph.input_of_type(format!("input {index}"), dtype));
                // GPUs have 32 bits of `i64`, and so another largest number.
                let is_to_i64 = op == Op::from(Cast::new(DType::I64));
                inputs.push(if is_to_i64 {
                    numbers(dtype, shape)
                } else {
                    operands(dtype, shape, index as u64)
                });
            }
            let output = graph.node("function", op.clone(), &values)?;
            graph.output(output)?;
            let session = Session::new(graph, backend)?;
            for check in session.verify(&inputs.iter().collect::<Vec<_>>())? {
                checked += 1;
                if let Some(mismatch) = check.mismatch {
                    return Err(format!("{op:?} of {dtypes:?}: {mismatch}").into());
                }
            }
        }
    }
    let examples = Unary::EXAMPLES.len() + Binary::EXAMPLES.len() + Ternary::EXAMPLES.len();
    if checked < 2 * examples {
        return Err(format!("{checked} checks of {examples} functions").into());
    }
    Ok(())
}

/// Other types than a graph takes, operators that compute, and outputs that are no `f32`.
pub(crate) fn refuses(backend: &Backend) -> Outcome {
    let session = Session::new(moving(DType::U8)?, backend)?;
    let floats = Array::<f32, _>::zeros((2, 3, 5));
    let refused = |outcome: convoke::Result<()>, parts: [&str; 2]| match outcome {
        Err(Error::InvalidArgument { operator, message }) if parts.iter().all(|part| message.contains(part)) => {
            let _ = operator;
            Ok(())
        }
        other => Err(format!("{parts:?}: {other:?}")),
    };
    refused(
        session.run_tensors(&[floats.view()]).map(drop),
        ["\"input\"", "type u8, but got f32"],
    )?;
    refused(
        session.run(&[floats.view().into_dyn()]).map(drop),
        ["\"input\"", "type u8, but got f32"],
    )?;
    let mut graph = Graph::new();
    let whole = graph.input_of_type("whole", DType::I32);
    let active = graph.node("active", Unary::Tanh, &[whole])?;
    graph.output(active)?;
    let numbers = ndarray::array![1_i32, 2];
    let tanh = Session::new(graph, backend)?;
    refused(
        tanh.run_tensors(&[numbers.view()]).map(drop),
        ["expected f32, but got i32", "\"active\""],
    )?;
    let mut graph = Graph::new();
    let image = graph.input("image");
    let pooled = graph.node_outputs("pooled", MaxPool2d::new(2).return_indices(true), &[image])?;
    graph.output(pooled[1])?;
    let pool = Session::new(graph, backend)?;
    let image = ArrayD::<f32>::zeros(vec![1, 1, 4, 4]);
    refused(pool.run(&[image.view()]).map(drop), ["i64", "run_tensors"])?;
    let indices: Vec<Tensor> = pool.run_tensors(&[TensorView::from(&image)])?;
    assert_eq!(indices[0], ndarray::array![[[[0_i64, 2], [8, 10]]]].into());
    Ok(())
}
