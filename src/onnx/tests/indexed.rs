//! Elements by their places: the same whether data and indices are known when the model is read or come while it runs.

use std::sync::Arc;

use ndarray::{Array, arr0, array};
use prost::Message;

use super::super::proto::{AttributeProto, ModelProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto};
use super::{Model, Shapes, element, initializer, int, ints, model, node, text, value};
use crate::error::Result;
use crate::tensor::Tensor;
use crate::{Backend, Session};

/// One operator of inputs, of which those of `known` are initializers.
fn one(opset: i64, operator: &str, attributes: &[AttributeProto], inputs: &[Tensor], known: &[usize]) -> ModelProto {
    let names = ["a", "b", "c"];
    let mut node = node(operator, &names[..inputs.len()], "y");
    node.attribute = attributes.to_vec();
    let mut model = model(vec![node], vec![]);
    model.opset_import[0].version = opset;
    let graph = model.graph.get_or_insert_default();
    // An input that nothing reads, so that there is one.
    graph.input = vec![value("unused", &[1])];
    for (index, (name, tensor)) in names.iter().zip(inputs).enumerate() {
        if known.contains(&index) {
            graph.initializer.push(initializer(name, tensor.clone()));
        } else {
            graph.input.push(typed(name, tensor));
        }
    }
    model
}

fn typed(name: &str, tensor: &Tensor) -> ValueInfoProto {
    let dims: Vec<i64> = tensor.shape().iter().map(|&extent| extent as i64).collect();
    let shape: Option<TensorShapeProto> = value(name, &dims).kind.and_then(|kind| kind.tensor?.shape);
    let element = element::number(tensor.dtype());
    ValueInfoProto {
        name: name.to_owned(),
        kind: Some(TypeProto {
            tensor: Some(TensorTypeProto { element, shape }),
            ..Default::default()
        }),
    }
}

/// Makes a session of a model.
type Open = fn(&Arc<Model>) -> Result<Session>;

/// Of one graph for all of the model.
fn whole(model: &Arc<Model>) -> Result<Session> {
    Session::new(model.graph(&Shapes::new())?, &Backend::Reference)
}

/// Of a graph, and others once more is known.
fn staged(model: &Arc<Model>) -> Result<Session> {
    Session::from_model(Arc::clone(model), &Backend::Reference)
}

fn run(opset: i64, operator: &str, attributes: &[AttributeProto], inputs: &[Tensor], known: &[usize]) -> Result<Tensor> {
    run_by(whole, opset, operator, attributes, inputs, known)
}

fn run_by(
    open: Open,
    opset: i64,
    operator: &str,
    attributes: &[AttributeProto],
    inputs: &[Tensor],
    known: &[usize],
) -> Result<Tensor> {
    let bytes = one(opset, operator, attributes, inputs, known).encode_to_vec();
    let session = open(&Arc::new(Model::from_bytes(&bytes)?))?;
    let unused = Tensor::from(array![0.0_f32]);
    let changing = inputs.iter().enumerate().filter(|(index, _)| !known.contains(index));
    let given: Vec<&Tensor> = std::iter::once(&unused).chain(changing.map(|(_, input)| input)).collect();
    Ok(session.run_tensors(&given)?.swap_remove(0))
}

/// The ways in which some of so many inputs are known, all included.
fn known(count: usize) -> Vec<Vec<usize>> {
    let subset = |bits: usize| (0..count).filter(|index| bits >> index & 1 == 1).collect();
    (0..1 << count).map(subset).collect()
}

#[track_caller]
fn check(operator: &str, attributes: &[AttributeProto], inputs: &[Tensor], want: impl Into<Tensor>) {
    let want = want.into();
    for known in known(inputs.len()) {
        let got = run(18, operator, attributes, inputs, &known);
        assert_eq!(got.unwrap(), want, "{operator} with {known:?} known");
    }
}

/// As [`check`], of an operator that takes what is computed in a later stage.
#[track_caller]
fn check_staged(operator: &str, attributes: &[AttributeProto], inputs: &[Tensor], want: impl Into<Tensor>) {
    let want = want.into();
    for known in known(inputs.len()) {
        let got = run_by(staged, 26, operator, attributes, inputs, &known);
        assert_eq!(got.unwrap(), want, "{operator} with {known:?} known");
    }
}

