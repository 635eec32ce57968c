//! What depends on constants alone is computed when the graph is made, in its own type and exactly.

use half::f16;
use ndarray::{Array, arr0, array};
use prost::bytes::Bytes;

use super::super::proto::{AttributeProto, NodeProto, TensorProto};
use super::{element, graph, initializer, int, ints, model, node, numbers, text, typed_output, value};
use crate::error::Result;
use crate::tensor::Tensor;

/// What an operator makes of constants.
fn computed(operator: &str, attributes: Vec<AttributeProto>, inputs: &[Tensor]) -> Result<Tensor> {
    let names = ["a", "b", "c"];
    let mut node = node(operator, &names[..inputs.len()], "y");
    node.attribute = attributes;
    let constants = names
        .iter()
        .zip(inputs)
        .map(|(name, tensor)| initializer(name, tensor.clone()));
    typed_output(&model(vec![node], constants.collect()))
}

#[track_caller]
fn check(operator: &str, attributes: Vec<AttributeProto>, inputs: &[Tensor], want: impl Into<Tensor>) {
    assert_eq!(computed(operator, attributes, inputs).unwrap(), want.into(), "{operator}");
}

#[track_caller]
fn check_refusal(operator: &str, attributes: Vec<AttributeProto>, inputs: &[Tensor], part: &str) {
    let message = computed(operator, attributes, inputs).unwrap_err().to_string();
    assert!(message.contains(part), "{operator}: {message}");
}

#[test]
fn whole_numbers_are_exact_or_refused() {
    let large = array![(1_i64 << 53) - 1, -7];
    check("Add", vec![], &[large.into(), array![1_i64].into()], array![1_i64 << 53, -6]);
    check_refusal(
        "Add",
        vec![],
        &[array![i64::MAX].into(), array![2_i64].into()],
        "is no 64-bit number",
    );
    check_refusal("Mul", vec![], &[array![16_u8].into(), array![16_u8].into()], "256 is no u8");
    check_refusal("Div", vec![], &[array![1_i32].into(), array![0_i32].into()], "1 Div 0");
    check_refusal("Add", vec![], &[array![1_i32].into(), array![1_i64].into()], "i32 and i64");
    check("Div", vec![], &[array![-7_i64].into(), array![2_i64].into()], array![-3_i64]);
    let (left, right) = (array![-4_i64, 7, 5, 4, -7, 8], array![2_i64, -3, 8, -2, 3, 5]);
    let operands = [left.into(), right.into()];
    check("Mod", vec![], &operands, array![0_i64, -2, 5, 0, 2, 3]);
    check("Mod", vec![int("fmod", 1)], &operands, array![0_i64, 1, 5, 0, -1, 3]);
    check("Max", vec![], &operands, array![2_i64, 7, 8, 4, 3, 8]);
    check(
        "Pow",
        vec![],
        &[array![3_i64, -2].into(), array![33_i64, 3].into()],
        array![3_i64.pow(33), -8],
    );
    check_refusal(
        "Pow",
        vec![],
        &[array![3_i64].into(), array![40_i64].into()],
        "no 64-bit number",
    );
    check("Pow", vec![], &[array![9_i64].into(), array![0.5_f32].into()], array![3_i64]);
    check(
        "Pow",
        vec![],
        &[array![0.5_f32].into(), array![-2_i64].into()],
        array![4.0_f32],
    );
}

#[test]
fn operators_of_one_element() {
    check("Sign", vec![], &[array![-5_i32, 0, 9].into()], array![-1_i32, 0, 1]);
    check(
        "Sign",
        vec![],
        &[array![-0.5_f32, 0.0, 3.0].into()],
        array![-1.0_f32, 0.0, 1.0],
    );
    check("Abs", vec![], &[array![-128_i64, 5].into()], array![128_i64, 5]);
    check_refusal("Abs", vec![], &[array![-128_i8].into()], "128 is no i8");
    check_refusal("Neg", vec![], &[array![i64::MIN].into()], "Neg of -9223372036854775808");
    check(
        "Round",
        vec![],
        &[array![0.5_f32, 1.5, -2.5].into()],
        array![0.0_f32, 2.0, -2.0],
    );
    check("Sqrt", vec![], &[array![49.0_f32].into()], array![7.0_f32]);
    check("Not", vec![], &[array![true, false].into()], array![false, true]);
}

