//! Operators as opsets 1 to 6 have them.

use ndarray::{ArrayD, array};
use prost::Message;

use super::super::proto::{AttributeProto, ModelProto};
use super::{Model, OperatorSetIdProto, initializer, int, ints, model, node, output, refusal, text, typed_output};
use crate::tensor::Tensor;

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        f,
        kind: 1,
        ..Default::default()
    }
}

/// One operator of constants.
fn one(opset: i64, operator: &str, inputs: &[Tensor], attributes: &[AttributeProto]) -> ModelProto {
    let names = &["a", "b", "c", "d", "e"][..inputs.len()];
    let mut node = node(operator, names, "y");
    node.attribute = attributes.to_vec();
    let constants = names.iter().zip(inputs).map(|(name, input)| initializer(name, input.clone()));
    let mut model = model(vec![node], constants.collect());
    model.opset_import[0].version = opset;
    model
}

/// 0, 1, 2, ... in a shape.
fn counted(shape: &[usize]) -> ArrayD<f32> {
    let count = shape.iter().product::<usize>();
    ArrayD::from_shape_vec(shape, (0..count).map(|number| number as f32).collect()).unwrap()
}

#[test]
fn the_second_operand_broadcasts_from_an_axis_where_that_is_allowed() {
    let (left, right) = (counted(&[2, 3, 2]), array![10.0_f32, 20.0, 30.0].into_dyn());
    let inputs = [left.clone().into(), right.clone().into()];
    let [broadcast, axis] = [("broadcast", 1), ("axis", 1)].map(|(name, value)| int(name, value));
    let column = right.clone().into_shape_with_order(ndarray::IxDyn(&[3, 1])).unwrap();
    for operator in ["Add", "Mul", "Sub", "Div"] {
        let model = one(6, operator, &inputs, &[broadcast.clone(), axis.clone()]);
        let want = match operator {
            "Add" => &left + &column,
            "Mul" => &left * &column,
            "Sub" => &left - &column,
            _ => &left / &column,
        };
        let got = output(&model);
        assert!((&got - &want).iter().all(|off| off.abs() < 1e-6), "{operator}: {got}");
    }
    let last = [left.clone().into(), array![1.0_f32, 2.0].into_dyn().into()];
    let want = &left + &array![1.0_f32, 2.0].into_dyn();
    assert_eq!(
        output(&one(1, "Add", &last, &[broadcast.clone(), ints("consumed_inputs", &[0, 0])])),
        want
    );
    let message = refusal(&one(6, "Add", &last, &[]));
    assert!(
        message.contains("shapes [2, 3, 2] and [2] differ, and broadcast is not 1"),
        "{message}"
    );
    let matrix = [left.into(), counted(&[2, 2]).into()];
    let message = refusal(&one(6, "Add", &matrix, &[broadcast.clone(), int("axis", 2)]));
    assert!(message.contains("do not fit from axis 2 on"), "{message}");
    let message = refusal(&one(6, "Add", &inputs, &[broadcast]));
    assert!(message.contains("cannot be broadcast"), "{message}");
}

#[test]
fn comparisons_broadcast_so_as_well() {
    let inputs = [
        array![[1.0_f32, 5.0], [7.0, 1.0]].into_dyn().into(),
        array![2.0_f32, 6.0].into_dyn().into(),
    ];
    let less = one(1, "Less", &inputs, &[int("broadcast", 1), int("axis", 0)]);
    assert_eq!(typed_output(&less).unwrap(), array![[true, false], [false, true]].into());
}

#[test]
fn attributes_were_inputs_later() {
    let data = counted(&[2, 3]);
    let reshape = one(1, "Reshape", &[data.clone().into()], &[ints("shape", &[0, -1, 1])]);
    assert_eq!(output(&reshape), counted(&[2, 3, 1]));
    let tile = [data.clone().into(), array![2.0_f32].into(), array![1.0_f32].into()];
    let want = array![[0.0, 1.0, 2.0, 0.0, 1.0, 2.0], [3.0, 4.0, 5.0, 3.0, 4.0, 5.0]].into_dyn();
    assert_eq!(output(&one(1, "Tile", &tile, &[])), want);
    let pad = one(
        1,
        "Pad",
        &[data.clone().into()],
        &[ints("paddings", &[0, 1, 0, 0]), float("value", 9.0)],
    );
    assert_eq!(output(&pad), array![[9.0, 0.0, 1.0, 2.0], [9.0, 3.0, 4.0, 5.0]].into_dyn());
    let concat = one(1, "Concat", &[data.clone().into(), data.clone().into()], &[]);
    assert_eq!(output(&concat), want);
    let mut split = one(1, "Split", &[data.into(), array![1_i64, 2].into()], &[int("axis", 1)]);
    split.graph.as_mut().unwrap().node[0].output = vec!["first".to_owned(), "y".to_owned()];
    assert_eq!(output(&split), array![[1.0, 2.0], [4.0, 5.0]].into_dyn());
}

#[test]
fn types_and_modes_had_other_names() {
    let cast = one(1, "Cast", &[array![1.5_f32, -2.5].into()], &[text("to", "INT32")]);
    assert_eq!(typed_output(&cast).unwrap(), array![1_i32, -2].into());
    let message = refusal(&one(1, "Cast", &[array![1.5_f32].into()], &[text("to", "NUMBER")]));
    assert!(message.contains("Cast to \"NUMBER\", which is no element type"), "{message}");
    let attributes = [float("height_scale", 2.0), float("width_scale", 1.0), text("mode", "nearest")];
    let upsample = one(1, "Upsample", &[array![[[[1.0_f32, 2.0]]]].into()], &attributes);
    assert_eq!(output(&upsample), array![[[[1.0, 2.0], [1.0, 2.0]]]].into_dyn());
    let root = one(1, "GlobalLpPool", &[array![[[[3.0_f32, 4.0]]]].into()], &[float("p", 2.5)]);
    assert!(refusal(&root).contains("a p of 2.5"));
}