#[track_caller]
fn check_refusal(operator: &str, attributes: &[AttributeProto], inputs: &[Tensor], part: &str) {
    for known in known(inputs.len()) {
        let message = run(18, operator, attributes, inputs, &known).unwrap_err().to_string();
        assert!(message.contains(part), "{operator} with {known:?} known: {message}");
    }
}

fn table() -> Tensor {
    array![[1_i32, 2, 3], [4, 5, 6]].into()
}

#[test]
fn elements_and_parts() {
    let at = Tensor::from(array![[0_i64, -1], [1, 0]]);
    let along = [int("axis", 1)];
    check("GatherElements", &along, &[table(), at.clone()], array![[1_i32, 3], [5, 4]]);
    check("GatherND", &[], &[table(), at], array![3_i32, 4]);
    check("GatherND", &[], &[table(), array![[1_i64]].into()], array![[4_i32, 5, 6]]);
    let batched = [table(), array![[2_i64], [0]].into()];
    check("GatherND", &[int("batch_dims", 1)], &batched, array![3_i32, 4]);
    let volume = Tensor::from(Array::from_shape_fn((2, 2, 3, 2), |(n, a, b, c)| {
        (((n * 2 + a) * 3 + b) * 2 + c) as u8
    }));
    let places = array![[[0_i64, 2], [-1, -3]], [[1, 1], [1, 0]]];
    let want = array![[[4_u8, 5], [6, 7]], [[20, 21], [18, 19]]];
    check("GatherND", &[int("batch_dims", 1)], &[volume, places.into()], want);
    // No place of the table, though one of its elements.
    check_refusal("GatherND", &[], &[table(), array![[0_i64, 3]].into()], "index");
    check_refusal("GatherND", &[], &[table(), array![[0_i64, -4]].into()], "index");
    check_refusal("GatherND", &[], &[table(), array![[0_i64, 0, 0]].into()], "[1, 3]");
    check_refusal("GatherElements", &along, &[table(), array![[3_i64]].into()], "index 3");
}

#[test]
fn updates() {
    let parts = [table(), array![[1_i64], [-2]].into(), array![[7_i32, 8, 9], [0, 0, 1]].into()];
    check("ScatterND", &[], &parts, array![[0_i32, 0, 1], [7, 8, 9]]);
    check(
        "ScatterND",
        &[text("reduction", "add")],
        &parts,
        array![[1_i32, 2, 4], [11, 13, 15]],
    );
    let elements = [table(), array![[1_i64, 2], [-1, -3]].into(), array![9_i32, -5].into()];
    check("ScatterND", &[], &elements, array![[1_i32, 2, 3], [-5, 5, 9]]);
    let twice = [
        table(),
        array![[0_i64, 0, 2], [1, 1, 1]].into(),
        array![[7_i32, 8, 9], [2, 3, 4]].into(),
    ];
    let along = |reduction: &str| [int("axis", 1), text("reduction", reduction)];
    check("ScatterElements", &along("none"), &twice, array![[8_i32, 2, 9], [4, 4, 6]]);
    check("ScatterElements", &along("add"), &twice, array![[16_i32, 2, 12], [4, 14, 6]]);
    check("ScatterElements", &along("mul"), &twice, array![[56_i32, 2, 27], [4, 120, 6]]);
    check("ScatterElements", &along("max"), &twice, array![[8_i32, 2, 9], [4, 5, 6]]);
    check("ScatterElements", &along("min"), &twice, array![[1_i32, 2, 3], [4, 2, 6]]);
    let outside = [table(), array![[0_i64, 3]].into(), array![1_i32].into()];
    check_refusal("ScatterND", &[], &outside, "index");
    check_refusal("ScatterND", &[text("reduction", "add")], &outside, "index");
    check_refusal(
        "ScatterND",
        &[],
        &[table(), array![[0_i64]].into(), array![7_i32].into()],
        "[1]",
    );
    let misshapen = [table(), array![[0_i64]].into(), array![[7_i32, 8]].into()];
    check_refusal("ScatterElements", &along("add"), &misshapen, "[1, 2]");
}