#[test]
fn comparisons_give_bools() {
    let near = 1_i64 << 60;
    let operands = [array![near, near + 1, 3].into(), array![near, near, 4].into()];
    check("Equal", vec![], &operands, array![true, false, false]);
    check("Greater", vec![], &operands, array![false, true, false]);
    check("LessOrEqual", vec![], &operands, array![true, false, true]);
    let operands = [array![f32::NAN, 1.0].into(), array![f32::NAN, 1.0].into()];
    check("GreaterOrEqual", vec![], &operands, array![false, true]);
    let bools = [array![[true], [false]].into(), array![true, false].into()];
    check("And", vec![], &bools, array![[true, false], [false, false]]);
    check("Or", vec![], &bools, array![[true, true], [true, false]]);
    check("Xor", vec![], &bools, array![[false, true], [true, false]]);
    check("Equal", vec![], &bools, array![[true, false], [false, true]]);
    check_refusal("And", vec![], &[array![1_i64].into(), array![true].into()], "bool");
    let chosen = [array![[true], [false]].into(), array![1_u8, 2, 3].into(), arr0(9_u8).into()];
    check("Where", vec![], &chosen, array![[1_u8, 2, 3], [9, 9, 9]]);
    let mixed = [array![true].into(), array![1_u8].into(), array![1_i64].into()];
    check_refusal("Where", vec![], &mixed, "u8 and i64");
}

#[test]
fn reductions_of_whole_numbers() {
    let table = || Tensor::from(array![[1_i64, 2, 3], [4, 5, 6]]);
    check("ReduceProd", vec![], &[table()], array![[720_i64]]);
    check(
        "ReduceProd",
        vec![ints("axes", &[-1]), int("keepdims", 0)],
        &[table()],
        array![6_i64, 120],
    );
    check("ReduceMax", vec![ints("axes", &[0])], &[table()], array![[4_i64, 5, 6]]);
    check("ReduceMin", vec![int("keepdims", 0)], &[table()], arr0(1_i64));
    check(
        "ReduceSum",
        vec![int("keepdims", 0)],
        &[table(), array![0_i64].into()],
        array![5_i64, 7, 9],
    );
    check("ReduceProd", vec![], &[array![0.5_f32, 6.0].into()], array![3.0_f32]);
    check_refusal("ReduceProd", vec![], &[array![i64::MAX, 2].into()], "no 64-bit number");
    check(
        "CumSum",
        vec![],
        &[table(), arr0(1_i64).into()],
        array![[1_i64, 3, 6], [4, 9, 15]],
    );
    let backwards = vec![int("exclusive", 1), int("reverse", 1)];
    check(
        "CumSum",
        backwards,
        &[table(), arr0(-1_i32).into()],
        array![[5_i64, 3, 0], [11, 6, 0]],
    );
    check(
        "CumSum",
        vec![],
        &[array![0.5_f32, 0.25].into(), arr0(0_i64).into()],
        array![0.5_f32, 0.75],
    );
}

