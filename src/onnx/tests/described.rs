//! What a model says of itself before a graph is made.

use prost::Message;

use super::{AttributeProto, Model, Shapes, TensorProto, ints, model, node, numbers};

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