#[test]
fn one_hot_triangles_and_sequences() {
    let hot = |indices: Tensor| [indices, arr0(3_i64).into(), array![0_u8, 5].into()];
    let rows = array![[0_u8, 5, 0], [0, 0, 5], [0, 0, 0], [0, 0, 0]];
    let known_depth = |indices: Tensor, want: Tensor, attributes: &[AttributeProto]| {
        for known in [vec![1], vec![0, 1], vec![1, 2], vec![0, 1, 2]] {
            assert_eq!(run(18, "OneHot", attributes, &hot(indices.clone()), &known).unwrap(), want);
        }
    };
    known_depth(array![1_i64, -1, 7, -4].into(), rows.clone().into(), &[]);
    known_depth(array![1.5_f32, -1.0, 7.0, -4.0].into(), rows.clone().into(), &[]);
    known_depth(array![1_i32, -1, 7, -4].into(), rows.t().to_owned().into(), &[int("axis", 0)]);
    let message = run(18, "OneHot", &[], &hot(array![1_i64].into()), &[])
        .unwrap_err()
        .to_string();
    assert!(message.contains("input 1 is computed while the network runs"), "{message}");

    let square = Tensor::from(array![[1_i64, 2, 3], [4, 5, 6], [7, 8, 9]]);
    check(
        "Trilu",
        &[],
        std::slice::from_ref(&square),
        array![[1_i64, 2, 3], [0, 5, 6], [0, 0, 9]],
    );
    let below = [square, arr0(-1_i64).into()];
    check(
        "Trilu",
        &[int("upper", 0)],
        &below,
        array![[0_i64, 0, 0], [4, 0, 0], [7, 8, 0]],
    );
    let infinite = Tensor::from(array![[f32::INFINITY, 1.0], [f32::NAN, 2.0]]);
    check("Trilu", &[], &[infinite], array![[f32::INFINITY, 1.0], [0.0, 2.0]]);

    let by_time = [table(), array![2_i64, 1, 2].into()];
    check("ReverseSequence", &[], &by_time, array![[4_i32, 2, 6], [1, 5, 3]]);
    let by_batch = [table(), array![2_i64, 3].into()];
    let axes = [int("batch_axis", 0), int("time_axis", 1)];
    check("ReverseSequence", &axes, &by_batch, array![[2_i32, 1, 3], [6, 5, 4]]);
    check_refusal("ReverseSequence", &axes, &[table(), array![4_i64, 1].into()], "index");
    check_refusal("ReverseSequence", &axes, &[table(), array![1_i64].into()], "2 sequences");
}