#[test]
fn elements_by_their_places() {
    let table = || Tensor::from(array![[1_i32, 2, 3], [4, 5, 6]]);
    let indices = || Tensor::from(array![[-1_i64, 0]]);
    check(
        "Gather",
        vec![int("axis", 1)],
        &[table(), indices()],
        array![[[3_i32, 1]], [[6, 4]]],
    );
    check_refusal(
        "Gather",
        vec![int("axis", 1)],
        &[table(), array![3_i64].into()],
        "index 3 of 3 elements",
    );
    let at = Tensor::from(array![[0_i64, -1], [1, 0]]);
    check(
        "GatherElements",
        vec![int("axis", 1)],
        &[table(), at.clone()],
        array![[1_i32, 3], [5, 4]],
    );
    check("GatherND", vec![], &[table(), at], array![3_i32, 4]);
    check("GatherND", vec![], &[table(), array![[1_i64]].into()], array![[4_i32, 5, 6]]);
    let batched = [table(), array![[2_i64], [0]].into()];
    check("GatherND", vec![int("batch_dims", 1)], &batched, array![3_i32, 4]);
    check_refusal(
        "GatherND",
        vec![],
        &[table(), array![[2_i64, 0]].into()],
        "index 2 of 2 elements",
    );
    check_refusal("GatherND", vec![], &[table(), array![[0_i64, 0, 0]].into()], "[1, 3]");
    let updates = [table(), array![[1_i64], [-2]].into(), array![[7_i32, 8, 9], [0, 0, 1]].into()];
    check("ScatterND", vec![], &updates, array![[0_i32, 0, 1], [7, 8, 9]]);
    let updates = [table(), array![[0_i64, 1]].into(), array![7_i32].into()];
    check("ScatterND", vec![], &updates, array![[1_i32, 7, 3], [4, 5, 6]]);
    check_refusal(
        "ScatterND",
        vec![],
        &[table(), array![[0_i64]].into(), array![7_i32].into()],
        "[1, 3] are expected",
    );
    let updates = [table(), array![[2_i64], [0]].into(), array![[8_i32], [9]].into()];
    check(
        "ScatterElements",
        vec![int("axis", 1)],
        &updates,
        array![[1_i32, 2, 8], [9, 5, 6]],
    );
}

#[test]
fn places_of_elements() {
    let table = || Tensor::from(array![[0.0_f32, 2.0, -1.0], [3.0, 0.0, 3.0]]);
    check("NonZero", vec![], &[table()], array![[0_i64, 0, 1, 1], [1, 2, 0, 2]]);
    check("NonZero", vec![], &[array![false, true].into()], array![[1_i64]]);
    check("ArgMax", vec![int("axis", 1)], &[table()], array![[1_i64], [0]]);
    let last = vec![int("axis", 1), int("keepdims", 0), int("select_last_index", 1)];
    check("ArgMax", last, &[table()], array![1_i64, 2]);
    check("ArgMin", vec![int("keepdims", 0)], &[table()], array![0_i64, 1, 0]);
    check(
        "TopK",
        vec![],
        &[table(), array![2_i64].into()],
        array![[2.0_f32, 0.0], [3.0, 3.0]],
    );
    check(
        "TopK",
        vec![int("largest", 0), int("axis", 0)],
        &[table(), array![1_i64].into()],
        array![[0.0_f32, 0.0, -1.0]],
    );
    check_refusal("TopK", vec![], &[table(), array![4_i64].into()], "up to 3");
    let hot = [array![1_i64, -1, 7].into(), arr0(3_i64).into(), array![0_u8, 5].into()];
    check("OneHot", vec![], &hot, array![[0_u8, 5, 0], [0, 0, 5], [0, 0, 0]]);
    check(
        "OneHot",
        vec![int("axis", 0)],
        &hot,
        array![[0_u8, 0, 0], [5, 0, 0], [0, 5, 0]],
    );
}

