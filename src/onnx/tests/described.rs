//! What a model says of itself before a graph is made.

use prost::Message;

use super::{AttributeProto, Model, OperatorSetIdProto, Shapes, TensorProto, ints, model, node, numbers, refusal, value};

#[test]
fn parameters_are_counted_wherever_they_stand() {
    let mut constant = node("Constant", &[], "w");
    constant.attribute.push(AttributeProto {
        name: "value".to_owned(),
        t: Some(Box::new(TensorProto {
            dims: vec![2, 3],
            data_type: 1,
            float_data: vec![0.5; 6],
            ..Default::default()
        })),
        kind: 4,
        ..Default::default()
    });
    let mut list = node("Constant", &[], "b");
    list.attribute.push(AttributeProto {
        name: "value_floats".to_owned(),
        floats: vec![1.0, 2.0],
        kind: 6,
        ..Default::default()
    });
    let mut axes = node("Constant", &[], "axes");
    axes.attribute.push(ints("value_ints", &[0, 1, 2]));
    let model = model(
        vec![constant, list, axes, node("Relu", &["x"], "y")],
        vec![numbers("shape", &[1, 2])],
    );
    assert_eq!(Model::from_bytes(&model.encode_to_vec()).unwrap().parameters(), 8);
}

#[test]
fn a_shape_that_does_not_fit_is_refused_axis_by_axis() {
    let model = Model::from_bytes(&model(vec![node("Relu", &["x"], "y")], vec![]).encode_to_vec()).unwrap();
    let refusal = |shape: &[usize]| model.graph(&Shapes::new().input("x", shape)).unwrap_err().to_string();
    let message = refusal(&[1, 6, 8, 2]);
    assert!(
        message.contains("input x [1, 2, 6, 8] cannot have shape [1, 6, 8, 2]: expected 2 at axis 1, but got 6"),
        "{message}"
    );
    let message = refusal(&[6, 8, 2]);
    assert!(message.contains("expected 4 axes, but got 3"), "{message}");
}

#[test]
fn an_extent_of_minus_one_is_open() {
    let mut open = model(vec![node("Relu", &["x"], "y")], vec![]);
    open.graph.as_mut().unwrap().input = vec![value("x", &[-1, 2, 6, 8])];
    let read = Model::from_bytes(&open.encode_to_vec()).unwrap();
    assert_eq!(read.inputs()[0].to_string(), "x [?, 2, 6, 8]");
    open.graph.as_mut().unwrap().input = vec![value("x", &[-2, 2, 6, 8])];
    let message = refusal(&open);
    assert!(message.contains("an extent of -2"), "{message}");
}

#[test]
fn a_version_may_be_given_again_but_not_another() {
    let mut again = model(vec![node("Relu", &["x"], "y")], vec![]);
    let import = |version| OperatorSetIdProto {
        domain: "ai.onnx".to_owned(),
        version,
    };
    again.opset_import.push(import(13));
    assert_eq!(Model::from_bytes(&again.encode_to_vec()).unwrap().opset(), 13);
    again.opset_import.push(import(14));
    let message = refusal(&again);
    assert!(
        message.contains("two versions of ONNX's operators are given: 13 and 14"),
        "{message}"
    );
}