#[test]
fn compressed_unpooled_and_padded() {
    let condition = Tensor::from(array![false, true]);
    for known in [vec![1], vec![0, 1]] {
        let rows = run(18, "Compress", &[int("axis", 0)], &[table(), condition.clone()], &known);
        assert_eq!(rows.unwrap(), array![[4_i32, 5, 6]].into());
        let elements = run(18, "Compress", &[], &[table(), condition.clone()], &known);
        assert_eq!(elements.unwrap(), array![2_i32].into());
    }
    let message = run(18, "Compress", &[], &[table(), condition], &[]).unwrap_err().to_string();
    assert!(message.contains("input 1 is computed while the network runs"), "{message}");
    let long = Tensor::from(array![false, false, true]);
    let message = run(18, "Compress", &[int("axis", 0)], &[table(), long], &[1])
        .unwrap_err()
        .to_string();
    assert!(message.contains("holds at 2 of 2 elements"), "{message}");

    let maxima = Tensor::from(array![[[5.0_f32, 6.0]], [[7.0, 8.0]]].insert_axis(ndarray::Axis(0)));
    let windows = [ints("kernel_shape", &[1, 2]), ints("strides", &[1, 2])];
    let places = |last: i64| Tensor::from(array![[[1_i64, 2]], [[4, last]]].insert_axis(ndarray::Axis(0)));
    let want = array![[[0.0_f32, 5.0, 6.0, 0.0]], [[7.0, 0.0, 0.0, 8.0]]].insert_axis(ndarray::Axis(0));
    let unpool = |last: i64| run(11, "MaxUnpool", &windows[..1], &[maxima.clone(), places(last)], &[]);
    assert!(unpool(7).unwrap_err().to_string().contains("index"));
    for known in known(2) {
        let unpooled = run(11, "MaxUnpool", &windows, &[maxima.clone(), places(7)], &known);
        assert_eq!(unpooled.unwrap(), want.clone().into());
    }
    // A place of another plane.
    let message = run(11, "MaxUnpool", &windows, &[maxima.clone(), places(3)], &[])
        .unwrap_err()
        .to_string();
    assert!(message.contains("index"), "{message}");

    let pads = |value: Tensor| [table(), array![1_i64, -1, 0, 2].into(), value];
    let padded = run(18, "Pad", &[], &pads(arr0(9_i32).into()), &[1, 2]).unwrap();
    assert_eq!(padded, array![[9_i32, 9, 9, 9], [2, 3, 9, 9], [5, 6, 9, 9]].into());
    let message = run(18, "Pad", &[], &pads(arr0(9_i64).into()), &[1, 2])
        .unwrap_err()
        .to_string();
    assert!(message.contains("a constant value of i64[]: expected one i32"), "{message}");
    let flags = [array![true, false].into(), array![1_i64, 0].into()];
    assert_eq!(run(18, "Pad", &[], &flags, &[1]).unwrap(), array![false, true, false].into());
    let edges = run(18, "Pad", &[text("mode", "edge")], &flags, &[1]).unwrap();
    assert_eq!(edges, array![true, true, false].into());
}

#[test]
fn losses_ignore_what_is_no_class() {
    let logarithms = Tensor::from(array![[-1.0_f32, f32::NEG_INFINITY], [-2.0, -4.0], [-3.0, f32::NAN]]);
    let targets = Tensor::from(array![0_i32, 1, 9]);
    let inputs = [logarithms, targets, array![0.5_f32, 0.25].into()];
    let of = |reduction: &str| [text("reduction", reduction), int("ignore_index", 9)];
    check("NegativeLogLikelihoodLoss", &of("none"), &inputs, array![0.5_f32, 1.0, 0.0]);
    check("NegativeLogLikelihoodLoss", &of("sum"), &inputs, arr0(1.5_f32));
    check("NegativeLogLikelihoodLoss", &of("mean"), &inputs, arr0(2.0_f32));
    check("NegativeLogLikelihoodLoss", &of("mean"), &inputs[..2], arr0(2.5_f32));
    check_refusal("NegativeLogLikelihoodLoss", &of("median"), &inputs, "reduction \"median\"");
    check_refusal("NegativeLogLikelihoodLoss", &[], &inputs, "index 9");
    let short = [inputs[0].clone(), array![0_i64].into()];
    check_refusal(
        "SoftmaxCrossEntropyLoss",
        &[],
        &short,
        "targets of shape [1] for scores of shape [3, 2]",
    );
}