#[test]
fn ranges_and_matrices() {
    let range = |start: f32, limit: f32, step: f32| [arr0(start).into(), arr0(limit).into(), arr0(step).into()];
    check("Range", vec![], &range(1.0, 2.0, 0.25), array![1.0_f32, 1.25, 1.5, 1.75]);
    check("Range", vec![], &range(1.0, -1.0, -0.75), array![1.0_f32, 0.25, -0.5]);
    check("Range", vec![], &range(0.0, -1.0, 1.0), ndarray::Array1::<f32>::zeros(0));
    check_refusal("Range", vec![], &range(0.0, 1.0, 0.0), "a range from 0 to 1 by 0");
    check_refusal("Range", vec![], &range(0.0, 1e30, 1e-5), "more elements than can be counted");
    let numbers = [arr0(3_i32).into(), arr0(-4_i32).into(), arr0(-3_i32).into()];
    check("Range", vec![], &numbers, array![3_i32, 0, -3]);
    let square = || Tensor::from(array![[1_i64, 2, 3], [4, 5, 6], [7, 8, 9]]);
    check("Trilu", vec![], &[square()], array![[1_i64, 2, 3], [0, 5, 6], [0, 0, 9]]);
    let below = [square(), arr0(-1_i64).into()];
    check(
        "Trilu",
        vec![int("upper", 0)],
        &below,
        array![[0_i64, 0, 0], [4, 0, 0], [7, 8, 0]],
    );
    check(
        "EyeLike",
        vec![int("k", 1)],
        &[square()],
        array![[0_i64, 1, 0], [0, 0, 1], [0, 0, 0]],
    );
    check(
        "EyeLike",
        vec![int("dtype", 9)],
        &[array![[5.0_f32, 5.0]].into()],
        array![[true, false]],
    );
}

#[test]
fn casts_to_every_type() {
    let cast = |to: i64, value: f32| computed("Cast", vec![int("to", to)], &[array![value].into()]).unwrap();
    assert_eq!(cast(1, 2.7), array![2.7_f32].into());
    assert_eq!(cast(2, 200.7), array![200_u8].into());
    assert_eq!(cast(3, -2.7), array![-2_i8].into());
    assert_eq!(cast(6, -2.7), array![-2_i32].into());
    assert_eq!(cast(7, 2.7), array![2_i64].into());
    assert_eq!(cast(9, 2.7), array![true].into());
    // Of 16 bits, and held as f32.
    assert_eq!(cast(10, 0.1), array![f16::from_f32(0.1).to_f32()].into());
    assert_eq!(cast(16, 0.1), array![half::bf16::from_f32(0.1).to_f32()].into());
    assert_eq!(cast(4, 65537.0), array![1_i32].into());
    // Of four bits, and of floats of eight.
    assert_eq!(cast(21, 17.0), array![1_u8].into());
    assert_eq!(cast(22, 9.0), array![-7_i8].into());
    assert_eq!(cast(17, 500.0), array![448.0_f32].into());
    assert_eq!(cast(23, 2.6), array![3.0_f32].into());
    check(
        "Cast",
        vec![int("to", 1)],
        &[array![true, false].into()],
        array![1.0_f32, 0.0],
    );
    check("Cast", vec![int("to", 7)], &[array![true].into()], array![1_i64]);
    check_refusal("Cast", vec![int("to", 14)], &[array![true].into()], "COMPLEX64");
}

#[test]
fn what_only_the_network_computes_is_known_where_it_is_needed() {
    // 3 * 4 from the largest of reals, which no other operator here computes.
    let mut cast = node("Cast", &["m"], "l");
    cast.attribute = vec![int("to", 7)];
    let mut largest = node("ReduceMax", &["f"], "m");
    largest.attribute = vec![int("keepdims", 0)];
    let nodes = vec![
        node("Relu", &["a"], "f"),
        largest,
        cast,
        node("Mul", &["l", "b"], "n"),
        node("Expand", &["v", "n"], "y"),
    ];
    let constants = vec![
        initializer("a", array![-8.0_f32, 3.0, 1.0]),
        initializer("b", array![4_i64]),
        initializer("v", array![7_u8]),
    ];
    assert_eq!(
        typed_output(&model(nodes, constants)).unwrap(),
        ndarray::Array1::from_elem(12, 7_u8).into()
    );
}

/// What an operator makes of a first input that the network reads, and of constants.
fn run(operator: &str, attributes: Vec<AttributeProto>, input: &Tensor, constant: Tensor) -> Result<Tensor> {
    let mut node = node(operator, &["x", "b"], "y");
    node.attribute = attributes;
    run_node(node, input, constant)
}