#[test]
fn a_slope_is_one_a_channel() {
    let inputs = [
        array![[[-1.0_f32, 1.0], [-1.0, -2.0]]].into_dyn().into(),
        array![2.0_f32, 3.0].into_dyn().into(),
    ];
    assert_eq!(
        output(&one(6, "PRelu", &inputs, &[])),
        array![[[-2.0, 1.0], [-3.0, -6.0]]].into_dyn()
    );
}

#[test]
fn training_is_refused() {
    let data = [counted(&[1, 2, 2]).into()];
    assert_eq!(output(&one(6, "Dropout", &data, &[int("is_test", 1)])), counted(&[1, 2, 2]));
    let message = refusal(&one(6, "Dropout", &data, &[]));
    assert!(message.contains("training: is_test is not 1"), "{message}");
    let [one_each, zero] = [1.0_f32, 0.0].map(|value| Tensor::from(array![value, value]));
    let inputs = [counted(&[1, 2, 2]).into(), one_each.clone(), zero.clone(), zero, one_each];
    let norm = |is_test| {
        one(
            6,
            "BatchNormalization",
            &inputs,
            &[int("is_test", is_test), float("epsilon", 0.0)],
        )
    };
    assert_eq!(output(&norm(1)), counted(&[1, 2, 2]));
    assert!(refusal(&norm(0)).contains("training"));
}

#[test]
fn statistics_may_be_those_of_single_elements() {
    let of = |values: [f32; 4]| Tensor::from(array![[values[0], values[1]], [values[2], values[3]]]);
    let inputs = [
        array![[[1.0_f32, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]].into(),
        of([1.0, 2.0, 1.0, 2.0]),
        of([0.0, 0.0, 10.0, 10.0]),
        of([1.0, 2.0, 3.0, 4.0]),
        of([1.0, 1.0, 4.0, 4.0]),
    ];
    let attributes = [int("is_test", 1), int("spatial", 0), float("epsilon", 0.0)];
    let norm = one(6, "BatchNormalization", &inputs, &attributes);
    let want = array![[[0.0, 0.0], [10.0, 10.0]], [[4.0, 8.0], [12.0, 14.0]]].into_dyn();
    assert_eq!(output(&norm), want);
}

#[test]
fn operators_that_were_on_trial_are_put_together() {
    let image = || [array![[[[1.0_f32, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]].into()];
    let of = |operator, attributes: &[AttributeProto]| output(&one(1, operator, &image(), attributes));
    let floats = |name: &str, values: &[f32]| AttributeProto {
        name: name.to_owned(),
        floats: values.to_vec(),
        kind: 6,
        ..Default::default()
    };
    let scaled = of("ImageScaler", &[float("scale", 2.0), floats("bias", &[1.0, -1.0])]);
    assert_eq!(
        scaled,
        array![[[[3.0, 5.0], [7.0, 9.0]], [[9.0, 11.0], [13.0, 15.0]]]].into_dyn()
    );
    let affine = of("Affine", &[float("alpha", 2.0), float("beta", 1.0)]);
    assert_eq!(affine[[0, 1, 1, 1]], 17.0);
    assert_eq!(of("Scale", &[float("scale", 3.0)])[[0, 0, 1, 0]], 9.0);
    let tanh = of("ScaledTanh", &[float("alpha", 2.0), float("beta", 0.5)]);
    assert!((tanh[[0, 0, 0, 1]] - 2.0 * 1.0_f32.tanh()).abs() < 1e-6, "{tanh}");
    let softplus = of("ParametricSoftplus", &[float("alpha", 2.0), float("beta", 0.5)]);
    assert!(
        (softplus[[0, 0, 0, 1]] - 2.0 * 1.0_f32.exp().ln_1p()).abs() < 1e-5,
        "{softplus}"
    );
    assert_eq!(
        of("Crop", &[ints("border", &[1, 0, 0, 1])]),
        array![[[[2.0]], [[6.0]]]].into_dyn()
    );
    let sized = of("Crop", &[ints("border", &[0, 1, 0, 0]), ints("scale", &[1, 2])]);
    assert_eq!(sized, array![[[[3.0, 4.0]], [[7.0, 8.0]]]].into_dyn());
    let message = refusal(&one(1, "Crop", &image(), &[ints("border", &[0, 3, 0, 0])]));
    assert!(
        message.contains("rows 3 to 2 and columns 0 to 2 of an image of 2 x 2"),
        "{message}"
    );
}

#[test]
fn the_first_files_name_no_version_of_the_operators() {
    let mut old = one(1, "Reshape", &[counted(&[2, 3]).into()], &[ints("shape", &[3, 2])]);
    old.opset_import.clear();
    assert!(refusal(&old).contains("no version"));
    old.ir_version = 2;
    assert_eq!(output(&old), counted(&[3, 2]));
    old.opset_import.push(OperatorSetIdProto {
        domain: "ai.onnx.ml".to_owned(),
        version: 1,
    });
    let error = Model::from_bytes(&old.encode_to_vec()).unwrap_err();
    assert!(matches!(error, crate::Error::Unsupported { .. }));
    assert!(error.to_string().contains("\"ai.onnx.ml\""), "{error}");
}