#[test]
fn different_elements_are_counted() {
    let of = |attributes: &[AttributeProto], output: usize, input: Tensor| {
        let mut model = one(18, "Unique", attributes, &[input], &[0]);
        let graph = model.graph.get_or_insert_default();
        let mut outputs = ["p", "q", "r", "s"];
        outputs[output] = "y";
        graph.node[0].output = outputs.map(str::to_owned).to_vec();
        let graph = Model::from_bytes(&model.encode_to_vec())
            .unwrap()
            .graph(&Shapes::new())
            .unwrap();
        let session = Session::new(graph, &Backend::Reference).unwrap();
        let unused = Tensor::from(array![0.0_f32]);
        session.run_tensors(&[&unused]).unwrap().swap_remove(0)
    };
    let numbers = || Tensor::from(array![[2.0_f32, 1.0, 2.0], [f32::INFINITY, -1.0, 1.0]]);
    assert_eq!(of(&[], 0, numbers()), array![-1.0_f32, 1.0, 2.0, f32::INFINITY].into());
    assert_eq!(of(&[], 1, numbers()), array![4_i64, 1, 0, 3].into());
    assert_eq!(of(&[], 2, numbers()), array![2_i64, 1, 2, 3, 0, 1].into());
    assert_eq!(of(&[], 3, numbers()), array![1_i64, 2, 2, 1].into());
    let unsorted = [int("sorted", 0)];
    assert_eq!(of(&unsorted, 0, numbers()), array![2.0_f32, 1.0, f32::INFINITY, -1.0].into());
    let nan = || Tensor::from(array![f32::NAN, 3.0, f32::NAN]);
    assert_eq!(of(&[], 2, nan()), array![1_i64, 0, 1].into());
    let rows = || Tensor::from(array![[1_u8, 2], [1, 1], [1, 2]]);
    assert_eq!(of(&[int("axis", 0)], 0, rows()), array![[1_u8, 1], [1, 2]].into());
    assert_eq!(of(&[int("axis", -1)], 3, rows()), array![1_i64, 1].into());
}

/// ONNX Runtime's answer for regions that overlap the images' edges, lie outside, and have parts that overlap.
#[test]
fn maxima_of_regions() {
    let images = Array::from_shape_fn((2, 2, 4, 5), |(n, c, h, w)| {
        ((((n * 2 + c) * 4 + h) * 5 + w) * 37 % 83) as f32 - 40.0
    });
    let regions = array![
        [1.0_f32, 1.0, 0.0, 7.0, 5.0],
        [0.0, 4.0, 2.0, 4.0, 2.0],
        [1.0, -9.0, 3.0, 3.0, 20.0],
        [0.0, 20.0, 20.0, 30.0, 30.0],
    ];
    let of_region = [
        [39, 39, 30, 40, 31, 31, 32, 32, 23, 33, 24, 42],
        [-30, -30, -30, -30, -30, -30, -37, -37, -37, -37, -37, -37],
        [0, 3, 40, 0, 0, 0, 0, -4, 33, 0, 0, 0],
        [0; 12],
    ];
    let want = Array::from_shape_fn((4, 2, 2, 3), |(k, c, h, w)| of_region[k][(c * 2 + h) * 3 + w] as f32);
    let scale = AttributeProto {
        name: "spatial_scale".to_owned(),
        f: 0.5,
        kind: 1,
        ..Default::default()
    };
    let attributes = [ints("pooled_shape", &[2, 3]), scale];
    let inputs = |regions: Array<f32, _>| [Tensor::from(images.clone()), Tensor::from(regions)];
    check_staged("MaxRoiPool", &attributes, &inputs(regions), want);
    let beyond = inputs(array![[2.0, 0.0, 0.0, 1.0, 1.0]]);
    for known in known(2) {
        let message = run_by(staged, 26, "MaxRoiPool", &attributes, &beyond, &known)
            .unwrap_err()
            .to_string();
        assert!(message.contains("a region of image 2, where there are 2"), "{message}");
    }
}

#[test]
fn powers_have_the_bases_type() {
    check_staged(
        "Pow",
        &[],
        &[array![1, 2, 3].into(), array![4.0_f32, 5.0, 6.0].into()],
        array![1, 32, 729],
    );
    check_staged(
        "Pow",
        &[],
        &[array![-2_i64, 3].into(), array![3_i64, 4].into()],
        array![-8_i64, 81],
    );
    check_staged(
        "Pow",
        &[],
        &[array![-2_i64, 3].into(), arr0(5_i64).into()],
        array![-32_i64, 243],
    );
    check_staged(
        "Pow",
        &[],
        &[array![1.5_f32, -2.0].into(), array![2_i64, 3].into()],
        array![2.25_f32, -8.0],
    );
}

#[test]
fn bits_of_floats() {
    let (floats, bits) = (array![1.0_f32, -0.0, 1e-45], array![0x3f80_0000, i32::MIN, 1]);
    check_staged("BitCast", &[int("to", 6)], &[floats.clone().into()], bits.clone());
    check_staged("BitCast", &[int("to", 1)], &[bits.into()], floats);
}