/// The same of a node whose inputs are `x`, while the network runs, and `b`, which is known.
fn run_node(node: NodeProto, input: &Tensor, constant: Tensor) -> Result<Tensor> {
    let mut model = model(vec![node], vec![initializer("b", constant)]);
    let shape: Vec<i64> = input.shape().iter().map(|&extent| extent as i64).collect();
    let mut info = value("x", &shape);
    info.kind.as_mut().unwrap().tensor.as_mut().unwrap().element = element::number(input.dtype());
    model.graph.as_mut().unwrap().input = vec![info];
    let session = crate::Session::new(graph(&model)?, &crate::Backend::Reference)?;
    Ok(session.run_tensors(&[input])?.swap_remove(0))
}

#[test]
fn indices_that_change_choose_from_a_table() {
    let table: Tensor = array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]].into_dyn().into();
    let chosen = |axis, indices: Tensor| {
        let mut gather = node("Gather", &["b", "x"], "y");
        gather.attribute = vec![int("axis", axis)];
        run_node(gather, &indices, table.clone())
    };
    let rows = chosen(0, array![[2_i64, -3]].into_dyn().into()).unwrap();
    assert_eq!(rows, array![[[5.0_f32, 6.0], [1.0, 2.0]]].into_dyn().into());
    let columns = chosen(-1, array![1_i32].into_dyn().into()).unwrap();
    assert_eq!(columns, array![[2.0_f32], [4.0], [6.0]].into_dyn().into());
    let message = chosen(0, array![3_i64].into_dyn().into()).unwrap_err().to_string();
    assert!(message.contains("index 3 of 3 elements along axis 0"), "{message}");
}

#[test]
fn pads_repeat_as_often_as_they_must_and_crop_first() {
    let input: Tensor = array![0.0_f32, 1.0, 2.0].into_dyn().into();
    let padded = |mode: &str, pads: [i64; 2]| {
        run(
            "Pad",
            vec![text("mode", mode)],
            &input,
            array![pads[0], pads[1]].into_dyn().into(),
        )
    };
    for (mode, pads, want) in [
        ("reflect", [3, 2], array![1.0_f32, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]),
        ("wrap", [4, 0], array![2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0]),
        ("wrap", [2, -1], array![0.0, 1.0, 0.0, 1.0]),
        ("edge", [-1, 2], array![1.0, 2.0, 2.0, 2.0]),
    ] {
        assert_eq!(padded(mode, pads).unwrap(), want.into_dyn().into(), "{mode} {pads:?}");
    }
    let message = padded("edge", [-2, -1]).unwrap_err().to_string();
    assert!(message.contains("leave nothing of an extent of 3"), "{message}");
    let message = padded("wrap", [1 << 40, 0]).unwrap_err().to_string();
    assert!(message.contains("over the budget"), "{message}");
}

#[test]
fn many_known_indices_are_one_operator() {
    let input: Tensor = Array::from_shape_fn((2, 6), |(row, column)| (10 * row + column) as f32)
        .into_dyn()
        .into();
    let places: Vec<i64> = (0..65).map(|index| index * 2 % 6 - 6).collect();
    let got = run("Gather", vec![int("axis", 1)], &input, Array::from(places).into_dyn().into()).unwrap();
    let want = Array::from_shape_fn((2, 65), |(row, index)| (10 * row + index * 2 % 6) as f32);
    assert_eq!(got, want.into_dyn().into());
}

#[test]
fn inputs_of_every_type_are_moved_as_constants_are() {
    let table = array![[0_i64, 1, 2], [1, 0, 3]];
    let tables: [Tensor; 6] = [
        table.mapv(|x| x as f32).into(),
        table.clone().into(),
        table.mapv(|x| x as i32).into(),
        table.mapv(|x| x as u8).into(),
        table.mapv(|x| x as i8).into(),
        table.mapv(|x| x == 1).into(),
    ];
    let cases: [(&str, Vec<AttributeProto>, Tensor); 7] = [
        ("Gather", vec![int("axis", 1)], array![[-1_i64, 0], [1, 1]].into()),
        ("GatherND", vec![], array![[1_i64, -1], [0, 0], [0, 1]].into()),
        ("GatherND", vec![], array![[[1_i64]], [[0]]].into()),
        ("GatherND", vec![int("batch_dims", 1)], array![[2_i64], [-3]].into()),
        ("Tile", vec![], array![2_i64, 1].into()),
        ("Expand", vec![], array![2_i64, 1, 1].into()),
        ("Reshape", vec![], array![3_i64, -1].into()),
    ];
    for table in &tables {
        for (operator, attributes, constant) in &cases {
            let want = computed(operator, attributes.clone(), &[table.clone(), constant.clone()]).unwrap();
            let got = run(operator, attributes.clone(), table, constant.clone()).unwrap();
            assert_eq!(got, want, "{operator} of {}", table.dtype());
        }
    }
    let message = run("GatherND", vec![], &tables[0], array![[2_i64]].into())
        .unwrap_err()
        .to_string();
    assert!(message.contains("index 2 of 2 elements"), "{message}");
}

