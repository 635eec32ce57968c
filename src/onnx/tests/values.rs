//! What is computed while the graph is built, where ONNX's answer is easily missed.

use super::super::Shapes;
use super::super::proto::{ModelProto, NodeProto, TensorProto};
use super::{int, model, node, numbers, output, refusal, value};

const UINT8: i32 = 2;
const INT8: i32 = 3;
const BOOL: i32 = 9;

/// Casts what nodes give to `f32` as the output.
fn cast_to_float(mut nodes: Vec<NodeProto>, last: &str, initializers: Vec<TensorProto>) -> ModelProto {
    let mut cast = node("Cast", &[last], "y");
    cast.attribute = vec![int("to", 1)];
    nodes.push(cast);
    model(nodes, initializers)
}

#[test]
fn slices_of_constants_are_onnxs() {
    let taken = |start, end, step| {
        let lists = vec![
            numbers("c", &[10, 11, 12, 13, 14]),
            numbers("s", &[start]),
            numbers("e", &[end]),
            numbers("a", &[-1]),
            numbers("t", &[step]),
        ];
        let slice = node("Slice", &["c", "s", "e", "a", "t"], "p");
        output(&cast_to_float(vec![slice], "p", lists))
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(taken(1, 4, 1), [11.0, 12.0, 13.0]);
    assert_eq!(taken(0, i64::MAX, 2), [10.0, 12.0, 14.0]);
    assert_eq!(taken(1, i64::MAX, 3), [11.0, 14.0]);
    assert_eq!(taken(-1, i64::MIN, -1), [14.0, 13.0, 12.0, 11.0, 10.0]);
    assert_eq!(taken(9, 0, -2), [14.0, 12.0]);
    assert_eq!(taken(3, i64::MIN, i64::MIN), [13.0]);
    assert_eq!(taken(3, 5, i64::MAX), [13.0]);
    // ONNX clamps to the first place; numpy takes nothing.
    assert_eq!(taken(-9, i64::MIN, -1), [10.0]);
}

#[test]
fn slices_of_constants_along_two_axes() {
    let table = TensorProto {
        dims: vec![2, 3],
        ..numbers("c", &[0, 1, 2, 3, 4, 5])
    };
    let lists = |axes: &[i64]| {
        vec![
            table.clone(),
            numbers("s", &[-1, 0]),
            numbers("e", &[i64::MIN, 1]),
            numbers("a", axes),
            numbers("t", &[-2, 1]),
        ]
    };
    let slice = || vec![node("Slice", &["c", "s", "e", "a", "t"], "p")];
    let got = output(&cast_to_float(slice(), "p", lists(&[1, 0])));
    assert_eq!(got, ndarray::array![[2.0, 0.0]].into_dyn());
    let message = refusal(&cast_to_float(slice(), "p", lists(&[1, -1])));
    assert!(message.contains("axis 1 twice"), "{message}");
}

#[test]
fn casts_to_a_tensors_type_keep_its_width() {
    let real = |value: f32| TensorProto {
        name: "v".to_owned(),
        dims: vec![1],
        data_type: 1,
        float_data: vec![value],
        ..Default::default()
    };
    let like = |data_type| TensorProto {
        name: "l".to_owned(),
        dims: vec![1],
        data_type,
        int32_data: vec![1],
        ..Default::default()
    };
    let cast = |value, like| {
        let nodes = vec![node("CastLike", &["v", "l"], "c")];
        output(&cast_to_float(nodes, "c", vec![value, like]))[[0]]
    };
    assert_eq!(cast(real(0.5), like(BOOL)), 1.0);
    assert_eq!(cast(real(0.0), like(BOOL)), 0.0);
    assert_eq!(cast(numbers("v", &[5]), like(BOOL)), 1.0);
    assert_eq!(cast(numbers("v", &[300]), like(UINT8)), 44.0);
    assert_eq!(cast(numbers("v", &[200]), like(INT8)), -56.0);
    assert_eq!(cast(real(2.5), numbers("l", &[1])), 2.0);
    assert_eq!(
        cast(
            numbers("v", &[3]),
            TensorProto {
                name: "l".to_owned(),
                ..real(1.0)
            }
        ),
        3.0
    );
    let nodes = vec![node("Shape", &["x"], "l"), node("CastLike", &["v", "l"], "c")];
    assert_eq!(output(&cast_to_float(nodes, "c", vec![real(2.5)]))[[0]], 2.0);
}

#[test]
fn casts_to_the_type_of_an_input_with_a_value() {
    let nodes = vec![node("CastLike", &["v", "l"], "c")];
    let mut model = cast_to_float(nodes, "c", vec![numbers("v", &[300])]);
    let mut like = value("l", &[1]);
    like.kind.as_mut().unwrap().tensor.as_mut().unwrap().element = UINT8;
    let graph = model.graph.as_mut().unwrap();
    graph.input = vec![like];
    let model = super::Model::from_bytes(&prost::Message::encode_to_vec(&model)).unwrap();
    let graph = model.graph(&Shapes::new().value("l", ndarray::arr1(&[0_u8]))).unwrap();
    let session = crate::Session::new(graph, &crate::Backend::Reference).unwrap();
    assert_eq!(session.run(&[]).unwrap()[0], ndarray::array![44.0_f32].into_dyn());
}

#[test]
fn the_last_word_on_an_input_holds() {
    let value = || ndarray::arr1(&[4_i64, 24]).into_dyn();
    let shape = Shapes::new().input("s", [2]);
    assert_eq!(Shapes::new().value("s", value()).input("s", [2]), shape);
    assert_eq!(shape.value("s", value()), Shapes::new().value("s", value()));
}