#[test]
fn tiles_of_every_type() {
    let table = || Tensor::from(array![[1_i8, 2]]);
    check(
        "Tile",
        vec![],
        &[table(), array![2_i64, 3].into()],
        array![[1_i8, 2, 1, 2, 1, 2], [1, 2, 1, 2, 1, 2]],
    );
    check("Tile", vec![], &[table(), array![1_i64, 1].into()], table());
    check(
        "Tile",
        vec![],
        &[table(), array![0_i64, 1].into()],
        ndarray::Array2::<i8>::zeros((0, 2)),
    );
    check_refusal("Tile", vec![], &[table(), array![2_i64].into()], "repeats [2]");
    check_refusal(
        "Tile",
        vec![],
        &[table(), array![i64::MAX, 2].into()],
        "more elements than can be counted",
    );
}

#[test]
fn floats_of_16_bits_are_read_from_either_field() {
    let halves = [f16::from_f32(0.1), f16::MAX];
    let want = Tensor::from(array![halves[0].to_f32(), 65504.0]);
    let identity = |constant: TensorProto| typed_output(&model(vec![node("Identity", &["w"], "y")], vec![constant]));
    assert_eq!(identity(initializer("w", ndarray::arr1(&halves))).unwrap(), want);
    let listed = |data_type, numbers: Vec<i32>| TensorProto {
        name: "w".to_owned(),
        dims: vec![numbers.len() as i64],
        data_type,
        int32_data: numbers,
        ..Default::default()
    };
    let bits = halves.map(|half| i32::from(half.to_bits())).to_vec();
    assert_eq!(identity(listed(10, bits)).unwrap(), want);
    let brain = half::bf16::from_f32(-3.0);
    assert_eq!(
        identity(listed(16, vec![brain.to_bits().into()])).unwrap(),
        array![-3.0_f32].into()
    );
    assert_eq!(identity(listed(2, vec![255])).unwrap(), array![255_u8].into());
    let message = identity(listed(2, vec![256])).unwrap_err().to_string();
    assert!(message.contains("an element 256, which is no UINT8"), "{message}");
}

#[test]
fn every_type_of_constant_is_an_output_as_it_is() {
    let tensors: [Tensor; 6] = [
        array![0.5_f32].into(),
        array![-(1_i64 << 53)].into(),
        array![i32::MIN].into(),
        array![255_u8].into(),
        array![-128_i8].into(),
        array![true].into(),
    ];
    for tensor in tensors {
        check("Identity", vec![], std::slice::from_ref(&tensor), tensor.clone());
    }
}

#[test]
fn values_of_bools_and_bytes_are_taken_as_bytes() {
    let proto = TensorProto {
        raw_data: Some(Bytes::from_static(&[0, 3])),
        data_type: 9,
        int64_data: vec![],
        ..numbers("w", &[0, 0])
    };
    let output = typed_output(&model(vec![node("Identity", &["w"], "y")], vec![proto])).unwrap();
    assert_eq!(output, array![false, true].into());
}

#[test]
fn parts_of_different_ranks_are_not_joined() {
    let parts = [array![[1_i64, 2]].into(), array![3_i64].into()];
    check_refusal("Concat", vec![int("axis", 1)], &parts, "which have not as many axes");
}
